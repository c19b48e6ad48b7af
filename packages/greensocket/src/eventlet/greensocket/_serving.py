"""Listening, and one green thread for each connection that comes in."""

from __future__ import annotations

import errno
import logging
import socket as _standard
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from eventlet.coros import Semaphore
from eventlet.hub import sleep, spawn

from ._connecting import family_of
from ._creating import bind, set_reuse_addr
from ._socket import GreenSocket

_log = logging.getLogger("eventlet.greensocket")

_INTERNET = {_standard.AF_INET, _standard.AF_INET6}

# The system has no room for another connection now; it will when others have ended.
_NO_ROOM = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
# How long to wait then, the first time and at most, in seconds: closing takes others a moment, and
# the queue of the listener holds new connections meanwhile.
_FIRST_PAUSE = 0.01
_LONGEST_PAUSE = 1.0
# What accept(2) reports about a connection that ended before it was taken: the next may be well.
_LOST = {
    errno.ECONNABORTED,
    errno.EPROTO,
    errno.EPERM,
    errno.ENETDOWN,
    errno.ENETUNREACH,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.ETIMEDOUT,
}


class Listener(Protocol):
    """A green socket that listens, for plain TCP or for TLS."""

    def accept(self) -> tuple[Any, Any]:
        """Wait for a connection."""

    def fileno(self) -> int:
        """Return the descriptor; -1 once it is closed."""


class StopServe(Exception):
    """Raised by a handler of `serve`, to end `serve` in an orderly way."""


def listen(
    addr: Any,
    family: int = _standard.AF_INET,
    backlog: int = 50,
    reuse_addr: bool = True,
    reuse_port: bool = False,
) -> GreenSocket:
    """Return a green stream socket that listens at an address.

    Arguments:
        addr: as the family has them: host and port, or the path of a Unix socket.
        backlog: how many connections may wait to be accepted.
        reuse_addr: whether the port may be taken while old connections to it linger.
        reuse_port: whether other sockets may listen on the same port.

    Raises:
        OSError: the address cannot be bound.
        ValueError: `reuse_port` is asked for, and this platform lacks it.
    """
    if reuse_port and not hasattr(_standard, "SO_REUSEPORT"):
        raise ValueError("SO_REUSEPORT not supported on this platform; leave out reuse_port")
    sock = GreenSocket(family, _standard.SOCK_STREAM)
    try:
        if reuse_addr and family != getattr(_standard, "AF_UNIX", None):
            set_reuse_addr(sock)
        if reuse_port:
            sock.setsockopt(_standard.SOL_SOCKET, _standard.SO_REUSEPORT, 1)
        bind(sock, addr)
        sock.listen(backlog)
    except BaseException:
        sock.close()
        raise
    return sock


def tcp_listener(address: tuple[str, int], backlog: int = 50) -> GreenSocket:
    """Return a green TCP socket that listens at ``(host, port)``.

    Arguments:
        backlog: how many connections may wait to be accepted.

    Raises:
        OSError: the address cannot be bound.
    """
    return listen(address, backlog=backlog)


def serve(sock: Listener, handle: Callable[[Any, Any], object], concurrency: int = 1000) -> None:
    """Call ``handle(connection, address)`` in a green thread of its own for each connection.

    A connection is closed when its handler ends. Over TCP, it sends at once (``TCP_NODELAY``).
    Returns when a handler raises `StopServe` or the listener is closed; handlers that still run go
    on. While the system has no descriptors left, new connections wait in the queue of the listener.

    Arguments:
        sock: a socket that listens.
        concurrency: how many handlers may run at once; more connections wait.

    Raises:
        TypeError: `handle` is not callable.
        ValueError: `concurrency` is less than 1.
        OSError: `sock` cannot accept connections.
    """
    _check_handler("serve", handle)
    if concurrency < 1:
        raise ValueError(f"serve() needs a concurrency of at least 1, not {concurrency!r}")
    server = _Server(sock, handle, concurrency)
    try:
        server.accepting.wait()
    except StopServe:
        if not server.stopped:
            raise
    finally:
        server.accepting.throw()


class _Server:
    """The green threads of one `serve`: one that accepts, and one for each connection."""

    def __init__(
        self, sock: Listener, handle: Callable[[Any, Any], object], concurrency: int
    ) -> None:
        self.stopped = False
        self._sock = sock
        self._handle = handle
        self._room = Semaphore(concurrency)
        self.accepting = spawn(self._accept)

    def _accept(self) -> None:
        connections = accepted(self._sock)
        while True:
            # First, so that no connection waits in our hands, where a kill would drop it.
            self._room.acquire()
            try:
                connection, address = next(connections)
            except StopIteration:
                return
            spawn(self._attend, connection, address)

    def _attend(self, raw: GreenSocket, address: Any) -> None:
        try:
            connection = begin(self._sock, raw, address)
            if connection is not None:
                with connection:
                    self._handle(connection, address)
        except StopServe as stop:
            self.stopped = True
            self.accepting.throw(stop)
        finally:
            self._room.release()


def tcp_server(
    listensocket: Listener, server: Callable[..., object], *args: Any, **kwargs: Any
) -> None:
    """Call ``server((connection, address), *args, **kwargs)`` for each connection, side by side.

    Returns when the listener is closed. The handler closes its connection, which over TCP sends at
    once (``TCP_NODELAY``). While the system has no descriptors left, new connections wait in the
    queue of the listener.

    Raises:
        TypeError: `server` is not callable.
        OSError: `listensocket` cannot accept connections.
    """
    _check_handler("tcp_server", server)
    for raw, address in accepted(listensocket):
        spawn(_attend, listensocket, raw, address, server, args, kwargs)


def _attend(
    listener: Listener,
    raw: GreenSocket,
    address: Any,
    server: Callable[..., object],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> None:
    connection = begin(listener, raw, address)
    if connection is not None:
        server((connection, address), *args, **kwargs)


def _check_handler(name: str, handler: object) -> None:
    if not callable(handler):
        raise TypeError(
            f"{name}() takes a function to call for each connection, not {handler!r};"
            " pass the function itself, not its result"
        )


def accepted(listener: Listener) -> Iterator[tuple[GreenSocket, Any]]:
    """Accept connections until `listener` is closed, and leave the rest to `begin`."""
    accept = getattr(listener, "accept_unfinished", listener.accept)
    pause = _FIRST_PAUSE
    while True:
        try:
            connection = accept()
        except OSError as error:
            if listener.fileno() < 0:
                return
            if error.errno in _NO_ROOM:
                sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
            elif error.errno not in _LOST:
                raise
        else:
            pause = _FIRST_PAUSE
            _send_at_once(connection[0])
            yield connection


def _send_at_once(connection: object) -> None:
    """Have TCP wait for nothing before it sends: not for an acknowledgement, which peers delay.

    Two small writes in a row, like those that end a handshake of TLS, would else cost 40 ms.
    """
    if isinstance(connection, GreenSocket) and family_of(connection) in _INTERNET:
        try:
            connection.setsockopt(_standard.IPPROTO_TCP, _standard.TCP_NODELAY, 1)
        except OSError:
            pass  # it has ended already, which some systems say here: the handler will see


def begin(listener: Listener, raw: GreenSocket, address: Any) -> Any:
    """Shake hands where the listener speaks TLS, in the connection's own green thread.

    Returns:
        The connection for the handler; None if the peer has failed, and all is closed.
    """
    finish = getattr(listener, "finish_accept", None)
    if finish is None:
        return raw
    try:
        return finish(raw)
    except OSError as error:
        _log.info("%r did not get through its handshake: %s", address, error)
        raw.close()
        return None
    except BaseException:
        raw.close()
        raise
