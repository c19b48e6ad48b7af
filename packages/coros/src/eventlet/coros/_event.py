"""One value for any number of green threads that wait for it."""

from __future__ import annotations

import time
from typing import Any, Generic, TypeVar

from ._line import Line
from ._outcome import Failure, failure_of
from ._scheduler import Fiber
from ._statistics import EventStatistics
from .errors import AlreadySent, NotSent

T = TypeVar("T")
D = TypeVar("D")


class _NotUsed:
    """The type of `NOT_USED`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "NOT_USED"

    def __reduce__(self) -> str:
        return "NOT_USED"


#: Stands for the outcome of an event to which nothing was sent, as None may have been sent.
NOT_USED = _NotUsed()
"""Stands where an event has no value yet."""


class Event(Generic[T]):
    """Sends one value, or one exception, to all who wait for it, now or later.

    It may be sent in one native thread and waited for in others.

    Attributes:
        epoch: when the event was made or last reset, in seconds as of `time.time`.
    """

    __slots__ = ("__weakref__", "_line", "_outcome", "epoch")

    def __init__(self) -> None:
        self.epoch = time.time()
        self._line = Line()
        self._outcome: Any = NOT_USED

    def send(self, result: T | None = None, exc: Any = None) -> None:
        """Let all waits return `result`. Those who wait run later; the caller goes on.

        Arguments:
            exc: let them raise this instead: an exception, a class, or a tuple of the arguments
                of ``greenlet.throw``.

        Raises:
            AlreadySent: something has been sent since the event was made or reset.
            TypeError: `exc` cannot be raised.
        """
        outcome = result if exc is None else failure_of(exc)
        line = self._line
        guard = line.guard
        guard.acquire()
        try:
            if self._outcome is not NOT_USED:
                raise AlreadySent(
                    f"{self!r} has been sent to already; reset() it first, or use a new one"
                )
            self._outcome = outcome
            line.alert = True
            if line:
                line.settle_all(outcome)
        finally:
            guard.release()

    def send_exception(self, *throw_args: Any) -> None:
        """Let all waits raise an exception.

        Arguments:
            throw_args: as for ``greenlet.throw``: an exception, or a class optionally followed by
                a value and a traceback; none stand for `GreenletExit`.

        Raises:
            AlreadySent: something has been sent since the event was made or reset.
            TypeError: the arguments stand for no exception.
        """
        self.send(exc=throw_args)

    def wait(self, timeout: float | None = None) -> T:
        """Wait until something is sent; return it, or raise it if it is an exception.

        Arguments:
            timeout: seconds; None waits for ever.

        Raises:
            TimeoutError: nothing was sent in time.
            TypeError, ValueError: `timeout` is negative or not a number.
        """
        outcome = self._outcome
        if outcome is NOT_USED:
            # As `Line.wait`, written out; see `Line.begin`.
            line = self._line
            ticket = line.begin(self, timeout)
            me: Fiber = ticket.fiber  # type: ignore[assignment]  # `begin` has set it
            try:
                while me.parked is ticket:
                    me.ready.popleft().switch()
            except BaseException:  # what was thrown past the hub
                line.abandon(ticket)
                raise
            if not ticket.done and timeout is None:  # something else has woken it
                line.stay(ticket, None)
            if not ticket.done:
                raise TimeoutError(f"nothing was sent to {self!r} within {timeout} seconds")
            outcome = ticket.item
        if type(outcome) is Failure:
            outcome.throw()
        value: T = outcome
        return value

    def reset(self) -> None:
        """Open the event again, so that another value can be sent.

        Who was woken by the old value receives the old value, even if it has not run yet.

        Raises:
            NotSent: nothing has been sent.
        """
        with self._line.guard:
            if self._outcome is NOT_USED:
                raise NotSent(f"{self!r} is open already: nothing has been sent to it")
            self._outcome = NOT_USED
            self._line.alert = False
            self.epoch = time.time()

    def ready(self) -> bool:
        """Whether `wait` would return or raise at once."""
        return self._outcome is not NOT_USED

    def has_result(self) -> bool:
        """Whether a value was sent."""
        outcome = self._outcome
        return outcome is not NOT_USED and type(outcome) is not Failure

    def has_exception(self) -> bool:
        """Whether an exception was sent."""
        return type(self._outcome) is Failure

    def poll(self, notready: Any = None) -> Any:
        """Return or raise what was sent, or return `notready` if nothing was; never waits."""
        outcome = self._outcome
        if outcome is NOT_USED:
            return notready
        if type(outcome) is Failure:
            outcome.throw()
        return outcome

    def poll_result(self, notready: Any = None) -> Any:
        """Return the value that was sent, or `notready` if none was; never waits, never raises."""
        outcome = self._outcome
        return notready if outcome is NOT_USED or type(outcome) is Failure else outcome

    def poll_exception(self, notready: Any = None) -> Any:
        """Raise the exception that was sent, or return `notready` if none was; never waits."""
        outcome = self._outcome
        if type(outcome) is Failure:
            outcome.throw()
        return notready

    def waiting(self) -> int:
        """Return how many green threads wait."""
        return len(self._line)

    def statistics(self) -> EventStatistics:
        """Return a snapshot of the numbers."""
        return EventStatistics(self.ready(), len(self._line))

    def __repr__(self) -> str:
        state = "open" if self._outcome is NOT_USED else "sent"
        return f"<Event at {id(self):#x}, {state}, {len(self._line)} waiting>"

    def _hand_over(self) -> None:
        with self._line.guard:
            if self._outcome is not NOT_USED:
                self._line.settle_all(self._outcome)

    def _put_back(self, item: object) -> None:
        """Nothing to do: an outcome isn't used up."""


event = Event
"""The name of 2009 for `Event`."""
