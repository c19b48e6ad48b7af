"""Encodings of text."""

from __future__ import annotations

import encodings
import pkgutil

import pytest

from eventlet.httpc._charset import TextDecoder, charset_in, encoding_of

EVERYTHING = bytes(range(256)) + b"\\x\\u12+2AA-~{\x1b$B"


@pytest.mark.parametrize(
    "name", [module.name for module in pkgutil.iter_modules(encodings.__path__)]
)
def test_whatever_python_knows_decodes_anything(name: str) -> None:
    charset = charset_in(f"text/plain; charset={name}")
    if charset is None:
        assert name in {
            "aliases", "base64_codec", "bz2_codec", "hex_codec", "idna", "mbcs", "oem", "punycode",
            "quopri_codec", "raw_unicode_escape", "rot_13", "undefined", "unicode_escape",
            "uu_codec", "zlib_codec",
        }  # fmt: skip
        return
    assert EVERYTHING.decode(encoding_of(EVERYTHING, charset), "replace")
    decoder = TextDecoder(charset)
    assert "".join(decoder.decode(bytes([byte])) for byte in EVERYTHING)
    decoder.decode(b"", final=True)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", ""),
        (b"a", "a"),
        (b"\xef", "\ufffd"),
        (b"\xef\xbb\xbf", ""),
        (b"\xef\xbb\xbfa", "a"),
        (b"\xff\xfe", ""),
        (b"\xff\xfea\x00", "a"),
        (b"\xff\xfe\x00\x00a\x00\x00\x00", "a"),
        (b"\x00\x00\xfe\xff\x00\x00\x00a", "a"),
        (b"\xfe\xff\x00a", "a"),
    ],
)
def test_a_byte_order_mark_is_found_in_pieces(content: bytes, text: str) -> None:
    assert content.decode(encoding_of(content, "utf-8"), "replace") == text
    decoder = TextDecoder("utf-8")
    pieces = [decoder.decode(bytes([byte])) for byte in content]
    assert "".join([*pieces, decoder.decode(b"", final=True)]) == text


def test_text_without_a_mark_does_not_wait_for_one() -> None:
    assert TextDecoder("utf-8").decode(b"d") == "d"


@pytest.mark.parametrize("name", ["a\0b", "\udc80", "\xe9", "..", "x" * 1000, ""])
def test_what_cannot_be_a_name(name: str) -> None:
    assert charset_in(f"charset={name}") is None
