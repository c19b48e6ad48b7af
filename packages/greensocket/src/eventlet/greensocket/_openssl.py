"""TLS connections of pyOpenSSL on green sockets."""

from __future__ import annotations

import socket as _socket_module
from collections.abc import Callable
from typing import Any, Self, TypeVar, TypeVarTuple, cast

from OpenSSL import SSL

from eventlet.coros import Semaphore

from ._socket import GreenSocket
from ._turns import await_turn

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_Base = SSL.Connection
# What one record of TLS holds at most, in bytes: RFC 8446, section 5.1.
_LARGEST_WRITE = 2**14


class Connection(SSL.Connection):
    """A connection with the contract of `OpenSSL.SSL.Connection`, on which only green threads wait.

    Timeouts and non-blocking mode are those of the socket.

    Arguments:
        context: an `OpenSSL.SSL.Context`.
        socket: a green socket; None for a connection through memory, which never waits.

    Raises:
        TypeError: `socket` is of another kind.
    """

    # Held while one write is unfinished; see `_turns`.
    _unfinished_write: Semaphore | None = None

    def __init__(self, context: SSL.Context, socket: _socket_module.socket | None = None) -> None:
        if not isinstance(socket, GreenSocket | None):
            raise TypeError(f"a green connection needs a green socket, not {socket!r}")
        super().__init__(context, socket)

    def do_handshake(self) -> None:
        """Shake hands with the peer."""
        self._insist(_Base.do_handshake)

    def recv(self, bufsiz: int, flags: int | None = None) -> bytes:
        """Return up to `bufsiz` bytes as soon as there are any.

        Raises:
            ZeroReturnError: the peer has ended the connection in an orderly way.
        """
        return self._insist(_Base.recv, bufsiz, flags)

    read = recv

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int | None = None) -> int:
        """Receive into `buffer`; otherwise as `recv`. Returns the number of bytes."""
        return self._insist(_Base.recv_into, buffer, nbytes, flags)

    def send(self, buf: Any, flags: int = 0) -> int:
        """Send as much of `buf` as there is room for, at least one byte; return how much."""
        while (unfinished := self._unfinished_write) is not None:
            if not await_turn(self._green(), unfinished):
                raise SSL.WantWriteError
        try:
            return _Base.send(self, buf, flags)
        except (SSL.WantReadError, SSL.WantWriteError):
            if self._never_waits():
                raise
        turn = self._unfinished_write = Semaphore(0)
        try:
            return self._insist(_Base.send, buf, flags)
        finally:
            self._unfinished_write = None
            turn.release()

    write = send

    def sendall(self, buf: Any, flags: int = 0) -> int:
        """Send all of `buf`, and return its length in bytes."""
        with memoryview(buf) as view, view.cast("B") as rest:
            sent = 0
            while sent < len(rest):
                sent += self.send(bytes(rest[sent : sent + _LARGEST_WRITE]), flags)
            return sent

    def shutdown(self) -> bool:
        """Tell the peer that this is the end; return whether it has said the same.

        If not, a second call waits for it.
        """
        return self._insist(_Base.shutdown)

    def accept(self) -> tuple[Connection, Any]:
        """Wait for a connection; return a `Connection` for it and the address of its peer."""
        sock, address = self._green().accept()
        connection = type(self)(self.get_context(), sock)
        connection.set_accept_state()
        return connection, address

    def makefile(self, mode: str = "r", buffering: int | None = None, **options: Any) -> Any:
        """Return a file object on the connection; arguments as for `socket.makefile`."""
        stream = cast(_socket_module.socket, _Stream(self))
        return _socket_module.socket.makefile(stream, mode, buffering, **options)  # type: ignore[call-overload]

    def _green(self) -> GreenSocket:
        sock = self._socket
        if not isinstance(sock, GreenSocket):
            raise TypeError("this connection goes through memory and has no socket")
        return sock

    def _insist(self, operation: Callable[[Any, *Ts], T], *args: *Ts) -> T:
        """Call ``operation(self, *args)`` until it wants nothing more from the peer."""
        deadline = None
        while True:
            try:
                return operation(self, *args)
            except (SSL.WantReadError, SSL.WantWriteError) as error:
                if self._never_waits():
                    raise
                reading = isinstance(error, SSL.WantReadError)
            sock = self._green()
            if reading:
                deadline = sock._await_readable(deadline, tried=True)
            else:
                deadline = sock._await_writable(deadline, tried=True)

    def _never_waits(self) -> bool:
        return self._socket is None or self._green()._timeout == 0


class _Stream:
    """What `socket.makefile`, and the file object that it makes, want of a socket."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._io_refs = 0

    def recv_into(self, buffer: Any) -> int:
        try:
            return self._connection.recv_into(buffer)
        except SSL.ZeroReturnError:
            return 0

    def send(self, data: Any) -> int:
        return self._connection.send(bytes(data[:_LARGEST_WRITE]))

    def fileno(self) -> int:
        number: int = self._connection.fileno()
        return number

    def _decref_socketios(self) -> None:
        """Do nothing: the connection is closed by whoever has made it."""


class SecureConnection(Connection):
    """A TLS connection that is used like a socket; made by `wrap_ssl`.

    The end of the stream reads as no bytes, and closing it tells the peer. A stream that is cut
    off is an error: `OpenSSL.SSL.SysCallError`.

    Attributes:
        is_secure: true, as in 2009.
    """

    is_secure = True
    _check: Callable[[SecureConnection], object] | None = None

    def do_handshake(self) -> None:
        """Shake hands with the peer, and check that it is who it should be."""
        super().do_handshake()
        if self._check is not None:
            self._check(self)

    def recv(self, bufsiz: int, flags: int | None = None) -> bytes:
        """Return up to `bufsiz` bytes as soon as there are any; none at the end of the stream."""
        try:
            return super().recv(bufsiz, flags)
        except SSL.ZeroReturnError:
            return b""

    read = recv

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int | None = None) -> int:
        """Receive into `buffer`, and return the number of bytes; 0 at the end of the stream."""
        try:
            return super().recv_into(buffer, nbytes, flags)
        except SSL.ZeroReturnError:
            return 0

    def connect(self, addr: Any) -> None:
        """Connect to `addr`, and shake hands."""
        super().connect(addr)
        self.do_handshake()

    def accept_unfinished(self) -> tuple[GreenSocket, Any]:
        """Wait for a connection, and leave the rest of `accept` to `finish_accept`."""
        return self._green().accept()

    def finish_accept(self, sock: GreenSocket) -> SecureConnection:
        """Shake hands on a connection that `accept_unfinished` returned."""
        connection = SecureConnection(self.get_context(), sock)
        connection.set_accept_state()
        try:
            connection.do_handshake()
        except SSL.Error as error:
            raise ConnectionError(f"the TLS handshake failed: {error}") from error
        return connection

    def close(self) -> None:
        """Tell the peer that this is the end, without waiting for it, and close the socket."""
        sock = self._green()
        if sock.fileno() < 0:
            return
        try:
            _Base.shutdown(self)
        except SSL.Error:
            pass  # there was no handshake, or nobody is there any more: the end is all there is
        sock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
