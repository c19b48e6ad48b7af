from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from contextlib import suppress

import brotli  # type: ignore[import-untyped]
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from eventlet.httpc import BodyTooLarge, DecodingError, _decoding
from eventlet.httpc._decoding import accepted_codings, codings_of, decode_all, decoded

TEXT = b"all work and no play makes jack a dull boy\n" * 5000


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


PACKERS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "deflate": ("deflate", zlib.compress),
    "raw deflate": ("deflate", raw_deflate),
    "br": ("br", brotli.compress),
    "zstd": ("zstd", zstandard.compress),
}
CASES = pytest.mark.parametrize(("coding", "pack"), PACKERS.values(), ids=PACKERS)


@CASES
def test_undoes_a_coding_however_it_is_cut(coding: str, pack: Callable[[bytes], bytes]) -> None:
    packed = pack(TEXT)
    for size in (1, 7, 1000, len(packed)):
        pieces = [packed[start : start + size] for start in range(0, len(packed), size)]
        assert b"".join(decoded(pieces, [coding])) == TEXT


@CASES
def test_pieces_are_small_however_well_they_were_packed(
    coding: str, pack: Callable[[bytes], bytes]
) -> None:
    packed = pack(bytes(64 * 1024 * 1024))
    length = 0
    for piece in decoded([packed], [coding]):
        assert len(piece) <= 64 * 1024 * 1024 / 4
        length += len(piece)
    assert length == 64 * 1024 * 1024


@CASES
def test_a_body_that_ends_in_the_middle_is_an_error(
    coding: str, pack: Callable[[bytes], bytes]
) -> None:
    packed = pack(TEXT)
    for end in (1, len(packed) // 2, len(packed) - 1):
        with pytest.raises(DecodingError, match="cannot decode"):
            list(decoded([packed[:end]], [coding]))


@CASES
def test_nonsense_is_an_error(coding: str, pack: Callable[[bytes], bytes]) -> None:
    with pytest.raises(DecodingError):
        list(decoded([b"this is not packed at all, whatever the headers say"], [coding]))
    if coding == "deflate":
        with pytest.raises(DecodingError, match="something follows its end"):
            list(decoded([pack(TEXT) + b"x"], [coding]))
    if coding != "zstd":  # which may be followed by anything that it could not tell from a frame
        with pytest.raises(DecodingError):
            list(decoded([pack(TEXT), b"and something behind the end"], [coding]))


@CASES
def test_an_empty_body_is_empty(coding: str, pack: Callable[[bytes], bytes]) -> None:
    assert list(decoded([], [coding])) == []
    assert b"".join(decoded([pack(b"")], [coding])) == b""


@pytest.mark.parametrize(
    ("coding", "pack"), [("gzip", gzip.compress), ("zstd", zstandard.compress)]
)
def test_several_members_are_one_body(coding: str, pack: Callable[[bytes], bytes]) -> None:
    packed = pack(b"a") + pack(b"b")
    assert b"".join(decoded([packed], [coding])) == b"ab"
    assert b"".join(decoded([packed[i : i + 1] for i in range(len(packed))], [coding])) == b"ab"


def test_codings_are_undone_in_reverse_order() -> None:
    packed = zlib.compress(gzip.compress(TEXT))
    assert decode_all(packed, ["gzip", "deflate"]) == TEXT


def test_an_unknown_coding_is_left_as_it_is() -> None:
    packed = gzip.compress(TEXT)
    assert decode_all(packed, ["unheard-of"]) == packed
    assert decode_all(packed, ["unheard-of", "gzip"]) == TEXT
    assert decode_all(packed, ["gzip", "unheard-of"]) == packed


def test_what_is_not_installed_is_neither_offered_nor_undone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert accepted_codings() == "gzip, deflate, br, zstd"
    accepted_codings.cache_clear()
    monkeypatch.setattr(_decoding, "find_spec", lambda name: None)
    try:
        assert accepted_codings() == "gzip, deflate"
        assert decode_all(b"x", ["br"]) == b"x"
    finally:
        accepted_codings.cache_clear()


def test_headers_are_read_without_regard_to_case_and_blanks() -> None:
    assert codings_of([" GZip , identity", "deflate", ""]) == ["gzip", "deflate"]
    with pytest.raises(DecodingError, match="more than 3 codings"):
        codings_of(["gzip, gzip, gzip, gzip"])


def test_a_limit_ends_the_unpacking() -> None:
    assert decode_all(gzip.compress(TEXT), ["gzip"], len(TEXT)) == TEXT
    with pytest.raises(BodyTooLarge, match=f"limit of {len(TEXT) - 1} bytes"):
        decode_all(gzip.compress(TEXT), ["gzip"], len(TEXT) - 1)


def test_a_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(bytes(100 * 1024 * 1024))
    with pytest.raises(DecodingError, match="unpack to more than"):
        decode_all(bomb, ["gzip"])


@given(data=st.binary(max_size=200), coding=st.sampled_from(["gzip", "deflate", "br", "zstd"]))
def test_any_bytes_are_decoded_or_an_error(data: bytes, coding: str) -> None:
    with suppress(DecodingError):
        decode_all(data, [coding])
