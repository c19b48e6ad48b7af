"""Where requests become exchanges: the engine under the client and under the functions of 2009."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakSet

from eventlet.hub._fork import run_in_child
from eventlet.hub._native import local

from ._dial import Dialer, Key
from ._options import Limits
from ._pool import Pool, PoolStatistics
from ._proxy import Proxy, ProxyMap, Route
from ._reply import Reply
from .errors import ClientClosed, HTTPError, ReadError, WriteError

if TYPE_CHECKING:
    from ._budget import Budget
    from ._request import Request
    from ._url import URL


# All of this process, for the sake of its children.
_transports: WeakSet[Transport] = WeakSet()


class Transport:
    """Sends requests and returns their answers; with connections kept for the next ones.

    Any number of green threads may use it, also in several native threads, each of which has
    connections of its own.

    Arguments:
        dialer: opens the connections.
        limits: how many, for each native thread.
        proxies: which proxy a request goes through.
    """

    def __init__(self, dialer: Dialer, limits: Limits, proxies: ProxyMap) -> None:
        self._dialer = dialer
        self._make_pool = _pool_class(dialer)
        self._limits = limits
        self._proxies = proxies
        self._has_proxies = bool(proxies)
        self._local = local()
        self._pools: list[Pool] = []
        self._closed = False
        _transports.add(self)

    def exchange(self, request: Request) -> Reply:
        """Send a request and return its answer as soon as the headers are there.

        A request that can be repeated safely is sent once more if it went out on a kept
        connection that turns out to be dead: nothing at all has come back on it. On HTTP/2, a
        server can also say that it has not looked at a request. Nothing else is tried twice.

        Raises:
            HTTPError: of some kind; see `eventlet.httpc.errors`. Its `url` is that of the request.
        """
        url, budget = request.url, request.budget
        key: Key = (origin := url.origin)
        tries = 0
        try:
            if self._has_proxies:
                key, proxy = self._way(url)
                head = _head_for(request, key, proxy)
            else:
                head = request.kept_head or request.head()
            pool = self._pool()
            while True:
                tries += 1
                connection = pool.acquire(key, budget, origin)
                try:
                    connection.start(request, head, budget)
                    return Reply(connection, pool, request)
                except (ReadError, WriteError) as error:
                    pool.discard(connection)
                    if not connection.may_repeat(request, error, tries):
                        raise
                except BaseException:  # whatever ended it, a kill included: it is half used
                    pool.discard(connection)
                    raise
        except HTTPError as error:
            error.url = str(url)
            raise

    def connect(self, url: URL, budget: Budget) -> None:
        """Have a connection ready for a URL.

        Raises:
            HTTPError: as `exchange`.
        """
        key, _ = self._way(url)
        pool = self._pool()
        pool.release(pool.acquire(key, budget, url.origin))

    def drop_idle(self) -> None:
        """Close the connections of this native thread that nobody uses now."""
        self._pool().drop_idle()

    def close(self) -> None:
        """Close the idle connections, and those in use as they come back."""
        self._closed = True
        for pool in self._pools:
            if pool.hub.destroyed:  # its native thread has ended
                pool.close()
            else:
                pool.hub.call_soon_threadsafe(pool.close)
        if hasattr(self._local, "pool"):
            self._local.pool.close()

    def statistics(self) -> PoolStatistics:
        """Return a snapshot of the connections of this native thread."""
        return self._pool().statistics()

    def _way(self, url: URL) -> tuple[Key, Proxy | None]:
        """Return what a connection for `url` is kept under, and the proxy on its way."""
        proxy = self._proxies.choose(url.origin)
        if proxy is None:
            return url.origin, None
        has_tunnel = proxy.is_socks or url.scheme == "https"
        return Route(url.origin if has_tunnel else None, proxy), proxy

    def _pool(self) -> Pool:
        try:
            pool: Pool = self._local.pool
        except AttributeError:
            return self._new_pool()
        return self._new_pool() if pool.hub.destroyed or self._closed else pool

    def _new_pool(self) -> Pool:
        if self._closed:
            raise ClientClosed("this client was closed; make a new one")
        pool = self._local.pool = self._make_pool(self._limits, self._dialer)
        self._pools = [old for old in self._pools if not old.hub.destroyed]
        self._pools.append(pool)
        return pool


def _leave_to_parent(transports: WeakSet[Transport]) -> None:
    """Have a forked child make connections of its own, and leave alone those it has inherited."""
    for transport in transports:
        transport._local = local()


run_in_child(_transports, _leave_to_parent)


def _head_for(request: Request, key: Key, proxy: Proxy | None) -> bytes:
    """Serialise a request as a proxy without a tunnel wants it, or as usual."""
    if proxy is None or not isinstance(key, Route) or key.origin is not None:
        return request.head()
    url = request.url
    return request.head(f"{url.origin}{url.target}", proxy.authorization)


def _pool_class(dialer: Dialer) -> type[Pool]:
    if not dialer.http2:
        return Pool
    try:
        from ._sharing import SharingPool  # needs h2, and the time to load it
    except ModuleNotFoundError as error:
        raise ImportError(
            f"http2=True needs {error.name}: pip install 'eventlet-httpc[h2]'", name=error.name
        ) from error
    return SharingPool
