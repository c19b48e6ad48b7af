"""TLS inside of TLS: to a server, through a proxy that is itself reached over TLS.

The standard TLS socket encrypts for a descriptor, and there is none between the two layers. So
OpenSSL works on memory here, and what goes in and out of that passes through the outer socket.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from typing import TypeVar, TypeVarTuple

from eventlet.coros import Semaphore

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

# As much as one record of the outer layer can bring, in bytes (RFC 8446, section 5.1).
_RECEIVE = 16 * 1024


class NestedTLS:
    """What a connection uses of a TLS socket, with another one in the place of the network.

    One green thread may read while another writes.

    Arguments:
        outer: a connected green TLS socket, which belongs to this object from now on.
        context: what the inner layer is made with.
        server_hostname: whom the inner certificate must name.

    Attributes:
        outer: the same.
    """

    def __init__(self, outer: ssl.SSLSocket, context: ssl.SSLContext, server_hostname: str) -> None:
        self.outer = outer
        self.family = outer.family
        self.fileno = outer.fileno
        self.gettimeout = outer.gettimeout
        self.settimeout = outer.settimeout
        self.setsockopt = outer.setsockopt
        self.close = outer.close
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        # Two who pass on what is to be sent must not mix it up.
        self._sending = Semaphore(1)
        self._tls = context.wrap_bio(
            self._incoming, self._outgoing, server_hostname=server_hostname
        )
        self.selected_alpn_protocol = self._tls.selected_alpn_protocol

    def do_handshake(self) -> None:
        """Agree on keys, and check who is at the other end.

        Raises:
            SSLError: the other end is not who it should be, or does not speak TLS.
            OSError: the outer connection broke.
        """
        self._carry_out(self._tls.do_handshake)

    def recv(self, size: int) -> bytes:
        """Return up to `size` bytes as soon as there are any; none at the end of the stream."""
        try:
            return self._carry_out(self._tls.read, size)
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""

    def sendall(self, data: bytes) -> None:
        """Send all of `data`."""
        rest = memoryview(data)
        while rest:
            rest = rest[self._carry_out(self._tls.write, rest) :]

    def pending(self) -> bool:
        """Return whether anything has arrived that nobody has read yet."""
        return bool(self._incoming.pending or self._tls.pending())

    def _carry_out(self, operation: Callable[[*Ts], T], *args: *Ts) -> T:
        while True:
            try:
                return operation(*args)
            except ssl.SSLWantReadError:
                pass
            finally:
                self._pass_on()  # after a failure too: it tells the other end why
            self._take_in()

    def _take_in(self) -> None:
        data = self.outer.recv(_RECEIVE)
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    def _pass_on(self) -> None:
        while self._outgoing.pending:
            with self._sending:
                self.outer.sendall(self._outgoing.read())
