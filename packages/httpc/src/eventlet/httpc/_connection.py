"""One connection: a green socket, the parser that its bytes go through, and who is at its end."""

from __future__ import annotations

import _socket
import ssl
from collections.abc import Callable, Hashable, Iterator
from functools import partial
from socket import socket
from typing import TypeAlias

from eventlet.hub import get_hub
from eventlet.hub._native import select

from ._body import PIECE, Body
from ._budget import Budget
from ._nested import NestedTLS
from ._parser import ResponseParser
from ._request import Request
from ._upload import Upload
from .errors import HTTPError, ReadError, ReadTimeout, WriteError, WriteTimeout

# How much is taken from the system at a time, in bytes: a small answer in one go, and of a large
# one no more than fits the processor's cache until it is copied on.
_RECEIVE = 64 * 1024
# How long a server has to say that it wants the body, in seconds, before it is sent unasked
# (RFC 9110, section 10.1.1, wants the wait to be limited).
CONTINUE_PATIENCE = 1.0

# What bytes travel over.
Wire: TypeAlias = socket | NestedTLS

_INTERNET = (_socket.AF_INET, _socket.AF_INET6)

_HAS_POLL = hasattr(select, "poll")


class Connection:
    """A connection for one exchange at a time.

    After an error, or when an exchange was left in the middle, nothing can be done with it but
    `close`.

    Arguments:
        sock: a connected green socket, which belongs to this object from now on.
        key: what the connection leads to, for the pool.
        peer: names the other end in errors.

    Attributes:
        parser: has what has arrived of the current answer.
        is_reused: whether it has served an exchange before the current one.
        idle_since: when it came back to the pool, on the hub's clock.
    """

    __slots__ = (
        "__weakref__",
        "_arrived",
        "_limit",
        "_sock",
        "_time",
        "_upload",
        "idle_since",
        "is_reused",
        "key",
        "parser",
        "peer",
    )

    def __init__(self, sock: Wire, key: Hashable, peer: str) -> None:
        self._sock = sock
        self._time = get_hub().time
        self._limit = sock.gettimeout()
        self._upload: Upload | None = None
        self._arrived: Callable[[], object] | None = None
        self.key = key
        self.peer = peer
        self.parser = ResponseParser(peer)
        self.is_reused = False
        self.idle_since = 0.0

    def is_alive(self, expiry: float) -> bool:
        """Whether an idle connection can serve another exchange, as far as one can know.

        It cannot if it has been idle for longer than `expiry` seconds, or if anything has
        arrived: the end, or bytes that nobody asked for.
        """
        if self._time() - self.idle_since > expiry:
            return False
        self.is_reused = True
        sock = self._sock
        if isinstance(sock, NestedTLS):
            if sock.pending():
                return False
            sock = sock.outer
        arrived = self._arrived
        if arrived is None:
            arrived = self._arrived = _look_at(sock.fileno())
        return not arrived()

    def start(self, request: Request, head: bytes, budget: Budget) -> None:
        """Send a request, and read until the headers of its answer are there, or all of it.

        A long body is sent by a green thread of its own, so that an answer which doesn't wait
        for the end of it is seen.

        Raises:
            WriteError, ReadError, ProtocolError: see there.
            WriteTimeout, ReadTimeout, TotalTimeout: see there.
        """
        parser = self.parser
        parser.begin(request.method)
        body = request.body
        if body is None:
            self._send(head, budget)
        elif request.expects_continue:
            self._send(head, budget)
            if self._may_continue(budget):
                self._start_upload(body, budget)
        elif body.content is not None and len(body.content) <= PIECE:
            self._send(head + body.content, budget)
        else:
            self._send(head, budget)
            self._start_upload(body, budget)
        if budget.trace is not None:
            budget.mark("sent")
        while not parser.has_head:
            self.receive(budget)
        if budget.trace is not None:
            budget.mark("answered")
        if parser.status >= 300 and self._upload is not None:
            self._upload.stop()

    def receive(self, budget: Budget) -> None:
        """Read some more of the answer into the parser.

        Raises:
            ReadError, ReadTimeout, TotalTimeout, ProtocolError: see there.
        """
        limit = budget.timeouts.read
        if budget.deadline is not None:
            limit = budget.cap(limit, self.peer)
        if limit != self._limit:
            self._set_limit(limit)
        try:
            data = self._sock.recv(_RECEIVE)
        except TimeoutError as error:
            if self._upload is not None and self._upload.excuses_silence(budget):
                return
            raise self._read_timeout(budget) from error
        except OSError as error:
            if self._upload is not None:
                self._upload.raise_error()
            raise ReadError(self.peer, reason_of(error)) from error
        if data:
            self.parser.feed(data)
        else:
            self.parser.end()

    def may_repeat(self, request: Request, error: HTTPError, tries: int) -> bool:
        """Whether a request that ended with an error can be sent again without harm.

        It can if it is harmless anyway, and a kept connection had been closed by the peer before
        it saw the request. `tries` does not matter: there are only so many kept connections.
        """
        was_dead = self.is_reused and self.parser.fresh and not isinstance(error, TimeoutError)
        return was_dead and request.is_repeatable

    def finish(self) -> bool:
        """Return whether the exchange has ended so that another one can follow."""
        upload, self._upload = self._upload, None
        if upload is not None and not upload.stop():
            return False
        parser = self.parser
        return parser.complete and parser.keep_alive and not parser.surplus

    def close(self) -> None:
        """Close the connection, whatever it is doing."""
        upload, self._upload = self._upload, None
        if upload is not None:
            upload.stop()
        self.parser.close()
        self._sock.close()

    def __repr__(self) -> str:
        return f"<Connection to {self.peer}, descriptor {self._sock.fileno()}>"

    # Sending

    def _send(self, data: bytes, budget: Budget) -> None:
        limit = budget.timeouts.write
        if budget.deadline is not None:
            limit = budget.cap(limit, self.peer)
        if limit != self._limit:
            self._set_limit(limit)
        try:
            self._sock.sendall(data)
        except TimeoutError as error:
            reason = f"it took nothing for {limit} seconds"
            raise budget.expired(WriteTimeout, self.peer, reason) from error
        except OSError as error:
            raise WriteError(self.peer, reason_of(error)) from error

    def _start_upload(self, body: Body, budget: Budget) -> None:
        if self._sock.family in _INTERNET:
            # Otherwise the system may keep a short piece back until the peer has acknowledged the
            # last one. A request without a body is one write, for which it makes no difference.
            self._sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        self._upload = Upload(
            _framed(body), lambda data: self._send(data, budget), self._sock.close
        )

    def _may_continue(self, budget: Budget) -> bool:
        """Wait until the server wants the body; return False if it has answered without it."""
        parser = self.parser
        until = self._time() + CONTINUE_PATIENCE
        while not parser.interim and not parser.has_head:
            left = until - self._time()
            if left <= 0:
                return True
            self._set_limit(budget.cap(left, self.peer))
            try:
                data = self._sock.recv(_RECEIVE)
            except TimeoutError:
                continue
            except OSError as error:
                raise ReadError(self.peer, reason_of(error)) from error
            if data:
                parser.feed(data)
            else:
                parser.end()
        if parser.has_head:
            # The headers have promised a body that will not follow.
            parser.keep_alive = False
        return not parser.has_head

    # Limits

    def _set_limit(self, limit: float | None) -> None:
        self._sock.settimeout(limit)
        self._limit = limit

    def _read_timeout(self, budget: Budget) -> HTTPError:
        reason = f"it sent nothing for {budget.timeouts.read} seconds"
        return budget.expired(ReadTimeout, self.peer, reason)


def _look_at(fd: int) -> Callable[[], object]:
    """Return a function that says, without waiting, whether anything has arrived.

    To ask poll(2) takes a third of the time of a `recv` that fails.
    """
    if _HAS_POLL:
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        return partial(poll.poll, 0)
    return lambda: select.select((fd,), (), (), 0)[0]


def _framed(body: Body) -> Iterator[bytes]:
    """Yield a body as it is sent: in chunks if nobody knows its length."""
    if body.length is not None:
        yield from body.pieces()
        return
    for piece in body.pieces():
        yield b"%x\r\n%b\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"


def reason_of(error: OSError) -> str:
    """Say in words what a system error was."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return error.strerror or str(error) or type(error).__name__
