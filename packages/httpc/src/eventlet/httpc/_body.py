"""Bodies of requests: what callers pass, as pieces of bytes with a length if it is known."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from typing import IO, TypeAlias, cast

from .errors import InvalidRequest

# How much of a file is in memory at a time, in bytes.
PIECE = 64 * 1024

Piece: TypeAlias = "bytes | bytearray | memoryview"
Content: TypeAlias = "Piece | str | IO[bytes] | Iterable[Piece]"


class Body:
    """What follows the headers of a request.

    Attributes:
        length: in bytes; None if it isn't known before the end, and the body is sent in chunks.
        is_repeatable: whether it can be sent a second time.
        content: the whole of it, if it is in memory; else None.
    """

    __slots__ = ("content", "is_repeatable", "length")

    def __init__(
        self, length: int | None, *, is_repeatable: bool, content: bytes | None = None
    ) -> None:
        self.length = length
        self.is_repeatable = is_repeatable
        self.content = content

    def pieces(self) -> Iterator[bytes]:
        """Yield the body, from its beginning, in pieces that are not empty."""
        raise NotImplementedError(f"{type(self).__name__} does not say what is in it")


class BytesBody(Body):
    """A body in memory."""

    __slots__ = ()

    content: bytes

    def __init__(self, content: bytes) -> None:
        super().__init__(len(content), is_repeatable=True, content=content)

    def pieces(self) -> Iterator[bytes]:
        """Yield the body in pieces."""
        view = memoryview(self.content)
        for start in range(0, len(view), PIECE):
            yield bytes(view[start : start + PIECE])


class IterableBody(Body):
    """A body that an iterable yields piece by piece; only once if it is an iterator."""

    __slots__ = ("_source",)

    def __init__(self, source: Iterable[Piece]) -> None:
        super().__init__(None, is_repeatable=not isinstance(source, Iterator))
        self._source = source

    def pieces(self) -> Iterator[bytes]:
        """Yield the body in pieces.

        Raises:
            InvalidRequest: the iterable yields something else than bytes.
        """
        for piece in self._source:
            if not isinstance(piece, (bytes, bytearray, memoryview)):
                raise InvalidRequest(f"a body is made of bytes, but its iterable yields {piece!r}")
            if len(piece):
                yield bytes(piece)


class FileBody(Body):
    """The rest of a file, from where it stands now."""

    __slots__ = ("_file", "_start")

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._start = _position(file)
        length = None if self._start is None else _size(file) - self._start
        super().__init__(length, is_repeatable=self._start is not None)

    def pieces(self) -> Iterator[bytes]:
        """Yield the file in pieces.

        Raises:
            InvalidRequest: the file yields text, or has another length now than before.
        """
        if self._start is not None:
            self._file.seek(self._start)
        sent = 0
        while piece := self._file.read(PIECE):
            if not isinstance(piece, bytes):
                raise InvalidRequest(f"open {self._file!r} in binary mode to send it")
            sent += len(piece)
            if self.length is not None and sent > self.length:
                break
            yield piece
        if self.length is not None and sent != self.length:
            raise InvalidRequest(f"{self._file!r} changed its length while it was being sent")


def make_body(content: Content) -> Body:
    """Return the body that `content` stands for; text is sent as UTF-8.

    Raises:
        InvalidRequest: it stands for none.
    """
    if isinstance(content, str):
        return BytesBody(content.encode("utf-8"))
    if isinstance(content, (bytes, bytearray, memoryview)):
        return BytesBody(bytes(content))
    if hasattr(content, "read"):
        return FileBody(cast("IO[bytes]", content))
    if isinstance(content, Iterable):
        return IterableBody(content)
    raise InvalidRequest(
        f"a body is bytes, text, a file or an iterable of bytes, not {content!r};"
        " for a form use data, for JSON use json"
    )


def _position(file: IO[bytes]) -> int | None:
    try:
        return file.tell() if file.seekable() else None
    except (AttributeError, OSError, io.UnsupportedOperation):
        return None


def _size(file: IO[bytes]) -> int:
    position = file.tell()
    size = file.seek(0, os.SEEK_END)
    file.seek(position)
    return size
