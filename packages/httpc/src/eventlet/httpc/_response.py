"""Answers as people use them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self

from ._charset import TextDecoder, charset_in, encoding_of
from ._classic import ClassicResponse
from ._cookies import Cookies
from ._decoding import codings_of, decode_all, decoded
from ._headers import Headers
from ._params import Params
from ._status import ConnectionError, status_to_error_map
from .errors import BodyTooLarge, DecodingError, HTTPError, StreamError

if TYPE_CHECKING:
    from ._call import Call
    from ._reply import Reply


class Response:
    """One answer. True if its status is below 400.

    Attributes:
        status: the number.
        url: where it came from, after redirects; a `URL`, equal to its text.
        method: what was asked, after redirects.
        http_version: "1.0", "1.1" or "2".
        elapsed: how long it took until the headers were there, in seconds; the last of several
            exchanges only.
        history: the redirects before, each a `Response`.
    """

    __slots__ = (
        "_call",
        "_content",
        "_headers",
        "_reply",
        "elapsed",
        "history",
        "http_version",
        "method",
        "status",
        "url",
    )

    def __init__(self, reply: Reply, call: Call, elapsed: float) -> None:
        self._reply = reply
        self._call = call
        self._headers: Headers | None = None
        self._content: bytes | None = None
        self.status: int = reply.status
        self.http_version: str = reply.version
        self.url = call.url
        self.method: str = call.method
        self.elapsed = elapsed
        self.history: list[Response] = call.history

    @property
    def reason(self) -> str:
        """The words after the status; meant for people."""
        return self._reply.reason.decode("latin-1")

    @property
    def raw_headers(self) -> list[tuple[bytes, bytes]]:
        """The headers, as the bytes that came."""
        return self._reply.headers

    @property
    def headers(self) -> Headers:
        """The headers, as they came."""
        if self._headers is None:
            self._headers = Headers.received(self._reply.headers)
        return self._headers

    @property
    def trailers(self) -> Headers:
        """The headers that came after the body; complete when the body is."""
        return Headers.received(self._reply.trailers)

    @property
    def cookies(self) -> Cookies:
        """The cookies that this answer sets."""
        cookies = Cookies()
        cookies.take(self.url, self.headers)
        return cookies

    # The body

    @property
    def content(self) -> bytes:
        """The whole body, with its codings undone.

        Raises:
            HTTPError: of a stream that has not been read to its end; see `read`.
        """
        return self.read() if self._content is None else self._content

    def read(self) -> bytes:
        """Read the whole body; return it as `content`.

        Raises:
            ReadError, ReadTimeout, TotalTimeout, ProtocolError: see there.
            DecodingError: it is not what its headers say.
            BodyTooLarge: it is longer than the client allows.
            StreamError: it was read before by an iterator.
        """
        if self._content is None:
            call = self._call
            if call.is_read:
                raise _read_before()
            call.is_read = True
            limit = call.max_body
            content = self._reply.read(limit)
            if content and b"content-encoding" in self._reply.names:
                codings = codings_of(self.headers.get_list("content-encoding"))
                content = decode_all(content, codings, limit)
            self._content = content
        return self._content

    def iter_raw(self) -> Iterator[bytes]:
        """Yield the body as it comes, without undoing its codings.

        Raises:
            As `read`.
        """
        self._begin_reading()
        return self._reply.pieces()

    def iter_bytes(self, size: int | None = None) -> Iterator[bytes]:
        """Yield the body as it comes, with its codings undone.

        Arguments:
            size: of the pieces, in bytes; only the last may be shorter. None leaves it to chance.

        Raises:
            As `read`.
        """
        pieces = self._iter_decoded() if self._content is None else iter([self._content])
        return pieces if size is None else _resized(pieces, size)

    def iter_text(self) -> Iterator[str]:
        """Yield the body as it comes, as `text`.

        Raises:
            As `read`.
        """
        decoder = TextDecoder(self.encoding)
        for piece in self.iter_bytes():
            text = decoder.decode(piece)
            if text:
                yield text
        if rest := decoder.decode(b"", final=True):
            yield rest

    def iter_lines(self) -> Iterator[str]:
        r"""Yield the lines of the body as they come, without their ends: ``\n``, ``\r\n``, ``\r``.

        Raises:
            As `read`.
        """
        pending = ""
        for text in self.iter_text():
            lines = re.split(r"\r\n|\n|\r(?!\Z)", pending + text)
            pending = lines.pop()
            yield from lines
        if pending.endswith("\r"):
            pending = pending[:-1]
            yield pending
        elif pending:
            yield pending

    @property
    def encoding(self) -> str:
        """The encoding of the text: the one in ``Content-Type`` if it is known, else UTF-8."""
        return charset_in(self.headers.get("content-type", "")) or "utf-8"

    @property
    def text(self) -> str:
        """The body as text; what cannot be decoded is replaced.

        A byte order mark counts more than the headers.
        """
        content = self.content
        return content.decode(encoding_of(content, self.encoding), "replace")

    def json(self) -> Any:
        """Return what the body says in JSON.

        Raises:
            DecodingError: it is not JSON.
        """
        try:
            return json.loads(self.content)
        except ValueError as error:
            raise DecodingError("json", str(error)) from error

    # The outcome

    def raise_for_status(self) -> Self:
        """Raise the exception that belongs to the status if it is 400 or more; else return self.

        Raises:
            ConnectionError: or the subclass of the status.
        """
        if self.status >= 400:
            raise self.error()
        return self

    def error(self) -> ConnectionError:
        """Return the exception that belongs to the status, whatever it is; reads the body."""
        params = Params(str(self.url), self.method, headers=dict(self._call.headers))
        body = self._call.body
        if body is not None:
            params.body = params.orig_body = body.content
        params.path = self.url.target
        params.instance = self._call.retrier
        params.response = ClassicResponse(self.status, self.reason, self.raw_headers, self.content)
        params.response_body = self.content
        return status_to_error_map.get(self.status, ConnectionError)(params)

    @property
    def next_url(self) -> str | None:
        """Where a redirect leads to; None for any other answer."""
        if self.status in (301, 302, 303, 307, 308):
            return self.headers.get("location")
        return None

    def discard(self, limit: int) -> None:
        """Read the rest of the body and forget it; give it up if it is more than `limit` bytes."""
        try:
            self._reply.read(limit)
        except HTTPError:
            self.close()

    def close(self) -> None:
        """Give up what is left of the body."""
        self._reply.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __bool__(self) -> bool:
        return self.status < 400

    def __repr__(self) -> str:
        return f"<Response {self.status} {self.reason}>"

    def _begin_reading(self) -> None:
        call = self._call
        if self._content is not None or call.is_read:
            raise _read_before()
        call.is_read = True

    def _iter_decoded(self) -> Iterator[bytes]:
        self._begin_reading()
        pieces = self._reply.pieces()
        codings = codings_of(self.headers.get_list("content-encoding"))
        limit = self._call.max_body
        length = 0
        try:
            for piece in decoded(pieces, codings):
                length += len(piece)
                if limit is not None and length > limit:
                    raise BodyTooLarge(limit)
                yield piece
        finally:
            self.close()


def _read_before() -> StreamError:
    return StreamError("the body was read before; keep what you need of it")


def _resized(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    if size < 1:
        raise ValueError(f"a piece has at least one byte, not {size!r}")
    pending = bytearray()
    for piece in pieces:
        pending += piece
        while len(pending) >= size:
            yield bytes(pending[:size])
            del pending[:size]
    if pending:
        yield bytes(pending)
