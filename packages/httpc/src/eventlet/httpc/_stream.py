"""One exchange on an HTTP/2 connection: what `Connection` is to HTTP/1.1 (RFC 9113, 8.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from eventlet.hub import Waiter, get_hub

from ._connection import CONTINUE_PATIENCE
from ._parser import MAX_INTERIM
from ._upload import Upload
from .errors import HTTPError, ProtocolError, ReadError, ReadTimeout, WriteError, WriteTimeout

if TYPE_CHECKING:
    from ._body import Body
    from ._budget import Budget
    from ._http2 import Session
    from ._request import Request

# How often a request is tried that servers say they have not looked at.
_MAX_TRIES = 5

# Answers whose length is that of something else, if they state one (RFC 9110, section 8.6).
_WITHOUT_CONTENT = (204, 304)

_STATUS = re.compile(rb"[1-5]\d\d")


class Answer:
    """What has arrived of an answer, under the names that `ResponseParser` has for it."""

    __slots__ = (
        "body", "complete", "fresh", "has_head", "headers", "interim", "names", "reason", "status",
        "trailers", "version",
    )  # fmt: skip

    def __init__(self) -> None:
        self.status = 0
        self.reason = b""  # HTTP/2 has none
        self.version = "2"
        self.headers: list[tuple[bytes, bytes]] = []
        self.names: set[bytes] = set()
        self.trailers: list[tuple[bytes, bytes]] = []
        self.interim: list[int] = []
        self.body: list[bytes] = []
        self.has_head = False
        self.complete = False
        self.fresh = True

    def take_body(self) -> list[bytes]:
        """Return the pieces of the body that have arrived since the last call."""
        pieces, self.body = self.body, []
        return pieces


class Stream:
    """A place for one exchange on a shared connection.

    Arguments:
        session: the connection.

    Attributes:
        parser: has what has arrived of the answer.
        number: identifies the stream on the wire; 0 before the request is sent.
        unread: bytes of the body that the server has not been told are taken.
        is_reused: whether the connection has served an exchange before.
        is_refused: whether the server has said, or could not but know, that it did nothing.
        is_sent: whether all of the request has been sent.
        has_ended: whether the server has sent all that it wanted to.
        is_gone: whether the stream has come to an end before its answer did.
    """

    __slots__ = (
        "_error", "_has_news", "_is_head", "_length", "_receiver", "_sender", "_upload",
        "has_ended", "is_gone", "is_refused", "is_reused", "is_sent", "number", "parser",
        "session", "unread",
    )  # fmt: skip

    def __init__(self, session: Session) -> None:
        self.session = session
        self.parser = Answer()
        self.number = 0
        self.unread = 0
        self.is_reused = session.has_served
        self.is_refused = self.is_sent = self.has_ended = self.is_gone = False
        self._has_news = False
        self._is_head = False
        self._length = 0
        self._error: HTTPError | None = None
        self._upload: Upload | None = None
        self._receiver: Waiter[None] | None = None
        self._sender: Waiter[None] | None = None

    @property
    def peer(self) -> str:
        """Who is at the other end."""
        return self.session.peer

    # What the engine does with it

    def start(self, request: Request, head: bytes, budget: Budget) -> None:
        """Send a request, and wait until the headers of its answer are there.

        Raises:
            WriteError, ReadError, ProtocolError: see there.
            WriteTimeout, ReadTimeout, TotalTimeout: see there.
        """
        parser, body = self.parser, request.body
        self._is_head = request.method == "HEAD"
        self.session.begin(self, request, head, is_whole=body is None)
        if body is not None and (not request.expects_continue or self._may_continue(budget)):
            self._upload = Upload(
                _with_end(body), lambda data: self._send(data, budget), self._abandon
            )
        budget.mark("sent")
        while not parser.has_head:
            self.receive(budget)
        budget.mark("answered")
        if parser.status >= 300 and self._upload is not None:
            self._upload.stop()

    def receive(self, budget: Budget) -> None:
        """Wait until more of the answer is there.

        Raises:
            ReadError, ReadTimeout, TotalTimeout, ProtocolError: see there.
        """
        if self.unread:
            self.session.acknowledge(self)
        limit = budget.cap(budget.timeouts.read, self.peer)
        began = get_hub().time()
        if not self._wait_for_news(limit):
            if self._upload is not None and self._upload.excuses_silence(budget):
                return
            self.session.suspect(began)
            reason = f"it sent nothing for {budget.timeouts.read} seconds"
            raise budget.expired(ReadTimeout, self.peer, reason)
        if self._error is not None and not self.parser.complete:
            if self._upload is not None:
                self._upload.raise_error()
            raise self._error

    def may_repeat(self, request: Request, error: HTTPError, tries: int) -> bool:
        """Whether a request that ended with an error can be sent again without harm.

        It can if the server says that it has not looked at it (RFC 9113, section 8.7), or if it
        is harmless and the connection has turned out to be dead.
        """
        if self.is_refused:
            # A connection that comes to its end has done its share; the next one may do more.
            is_hopeful = self.session.has_answered and not self.session.is_open
            may_be_sent = request.body is None or request.body.is_repeatable
            return may_be_sent and (is_hopeful or tries < _MAX_TRIES)
        was_dead = self.is_reused and self.parser.fresh and not isinstance(error, TimeoutError)
        return was_dead and self.session.has_failed and request.is_repeatable

    def finish(self) -> bool:
        """End the exchange; return that another one can follow: that is for the session to say."""
        self.close()
        return True

    def close(self) -> None:
        """Give up what is left of the exchange."""
        upload, self._upload = self._upload, None
        if upload is not None:
            upload.stop()
        self.session.end(self)

    # What the session has to tell

    def take_head(self, fields: Iterable[tuple[bytes, bytes]]) -> None:
        """Take the status and headers of the answer."""
        headers = [(bytes(name), bytes(value)) for name, value in fields]
        status = self._checked(headers)
        if status is not None:
            self.parser.headers = headers = headers[1:]
            self.parser.names = {name for name, _ in headers}  # in lower case, as all of HTTP/2's
            self.parser.status = status
            self.parser.has_head = True
            self.notify()

    def take_interim(self, fields: Iterable[tuple[bytes, bytes]]) -> None:
        """Take note of an interim answer."""
        status = self._checked([(bytes(name), bytes(value)) for name, value in fields])
        if status is not None:
            if len(self.parser.interim) == MAX_INTERIM:
                self.fail(ProtocolError(self.peer, "it sent interim answers without end"))
            self.parser.interim.append(status)
            self.notify()

    def take_body(self, data: bytes, length: int) -> None:
        """Take a piece of the body, which counts as `length` bytes against the window."""
        self.unread += length
        self._length += len(data)
        if data:
            self.parser.body.append(data)
            self.notify()

    def take_trailers(self, fields: Iterable[tuple[bytes, bytes]]) -> None:
        """Take the headers that came after the body."""
        self.parser.trailers += [(bytes(name), bytes(value)) for name, value in fields]

    def take_end(self) -> None:
        """Take note that the answer is complete, unless something was wrong with it."""
        self.has_ended = True
        self._check_length()
        self.parser.complete = self._error is None
        self.notify()

    def fail(self, error: HTTPError, *, is_gone: bool = False, is_refused: bool = False) -> None:
        """Take note that nothing more will come."""
        if self._error is None:
            self._error = error
            self.is_refused = is_refused
        self.is_gone = self.is_gone or is_gone
        self.notify()
        self.notify_sender()

    def notify(self) -> None:
        """Wake the green thread that waits for the answer."""
        self.parser.fresh = self.parser.fresh and not (self.parser.has_head or self.parser.interim)
        self._has_news = True
        if self._receiver is not None:
            self._receiver.switch()

    def notify_sender(self) -> None:
        """Wake the green thread that waits for room to send."""
        if self._sender is not None:
            self._sender.switch()

    def _checked(self, headers: list[tuple[bytes, bytes]]) -> int | None:
        """Return the status; fail and return None if it is none. `h2` checks the other headers."""
        name, status = headers[0] if headers else (b"", b"")
        if name != b":status" or not _STATUS.fullmatch(status):
            self.fail(ProtocolError(self.peer, f"its status is {status!r}"))
            return None
        return int(status)

    def _check_length(self) -> None:
        """Fail if the answer is shorter than it says; `h2` judges only bodies that end in data."""
        if self._is_head or self.parser.status in _WITHOUT_CONTENT:
            return
        for name, value in self.parser.headers:
            if name == b"content-length" and int(value) != self._length:
                reason = f"it promised {int(value)} bytes and sent {self._length}"
                self.fail(ProtocolError(self.peer, reason))

    # Waiting

    def _wait_for_news(self, limit: float | None) -> bool:
        if not self._has_news:
            self._receiver = waiter = Waiter[None]()
            try:
                waiter.wait(limit)
            except TimeoutError:
                if not waiter.expired:
                    raise
                return False
            finally:
                self._receiver = None
        self._has_news = False
        return True

    def _may_continue(self, budget: Budget) -> bool:
        """Wait until the server wants the body; return False if it has answered without it."""
        self._wait_for_news(budget.cap(CONTINUE_PATIENCE, self.peer))
        self._has_news = self._has_news or self._error is not None
        return not self.parser.has_head

    # Sending

    def _send(self, data: bytes, budget: Budget) -> None:
        """Send a piece of the body; an empty one ends it."""
        if not data:
            self._check_sending()
            self.session.send_end(self)
            return
        while data:
            self._check_sending()
            taken = self.session.send(self, data)
            data = data[taken:]
            if not taken:
                self._wait_for_room(budget)

    def _check_sending(self) -> None:
        if self._error is not None:
            raise WriteError(self.peer, "the stream has come to its end")

    def _wait_for_room(self, budget: Budget) -> None:
        limit = budget.cap(budget.timeouts.write, self.peer)
        began = get_hub().time()
        self._sender = waiter = Waiter[None]()
        try:
            waiter.wait(limit)
        except TimeoutError as error:
            self.session.suspect(began)
            reason = f"it took nothing for {limit} seconds"
            raise budget.expired(WriteTimeout, self.peer, reason) from error
        finally:
            self._sender = None

    def _abandon(self) -> None:
        self.fail(ReadError(self.peer, "the body of the request could not be sent to its end"))


def _with_end(body: Body) -> Iterator[bytes]:
    yield from body.pieces()
    yield b""
