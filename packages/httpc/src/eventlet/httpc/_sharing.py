"""A pool in which a connection may serve many green threads at a time, where servers speak HTTP/2.

What is kept and counted stays the same: connections, an HTTP/2 one taken out of the pool by its
first stream and given back by its last. In between others join it through the *lane* of its
origin. Only one green thread at a time opens a connection for a lane; the others wait to see
which protocol the server has chosen, and for room if the server limits its streams.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Hashable
from typing import Any

from eventlet.hub import Waiter

from ._budget import Budget
from ._http2 import Session
from ._options import Limits
from ._pool import Exchange, Pool, PoolStatistics
from ._proxy import Route
from ._stream import Stream
from ._url import Origin
from .errors import ConnectError, PoolTimeout

# Origins whose protocol is remembered; for others it is found out again.
_MAX_LANES = 1024


class _Turn:
    """A place in a line.

    Attributes:
        waiter: is woken when the turn has come.
        stream: what came with it; None for nothing but the news.
    """

    __slots__ = ("stream", "waiter")

    def __init__(self) -> None:
        self.waiter: Waiter[None] = Waiter()
        self.stream: Stream | None = None


class _Lane:
    """How one origin is reached.

    Attributes:
        session: the connection that is shared now.
        is_opening: whether somebody is busy making one.
        is_plain: whether the server has chosen HTTP/1.1.
        line: who waits, the first first.
    """

    __slots__ = ("is_opening", "is_plain", "line", "session")

    def __init__(self) -> None:
        self.session: Session | None = None
        self.is_opening = False
        self.is_plain = False
        self.line: deque[_Turn] = deque()

    @property
    def needs_session(self) -> bool:
        return not self.is_opening and (self.session is None or not self.session.is_open)

    def enter(self) -> Stream | None:
        """Return a stream of the shared connection, if it has room."""
        if self.session is None or not self.session.has_room:
            return None
        return self.session.open()

    def serve(self) -> None:
        """Give those in line what they wait for, as far as it is there."""
        while self.line:
            if self.is_plain or self.needs_session:
                # None says: see for yourself. One is enough to open a connection.
                if self.line.popleft().waiter.switch() and not self.is_plain:
                    return
                continue
            stream = self.enter()
            if stream is None:
                return
            turn = self.line.popleft()
            if turn.waiter.switch():
                turn.stream = stream
            else:
                stream.session.users -= 1  # they have gone


class SharingPool(Pool):
    """Hands out connections, or streams of shared ones.

    Arguments:
        limits: how many connections.
        connect: opens one, of either kind.
    """

    def __init__(self, limits: Limits, connect: Callable[[Any, Budget], Any]) -> None:
        super().__init__(limits, connect)
        self._lanes: dict[Hashable, _Lane] = {}

    def acquire(self, key: Hashable, budget: Budget, origin: Origin) -> Exchange:
        """Return a connection or a stream for the caller alone; see `Pool.acquire`."""
        if not _is_secure(key):
            return super().acquire(key, budget, origin)
        while not (lane := self._lane(key)).is_plain:
            stream = None if lane.line else lane.enter()
            if stream is None:
                if lane.needs_session:
                    return self._lead(lane, key, budget, origin)
                stream = self._stand_in_line(lane, budget, origin.peer)
            if stream is not None:
                budget.mark("reused")
                return stream
        return self._adopted(super().acquire(key, budget, origin))

    def release(self, connection: Any) -> None:
        """Take back a connection or a stream on which nothing is left to be done."""
        if isinstance(connection, Stream):
            self._leave(connection.session)
        else:
            super().release(connection)

    def discard(self, connection: Any) -> None:
        """Take back a stream, or close a connection, that cannot be used again."""
        if isinstance(connection, Stream):
            connection.close()
            self._leave(connection.session)
        else:
            super().discard(connection)

    def statistics(self) -> PoolStatistics:
        """Return a snapshot of the pool."""
        found = super().statistics()
        in_line = sum(len(lane.line) for lane in self._lanes.values())
        return found._replace(waiting=found.waiting + in_line)

    def _lane(self, key: Hashable) -> _Lane:
        lane = self._lanes.get(key)
        if lane is None:
            if len(self._lanes) >= _MAX_LANES:
                self._lanes = {k: lane for k, lane in self._lanes.items() if not lane.is_plain}
            lane = self._lanes[key] = _Lane()
        return lane

    def _lead(self, lane: _Lane, key: Hashable, budget: Budget, origin: Origin) -> Exchange:
        """Open a connection while the others wait to see what it turns out to be."""
        lane.is_opening = True
        try:
            return self._adopted(super().acquire(key, budget, origin))
        finally:
            lane.is_opening = False
            lane.serve()
            self._forget_if_empty(key, lane)

    def _adopted(self, found: Any) -> Exchange:
        """Take note of what a connection is; return it, or a stream of it."""
        lane = self._lane(found.key)
        if not isinstance(found, Session):
            lane.is_plain = True
            return found  # type: ignore[no-any-return]  # a `Connection`
        lane.is_plain = False
        if not found.has_room:
            super().discard(found)
            raise ConnectError(found.peer, "it takes no requests on new connections")
        lane.session = found
        found.on_change = lane.serve
        return found.open()

    def _stand_in_line(self, lane: _Lane, budget: Budget, peer: str) -> Stream | None:
        limit = budget.cap(budget.timeouts.pool, peer)
        turn = _Turn()
        lane.line.append(turn)
        try:
            turn.waiter.wait(limit)
        except TimeoutError:
            if not turn.waiter.expired:
                raise  # thrown in by somebody
            reason = f"its connection had no room for {limit} seconds"
            raise budget.expired(PoolTimeout, peer, reason) from None
        finally:
            if turn in lane.line:
                lane.line.remove(turn)
        return turn.stream

    def _leave(self, session: Session) -> None:
        """Take back the place of a stream, and with the last one the connection."""
        session.users -= 1
        lane = self._lane(session.key)
        lane.serve()
        if not session.users:
            if lane.session is session:
                lane.session = None
            session.on_change = None
            if session.is_open:
                super().release(session)
            else:
                super().discard(session)
        self._forget_if_empty(session.key, lane)

    def _forget_if_empty(self, key: Hashable, lane: _Lane) -> None:
        if not (lane.session or lane.is_opening or lane.is_plain or lane.line):
            self._lanes.pop(key, None)


def _is_secure(key: Hashable) -> bool:
    """Whether there is a TLS handshake, in which the server can choose."""
    origin = key.origin if isinstance(key, Route) else key
    return isinstance(origin, Origin) and origin.scheme == "https"
