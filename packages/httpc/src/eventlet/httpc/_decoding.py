"""Undoing content codings piece by piece, in bounded memory however well the body was packed."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

from .errors import BodyTooLarge, DecodingError

# The most that comes out of a decoder at a time, in bytes.
_PIECE = 256 * 1024
# What goes into a decoder that knows no limit for its output, in bytes: a Zstandard block of
# 4 bytes may stand for 128 KiB.
_SIP = 512

_GZIP_WINDOW = 16 + zlib.MAX_WBITS
_ZLIB_HEADER = 2
# Unpacked bodies are suspicious if they are longer than this, in bytes, and this many times as
# long as they came. Text and logs pack to a tenth or a fiftieth; bombs to a thousandth.
_BOMB_SIZE = 64 * 1024 * 1024
_BOMB_RATIO = 200
# The codings that a server may combine on one answer; more would only cost us.
_MAX_CODINGS = 3


class Decoder(Protocol):
    """Undoes one coding."""

    def decode(self, data: bytes) -> Iterator[bytes]:
        """Yield what has become readable with `data`, in pieces of limited size."""

    def finish(self) -> None:
        """Check that what was fed is complete."""


class _Zlib:
    """gzip, in one or more members, or deflate."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._window = _GZIP_WINDOW
        self._object = zlib.decompressobj(self._window)
        self._start = b""
        self._is_new = True

    def decode(self, data: bytes) -> Iterator[bytes]:
        if self._is_new:
            data = self._start + data
            if len(data) < _ZLIB_HEADER:
                self._start = data
                return
            self._begin(data)
        is_full = False  # then there may be more, though all the data has been taken
        while data or is_full:
            if self._object.eof:
                self._object = zlib.decompressobj(self._window)
            try:
                piece = self._object.decompress(data, _PIECE)
            except zlib.error as error:
                raise DecodingError(self._name, str(error)) from error
            yield piece
            is_full = len(piece) == _PIECE and not self._object.eof
            data = self._object.unconsumed_tail or self._object.unused_data
            if self._object.eof and self._name != "gzip" and data:
                raise DecodingError(self._name, "something follows its end")

    def finish(self) -> None:
        if self._start if self._is_new else not self._object.eof:
            raise DecodingError(self._name, "it ends in the middle")

    def _begin(self, data: bytes) -> None:
        self._is_new = False
        if self._name != "gzip":
            # Some servers mean the bare format where the standard means the one of zlib, which
            # begins as RFC 1950, section 2.2, says.
            has_header = data[0] & 15 == zlib.DEFLATED and (data[0] * 256 + data[1]) % 31 == 0
            self._window = zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS
            self._object = zlib.decompressobj(self._window)


class _Brotli:
    def __init__(self) -> None:
        self._module = import_module("brotli")
        self._object = self._module.Decompressor()
        self._is_new = True

    def decode(self, data: bytes) -> Iterator[bytes]:
        self._is_new = self._is_new and not data
        try:
            piece = self._object.process(data, output_buffer_limit=_PIECE)
            # What the decoder says of its own state is not always true; an empty piece is.
            while piece:
                yield piece
                piece = self._object.process(b"", output_buffer_limit=_PIECE)
        except self._module.error as error:
            raise DecodingError("br", str(error)) from error

    def finish(self) -> None:
        if not self._is_new and not self._object.is_finished():
            raise DecodingError("br", "it ends in the middle")


class _Zstandard:
    def __init__(self) -> None:
        self._module = import_module("zstandard")
        self._object: Any = None

    def decode(self, data: bytes) -> Iterator[bytes]:
        for start in range(0, len(data), _SIP):
            rest = data[start : start + _SIP]
            while rest:
                if self._object is None or self._object.eof:
                    self._object = self._module.ZstdDecompressor().decompressobj()
                try:
                    yield self._object.decompress(rest)
                except self._module.ZstdError as error:
                    raise DecodingError("zstd", str(error)) from error
                rest = self._object.unused_data if self._object.eof else b""

    def finish(self) -> None:
        if self._object is not None and not self._object.eof:
            raise DecodingError("zstd", "it ends in the middle")


_DECODERS: dict[str, Callable[[], Decoder]] = {
    "gzip": lambda: _Zlib("gzip"),
    "x-gzip": lambda: _Zlib("gzip"),
    "deflate": lambda: _Zlib("deflate"),
    "br": _Brotli,
    "zstd": _Zstandard,
}
# What a coding needs beyond the standard library.
_MODULES = {"br": "brotli", "zstd": "zstandard"}


@cache
def accepted_codings() -> str:
    """Return what can be undone here, as an ``Accept-Encoding`` header says it."""
    return ", ".join(name for name in _DECODERS if name != "x-gzip" and _is_available(name))


def decoded(pieces: Iterable[bytes], codings: list[str]) -> Iterator[bytes]:
    """Undo the codings of a body, given in the order in which they were applied.

    A coding that is not known here is left as it is, with all that were applied before it.

    Raises:
        DecodingError: the body is not what the codings say.
    """
    for coding in reversed(codings):
        if not _is_available(coding):
            break
        pieces = _undo(pieces, _DECODERS[coding]())
    yield from pieces


def decode_all(body: bytes, codings: list[str], limit: int | None = None) -> bytes:
    """Undo the codings of a whole body.

    Arguments:
        limit: how long it may be then, in bytes.

    Raises:
        BodyTooLarge: it is longer.
        DecodingError: the body is not what the codings say, or made to fill our memory.
    """
    pieces = []
    length = 0
    for piece in decoded([body], codings):
        pieces.append(piece)
        length += len(piece)
        if limit is not None and length > limit:
            raise BodyTooLarge(limit)
        if length > _BOMB_SIZE and length > _BOMB_RATIO * len(body):
            raise DecodingError(
                ", ".join(codings),
                f"{len(body)} bytes unpack to more than {length}; to have them, stream the answer",
            )
    return b"".join(pieces)


def codings_of(values: Iterable[str]) -> list[str]:
    """Read ``Content-Encoding`` headers.

    Raises:
        DecodingError: there are too many.
    """
    names = [name.strip().lower() for value in values for name in value.split(",")]
    codings = [name for name in names if name not in ("", "identity")]
    if len(codings) > _MAX_CODINGS:
        raise DecodingError(", ".join(codings), f"more than {_MAX_CODINGS} codings")
    return codings


def _undo(pieces: Iterable[bytes], decoder: Decoder) -> Iterator[bytes]:
    for piece in pieces:
        for part in decoder.decode(piece):
            if part:
                yield part
    decoder.finish()


def _is_available(name: str) -> bool:
    if name not in _DECODERS:
        return False
    return name not in _MODULES or find_spec(_MODULES[name]) is not None
