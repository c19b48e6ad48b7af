"""Lines: those who wait for something, first come, first served, from any native thread.

Everything in this package that makes somebody wait is a *store* of what there is to be had (items,
permits, room, the outcome of an event) and a *line* of those who want more than there is. All of
it rests on three rules.

**Nobody is overlooked.** A store is a deque or a list, whose ``append`` and ``pop`` are atomic. So
the common case, where there is something to take and nobody waits, needs no lock at all. Whoever
adds to the store looks at the line *afterwards*; whoever enters the line looks at the store
*afterwards*. Whatever the order in which two native threads do that, one of them sees both.

**A wake is decided once.** Anybody may enter a line at its end, but a ticket is taken out only
under the guard, or by the waiter's own native thread. To take one out is to claim who waits with
it: what it is handed is written on the ticket before the guard is released, or before anything
else runs in that native thread. One who gives up, because time has passed or because it was
killed, goes through the guard too: either its ticket is still in the line and leaves with nothing,
or it has been claimed and the wait succeeds, with the kill left pending for the next one. So
nothing is ever handed to nobody. In the waiter's own native thread we even know whether something
else has woken it before it has run again, and pass over it.

**Each is woken by its own hub.** In the same native thread that is an entry in the ready queue, in
another one a call that is sent to the hub there.

The guard is a native lock, held for a few instructions and never while switching. It is a
re-entrant one on purpose: a finalizer or a signal handler can run between any two of these
instructions and use the same object. It must find the books in order, not a lock that its own
native thread will never release; hence every step here leaves them in order. What such a handler
must not do is wait.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sized
from typing import Any, Protocol

from greenlet import getcurrent

from eventlet.hub import Deadlock

from ._scheduler import (
    NEVER,
    Fiber,
    RLock,
    current_fiber,
    deadline_after,
    get_ident,
    park,
    park_until,
    raise_pending,
)


class Owner(Protocol):
    """An object that has lines."""

    def _hand_over(self) -> None:
        """Serve those in line as far as there is something for them."""

    def _put_back(self, item: Any) -> None:
        """Take back what was handed to somebody who turned out not to receive it."""


class Ticket:
    """A place in a line, and what its holder is handed there.

    Attributes:
        fiber: who waits; None for an entry that nobody waits with.
        owner: what it waits for.
        item: what it is handed, or what it has come to hand over.
        done: whether it has been handed over.
    """

    __slots__ = ("done", "fiber", "item", "owner")

    fiber: Fiber | None
    owner: Owner
    item: Any
    done: bool

    def is_waiting(self) -> bool:
        """Whether the holder can still be woken with this ticket, as far as one can know here."""
        fiber = self.fiber
        if fiber is None:
            return True
        hub = fiber.hub
        if hub.ident != get_ident():
            return not hub.destroyed
        # The second: one that is just entering the line, and was interrupted by a finalizer or a
        # signal handler, which is us.
        return fiber.parked is self or fiber is getcurrent()

    def settle(self, item: Any) -> None:
        """Hand over `item` and wake the holder; the ticket has been claimed."""
        self.item = item
        self.done = True
        fiber = self.fiber
        if fiber is None:
            return
        if fiber.parked is self and fiber.hub.ident == get_ident():
            fiber.parked = None
            fiber.ready.append(fiber)
        else:
            fiber.hub.call_soon_threadsafe(_wake, self)

    def __repr__(self) -> str:
        return repr(self.owner)


def make_ticket(fiber: Fiber | None, owner: Owner, item: Any = None) -> Ticket:
    """Return a ticket that is in no line yet."""
    # Setting the slots from here takes half the time of an ``__init__``.
    ticket = Ticket()
    ticket.fiber = fiber
    ticket.owner = owner
    ticket.item = item
    ticket.done = False
    return ticket


class Line(deque[Ticket]):
    """Tickets in order of arrival. True while somebody waits.

    Arguments:
        store: where to look for something as soon as one has entered the line.
        guard: shared with other lines that must change together with this one.
        returns: whether what is handed over must be put back if nobody receives it.

    Attributes:
        alert: have the owner called for each who enters, whatever is in the store.
    """

    __slots__ = ("alert", "guard", "returns", "store")

    def __init__(
        self, store: Sized = (), guard: RLock | None = None, returns: bool = False
    ) -> None:
        self.store = store
        self.guard = RLock() if guard is None else guard
        self.returns = returns
        self.alert = False

    def wait(self, owner: Owner, timeout: float | None = None, item: Any = None) -> Ticket:
        """Enter the line and wait to be handed something.

        Arguments:
            owner: what is waited for.
            timeout: seconds; None waits for ever.
            item: what the ticket carries, for one who comes to hand something over.

        Returns:
            The ticket; if it isn't done, the time has passed.

        Raises:
            TypeError, ValueError: `timeout` is negative or not a number.
            HubError: called in the hub's own greenlet, where nothing may wait.
        """
        ticket = self.begin(owner, timeout, item)
        me: Fiber = ticket.fiber  # type: ignore[assignment]  # `begin` has set it
        try:
            while me.parked is ticket:
                me.ready.popleft().switch()
        except BaseException:  # what was thrown past the hub
            self.abandon(ticket)
            raise
        if not ticket.done and timeout is None:  # something else has woken it
            self.stay(ticket, None)
        return ticket

    def begin(self, owner: Owner, timeout: float | None = None, item: Any = None) -> Ticket:
        """Do as `wait`, up to the moment when there is nothing left to do but to switch.

        For those who write out the rest of `wait` in their own frame: one who is parked pays for
        each frame that it stands in, in time and in memory, and there it is paid most often.
        """
        me: Fiber = getcurrent()  # type: ignore[assignment]  # it has the notes of one, or gets them
        try:
            pending = me.pending
        except AttributeError:
            me = current_fiber()
            # The hub's own greenlet refuses to tell the first.
            _, pending = me.ready, me.pending
        if timeout is not None or pending:
            return self._wait_until(me, owner, timeout, item)
        ticket = Ticket()
        ticket.fiber = me
        ticket.owner = owner
        ticket.item = item
        ticket.done = False
        self.append(ticket)
        if self.alert or self.store:
            owner._hand_over()
        if not ticket.done:
            me.parked = ticket
        return ticket

    def wait_shielded(self, owner: Owner) -> Ticket:
        """Wait to be handed something, however long it takes; kills stay pending meanwhile.

        Raises:
            Deadlock: it would take for ever.
        """
        me = current_fiber()
        ticket = make_ticket(me, owner)
        self.append(ticket)
        if self.alert or self.store:
            owner._hand_over()
        try:
            while not ticket.done:
                park(me, ticket)
                if me.pending and not ticket.done and _is_hopeless(me):
                    self._raise_pending(ticket, me)
        except BaseException:  # a deadlock, or what was thrown past the hub
            self.abandon(ticket)
            raise
        return ticket

    def enter(self, owner: Owner) -> Ticket:
        """Enter the line without waiting yet; `stay` does that."""
        ticket = make_ticket(current_fiber(), owner)
        self.append(ticket)
        return ticket

    def stay(self, ticket: Ticket, timeout: float | None) -> bool:
        """Wait with a ticket from `enter`; return whether it is done, or the time has passed."""
        me: Fiber = ticket.fiber  # type: ignore[assignment]  # `enter` has set it
        try:
            self._go_on(ticket, me, deadline_after(me.hub, timeout))
        except BaseException:  # a kill, or what was thrown past the hub
            self.abandon(ticket)
            raise
        return ticket.done

    def attempt(self, owner: Owner, item: Any = None) -> Ticket:
        """Enter the line, but leave it at once if there is nothing to be had without waiting."""
        ticket = make_ticket(None, owner, item)
        self.append(ticket)
        owner._hand_over()
        if not ticket.done:
            self.leave(ticket)
        return ticket

    def claim(self) -> Ticket | None:
        """Take out the first ticket whose holder still waits; call it under the guard."""
        try:
            while True:
                ticket = self.popleft()
                if ticket.is_waiting():
                    return ticket
        except IndexError:
            return None

    def claim_here(self) -> Ticket | None:
        """Take out the first ticket without the guard, if its holder is of this native thread.

        The guard would take as long as all the rest. Nothing else runs here meanwhile that could
        make the holder give up, and taking it out is a single step, which fails if another native
        thread has done that. None stands for whatever is not as simple as that.
        """
        try:
            ticket = self[0]
            fiber = ticket.fiber
            if fiber is None or fiber.parked is not ticket or fiber.hub.ident != get_ident():
                return None
            self.remove(ticket)
        except (IndexError, ValueError):  # another native thread was faster
            return None
        return ticket

    def settle_all(self, item: Any = None) -> None:
        """Hand `item` to everybody in line; call it under the guard."""
        here = get_ident()
        far: dict[Any, list[Ticket]] = {}
        while True:
            try:
                ticket = self.popleft()
            except IndexError:
                break
            fiber = ticket.fiber
            if fiber is None:
                ticket.settle(item)
            elif fiber.parked is ticket and fiber.hub.ident == here:
                ticket.item = item
                ticket.done = True
                fiber.parked = None
                fiber.ready.append(fiber)
            elif ticket.is_waiting():
                ticket.item = item
                ticket.done = True
                far.setdefault(fiber.hub, []).append(ticket)
        for hub, tickets in far.items():
            hub.call_soon_threadsafe(_wake_each, tickets)

    def leave(self, ticket: Ticket) -> bool:
        """Take a ticket out of the line; return False if it has been claimed already."""
        with self.guard:
            if ticket.done:
                return False
            try:
                self.remove(ticket)
            except ValueError:
                pass  # passed over by a claim, because something else had woken its holder
            return True

    def _wait_until(self, me: Fiber, owner: Owner, timeout: float | None, item: Any) -> Ticket:
        """Do as `wait`, for one who has a deadline or something pending."""
        deadline = deadline_after(me.hub, timeout)
        raise_pending(me)
        ticket = make_ticket(me, owner, item)
        self.append(ticket)
        if self.alert or self.store:
            owner._hand_over()
        try:
            self._go_on(ticket, me, deadline)
        except BaseException:  # a kill, or what was thrown past the hub
            self.abandon(ticket)
            raise
        return ticket

    def _go_on(self, ticket: Ticket, me: Fiber, deadline: float | None) -> None:
        while not ticket.done:
            if me.pending:
                self._raise_pending(ticket, me)
            if deadline is None:
                park(me, ticket)
            elif park_until(me, ticket, deadline):
                self.leave(ticket)
                return

    def _raise_pending(self, ticket: Ticket, me: Fiber) -> None:
        # Under the guard, so that no other native thread hands over something meanwhile.
        with self.guard:
            if not ticket.done:
                try:
                    raise_pending(me)
                except BaseException:  # whatever it is, who waited here no longer does
                    self.leave(ticket)
                    raise

    def abandon(self, ticket: Ticket) -> None:
        """Leave the line because of an exception; what was handed over meanwhile goes back."""
        me = ticket.fiber
        if me is not None:
            me.parked = None
            me.deadline = NEVER
            me.hub.mend()
        if not self.leave(ticket) and self.returns:
            ticket.owner._put_back(ticket.item)


def _is_hopeless(me: Fiber) -> bool:
    """Whether the hub has told `me`, first of all, that nobody is ever going to wake it."""
    return isinstance(me.pending[0].exception, Deadlock)


def _wake(ticket: Ticket) -> None:
    """Wake the holder if it still waits with this ticket; runs in its own hub."""
    fiber = ticket.fiber
    if fiber is not None and fiber.parked is ticket:
        fiber.parked = None
        fiber.ready.append(fiber)


def _wake_each(tickets: list[Ticket]) -> None:
    for ticket in tickets:
        _wake(ticket)
