"""Opening connections: to a server, to a Unix socket, through a proxy, and TLS on top."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias, TypeGuard, TypeVar

from eventlet.greensocket import socket
from eventlet.hub import get_hub, move_on_after

from ._budget import Budget
from ._connection import Connection, Wire, reason_of
from ._nested import NestedTLS
from ._proxy import Proxy, Route
from ._tls import Cert, Verify, make_context
from ._tunnel import open_tunnel
from ._url import Origin, is_address
from .errors import (
    ConnectError,
    ConnectTimeout,
    HTTPError,
    ProtocolError,
    ReadError,
    TLSError,
    WriteError,
)

if TYPE_CHECKING:
    import socket as _standard  # whose class all sockets are of, with TLS or without

    from ._http2 import Session

Key: TypeAlias = "Origin | Route"
S = TypeVar("S", ssl.SSLSocket, NestedTLS)

# Hosts that are remembered; most servers are connected to more than once.
_MAX_HOSTS = 1024

_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)")


class Dialer:
    """Opens the connections of one client.

    Arguments:
        verify, cert: as for `make_context`.
        uds: the path of a Unix socket that everything goes to, whatever the host; or None.
        local_address: what to connect from, or None.
        http2: whether HTTP/2 is offered to servers, in the TLS handshake.
    """

    def __init__(
        self,
        verify: Verify = True,
        cert: Cert = None,
        *,
        uds: str | None = None,
        local_address: str | None = None,
        http2: bool = False,
    ) -> None:
        for name, value in (("uds", uds), ("local_address", local_address)):
            if not isinstance(value, str | bytes | None):
                raise TypeError(f"{name} is text or None, not {value!r}")
        self.http2 = http2
        self._cert = cert
        self._make_context = cache(lambda cert, http2: make_context(verify, cert, http2=http2))
        self._uds = uds
        self._source = None if local_address is None else (local_address, 0)

    def __call__(self, key: Key, budget: Budget) -> Connection | Session:
        """Open a connection to an `Origin`, or on a `Route` through a proxy.

        Raises:
            ConnectError, TLSError, ProxyError, ConnectTimeout, TotalTimeout: see there.
            OSError, InvalidRequest: as `make_context`.
        """
        peer = key.peer if isinstance(key, Origin) else _name(key.origin or key.proxy)
        if budget.trace is not None:
            budget.mark("connecting")
        limit = budget.timeouts.connect
        if budget.deadline is not None:
            limit = budget.cap(limit, peer)
        if isinstance(key, Origin) and limit != 0 and self._is_one_step(key):
            return _connected_within(limit, key, peer, budget)
        if limit is None:
            return self._open(key, peer, budget)
        with move_on_after(limit):
            return self._open(key, peer, budget)
        raise _too_slow(limit, peer, budget)

    def _is_one_step(self, origin: Origin) -> bool:
        """Whether there is nothing to look up, to negotiate or to choose."""
        is_plain = origin.scheme == "http" and self._uds is None and self._source is None
        return is_plain and _is_ipv4(origin.host)

    def _open(self, key: Key, peer: str, budget: Budget) -> Connection | Session:
        sock = self._reach(key, peer, budget)
        if not _speaks_http2(sock):
            return Connection(sock, key, peer)
        from ._http2 import Session

        session = Session(sock, key, peer)
        try:
            session.wait_until_ready()
        except (ReadError, ProtocolError, WriteError) as error:
            session.close()
            raise ConnectError(peer, error.reason) from error
        except BaseException:  # killed or timed out: nobody else would close it
            session.close()
            raise
        return session

    def _reach(self, key: Key, peer: str, budget: Budget) -> Wire:
        if isinstance(key, Route):
            origin, proxy = key
            hop = _name(proxy)
            sock: _standard.socket = self._connect(proxy.host, proxy.port, hop)
        else:
            origin, proxy, hop = key, None, peer
            sock = self._connect(key.host, key.port, peer)
        try:
            budget.mark("connected")
            if proxy is not None and proxy.scheme == "https":
                # Our certificate is for servers, and HTTP/2 not what is spoken with proxies.
                sock = self._secure(_wrapped, sock, proxy.host, hop, None, http2=False)
            if proxy is not None and origin is not None:
                open_tunnel(sock, proxy, origin, self._resolve(proxy, origin))
            if origin is None or origin.scheme != "https":
                return sock
            secured = self._secure_origin(sock, origin)
        except BaseException:
            sock.close()
            raise
        budget.mark("secured")
        return secured

    def _secure_origin(self, sock: _standard.socket, origin: Origin) -> Wire:
        host, peer, cert = origin.host, origin.peer, self._cert
        if isinstance(sock, ssl.SSLSocket):
            return self._secure(NestedTLS, sock, host, peer, cert, http2=False)
        return self._secure(_wrapped, sock, host, peer, cert, http2=self.http2)

    def _resolve(self, proxy: Proxy, origin: Origin) -> str | None:
        """Return the address of the origin's host where the proxy wants us to find it out."""
        if proxy.scheme != "socks5" or is_address(origin.host):
            return None
        try:
            found = socket.getaddrinfo(origin.host, origin.port, 0, socket.SOCK_STREAM)
        except OSError as error:
            raise ConnectError(origin.peer, reason_of(error)) from error
        return str(found[0][4][0])

    def _connect(self, host: str, port: int, peer: str) -> socket.socket:
        try:
            if self._uds is not None:
                return _connected(socket.AF_UNIX, self._uds)
            return socket.create_connection((host, port), None, self._source)
        except OSError as error:
            raise ConnectError(peer, reason_of(error)) from error

    def _secure(
        self, wrap: Callable[[Any, ssl.SSLContext, str], S], sock: _standard.socket,
        host: str, peer: str, cert: Cert, *, http2: bool,
    ) -> S:  # fmt: skip
        context = self._make_context(cert, http2)
        try:
            # A certificate names the host without the dot that ends it in the name system.
            secured = wrap(sock, context, host.rstrip("."))
            try:
                secured.do_handshake()
            except BaseException:  # the socket is its own now, and nobody else would close it
                secured.close()
                raise
        except ssl.SSLError as error:
            raise TLSError(peer, reason_of(error)) from error
        except OSError as error:
            raise TLSError(peer, f"the handshake broke: {reason_of(error)}") from error
        if secured.selected_alpn_protocol() == "h2" and not http2:
            secured.close()
            remedy = "use another one for" if self.http2 else "pass http2=True as well, except for"
            raise TLSError(
                peer, f"the given context offers HTTP/2; {remedy} proxies that are reached over TLS"
            )
        return secured


def _wrapped(sock: _standard.socket, context: ssl.SSLContext, name: str) -> ssl.SSLSocket:
    from eventlet.greensocket.ssl import secure  # loads much that plain HTTP can do without

    return secure(sock, context, server_hostname=name, do_handshake_on_connect=False)


def _speaks_http2(sock: Wire) -> TypeGuard[ssl.SSLSocket]:
    return isinstance(sock, ssl.SSLSocket) and sock.selected_alpn_protocol() == "h2"


@lru_cache(_MAX_HOSTS)
def _is_ipv4(host: str) -> bool:
    return _IPV4.fullmatch(host) is not None


def _name(where: Origin | Proxy) -> str:
    return f"the proxy {where.peer}" if isinstance(where, Proxy) else where.peer


def _connected_within(limit: float | None, origin: Origin, peer: str, budget: Budget) -> Connection:
    """Connect to an address; the socket keeps the limit, cheaper than a scope, for each page."""
    time = get_hub().time
    began = time()
    try:
        sock = _connected(socket.AF_INET, (origin.host, origin.port), limit)
    except OSError as error:
        if not isinstance(error, TimeoutError) or error.errno is not None:
            raise ConnectError(peer, reason_of(error)) from error
        if limit is None or time() - began < limit:
            raise  # thrown in by somebody
        raise _too_slow(limit, peer, budget) from error
    if budget.trace is not None:
        budget.mark("connected")
    return Connection(sock, origin, peer)


def _connected(
    family: int, address: tuple[str, int] | str, limit: float | None = None
) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.settimeout(limit)
        sock.connect(address)
    except BaseException:
        sock.close()
        raise
    return sock


def _too_slow(limit: float | None, peer: str, budget: Budget) -> HTTPError:
    return budget.expired(ConnectTimeout, peer, f"it took longer than {limit} seconds")
