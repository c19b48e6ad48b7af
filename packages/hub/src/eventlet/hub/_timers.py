"""Timers: a list of the newest, and two places for those that live to be looked at.

Most timers are timeouts, and most timeouts are cancelled long before they are due. So a new timer
only goes to the end of a list, and the queue notes the soonest deadline of all. Cancelling the
newest takes it off again, which leaves no trace. Nobody looks at the list before that deadline,
unless the hub has nothing to do and wants to know for how long.

Then the survivors are sorted in: a few of them one by one, into a heap of ``(deadline, sequence,
timer)``; many of them at once into a list, together with all that is there. To sort and to take
from the end is several times as fast as to push and to pop. What is in the heap is always newer
than what is in that list, so that equal deadlines fire in the order in which they were set.

A timer that was cancelled later stays where it is, marked dead, and is dropped when it comes up, or
with all the others when the dead outnumber the living. A finalizer may come to that at any moment,
so `TimerQueue._clean` makes new lists: whoever is at work on an old one may finish.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush
from itertools import count
from operator import attrgetter
from typing import Any, Protocol

# The point in time that never comes: when there is no timer, or a wait has no limit.
NEVER = math.inf

# Below this many dead timers a clean-up costs more than the memory it frees.
_DEAD_WORTH_CLEANING = 64

# The newest are sorted together with all others if they are this many, and this part of them.
_MANY = 64
_PART = 8

_deadline = attrgetter("deadline")


def _negative_deadline(timer: Entry) -> float:
    return -timer.deadline


class Entry(Protocol):
    """What a `TimerQueue` holds.

    It sets itself by going to the end of the newest and lowering the soonest deadline.

    Attributes:
        deadline: when it is due, in seconds on the hub's clock.
        pending: whether it is still to come.
    """

    deadline: float
    pending: bool

    def cancel(self) -> None:
        """Make it not pending, and tell the queue."""

    def take(self) -> tuple[Callable[..., object] | None, tuple[Any, ...]]:
        """Return what is to be called (None if cancelled) and with what; it is spent."""


class Timer:
    """A call that is due once.

    Made by `Hub.call_later` and its relatives; it is set as soon as it is made.

    Attributes:
        deadline: when it is due, in seconds on the hub's clock.
        pending: whether the call is still to be made.
    """

    __slots__ = ("_queue", "args", "callback", "deadline", "pending")

    deadline: float
    pending: bool
    callback: Callable[..., object] | None
    args: tuple[Any, ...]
    _queue: TimerQueue

    def cancel(self) -> None:
        """Drop the call if it has not been made yet; harmless at any time after."""
        if self.pending:
            self.take()
            self._queue.discard(self)

    def take(self) -> tuple[Callable[..., object] | None, tuple[Any, ...]]:
        """Return the callback (None if cancelled) and its arguments; the timer is spent."""
        callback, args = self.callback, self.args
        self.pending = False
        self.callback = None
        self.args = ()
        return callback, args

    def __repr__(self) -> str:
        state = f"calls {self.callback!r}" if self.pending else "spent"
        return f"<Timer at {self.deadline:.6f} {state}>"


def set_timer(
    queue: TimerQueue, deadline: float, callback: Callable[..., object], args: tuple[Any, ...]
) -> Timer:
    """Return a timer that calls ``callback(*args)``; it is set already."""
    # Setting the slots from here takes half the time of an ``__init__``.
    timer = Timer()
    timer.deadline = deadline
    timer.pending = True
    timer.callback = callback
    timer.args = args
    timer._queue = queue
    queue.newest.append(timer)
    if deadline < queue.soonest:
        queue.soonest = deadline
    return timer


class TimerQueue:
    """The timers of one hub. Not safe to use from other native threads.

    Attributes:
        soonest: no timer is due before; `NEVER` if there is none.
        newest: those that nobody has looked at yet, in the order in which they were set.
    """

    __slots__ = ("_dead", "_heap", "_run", "_sequence", "newest", "soonest")

    def __init__(self) -> None:
        self.soonest = NEVER
        self.newest: list[Entry] = []
        # The first to fire is at the end.
        self._run: list[Entry] = []
        self._heap: list[tuple[float, int, Entry]] = []
        self._sequence = count()
        # How many entries stand for cancelled timers, for no more than to know when to clean up.
        self._dead = 0

    def discard(self, timer: Entry) -> None:
        """Forget a timer that has just been cancelled."""
        newest = self.newest
        if newest and newest[-1] is timer:
            newest.pop()
            return
        self._dead += 1
        entries = len(self._heap) + len(self._run) + len(newest)
        if self._dead > _DEAD_WORTH_CLEANING and self._dead > entries // 2:
            self._clean()

    def __len__(self) -> int:
        """The number of timers that are still to fire; counted anew each time."""
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[Entry]:
        """Yield the timers that are still to fire, in no particular order."""
        timers = [*self.newest, *self._run, *(entry[2] for entry in self._heap)]
        return (timer for timer in timers if timer.pending)

    def first(self) -> Entry | None:
        """Return the living timer that is due first, or None if there is none."""
        self._sort_in()
        run, heap = self._run, self._heap
        while run and not run[-1].pending:
            run.pop()
            self._dead -= 1
        while heap and not heap[0][2].pending:
            heappop(heap)
            self._dead -= 1
        found = run[-1] if run else None
        if heap and (found is None or heap[0][0] < found.deadline):
            found = heap[0][2]
        self.soonest = NEVER if found is None else found.deadline
        return found

    def take_due(self, now: float) -> list[Entry]:
        """Take the timers that are due at `now`, the first to fire first."""
        self._sort_in()
        run, heap = self._run, self._heap
        where = bisect_left(run, -now, key=_negative_deadline)
        due = run[where:]
        del run[where:]
        due.reverse()
        if heap and heap[0][0] <= now:
            while heap and heap[0][0] <= now:
                due.append(heappop(heap)[2])
            due.sort(key=_deadline)
        self.first()
        return due

    def clear(self) -> None:
        """Cancel every timer."""
        timers = list(self)
        self.newest, self._run, self._heap = [], [], []
        self.soonest = NEVER
        self._dead = 0
        for timer in timers:
            timer.take()

    def _sort_in(self) -> None:
        if not self.newest:
            return
        newest, self.newest = self.newest, []
        living = [timer for timer in newest if timer.pending]
        self._dead -= len(newest) - len(living)
        if len(living) < max(_MANY, (len(self._run) + len(self._heap)) // _PART):
            for timer in living:
                entry = (timer.deadline, next(self._sequence), timer)
                heappush(self._heap, entry)
        else:
            every = [*reversed(self._run), *(entry[2] for entry in sorted(self._heap)), *living]
            every.sort(key=_deadline)
            every.reverse()
            self._run, self._heap = every, []

    def _clean(self) -> None:
        self._dead = 0
        self.newest = [timer for timer in self.newest if timer.pending]
        self._run = [timer for timer in self._run if timer.pending]
        heap = [entry for entry in self._heap if entry[2].pending]
        heapify(heap)
        self._heap = heap
