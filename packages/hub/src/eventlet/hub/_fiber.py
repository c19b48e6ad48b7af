"""A greenlet as the scheduler sees it: how it parks, is woken, and has exceptions delivered.

A *fiber* is any greenlet that waits in the hub: a carrier that runs green threads, the main
greenlet, or one that somebody made by hand. The scheduler keeps its notes on the greenlet itself:
in slots of `Fiber` for the greenlets that are ours, in the instance dictionary of those that are
not (`eventlet.hub._registry.current_fiber` puts them there the first time one of them waits).

Invariants, all of them touched only by the native thread that owns the hub:

- The hub's own greenlet is in the ready queue whenever it isn't running. So whoever gives up
  control takes the head of the queue and switches to it, without asking whether there is one, and
  the hub comes up once in every round.
- A fiber is in the ready queue at most once. ``parked`` names what it waits for, and is None from
  the moment somebody has decided that it runs again. Whoever sets it to None also queues it, so
  the first cause to wake a fiber is the only one.
- An exception for a fiber never interrupts it in the queue. It is noted in ``pending`` and raised
  where the fiber next gives up control, or where it is parked now.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from greenlet import greenlet

from ._timers import NEVER as NEVER
from ._timers import Entry, Timer

if TYPE_CHECKING:
    from ._greenthread import GreenThread
    from ._hub import Hub
    from ._scopes import CancelScope

    def running() -> Fiber:
        """Return the running greenlet, which may be without notes if it has never waited."""

else:
    # Not `cast(Fiber, getcurrent())`: where every wait begins, that would cost as much again.
    from greenlet import getcurrent as running  # noqa: F401 - for the other modules

# What `Fiber.deadline` holds when the limit has passed; when there is none, it is `NEVER`.
EXPIRED = -math.inf


class Switchable(Protocol):
    """What the ready queue holds."""

    def switch(self) -> object:
        """Run it until it gives up control."""


class Delivery(NamedTuple):
    """An exception on its way to a fiber.

    `scope` is the cancel scope that was innermost when the cause was set up; a shield inside it
    holds the exception back. `repeats` keeps it pending after it was raised.
    """

    exception: BaseException
    scope: CancelScope | None
    repeats: bool


class Fiber(greenlet):
    """The scheduler's notes on one greenlet."""

    __slots__ = ("alarm", "deadline", "hub", "parked", "pending", "ready", "scope", "thread")

    hub: Hub
    ready: deque[Switchable]
    thread: GreenThread[Any] | None
    parked: object
    pending: list[Delivery]
    scope: CancelScope | None
    deadline: float
    alarm: Timer | None


def prepare(fiber: Fiber, hub: Hub) -> None:
    """Write the first notes on a fiber that is about to wait in `hub`."""
    fiber.hub = hub
    fiber.ready = hub.ready
    fiber.thread = None
    fiber.parked = None
    fiber.pending = []
    fiber.scope = None
    fiber.deadline = NEVER
    fiber.alarm = None


def forget(fiber: Fiber) -> None:
    """Take the notes off a greenlet that isn't ours."""
    for name in Fiber.__slots__:
        delattr(fiber, name)


def wake(fiber: Fiber) -> None:
    """Queue a parked fiber. The caller has checked that ``fiber.parked`` is not None."""
    fiber.parked = None
    fiber.ready.append(fiber)


def park(me: Fiber, on: object) -> None:
    """Give up control until somebody wakes `me`, the current fiber, which waits for `on`."""
    ready = me.ready
    me.parked = on
    try:
        ready.popleft().switch()
        # A greenlet made by hand resumes its parent when it ends: that is nobody's wake-up.
        while me.parked is on:
            ready.popleft().switch()
    except BaseException:
        # A greenlet made by hand has failed, or was thrown into: nobody queues this one any more.
        me.parked = None
        me.hub.mend()
        raise


def park_until(me: Fiber, on: object, deadline: float) -> bool:
    """Park, but not for longer than to `deadline` on the hub's clock; return whether it passed.

    The fiber keeps one timer, and moves its deadline from wait to wait: a timer that fires too
    early sets itself anew. So a series of waits with a timeout costs the timer queue nothing.
    """
    me.deadline = deadline
    if me.alarm is None or me.alarm.deadline > deadline:
        set_alarm(me)
    # As `park`, written out: a frame less for each wait that is limited.
    ready = me.ready
    me.parked = on
    try:
        ready.popleft().switch()
        while me.parked is on:
            ready.popleft().switch()
        return me.deadline == EXPIRED
    except BaseException:  # as in `park`
        me.parked = None
        me.hub.mend()
        raise
    finally:
        me.deadline = NEVER


def set_alarm(fiber: Fiber) -> None:
    """Set the timer of a fiber anew, for its deadline."""
    if fiber.alarm is not None:
        fiber.alarm.cancel()
        fiber.alarm = None
    if fiber.deadline != NEVER:
        fiber.alarm = fiber.hub.call_at(fiber.deadline, ring, fiber)


def ring(fiber: Fiber) -> None:
    """Wake a fiber whose deadline has passed; called by its timer."""
    fiber.alarm = None
    if fiber.parked is None:
        return
    if fiber.hub.time() < fiber.deadline:
        set_alarm(fiber)
    else:
        fiber.deadline = EXPIRED
        wake(fiber)


def alarmed_fiber(timer: Entry) -> Fiber | None:
    """Return the fiber whose alarm a timer is, or None if it is no alarm."""
    return timer.args[0] if isinstance(timer, Timer) and timer.callback is ring else None


def is_idle_alarm(timer: Entry) -> bool:
    """Whether a timer is the alarm of a fiber that has no deadline just now; cancel it then."""
    fiber = alarmed_fiber(timer)
    if fiber is None or fiber.deadline != NEVER:
        return False
    fiber.alarm = None
    return True


def deliver(fiber: Fiber, thread: GreenThread[Any] | None, delivery: Delivery) -> None:
    """Raise an exception in `fiber` where it waits, or where it waits next.

    Does nothing if `fiber` no longer runs `thread`: what was meant for one green thread never
    reaches the next one on the same carrier.
    """
    if fiber.thread is not thread:
        return
    fiber.pending.append(delivery)
    if fiber.parked is not None and _is_visible(fiber, delivery):
        wake(fiber)


def wake_if_pending(fiber: Fiber) -> None:
    """Wake a fiber that is parked if a shield no longer holds back what is pending for it."""
    if fiber.parked is not None and any(_is_visible(fiber, each) for each in fiber.pending):
        wake(fiber)


def withdraw(fiber: Fiber, delivery: Delivery) -> None:
    """Take back an exception that has not been raised yet."""
    if delivery in fiber.pending:
        fiber.pending.remove(delivery)


def raise_pending(me: Fiber) -> None:
    """Raise the first pending exception that no shield holds back; return if there is none."""
    for index, delivery in enumerate(me.pending):
        if _is_visible(me, delivery):
            if delivery.repeats:
                # Each time from scratch: the traceback would grow, and keep every frame alive.
                delivery.exception.__traceback__ = None
            else:
                del me.pending[index]
            try:
                raise delivery.exception
            finally:
                del delivery, me  # the traceback would keep them alive in a cycle


def _is_visible(fiber: Fiber, delivery: Delivery) -> bool:
    scope = fiber.scope
    while scope is not None and scope is not delivery.scope:
        if scope.shield:
            return False
        scope = scope.outer
    return True
