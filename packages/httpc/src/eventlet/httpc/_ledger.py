"""Who has which connection, and who is next: the decisions of a pool, without any I/O.

A *slot* is the right to have one connection to one origin. Slots are counted for each origin and
in all; an idle connection keeps its slot. Whoever finds none stands in a line: that of the origin
if the origin is what is full, the common one if only the total is. Each line is in the order of
arrival, and a slot that comes free goes to the earlier of the two heads that could use it. So
nobody is overtaken by a later one who wants the same, and an origin with a long line cannot
starve the others: an idle connection, and one that has just been given back, makes room for an
earlier request elsewhere.

Invariant: nobody stands in a line while a slot that they could use is free or idle.
"""

from __future__ import annotations

from bisect import insort
from collections import OrderedDict
from collections.abc import Callable, Hashable
from itertools import count
from operator import attrgetter
from typing import Generic, Protocol, TypeVar

from ._options import Limits


class Keyed(Protocol):
    """A connection as far as the ledger looks at it."""

    @property
    def key(self) -> Hashable:
        """What it leads to."""


C = TypeVar("C", bound=Keyed)


class Turn(Generic[C]):
    """A place in a line.

    Arguments:
        key: what a connection is wanted to.
        number: the order of arrival.
        wake: called once with a connection, or with None for a free slot; returns whether
            anybody is still there to take it.
    """

    __slots__ = ("key", "number", "wake")

    def __init__(self, key: Hashable, number: int, wake: Callable[[C | None], bool]) -> None:
        self.key = key
        self.number = number
        self.wake = wake


class _Place(Generic[C]):
    """One origin: its slots in use or idle, its idle connections, and its line.

    `elsewhere` counts its turns in the common line. As long as anybody stands in its own line,
    slots and these turns together use up all that the origin may have.
    """

    __slots__ = ("elsewhere", "idle", "line", "slots")

    def __init__(self) -> None:
        self.slots = 0
        self.elsewhere = 0
        self.idle: list[C] = []
        self.line: list[Turn[C]] = []


_by_number = attrgetter("number")


class Ledger(Generic[C]):
    """The slots of one pool.

    Arguments:
        limits: how many there are.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._places: dict[Hashable, _Place[C]] = {}
        self._idle: OrderedDict[C, None] = OrderedDict()  # the oldest first
        self._line: list[Turn[C]] = []
        self._numbers = count()
        self.slots = 0
        self.waiting = 0

    @property
    def idle(self) -> int:
        """The number of idle connections."""
        return len(self._idle)

    def take_idle(self, key: Hashable) -> C | None:
        """Take the idle connection to `key` that was used last, if there is one."""
        place = self._places.get(key)
        if place is None or not place.idle:
            return None
        connection = place.idle.pop()
        del self._idle[connection]
        return connection

    def take_slot(self, key: Hashable) -> tuple[bool, C | None]:
        """Take a free slot for a connection to `key`, perhaps from an idle one elsewhere.

        Returns:
            Whether there was one, and the connection to close for it, if any.
        """
        place = self._place(key)
        if place.slots >= self._limits.max_per_host:
            return False, None
        victim = None
        if self.slots >= self._limits.max_connections:
            victim = self._pop_oldest()
            if victim is None:
                self._forget_if_empty(key, place)
                return False, None
        self.slots += 1
        place.slots += 1
        return True, victim

    def stand_in_line(self, key: Hashable, wake: Callable[[C | None], bool]) -> Turn[C]:
        """Wait for a connection or a slot; only after `take_slot` has found none."""
        place = self._place(key)
        turn: Turn[C] = Turn(key, next(self._numbers), wake)
        place.line.append(turn)
        self.waiting += 1
        self._settle(place)
        return turn

    def leave_line(self, turn: Turn[C]) -> None:
        """Stop waiting; harmless for one whose turn has come."""
        place = self._place(turn.key)
        if turn in place.line:
            place.line.remove(turn)
            self.waiting -= 1
        elif turn in self._line:
            self._line.remove(turn)
            self.waiting -= 1
            place.elsewhere -= 1
            self._settle(place)
        self._forget_if_empty(turn.key, place)

    def give_back(self, connection: C) -> C | None:
        """Take back a connection that can be used again; return one to close, if any."""
        if self.waiting:
            return self._pass_on(connection)
        return self._keep(connection)

    def give_back_slot(self, key: Hashable) -> None:
        """Take back a slot whose connection is closed, or was never made."""
        self._free(key)
        while self.waiting and self._grant_slot(key):
            pass

    def oldest_idle(self) -> C | None:
        """Return the connection that has been idle for longest, if any is."""
        return next(iter(self._idle), None)

    def retire(self, connection: C) -> None:
        """Give up the slot of an idle connection."""
        del self._idle[connection]
        self._places[connection.key].idle.remove(connection)
        self.give_back_slot(connection.key)

    def retire_all(self) -> list[C]:
        """Give up the slots of all idle connections, and return these."""
        idle = list(self._idle)
        for connection in idle:
            self.retire(connection)
        return idle

    # Decisions

    def _pass_on(self, connection: C) -> C | None:
        key = connection.key
        while True:
            turn = self._next_turn(key)
            if turn is None:
                return self._keep(connection)
            if turn.key != key:
                # Somebody elsewhere was here earlier. Closing this one makes room for them.
                self._put_back(turn)
                self.give_back_slot(key)
                return connection
            if turn.wake(connection):
                return None

    def _grant_slot(self, key: Hashable) -> bool:
        """Wake the next in line if there is a slot for them; `key` is where one came free."""
        turn = self._next_turn(key)
        if turn is None:
            return False
        place = self._place(turn.key)
        self.slots += 1
        place.slots += 1
        if turn.wake(None):
            return False  # one slot, one turn
        self._free(turn.key)
        return True

    def _next_turn(self, key: Hashable) -> Turn[C] | None:
        """Take the earliest turn that a slot of `key`, or one made of it, would serve."""
        own = self._place(key)
        if not self._line and not own.line:
            return None
        self.waiting -= 1
        if not own.line or (self._line and self._line[0].number < own.line[0].number):
            return self._pop_common()
        return own.line.pop(0)

    def _pop_common(self) -> Turn[C]:
        turn = self._line.pop(0)
        self._place(turn.key).elsewhere -= 1
        return turn

    def _join_common(self, turn: Turn[C]) -> None:
        insort(self._line, turn, key=_by_number)
        self._place(turn.key).elsewhere += 1

    def _put_back(self, turn: Turn[C]) -> None:
        self._join_common(turn)
        self.waiting += 1

    def _settle(self, place: _Place[C]) -> None:
        """Move those to the common line who don't wait for their own origin any more."""
        while place.line and place.slots + place.elsewhere < self._limits.max_per_host:
            self._join_common(place.line.pop(0))

    def _keep(self, connection: C) -> C | None:
        self._places[connection.key].idle.append(connection)
        self._idle[connection] = None
        if len(self._idle) <= self._limits.keepalive:
            return None
        oldest = next(iter(self._idle))
        self.retire(oldest)
        return oldest

    def _free(self, key: Hashable) -> None:
        place = self._places[key]
        self.slots -= 1
        place.slots -= 1
        if place.line:
            self._settle(place)
        self._forget_if_empty(key, place)

    def _pop_oldest(self) -> C | None:
        if not self._idle:
            return None
        connection, _ = self._idle.popitem(last=False)
        self._places[connection.key].idle.remove(connection)
        self._free(connection.key)
        return connection

    def _place(self, key: Hashable) -> _Place[C]:
        place = self._places.get(key)
        if place is None:
            place = self._places[key] = _Place()
        return place

    def _forget_if_empty(self, key: Hashable, place: _Place[C]) -> None:
        if not (place.slots or place.line or place.elsewhere):
            self._places.pop(key, None)
