"""Connections that are kept for the next request, shared by the green threads of one hub."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from eventlet.hub import Timer, Waiter, get_hub

from ._budget import Budget
from ._connection import Connection
from ._ledger import Ledger
from ._options import Limits
from .errors import PoolTimeout

if TYPE_CHECKING:
    from ._stream import Stream
    from ._url import Origin

# What one request and its answer go over.
Exchange: TypeAlias = "Connection | Stream"


class PoolStatistics(NamedTuple):
    """A snapshot of a pool.

    Attributes:
        connections: open, or being opened.
        idle: those of them that nobody uses.
        waiting: green threads that stand in line for one, or for a stream of a shared one.
    """

    connections: int
    idle: int
    waiting: int


class Pool:
    """Hands out connections, within limits, first come first served.

    A pool belongs to the hub of the native thread that made it.

    Arguments:
        limits: how many connections.
        connect: opens a connection to a key within a budget; may wait.
    """

    def __init__(self, limits: Limits, connect: Callable[[Any, Budget], Any]) -> None:
        self.hub = get_hub()
        self._expiry = limits.keepalive_expiry
        self._connect = connect
        self._ledger: Ledger[Connection] = Ledger(limits)
        self._sweeper: Timer | None = None
        self._closed = False
        # Also at the end of the interpreter, where an open socket would raise a warning.
        self._finalizer = weakref.finalize(self, _close_idle, self._ledger)

    def acquire(self, key: Hashable, budget: Budget, origin: Origin) -> Exchange:
        """Return a connection for the caller alone, kept or new; wait for one if need be.

        The caller gives it to `release` or `discard` in any case.

        Arguments:
            key: what it must lead to.
            budget: the limits of the request.
            origin: the destination that errors name.

        Raises:
            PoolTimeout: none came free in time.
            TotalTimeout: the whole request has run out of time.
            ConnectError: a new one could not be made.
        """
        ledger = self._ledger
        while True:
            connection = ledger.take_idle(key)
            if connection is None:
                connection = self._wait_for_slot(key, budget, origin)
            if connection is None:
                return self._open(key, budget)
            if connection.is_alive(self._expiry):
                if budget.trace is not None:
                    budget.mark("reused")
                return connection
            self.discard(connection)

    def release(self, connection: Any) -> None:
        """Take back a connection on which nothing is left to be sent or received."""
        if self._closed:
            self.discard(connection)
            return
        connection.idle_since = self.hub.time()
        victim = self._ledger.give_back(connection)
        if victim is not None:
            victim.close()
        if self._sweeper is None:
            self._sweeper = self.hub.call_later(self._expiry, _sweep, weakref.ref(self))

    def discard(self, connection: Any) -> None:
        """Close a connection that cannot be used again."""
        connection.close()
        self._ledger.give_back_slot(connection.key)

    def drop_idle(self) -> None:
        """Close the idle connections."""
        _close_idle(self._ledger)

    def close(self) -> None:
        """Close the idle connections now, and those in use as they come back."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        _close_idle(self._ledger)

    def statistics(self) -> PoolStatistics:
        """Return a snapshot of the pool."""
        ledger = self._ledger
        return PoolStatistics(ledger.slots, ledger.idle, ledger.waiting)

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open"
        return f"<Pool {state}, {self._ledger.slots} connections, {self._ledger.idle} idle>"

    def _wait_for_slot(self, key: Hashable, budget: Budget, origin: Origin) -> Connection | None:
        """Return a connection that somebody passed on, or None for a slot to fill."""
        has_slot, victim = self._ledger.take_slot(key)
        if victim is not None:
            victim.close()
        if has_slot:
            return None
        peer = origin.peer
        limit = budget.cap(budget.timeouts.pool, peer)
        waiter: Waiter[Connection | None] = Waiter()
        turn = self._ledger.stand_in_line(key, waiter.switch)
        try:
            return waiter.wait(limit)
        except TimeoutError:
            if not waiter.expired:
                raise  # thrown in by somebody
            reason = f"all {self._ledger.slots} stayed in use for {limit} seconds"
            raise budget.expired(PoolTimeout, peer, reason) from None
        finally:
            self._ledger.leave_line(turn)

    def _open(self, key: Hashable, budget: Budget) -> Connection:
        try:
            return self._connect(key, budget)  # type: ignore[no-any-return]  # of either kind
        except BaseException:  # whatever ended it, a kill included: the slot is free again
            self._ledger.give_back_slot(key)
            raise

    def _expire(self) -> None:
        """Close what has been idle for too long, and look again when the next one may have."""
        self._sweeper = None
        ledger = self._ledger
        now = self.hub.time()
        while (oldest := ledger.oldest_idle()) is not None:
            when = oldest.idle_since + self._expiry
            if when > now:
                self._sweeper = self.hub.call_at(when, _sweep, weakref.ref(self))
                return
            ledger.retire(oldest)
            oldest.close()


def _sweep(reference: weakref.ref[Pool]) -> None:
    pool = reference()
    if pool is not None:
        pool._expire()


def _close_idle(ledger: Ledger[Connection]) -> None:
    for connection in ledger.retire_all():
        connection.close()
