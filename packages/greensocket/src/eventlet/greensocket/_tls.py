"""The green TLS socket: the standard one, whose every operation is tried until it doesn't block.

It inherits from both the standard `ssl.SSLSocket` and `GreenSocket`. The descriptor is
non-blocking, so OpenSSL says "want read" or "want write" instead of waiting; either can come out of
any operation, because TLS sends and receives behind the scenes.
"""

from __future__ import annotations

import socket as _socket_module
import ssl as _standard
from collections.abc import Callable
from typing import Any, Self, TypeVar, TypeVarTuple

from eventlet.coros import Semaphore

from ._socket import GreenSocket
from ._turns import await_turn

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_Base = _standard.SSLSocket


class GreenSSLSocket(_standard.SSLSocket, GreenSocket):  # type: ignore[misc]  # it forbids messages
    """A TLS socket with the contract of `ssl.SSLSocket`, on which only green threads wait.

    Made by ``SSLContext.wrap_socket``, if the context's ``sslsocket_class`` is this one. One green
    thread may read while another writes. A timeout limits each operation as a whole, however many
    steps TLS takes for it.
    """

    _sslobj: Any
    _connected: bool
    do_handshake_on_connect: bool
    suppress_ragged_eofs: bool

    # Held while one write is unfinished; see `_turns`.
    _unfinished_write: Semaphore | None = None

    @classmethod
    def _create(cls, *args: Any, do_handshake_on_connect: bool = True, **options: Any) -> Self:
        # What wrap_socket() calls. The handshake is not left to the base class, which closes the
        # socket after errors only, and would leave it open when the green thread is killed.
        create = super()._create  # type: ignore[misc]  # not in the stubs
        self: Self = create(*args, do_handshake_on_connect=False, **options)
        self.do_handshake_on_connect = do_handshake_on_connect
        if do_handshake_on_connect and self._connected:
            try:
                self._begin()
            except BaseException:
                self.close()
                raise
        return self

    def _begin(self) -> None:
        if self._timeout == 0:
            raise ValueError(
                "do_handshake_on_connect should not be specified for non-blocking sockets"
            )
        self.do_handshake()

    # Reading and writing are tried here in a shorter way than the base class has: they are most of
    # what a connection does. What is out of the ordinary is left to that.

    def recv(self, buflen: int = 1024, flags: int = 0) -> bytes:
        """Return up to `buflen` bytes as soon as there are any; none at the end of the stream."""
        if flags or self._sslobj is None:
            return super().recv(buflen, flags)
        try:
            data: bytes = self._sslobj.read(buflen)
        except _standard.SSLWantReadError:
            if self._timeout == 0:
                raise
        except _standard.SSLWantWriteError:
            return self._insist(None, _Base.read, buflen)  # an answer of TLS itself is to go first
        except _standard.SSLError as error:
            if error.args[0] != _standard.SSL_ERROR_EOF or not self.suppress_ragged_eofs:
                raise
            return b""
        else:
            return data
        deadline = self._await_readable(None, tried=True)
        return self._insist(deadline, _Base.read, buflen)

    def read(self, len: int = 1024, buffer: Any = None) -> Any:
        """Return up to `len` bytes as soon as there are any, or receive them into `buffer`."""
        return self._insist(None, _Base.read, len, buffer)

    def write(self, data: Any) -> int:
        """Send as much of `data` as there is room for, at least one byte; return how much."""
        while (unfinished := self._unfinished_write) is not None:
            if not await_turn(self, unfinished):
                raise _standard.SSLWantWriteError(
                    _standard.SSL_ERROR_WANT_WRITE, "another green thread's write is unfinished"
                )
        try:
            return _Base.write(self, data)
        except (_standard.SSLWantReadError, _standard.SSLWantWriteError):
            if self._timeout == 0:
                raise
        turn = self._unfinished_write = Semaphore(0)
        try:
            return self._insist(None, _Base.write, data)
        finally:
            self._unfinished_write = None
            turn.release()

    def send(self, data: Any, flags: int = 0) -> int:
        """As `write`; without TLS around it yet, or any more, as `GreenSocket.send`."""
        if self._sslobj is None:
            return GreenSocket.send(self, data, flags)
        if flags:
            raise ValueError(f"non-zero flags not allowed in calls to send() on {type(self)}")
        return self.write(data)

    def sendall(self, data: Any, flags: int = 0) -> None:
        """Send all of `data`. After an error there is no telling how much of it was sent."""
        if type(data) is bytes and not flags and self._sslobj is not None:
            sent = self.write(data)
            if sent == len(data):
                return
            data = memoryview(data)[sent:]  # pragma: no cover - OpenSSL decides when to stop short
        super().sendall(data, flags)

    def do_handshake(self, block: bool = False) -> None:
        """Shake hands with the peer.

        Arguments:
            block: wait for the peer even in non-blocking mode.
        """
        self._check_connected()  # type: ignore[attr-defined]  # not in the stubs of its base
        timeout = self._timeout
        if timeout == 0 and block:
            self.settimeout(None)
        try:
            self._insist(None, _do_handshake)
        finally:
            self.settimeout(timeout)

    def unwrap(self) -> GreenSocket:
        """End TLS in an orderly way, and return the socket for going on without it."""
        self._insist(None, _Base.unwrap)
        return self

    def accept(self) -> tuple[GreenSSLSocket, Any]:
        """Wait for a connection, shake hands, and return a socket for it and its peer's address."""
        connection, address = self.accept_unfinished()
        return self.finish_accept(connection), address

    def accept_unfinished(self) -> tuple[GreenSocket, Any]:
        """Wait for a connection and leave the rest of `accept` to `finish_accept`."""
        return GreenSocket.accept(self)

    def finish_accept(self, connection: GreenSocket) -> GreenSSLSocket:
        """Do with a connection that `accept_unfinished` returned what `accept` does."""
        return wrap(
            connection,
            self.context,
            server_side=True,
            do_handshake_on_connect=self.do_handshake_on_connect,
            suppress_ragged_eofs=self.suppress_ragged_eofs,
        )

    def _insist(self, deadline: float | None, operation: Callable[[Any, *Ts], T], *args: *Ts) -> T:
        """Call ``operation(self, *args)`` until it wants nothing more from the peer.

        Arguments:
            deadline: as for `_await_readable`.
        """
        while True:
            try:
                return operation(self, *args)
            except (_standard.SSLWantReadError, _standard.SSLWantWriteError) as error:
                if self._timeout == 0:
                    raise
                reading = isinstance(error, _standard.SSLWantReadError)
            if reading:
                deadline = self._await_readable(deadline, tried=True)
            else:
                deadline = self._await_writable(deadline, tried=True)


def wrap(
    sock: _socket_module.socket, context: _standard.SSLContext, **options: Any
) -> GreenSSLSocket:
    """Do as ``context.wrap_socket(sock, **options)``, but make a green socket in any case."""
    wanted = context.sslsocket_class
    kind = wanted if issubclass(wanted, GreenSSLSocket) else GreenSSLSocket
    return kind._create(sock=sock, context=context, **options)


def _do_handshake(sock: Any) -> None:
    if sock._sslobj is None:
        raise ValueError(f"there is no TLS around {sock!r}: it is closed, unwrapped or listening")
    sock._sslobj.do_handshake()
