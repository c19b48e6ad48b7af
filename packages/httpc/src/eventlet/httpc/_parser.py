"""Answers as they come off the wire: bytes in, facts out, no I/O.

`httptools` finds the grammar; what it leaves open is decided here:

- An answer to HEAD, and a success to CONNECT, ends with its headers, whatever they say about a
  body. The parser underneath cannot be told so, and is replaced before the next answer.
- A body without a length ends when the connection does; any other that ends so is broken.
- Bytes after the end of an answer were not asked for. They are never kept: `surplus` tells the
  owner to close the connection, so that they cannot answer somebody else's request.
- An interim answer (1xx) is noted and skipped.
- A transfer coding other than ``chunked`` was not offered, and could not be undone.
"""

from __future__ import annotations

import re

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from .errors import ProtocolError, ReadError

# All headers of an answer together, in bytes; also what may come between two pieces of a body.
# Servers' limits for requests lie between 8 and 64 KiB.
MAX_HEAD = 64 * 1024
# Interim answers to one request: nobody needs more than a few, and each is free for the server.
MAX_INTERIM = 32

_CHUNKED = b"chunked"
_CODING = b"transfer-encoding"
# What the grammar allows nowhere (RFC 9112, section 4); a terminal would obey some of it.
_CONTROLS = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


class ResponseParser:
    """Reads the answers that arrive on one connection, one after the other.

    Arguments:
        peer: who sends them, for error messages.
        max_head: how many bytes the headers of an answer may have together.

    Attributes:
        status, reason, version, headers: of the current answer, once `has_head` is true.
        names: those of the headers, in lower case.
        has_head: whether the headers are complete.
        complete: whether the whole answer has arrived.
        surplus: whether more has arrived than was asked for.
        keep_alive: whether the peer will take another request on this connection.
        body: the pieces of the body that nobody has taken yet.
        trailers: headers that came after the body.
        interim: statuses of the interim answers that came before this one.
        fresh: whether nothing at all of the current answer has arrived.
    """

    __slots__ = (
        "__weakref__",
        "_fault",
        "_fields",
        "_has_coding",
        "_max_head",
        "_method",
        "_parser",
        "_quiet",
        "_spent",
        "body",
        "complete",
        "fresh",
        "has_head",
        "headers",
        "interim",
        "keep_alive",
        "names",
        "peer",
        "reason",
        "status",
        "surplus",
        "trailers",
        "version",
    )

    def __init__(self, peer: str, max_head: int = MAX_HEAD) -> None:
        self.peer = peer
        self._max_head = max_head
        self._parser = HttpResponseParser(self)
        self._spent = False
        self.names: set[bytes] = set()

    def begin(self, method: str) -> None:
        """Expect the answer to a request with this method; nothing else is known before."""
        if self._spent:
            self._parser = HttpResponseParser(self)
            self._spent = False
        self._method = method
        self._has_coding = False
        self._fault: str | None = None
        self._quiet = 0
        self.status = 0
        self.reason = b""
        self.version = "1.1"
        self.headers: list[tuple[bytes, bytes]] = []
        self._fields = self.headers  # where the next one belongs
        self.trailers: list[tuple[bytes, bytes]] = []
        self.interim: list[int] = []
        self.body: list[bytes] = []
        self.has_head = False
        self.complete = False
        self.surplus = False
        self.keep_alive = False
        self.fresh = True

    def feed(self, data: bytes | bytearray | memoryview) -> None:
        """Take what has arrived.

        Raises:
            ProtocolError: it is not HTTP, or more of it than the limits allow.
        """
        self.fresh = False
        pieces = len(self.body)
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            self._fault = "it switched to another protocol, unasked"
        except HttpParserError as error:
            if self.complete:
                self.surplus = True
            elif self._fault is None:
                self._fault = str(error)
        if self._fault is not None:
            self._spent = True
            raise ProtocolError(self.peer, self._fault)
        if not self.complete:
            self._limit(len(data), len(self.body) > pieces)

    def end(self) -> None:
        """Take note that the peer has closed the connection.

        Raises:
            ReadError: the answer is not complete.
        """
        self._spent = True
        self.keep_alive = False
        if self.complete:
            return
        if not self.has_head:
            where = "without answering" if self.fresh else "in the middle of the headers"
            raise ReadError(self.peer, f"it closed the connection {where}")
        if self._has_coding or self.expected is not None:
            raise ReadError(self.peer, "it closed the connection in the middle of the body")
        self.complete = True

    @property
    def expected(self) -> int | None:
        """How long the whole body is, in bytes, if the headers say so."""
        for name, value in self.headers:
            if name.lower() == b"content-length":
                return int(value)
        return None

    def take_body(self) -> list[bytes]:
        """Return the pieces of the body that have arrived since the last call."""
        pieces, self.body = self.body, []
        return pieces

    def close(self) -> None:
        """Break the circle of references between this object and the parser underneath."""
        self._spent = True
        del self._parser

    def _limit(self, received: int, has_progressed: bool) -> None:
        """Count what arrives and is no body: headers, sizes of chunks and trailers."""
        self._quiet = 0 if has_progressed else self._quiet + received
        if self._quiet > self._max_head:
            what = "between two pieces of the body" if self.has_head else "of headers"
            self._spent = True
            raise ProtocolError(self.peer, f"it sent more than {self._max_head} bytes {what}")

    # What the parser underneath calls. An exception here would come out wrapped.

    def on_message_begin(self) -> None:
        """Note that another answer begins."""
        if self.complete:
            self.surplus = True
            self._fields = []

    def on_status(self, reason: bytes) -> None:
        """Take the words after the status; a long line comes in pieces."""
        if not self.complete:
            self.reason += reason
            if _CONTROLS.search(reason):
                self._fault = f"there are control characters in its status line: {reason!r}"

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take one header, or one trailer."""
        self._fields.append((name, value))

    def on_headers_complete(self) -> None:
        """Decide what the headers mean for the rest."""
        if self.complete:
            return
        parser = self._parser
        self.status = status = parser.get_status_code()
        self.version = version = parser.get_http_version()
        if version not in ("1.1", "1.0"):
            self._fault = f"it answered in version {version}"
        self.names = names = {name.lower() for name, _ in self.headers}
        if _CODING in names:
            self._note_coding()
        if status < 200:
            self._skip_interim(status)
            return
        self.keep_alive = parser.should_keep_alive()
        self.has_head = True
        self._fields = self.trailers
        if self._method == "HEAD" or (self._method == "CONNECT" and status < 300):
            self._spent = True
            self.complete = True
            self._fields = []

    def _note_coding(self) -> None:
        codings = [value for name, value in self.headers if name.lower() == _CODING]
        if self._has_coding or len(codings) > 1 or codings[0].strip().lower() != _CHUNKED:
            self._fault = f"it sent a transfer coding nobody asked for: {b', '.join(codings)!r}"
        self._has_coding = True

    def _skip_interim(self, status: int) -> None:
        if status < 100 or status == 101 or len(self.interim) == MAX_INTERIM:
            self._fault = f"its status is {status}, which nothing here asked for"
        self.interim.append(status)
        self.headers.clear()
        self.reason = b""

    def on_body(self, data: bytes) -> None:
        """Take a piece of the body."""
        if self.complete:
            self.surplus = True
        else:
            self.body.append(data)

    def on_message_complete(self) -> None:
        """Note that the answer has ended, unless it was an interim one."""
        if self.has_head:
            self.complete = True
