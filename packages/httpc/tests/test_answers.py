"""Answers in all shapes, cut, shortened and damaged in all ways, from the wire to the client."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable
from importlib import import_module
from itertools import pairwise
from typing import Any, NamedTuple

import h11
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from eventlet.httpc import Client, HTTPError, ReadError, Response
from eventlet.httpc._connection import Connection

CODINGS: dict[bytes, Callable[[bytes], bytes]] = {
    b"gzip": gzip.compress,
    b"deflate": zlib.compress,
    b"br": import_module("brotli").compress,
    b"zstd": zstandard.compress,
}


DAMAGES = [
    b"\r\n",
    b"\n",
    b"\r",
    b" ",
    b"\t",
    b"0",
    b":",
    b",",
    b"\0",
    b"\r\n\r\n",
    b"HTTP/1.1 200 ",
]


class Replay:
    """A socket that takes anything, and returns what it was given."""

    family = None

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces

    def recv(self, size: int) -> bytes:
        return self.pieces.pop(0) if self.pieces else b""

    def sendall(self, data: bytes) -> None: ...
    def gettimeout(self) -> float | None: ...

    def settimeout(self, timeout: float | None) -> None: ...
    def close(self) -> None: ...


def client_of(*pieces: bytes) -> Client:
    """Return a client whose only connection brings these pieces, and then ends."""
    sock: Any = Replay([piece for piece in pieces if piece])
    dialed = iter([sock])
    client = Client(trust_env=False)
    client._transport._dialer = lambda key, budget: Connection(next(dialed), key, "test")  # type: ignore[assignment]  # stands for a `Dialer`
    return client


def fetch(*pieces: bytes) -> Response:
    with client_of(*pieces) as client:
        return client.get("http://test/")


class Answer(NamedTuple):
    """What comes over the wire, and what it means."""

    wire: bytes
    status: int
    body: bytes


names = st.sampled_from([b"X-A", b"Server", b"ETag", b"Connection", b"Content-Type"])
values = st.sampled_from([b"", b"a", b"close", b"keep-alive", b"text/html; charset=utf-8", b"\xe9"])


@st.composite
def answers(draw: Any) -> Answer:
    body = draw(st.binary(max_size=200))
    fields = draw(st.lists(st.tuples(names, values), max_size=3))
    coding = draw(st.sampled_from([None, *CODINGS]))
    packed = body
    if coding is not None:
        packed = CODINGS[coding](body)
        fields.append((b"Content-Encoding", coding))
    if draw(st.booleans()):
        fields.insert(0, (b"Content-Length", b"%d" % len(packed)))
    else:
        fields.insert(0, (b"Transfer-Encoding", b"chunked"))
        packed = in_chunks(
            packed, draw(st.integers(1, 100)), draw(st.sampled_from([b"", b"X: y\r\n"]))
        )
    interim = draw(st.sampled_from([b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"]))
    status = draw(st.sampled_from([200, 201, 404, 503]))
    head = b"".join(b"%b: %b\r\n" % field for field in fields)
    return Answer(interim + b"HTTP/1.1 %d Fine\r\n%b\r\n%b" % (status, head, packed), status, body)


def in_chunks(body: bytes, size: int, trailers: bytes) -> bytes:
    pieces = (body[start : start + size] for start in range(0, len(body), size))
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
    return chunks + b"0\r\n" + trailers + b"\r\n"


@given(answer=answers(), data=st.data())
def test_however_an_answer_is_cut_it_is_the_same(answer: Answer, data: Any) -> None:
    cuts = data.draw(st.lists(st.integers(0, len(answer.wire))))
    pieces = [answer.wire[a:b] for a, b in pairwise(sorted([0, *cuts, len(answer.wire)]))]
    whole, cut = fetch(answer.wire), fetch(*pieces)
    assert (cut.status, cut.content) == (answer.status, answer.body)
    assert (cut.raw_headers, cut.trailers) == (whole.raw_headers, whole.trailers)
    with client_of(*pieces) as client, client.stream("GET", "http://test/") as response:
        assert b"".join(response.iter_bytes()) == answer.body


@given(answer=answers())
def test_byte_by_byte(answer: Answer) -> None:
    response = fetch(*(bytes([byte]) for byte in answer.wire))
    assert (response.status, response.content) == (answer.status, answer.body)


@given(answer=answers(), data=st.data())
def test_part_of_an_answer_is_never_taken_for_all_of_it(answer: Answer, data: Any) -> None:
    length = data.draw(st.integers(0, len(answer.wire) - 1))
    with pytest.raises(ReadError):
        fetch(answer.wire[:length])


@given(answer=answers(), data=st.data())
def test_a_damaged_answer_is_an_error_or_what_others_read_too(answer: Answer, data: Any) -> None:
    start = data.draw(st.integers(0, len(answer.wire)))
    end = data.draw(st.integers(start, min(len(answer.wire), start + 8)))
    damage = data.draw(st.binary(max_size=3) | st.sampled_from(DAMAGES))
    wire = answer.wire[:start] + damage + answer.wire[end:]
    try:
        with client_of(wire) as client, client.stream("GET", "http://test/") as response:
            found = response.status, b"".join(response.iter_raw())
    except HTTPError:
        return
    assert found == (read_by_h11(wire) or found)


def read_by_h11(wire: bytes) -> tuple[int, bytes] | None:
    """Return what h11 finds in an answer: status and body; None if it accepts less than we do."""
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "test")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(wire)
    connection.receive_data(b"")
    status, body = 0, b""
    try:
        while not isinstance(event := connection.next_event(), h11.EndOfMessage):
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
    except h11.RemoteProtocolError:
        return None
    return status, body
