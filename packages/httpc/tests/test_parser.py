from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventlet.httpc import ProtocolError, ReadError
from eventlet.httpc._parser import ResponseParser

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def parse(*pieces: bytes, method: str = "GET") -> ResponseParser:
    parser = ResponseParser("test")
    parser.begin(method)
    for piece in pieces:
        parser.feed(piece)
    return parser


def body_of(parser: ResponseParser) -> bytes:
    return b"".join(parser.take_body())


def test_reads_an_answer() -> None:
    parser = parse(b"HTTP/1.1 200 Very good\r\nA: b\r\na: c\r\nContent-Length: 2\r\n\r\nhi")
    assert (parser.status, parser.reason, parser.version) == (200, b"Very good", "1.1")
    assert parser.headers == [(b"A", b"b"), (b"a", b"c"), (b"Content-Length", b"2")]
    assert parser.complete
    assert parser.keep_alive
    assert not parser.surplus
    assert body_of(parser) == b"hi"
    assert body_of(parser) == b""


@pytest.mark.parametrize("reason", [b"", b"Tr\xe8s bien\t!", b"x" * 5000])
def test_a_reason_may_be_any_words(reason: bytes) -> None:
    head = b"HTTP/1.1 200 %b\r\nContent-Length: 0\r\n\r\n" % reason
    assert parse(*(bytes([byte]) for byte in head)).reason == reason


def test_reads_one_after_the_other() -> None:
    parser = parse(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
    parser.begin("GET")
    assert not parser.has_head
    assert parser.fresh
    parser.feed(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")
    assert (parser.status, parser.complete, body_of(parser)) == (404, True, b"")


@pytest.mark.parametrize("method", ["HEAD", "GET"])
@pytest.mark.parametrize("status", [204, 304])
def test_some_statuses_never_have_a_body(method: str, status: int) -> None:
    parser = parse(b"HTTP/1.1 %d X\r\nContent-Length: 9\r\n\r\n" % status, method=method)
    assert parser.complete
    assert parser.keep_alive
    parser.begin("GET")
    parser.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    assert parser.complete


@pytest.mark.parametrize(
    "head",
    [b"Content-Length: 9\r\n", b"Transfer-Encoding: chunked\r\n", b"", b"Content-Length: 0\r\n"],
)
def test_an_answer_to_head_ends_with_its_headers(head: bytes) -> None:
    parser = parse(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n", method="HEAD")
    assert parser.complete
    assert not parser.surplus
    parser.begin("GET")
    parser.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx")
    assert body_of(parser) == b"x"


def test_a_body_after_head_is_surplus() -> None:
    parser = parse(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", method="HEAD")
    assert parser.complete
    assert parser.surplus
    assert body_of(parser) == b""


def test_an_accepted_connect_ends_with_its_headers_and_a_refused_one_does_not() -> None:
    assert parse(b"HTTP/1.1 200 OK\r\n\r\n", method="CONNECT").complete
    assert not parse(b"HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\n", method="CONNECT").complete


@pytest.mark.parametrize(
    "extra",
    [b"x", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", b"HTTP/1.1 500 Bad\r\nX: y\r\n", b"\0"],
)
def test_bytes_after_the_end_are_surplus_and_change_nothing(extra: bytes) -> None:
    whole = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
    for pieces in ((whole + extra,), (whole, extra)):
        parser = parse(*pieces)
        assert parser.surplus
        assert (parser.status, parser.reason, body_of(parser)) == (200, b"OK", b"hi")
        assert parser.headers == [(b"Content-Length", b"2")]


def test_data_after_connection_close_is_surplus() -> None:
    parser = parse(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", b"x")
    assert parser.surplus
    assert not parser.keep_alive


def test_a_body_without_length_ends_with_the_connection() -> None:
    parser = parse(b"HTTP/1.1 200 OK\r\n\r\nhi")
    assert not parser.complete
    assert not parser.keep_alive
    parser.end()
    assert parser.complete
    assert body_of(parser) == b"hi"


def test_the_end_after_a_complete_answer_only_ends_the_connection() -> None:
    parser = parse(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    parser.end()
    assert parser.complete
    assert not parser.keep_alive


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "without answering"),
        (b"HTT", "in the middle of the headers"),
        (b"HTTP/1.1 200 OK\r\nA: b\r\n", "in the middle of the headers"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", "in the middle of the headers"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi", "in the middle of the body"),
        (CHUNKED, "in the middle of the body"),
        (CHUNKED + b"5\r\nhi", "in the middle of the body"),
        (CHUNKED + b"2\r\nhi\r\n", "in the middle of the body"),
        (CHUNKED + b"2\r\nhi\r\n0\r\n", "in the middle of the body"),
    ],
)
def test_an_early_end_is_an_error(data: bytes, reason: str) -> None:
    parser = parse(*[data] if data else [])
    with pytest.raises(ReadError, match=reason):
        parser.end()


def test_chunks_and_trailers() -> None:
    parser = parse(CHUNKED, b"2;ext=1\r\nhi\r\n", b"3\r\nyou\r\n0\r\nX: y\r\nX: z\r\n\r\n")
    assert parser.complete
    assert parser.keep_alive
    assert body_of(parser) == b"hiyou"
    assert parser.trailers == [(b"X", b"y"), (b"X", b"z")]
    assert parser.headers == [(b"Transfer-Encoding", b"chunked")]


def test_interim_answers_are_skipped_and_noted() -> None:
    parser = parse(
        b"HTTP/1.1 100 Continue\r\nA: b\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
    )
    assert parser.interim == [100, 103]
    assert (parser.status, parser.reason, body_of(parser)) == (200, b"OK", b"hi")
    assert parser.headers == [(b"Content-Length", b"2")]


@pytest.mark.parametrize(
    "data",
    [
        b"garbage\r\n\r\n",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/2.0 200 OK\r\n\r\n",
        b"HTTP/0.9 200 OK\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 099 OK\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\n\r\n",
        b"HTTP/1.1 200 O\x1b[2JK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: \x1b[2J\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
        b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0x2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
        CHUNKED + b"x\r\n",
        CHUNKED + b"-2\r\nhi",
        CHUNKED + b"fffffffffffffffffffff\r\nhi",
        CHUNKED + b"2\r\nhiXX0\r\n\r\n",
        CHUNKED + b"2\nhi\n0\n\n",
    ],
)
def test_refuses_what_is_not_proper_http(data: bytes) -> None:
    with pytest.raises(ProtocolError, match="test does not speak proper HTTP") as caught:
        parse(data)
    assert caught.value.peer == "test"
    with pytest.raises(ProtocolError):
        parse(*(data[i : i + 1] for i in range(len(data))))


def test_headers_have_a_limit() -> None:
    parser = ResponseParser("test", max_head=100)
    parser.begin("GET")
    parser.feed(b"HTTP/1.1 200 OK\r\nA: ")
    with pytest.raises(ProtocolError, match="more than 100 bytes of headers"):
        for _ in range(200):
            parser.feed(b"x")


@pytest.mark.parametrize("rest", [b"2;", b"0\r\nX: "])
def test_what_stands_between_chunks_has_a_limit(rest: bytes) -> None:
    parser = ResponseParser("test", max_head=100)
    parser.begin("GET")
    parser.feed(CHUNKED)
    for _ in range(50):
        parser.feed(b"5\r\nhello\r\n")
    parser.feed(rest)
    with pytest.raises(ProtocolError, match="more than 100 bytes between"):
        for _ in range(200):
            parser.feed(b"x")


def test_interim_answers_have_a_limit() -> None:
    with pytest.raises(ProtocolError, match="nothing here asked for"):
        parse(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)


ANSWERS = [
    b"HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 11\r\n\r\nhello world",
    CHUNKED + b"2;ext=1\r\nhi\r\n10\r\n0123456789abcdef\r\n0\r\nX: y\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc",
]


def facts(parser: ResponseParser) -> tuple[object, ...]:
    return (
        parser.status, parser.reason, parser.version, parser.headers, parser.trailers,
        body_of(parser), parser.complete, parser.keep_alive, parser.surplus, parser.interim,
    )  # fmt: skip


@given(answer=st.sampled_from(ANSWERS), cuts=st.lists(st.integers(1, 90)))
def test_however_an_answer_is_cut_it_reads_the_same(answer: bytes, cuts: list[int]) -> None:
    places = sorted({0, *(cut for cut in cuts if cut < len(answer)), len(answer)})
    pieces = [answer[start:end] for start, end in pairwise(places)]
    assert facts(parse(*pieces)) == facts(parse(answer))


@given(
    answer=st.sampled_from(ANSWERS),
    place=st.integers(0, 60),
    change=st.binary(max_size=4),
    drop=st.integers(0, 4),
)
def test_a_changed_answer_is_an_error_or_an_answer(
    answer: bytes, place: int, change: bytes, drop: int
) -> None:
    parser = ResponseParser("test")
    parser.begin("GET")
    try:
        parser.feed(answer[:place] + change + answer[place + drop :])
        parser.end()
    except (ProtocolError, ReadError):
        return
    assert parser.complete
    assert 200 <= parser.status <= 999
