"""How a text is encoded: by what it begins with, or by what is said of it."""

from __future__ import annotations

import codecs
import re

_CHARSET = re.compile(r"""charset\s*=\s*["']?([^\s"';/>]+)""", re.IGNORECASE)
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What these names mean without a mark; the first is from WHATWG Encoding, section 4.2.
_WITHOUT_MARK = {"utf-16": "utf-16-le", "utf-32": "utf-32-le"}
# What Python has beside encodings of text; most cannot replace what they cannot decode.
_PYTHONS_OWN = frozenset(
    {"idna", "mbcs", "oem", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"}
)


def charset_in(text: str) -> str | None:
    """Return the encoding that a ``Content-Type`` or ``<meta>`` names, if that is a known one."""
    match = _CHARSET.search(text)
    if match is None:
        return None
    try:
        codec = codecs.lookup(match[1])
    except (LookupError, ValueError):  # the second for names that cannot be one
        return None
    return match[1] if codec._is_text_encoding and codec.name not in _PYTHONS_OWN else None


def encoding_of(content: bytes, charset: str) -> str:
    """Return how `content` is encoded: a byte order mark counts more than `charset`."""
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return encoding
    return _WITHOUT_MARK.get(codecs.lookup(charset).name, charset)


class TextDecoder:
    """Decodes a text piece by piece as `encoding_of` says; what cannot be decoded is replaced.

    Arguments:
        charset: a known encoding.
    """

    def __init__(self, charset: str) -> None:
        self._charset = charset
        self._start = b""
        self._decoder: codecs.IncrementalDecoder | None = None

    def decode(self, piece: bytes, *, final: bool = False) -> str:
        """Return what the next piece adds to the text."""
        if self._decoder is None:
            self._start += piece
            if not final and any(mark.startswith(self._start) for mark, _ in _MARKS):
                return ""  # it may become one
            piece, self._start = self._start, b""
            encoding = encoding_of(piece, self._charset)
            self._decoder = codecs.getincrementaldecoder(encoding)("replace")
        return self._decoder.decode(piece, final)
