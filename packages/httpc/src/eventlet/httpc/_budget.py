"""The time that one request has: how long each step may take, and when all must be over."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import NamedTuple, TypeAlias

from eventlet.hub import get_hub

from ._options import Timeouts
from .errors import HTTPError, TotalTimeout

_numbers = count(1)


class TraceEvent(NamedTuple):
    """How far a request has come; told to the `trace` of a `Client`.

    A request begins once, and goes through the other points as often as it is redirected or tried
    again.

    Attributes:
        request: a number that all events of one request share.
        name: ``"begun"``; then, for a new connection, ``"connecting"``, ``"connected"`` and with
            TLS ``"secured"``, or for a kept or shared one ``"reused"``; then ``"sent"``,
            ``"answered"`` (the headers are there) and ``"complete"``.
        at: when, in seconds on the hub's clock.
    """

    request: int
    name: str
    at: float


Trace: TypeAlias = Callable[[TraceEvent], object]


class Budget:
    """The limits of one request, counted from now; of any number, without a total and a trace.

    Arguments:
        timeouts: the limits.
        trace: is told how far the request has come; None for nobody.

    Attributes:
        timeouts, trace: the same.
        deadline: when all must be over, on the hub's clock; None for never.
    """

    __slots__ = ("_number", "_time", "deadline", "timeouts", "trace")

    def __init__(self, timeouts: Timeouts, trace: Trace | None = None) -> None:
        self.timeouts = timeouts
        self.trace = trace
        if trace is not None:
            self._number = next(_numbers)
            self.mark("begun")
        total = timeouts.total
        if total is None:
            self.deadline: float | None = None
        else:
            self._time = get_hub().time
            self.deadline = self._time() + total

    def cap(self, limit: float | None, peer: str) -> float | None:
        """Return `limit`, or what is left of the total if that is less; both in seconds.

        Raises:
            TotalTimeout: nothing is left.
        """
        if self.deadline is None:
            return limit
        left = self.deadline - self._time()
        if left <= 0:
            raise self.exhausted(peer)
        return left if limit is None or left < limit else limit

    def mark(self, name: str) -> None:
        """Tell the trace that the request has come to a point; only where there is one."""
        if self.trace is not None:
            self.trace(TraceEvent(self._number, name, get_hub().time()))

    @property
    def is_exhausted(self) -> bool:
        """Whether the total has passed."""
        return self.deadline is not None and self._time() >= self.deadline

    def expired(self, kind: Callable[[str, str], HTTPError], peer: str, reason: str) -> HTTPError:
        """Return the error for a step that has run out of time; the total counts more than it."""
        return self.exhausted(peer) if self.is_exhausted else kind(peer, reason)

    def exhausted(self, peer: str) -> TotalTimeout:
        """Return the error that says that the total has passed."""
        return TotalTimeout(peer, f"the request took longer than {self.timeouts.total} seconds")
