from __future__ import annotations

import os
import socket as _standard
import struct
import sys
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from eventlet.greensocket import socket
from eventlet.httpc import (
    Client,
    ClientClosed,
    ConnectError,
    ConnectTimeout,
    HTTPError,
    InvalidRequest,
    Limits,
    PoolTimeout,
    ProtocolError,
    ReadError,
    ReadTimeout,
    Retries,
    Timeouts,
    TotalTimeout,
    TraceEvent,
    WriteError,
    WriteTimeout,
)
from eventlet.httpc._body import make_body
from eventlet.httpc._transport import _leave_to_parent, _transports
from eventlet.httpc._upload import Upload
from eventlet.hub import Timeout, Waiter, get_hub, kill, sleep, spawn, wait_child
from eventlet.hub.testing import virtual_clock, wait_until_idle

Ok = Callable[..., bytes]

# What travels over the loopback interface may need this many seconds.
THRESHOLD = 0.01


@pytest.fixture
def client() -> Iterator[Client]:
    with Client(trust_env=False) as client:
        yield client


# Keeping connections


def test_one_connection_serves_one_request_after_the_other(
    client: Client, server: Any, ok: Ok
) -> None:
    server.answer(ok(b"hello"))
    for _ in range(10):
        assert client.get(server.url).content == b"hello"
    assert server.connections == 1
    assert client.statistics() == (1, 1, 0)


def test_many_at_once_stay_within_the_limit_and_all_get_their_turn(server: Any, ok: Ok) -> None:
    server.answer(ok(b"hello"))
    with Client(limits=Limits(max_per_host=3), trust_env=False) as client:
        threads = [spawn(client.get, server.url) for _ in range(50)]
        assert [thread.wait().content for thread in threads] == [b"hello"] * 50
        assert server.connections == 3
        assert client.statistics() == (3, 3, 0)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi and more",
    ],
)
def test_a_connection_that_cannot_be_kept_is_closed(
    client: Client, server: Any, answer: bytes
) -> None:
    server.answer(answer)
    for expected in (1, 2):
        assert client.get(server.url).content == b"hi"
        assert client.statistics().connections == 0
        assert server.connections == expected


@pytest.fixture(params=["poll", "select"])
def look(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """How idle connections are looked at: Windows has no poll(2)."""
    if request.param == "select":
        monkeypatch.setattr("eventlet.httpc._connection._HAS_POLL", False)


@pytest.mark.usefixtures("look")
def test_a_kept_connection_that_was_closed_is_replaced(client: Client, server: Any, ok: Ok) -> None:
    def once(peer: Any) -> None:
        peer.read()
        peer.send(ok(b"hi"))

    server.play(once)
    for _ in range(3):
        assert client.get(server.url).content == b"hi"
        wait_until_idle()
    assert server.connections == 3


@pytest.mark.usefixtures("look")
def test_unasked_bytes_on_an_idle_connection_answer_nobody(
    client: Client, server: Any, ok: Ok
) -> None:
    def sly(peer: Any) -> None:
        peer.read()
        peer.send(ok(b"first"))
        sleep(0)
        peer.send(ok(b"poison"))
        peer.read()

    def honest(peer: Any) -> None:
        peer.read()
        peer.send(ok(b"second"))

    server.play(sly, honest)
    assert client.get(server.url).content == b"first"
    wait_until_idle()
    assert client.get(server.url).content == b"second"


def test_an_idle_connection_expires(server: Any, ok: Ok) -> None:
    server_url = server.url
    server.close()
    with virtual_clock(threshold=THRESHOLD):
        fresh = type(server)()
        fresh.answer(ok(b"hi"))
        limits = Limits(keepalive_expiry=10)
        with Client(limits=limits, trust_env=False) as client:
            client.get(fresh.url)
            sleep(6)
            client.get(fresh.url)
            sleep(6)
            assert client.statistics().idle == 1
            assert fresh.connections == 1
            sleep(6)
            assert client.statistics() == (0, 0, 0)
            wait_until_idle()
            assert fresh.open == 0
        fresh.close()
    assert server_url


def test_an_expired_connection_is_not_used_even_if_nobody_has_closed_it(
    server: Any, ok: Ok
) -> None:
    server.answer(ok(b"hi"))
    with Client(limits=Limits(keepalive_expiry=0), trust_env=False) as client:
        client.get(server.url)
        client.get(server.url)
        assert server.connections == 2


def test_more_idle_connections_than_are_kept_are_closed(server: Any, ok: Ok) -> None:
    server.answer(ok(b"hi"))
    with Client(limits=Limits(keepalive=2), trust_env=False) as client:
        for thread in [spawn(client.get, server.url) for _ in range(5)]:
            thread.wait()
        assert client.statistics() == (2, 2, 0)
        wait_until_idle()
        assert server.open == 2


def test_an_idle_connection_makes_room_for_another_host(server: Any, ok: Ok) -> None:
    other = type(server)()
    for each in (server, other):
        each.answer(ok(b"hi"))
    with Client(limits=Limits(max_connections=1), trust_env=False) as client:
        for _ in range(2):
            assert client.get(server.url).content == b"hi"
            assert client.get(other.url).content == b"hi"
        assert client.statistics() == (1, 1, 0)
    assert (server.connections, other.connections) == (2, 2)
    other.close()


@pytest.mark.usefixtures("look")
def test_an_idle_connection_that_was_reset_is_replaced(client: Client, server: Any, ok: Ok) -> None:
    def script(peer: Any) -> None:
        peer.read()
        peer.send(ok(b"hi"))
        peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    server.play(script)
    for _ in range(2):
        assert client.get(server.url).content == b"hi"
        wait_until_idle()
    assert server.connections == 2


def dies_after(answers: list[bytes]) -> Callable[[Any], None]:
    """Answer, and close as the next request arrives."""

    def script(peer: Any) -> None:
        for answer in answers:
            peer.read()
            peer.send(answer)
        peer.read_head()

    return script


def test_a_get_on_a_dying_connection_is_sent_again(client: Client, server: Any, ok: Ok) -> None:
    server.play(dies_after([ok(b"first")]), dies_after([ok(b"second")]))
    assert client.get(server.url).content == b"first"
    assert client.get(server.url).content == b"second"


def test_a_post_on_a_dying_connection_is_not(client: Client, server: Any, ok: Ok) -> None:
    server.play(dies_after([ok(b"first")]), dies_after([ok(b"second")]))
    client.get(server.url)
    with pytest.raises(ReadError, match=f"{server.peer}: it closed the connection without answer"):
        client.post(server.url, content=b"once only")
    assert server.connections == 1


def test_a_put_from_an_iterator_is_not_sent_again(client: Client, server: Any, ok: Ok) -> None:
    def script(peer: Any) -> None:
        peer.read()
        peer.send(ok())
        peer.read()

    server.play(script)
    client.get(server.url)
    with pytest.raises(ReadError):
        client.put(server.url, content=iter([b"once only"]))


def test_a_get_on_a_new_connection_is_not_sent_again(client: Client, server: Any) -> None:
    server.play(dies_after([]))
    with pytest.raises(ReadError, match="without answering") as caught:
        client.get(server.url)
    assert caught.value.url == server.url
    assert server.connections == 1


def test_a_get_whose_answer_has_begun_is_not_sent_again(
    client: Client, server: Any, ok: Ok
) -> None:
    def script(peer: Any) -> None:
        peer.read()
        peer.send(ok())
        peer.read()
        peer.send(b"HTTP/1.1 200 OK\r\n")

    server.play(script)
    client.get(server.url)
    with pytest.raises(ReadError, match="in the middle of the headers"):
        client.get(server.url)
    assert server.connections == 1


def test_a_silent_server_on_a_kept_connection_is_a_timeout_not_a_reason_to_ask_again(
    server: Any, ok: Ok
) -> None:
    def script(peer: Any) -> None:
        peer.read()
        peer.send(ok())
        peer.read()
        sleep(100)

    server.play(script)
    with Client(timeout=Timeouts(read=0.01), trust_env=False) as client:
        client.get(server.url)
        with pytest.raises(ReadTimeout):
            client.get(server.url)
    assert server.connections == 1


# Broken answers


@pytest.mark.parametrize(
    ("answer", "error", "reason"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhi", ReadError, "middle of the body"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhi", ReadError, "of the body"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n", ProtocolError, "size"),
        (b"HTTP/1.1 200 OK\r\nA", ReadError, "middle of the headers"),
        (b"220 mail.example ESMTP\r\n", ProtocolError, "does not speak proper HTTP"),
        (b"HTTP/1.1 200 OK\r\nA: " + b"a" * 200_000, ProtocolError, "bytes of headers"),
    ],
)
def test_a_broken_answer_is_an_error_and_the_connection_is_closed(
    client: Client, server: Any, answer: bytes, error: type[HTTPError], reason: str
) -> None:
    def script(peer: Any) -> None:
        peer.read()
        peer.send(answer)

    server.play(script)
    with pytest.raises(error, match=reason) as caught:
        client.get(server.url)
    assert caught.value.url == server.url
    assert server.peer in str(caught.value)
    assert client.statistics().connections == 0


def test_many_slow_answers_at_once_need_little_memory(client: Client, server: Any) -> None:
    answers, rounds, piece = 100, 30, bytes(10_000)
    gates: list[Waiter[None]] = []

    def drips(peer: Any) -> None:
        peer.read()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (rounds * len(piece)))
        for _ in range(rounds):
            gates.append(Waiter())
            gates[-1].wait()
            peer.send(piece)

    def read() -> int:
        with client.stream("GET", server.url) as response:
            return sum(len(part) for part in response.iter_bytes())

    def drip() -> int:
        """Let each answer have one piece; return how much memory is in use before."""
        while len(gates) < answers:
            sleep(0)
        wait_until_idle()
        in_use, _ = tracemalloc.get_traced_memory()
        for gate in [gates.pop() for _ in range(answers)]:
            gate.switch()
        return in_use

    server.play(drips)
    tracemalloc.start()
    try:
        threads = [spawn(read) for _ in range(answers)]
        in_use = [drip() for _ in range(rounds)]
    finally:
        tracemalloc.stop()
    assert {thread.wait() for thread in threads} == {rounds * len(piece)}
    # Those answers that had been kept would have added a million bytes each time.
    assert in_use[-1] - in_use[2] < 200_000


def test_a_body_without_length_ends_with_the_connection(client: Client, server: Any) -> None:
    def script(peer: Any) -> None:
        peer.read()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(10):
            peer.send(b"0123456789" * 1000)
            sleep(0)

    server.play(script)
    assert client.get(server.url).content == b"0123456789" * 10_000


def test_a_reset_is_an_error(client: Client, server: Any) -> None:
    def script(peer: Any) -> None:
        peer.sock.recv(1)  # closing with bytes unread resets

    server.play(script)
    with pytest.raises(ReadError, match=r"Connection reset|without answering"):
        client.get(server.url)


# Time


def test_nobody_there() -> None:
    with Client(trust_env=False) as client, pytest.raises(ConnectError) as caught:
        client.get("http://127.0.0.1:9/")
    assert str(caught.value) == "could not connect to 127.0.0.1 port 9: Connection refused"
    assert caught.value.url == "http://127.0.0.1:9/"
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)


def test_unknown_host(monkeypatch: pytest.MonkeyPatch) -> None:
    with Client(trust_env=False) as client, pytest.raises(ConnectError, match=r"no-such\.invalid"):
        client.get("http://no-such.invalid/")


def test_connect_timeout(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client._transport._dialer, "_connect", lambda *args: sleep(100))
    with pytest.raises(ConnectTimeout, match=r"localhost port 9: it took longer than 0\.01 sec"):
        client.get("http://localhost:9/", timeout=Timeouts(connect=0.01))
    with pytest.raises(TotalTimeout, match=r"longer than 0\.01 seconds"):
        client.get("http://localhost:9/", timeout=0.01)
    assert client.statistics().connections == 0


@pytest.fixture
def silent_url() -> Iterator[str]:
    """Where a connection is never finished: a listener whose queue is full."""
    if sys.platform != "linux":
        pytest.skip("other systems answer differently when the queue is full")
    with socket.socket() as full, ExitStack() as fillers:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            filler = fillers.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        yield f"http://127.0.0.1:{full.getsockname()[1]}/"


def test_connect_timeout_of_an_address(client: Client, silent_url: str) -> None:
    with pytest.raises(ConnectTimeout, match=r"it took longer than 0\.01 seconds"):
        client.get(silent_url, timeout=Timeouts(connect=0.01))
    with pytest.raises(ConnectTimeout, match="it took longer than 0 seconds"):
        client.get(silent_url, timeout=Timeouts(connect=0))
    with pytest.raises(TotalTimeout, match=r"longer than 0\.01 seconds"):
        client.get(silent_url, timeout=0.01)
    assert client.statistics().connections == 0


@pytest.mark.parametrize("limit", [None, 100.0])
def test_a_timeout_of_somebody_else_while_connecting_is_passed_on(
    client: Client, silent_url: str, limit: float | None
) -> None:
    thread = spawn(client.get, silent_url, timeout=Timeouts(connect=limit))
    sleep(0)
    thread.kill(TimeoutError("mine"))
    with pytest.raises(TimeoutError, match="mine"):
        thread.wait()
    assert client.statistics().connections == 0


def test_read_timeout_and_total_timeout(client: Client, server: Any) -> None:
    def silent(peer: Any) -> None:
        peer.read()
        sleep(100)

    server.play(silent)
    with pytest.raises(ReadTimeout, match=r"it sent nothing for 0\.01 seconds") as caught:
        client.get(server.url, timeout=Timeouts(read=0.01))
    assert isinstance(caught.value, TimeoutError)
    with pytest.raises(TotalTimeout, match=r"longer than 0\.01 seconds"):
        client.get(server.url, timeout=Timeouts(total=0.01))
    assert client.statistics().connections == 0


def test_the_total_holds_however_slowly_a_server_drips(ok: Ok, server: Any) -> None:
    def drips(peer: Any) -> None:
        peer.read()
        for byte in ok(bytes(1000)):
            peer.send(bytes([byte]))
            sleep(1)

    server.close()
    with virtual_clock(threshold=THRESHOLD) as clock:
        fresh = type(server)()
        fresh.play(drips)
        with Client(timeout=Timeouts(total=30), trust_env=False) as client:
            with pytest.raises(TotalTimeout):
                client.get(fresh.url)
            assert clock() == pytest.approx(30, abs=1)
        fresh.close()


def test_write_timeout(client: Client, server: Any) -> None:
    server.play(lambda peer: sleep(100))
    with pytest.raises(WriteTimeout, match=r"it took nothing for 0\.01 seconds"):
        client.post(server.url, content=bytes(50_000_000), timeout=Timeouts(write=0.01))
    with pytest.raises(TotalTimeout):
        client.post(server.url, content=bytes(50_000_000), timeout=0.05)
    assert client.statistics().connections == 0


def test_pool_timeout_and_total_in_the_line(server: Any, ok: Ok) -> None:
    def slow(peer: Any) -> None:
        peer.read()
        sleep(100)

    server.play(slow)
    with Client(limits=Limits(max_per_host=1), trust_env=False) as client:
        hog = spawn(client.get, server.url)
        sleep(0)
        with pytest.raises(PoolTimeout, match=r"all 1 stayed in use for 0\.01 seconds"):
            client.get(server.url, timeout=Timeouts(pool=0.01))
        with pytest.raises(TotalTimeout):
            client.get(server.url, timeout=0.01)
        assert client.statistics() == (1, 0, 0)
        kill(hog)
        assert client.statistics() == (0, 0, 0)


def test_a_timeout_of_somebody_else_in_the_line_is_passed_on(server: Any, ok: Ok) -> None:
    server.play(lambda peer: sleep(100))
    with Client(limits=Limits(max_per_host=1), trust_env=False) as client:
        hog = spawn(client.get, server.url)
        sleep(0)
        standing = spawn(client.get, server.url, timeout=Timeouts(pool=100))
        sleep(0)
        standing.kill(TimeoutError("mine"))
        with pytest.raises(TimeoutError, match="mine"):
            standing.wait()
        assert client.statistics() == (1, 0, 0)
        kill(hog)


def test_no_time_at_all(client: Client, server: Any, ok: Ok) -> None:
    server.answer(ok())
    with pytest.raises(TotalTimeout):
        client.get(server.url, timeout=0)


# Kills


@pytest.mark.parametrize("moment", ["waiting for the answer", "in the body"])
def test_a_killed_request_leaves_no_half_used_connection(
    client: Client, server: Any, ok: Ok, moment: str
) -> None:
    def script(peer: Any) -> None:
        peer.read()
        if moment == "in the body":
            peer.send(ok(b"0123456789")[:-5])
        peer.read()

    server.play(script)
    thread = spawn(client.get, server.url)
    wait_until_idle()
    assert client.statistics() == (1, 0, 0)
    kill(thread)
    assert client.statistics() == (0, 0, 0)
    wait_until_idle()
    assert server.open == 0


def test_a_timeout_around_a_request_leaves_no_half_used_connection(
    client: Client, server: Any, ok: Ok
) -> None:
    def script(peer: Any) -> None:
        peer.read()
        sleep(100)

    server.play(script)
    with pytest.raises(Timeout), Timeout(0.01):
        client.get(server.url)
    assert client.statistics() == (0, 0, 0)


def test_who_is_killed_in_the_line_holds_up_nobody(server: Any, ok: Ok) -> None:
    def slow(peer: Any) -> None:
        while True:
            peer.read()
            sleep(0.02)
            peer.send(ok(b"hi"))

    server.play(slow)
    with Client(limits=Limits(max_per_host=1), trust_env=False) as client:
        first, second, third = (spawn(client.get, server.url) for _ in range(3))
        wait_until_idle()
        assert client.statistics().waiting == 2
        kill(second)
        assert client.statistics().waiting == 1
        assert first.wait().content == b"hi"
        assert third.wait().content == b"hi"
        assert client.statistics() == (1, 1, 0)


def test_who_is_killed_as_the_turn_comes_passes_it_on(server: Any, ok: Ok) -> None:
    server.answer(ok(b"hi"))
    with Client(limits=Limits(max_per_host=1), trust_env=False) as client:
        with client.stream("GET", server.url) as response:
            waiting = [spawn(client.get, server.url) for _ in range(3)]
            wait_until_idle()
            response.read()
            waiting[0].throw()
        assert [thread.wait().content for thread in waiting[1:]] == [b"hi", b"hi"]
        assert client.statistics() == (1, 1, 0)


# Long bodies, up


def test_a_long_body_goes_up_while_the_answer_comes_down(client: Client, server: Any) -> None:
    def echo(peer: Any) -> None:
        head = peer.read_head()
        length = int(head.headers["content-length"])
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length)
        while length:
            piece = peer.take(min(1000, length))
            peer.send(piece)
            length -= len(piece)

    server.play(echo)
    content = os.urandom(1_000_000)
    assert client.post(server.url, content=content).content == content


def test_an_iterable_goes_up_in_chunks(client: Client, server: Any, ok: Ok) -> None:
    server.answer(ok(b"thanks"))
    pieces: list[bytes | bytearray | memoryview]
    pieces = [b"a", b"", bytearray(b"b" * 100_000), memoryview(b"c")]
    assert client.post(server.url, content=pieces).content == b"thanks"
    assert client.post(server.url, content=iter(pieces)).content == b"thanks"
    assert [received.body for received in server.received] == [b"a" + b"b" * 100_000 + b"c"] * 2
    assert server.received[0].headers["transfer-encoding"] == "chunked"
    assert "content-length" not in server.received[0].headers
    assert server.connections == 1


def test_an_answer_before_the_end_of_the_body_is_taken(client: Client, server: Any, ok: Ok) -> None:
    def refuses(peer: Any) -> None:
        peer.read_head()
        peer.send(ok(b"too much", status=b"413 Content Too Large"))
        sleep(100)

    server.play(refuses)
    response = client.post(server.url, content=bytes(50_000_000))
    assert (response.status, response.content) == (413, b"too much")
    assert client.statistics().connections == 0


def test_a_success_before_the_end_of_the_body_costs_the_connection(
    client: Client, server: Any, ok: Ok
) -> None:
    def hasty(peer: Any) -> None:
        peer.read_head()
        peer.send(ok(b"enough"))
        sleep(100)

    server.play(hasty)
    assert client.post(server.url, content=bytes(50_000_000)).content == b"enough"
    assert client.statistics().connections == 0


def test_an_answer_before_a_reset_is_taken(client: Client, server: Any, ok: Ok) -> None:
    def refuses(peer: Any) -> None:
        peer.read_head()
        peer.send(ok(b"no", status=b"403 Forbidden"))
        peer.sock.shutdown(1)
        while peer.sock.recv(1_000_000):
            pass

    server.play(refuses)
    assert client.post(server.url, content=bytes(50_000_000)).status == 403


def test_an_error_of_the_iterable_is_raised(client: Client, server: Any) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"a"
        raise LookupError("no more")

    server.play(lambda peer: peer.read())
    with pytest.raises(LookupError, match="no more"):
        client.post(server.url, content=pieces())
    with pytest.raises(InvalidRequest, match="made of bytes"):
        client.post(server.url, content=["text"])  # type: ignore[list-item]
    assert client.statistics().connections == 0


def test_a_slow_upload_is_no_read_timeout(client: Client, server: Any, ok: Ok) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(5):
            sleep(0.02)
            yield b"x"

    server.answer(ok(b"thanks"))
    timeouts = Timeouts(read=0.03)
    assert client.post(server.url, content=pieces(), timeout=timeouts).content == b"thanks"


def test_silence_after_an_upload_is_a_read_timeout(client: Client, server: Any) -> None:
    def silent(peer: Any) -> None:
        peer.read()
        sleep(100)

    server.play(silent)
    with pytest.raises(ReadTimeout):
        client.post(server.url, content=iter([b"x"]), timeout=Timeouts(read=0.01))


def test_a_killed_upload_ends(client: Client, server: Any) -> None:
    server.play(lambda peer: sleep(100))
    thread = spawn(client.post, server.url, content=bytes(50_000_000))
    wait_until_idle()
    kill(thread)
    wait_until_idle()
    assert client.statistics() == (0, 0, 0)
    # Two: the server's. Nothing of the client is left.
    assert get_hub().stats().green_threads == 2


def test_a_reset_during_an_upload_is_an_error(client: Client, server: Any) -> None:
    def script(peer: Any) -> None:
        peer.read_head()
        peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    server.play(script)
    with pytest.raises(ReadError):
        client.post(server.url, content=bytes(50_000_000))
    assert client.statistics() == (0, 0, 0)


def test_that_nobody_listens_to_an_upload_is_left_to_the_reader() -> None:
    def fails(data: bytes) -> None:
        raise WriteError("x", "Broken pipe")

    abandoned: list[str] = []
    upload = Upload(make_body(b"x").pieces(), fails, lambda: abandoned.append("now"))
    sleep(0)
    upload.raise_error()
    assert isinstance(upload.error, WriteError)
    assert upload.stop() is False
    assert abandoned == []


def test_a_connection_that_breaks_under_a_request_is_an_error(
    client: Client, server: Any, ok: Ok, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(sock: Any, data: bytes) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    server.answer(ok())
    monkeypatch.setattr(socket.socket, "sendall", breaks)
    with pytest.raises(WriteError, match=f"could not send to {server.peer}: Broken pipe"):
        client.get(server.url)


# Expect: 100-continue

EXPECT = {"Expect": "100-continue"}


def test_a_body_that_is_expected_is_sent(client: Client, server: Any, ok: Ok) -> None:
    def script(peer: Any) -> None:
        head = peer.read_head()
        assert head.headers["expect"] == "100-continue"
        wait_until_idle()
        assert peer.buffer == b""
        peer.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        peer.send(ok(peer.read_body(head.headers)))

    server.play(script)
    assert client.put(server.url, content=b"body", headers=EXPECT).content == b"body"
    assert client.statistics().idle == 1


def test_a_body_that_is_refused_is_not_sent(client: Client, server: Any, ok: Ok) -> None:
    def script(peer: Any) -> None:
        peer.read_head()
        peer.send(ok(b"no", status=b"401 Unauthorized"))
        with pytest.raises(EOFError):
            peer.read()
        assert peer.buffer == b""
        server.received.append("refused")

    server.play(script)
    assert client.put(server.url, content=b"body", headers=EXPECT).status == 401
    wait_until_idle()
    assert server.received == ["refused"]
    assert client.statistics().connections == 0


def test_a_server_that_knows_nothing_of_it_gets_the_body_after_a_while(server: Any, ok: Ok) -> None:
    server.close()
    with virtual_clock(threshold=THRESHOLD) as clock:
        fresh = type(server)()
        fresh.answer(ok(b"thanks"))
        with Client(trust_env=False) as client:
            assert client.put(fresh.url, content=b"body", headers=EXPECT).content == b"thanks"
            assert clock() >= 1
        fresh.close()


@pytest.mark.parametrize("how", ["close", "reset", "silence"])
def test_a_server_that_fails_before_the_body(client: Client, server: Any, how: str) -> None:
    def script(peer: Any) -> None:
        if how == "reset":
            peer.sock.recv(1)
            return
        peer.read_head()
        if how == "silence":
            sleep(100)

    server.play(script)
    with pytest.raises((ReadError, TotalTimeout)):
        client.put(server.url, content=b"body", headers=EXPECT, timeout=0.05)


# The rest of the engine


def test_no_limits_at_all(client: Client, server: Any, ok: Ok) -> None:
    server.answer(ok(b"hi"))
    for url in (server.url, f"http://localhost:{server.port}/"):
        assert client.get(url, timeout=None).content == b"hi"


def test_a_closed_client_says_so(server: Any, ok: Ok) -> None:
    def slow(peer: Any) -> None:
        peer.read()
        answer = ok(b"hi")
        peer.send(answer[:-1])
        while not gate:
            sleep(0.001)
        peer.send(answer[-1:])
        peer.read()

    gate: list[str] = []
    server.play(slow)
    client = Client(trust_env=False)
    with client.stream("GET", server.url) as response:
        client.close()
        assert response.status == 200
    client = Client(trust_env=False)
    with client.stream("GET", server.url) as response:
        client.close()
        gate.append("open")
        assert response.read() == b"hi"
    wait_until_idle()
    assert server.open == 0
    with pytest.raises(ClientClosed, match="make a new one"):
        client.get(server.url)
    Client(trust_env=False).close()


def test_each_native_thread_has_connections_of_its_own(
    client: Client, standard_server: str
) -> None:
    results = []

    def work() -> None:
        results.append((client.get(standard_server).status, client.statistics()))

    client.get(standard_server)
    thread = threading.Thread(target=work)
    thread.start()
    while thread.is_alive():
        sleep(0.001)
    assert results == [(200, (1, 1, 0))]
    assert client.statistics() == (1, 1, 0)


def test_connections_of_a_native_thread_that_has_ended_are_closed(
    client: Client, server: Any, ok: Ok
) -> None:
    server.answer(ok(b"hi"))
    thread = threading.Thread(target=client.get, args=(server.url,))
    thread.start()
    while thread.is_alive():
        sleep(0.001)
    assert server.open == 1
    client.close()
    while server.open:
        sleep(0.001)


def test_unix_sockets(tmp_path: Any, ok: Ok) -> None:
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        listener.listen()

        def serve() -> None:
            sock, _ = listener.accept()
            with sock:
                assert sock.recv(1000).startswith(b"GET /x HTTP/1.1\r\nHost: any.example\r\n")
                sock.sendall(ok(b"hi"))

        thread = spawn(serve)
        with Client(uds=path, trust_env=False) as client:
            assert client.get("http://any.example/x").content == b"hi"
        thread.wait()
    with Client(uds=path + "?", trust_env=False) as client, pytest.raises(ConnectError):
        client.get("http://any.example/")


def test_local_address(server: Any, ok: Ok) -> None:
    def script(peer: Any) -> None:
        peer.read()
        peer.send(ok(peer.sock.getpeername()[0].encode()))

    server.play(script)
    with Client(local_address="127.0.0.2", trust_env=False) as client:
        assert client.get(server.url).content == b"127.0.0.2"


def test_what_a_forked_child_does_makes_the_next_request_connect_anew(
    client: Client, server: Any, ok: Ok
) -> None:
    server.answer(ok(b"hi"))
    client.get(server.url)
    _leave_to_parent(_transports)
    assert client.get(server.url).content == b"hi"
    assert server.connections == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform cannot fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_leaves_the_parents_connections_alone(client: Client, ok: Ok) -> None:
    listener = _standard.create_server(("127.0.0.1", 0))
    accepted: list[_standard.socket] = []

    serving: list[threading.Thread] = []

    def serve(sock: _standard.socket) -> None:
        while sock.recv(4096):
            sock.sendall(ok(b"hi"))

    def accept() -> None:
        while len(accepted) < 2:
            accepted.append(listener.accept()[0])
            serving.append(threading.Thread(target=serve, args=accepted[-1:]))
            serving[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    client.get(url)
    pid = os.fork()
    if not pid:
        status = 1
        try:
            status = 0 if client.get(url, timeout=20).content == b"hi" else 2
        finally:
            os._exit(status)
    assert wait_child(pid) == 0
    assert client.get(url).content == b"hi"
    accepting.join()
    client.close()
    for thread in serving:  # they see the end of their connections
        thread.join()
    for sock in [listener, *accepted]:
        sock.close()


def test_a_trace_is_told_how_far_each_request_has_come(server: Any, ok: Ok) -> None:
    server.answer(ok(b"", status=b"503 Busy"), ok(b"hi"))
    events: list[TraceEvent] = []
    with Client(trace=events.append, retries=Retries(1, backoff=0), trust_env=False) as client:
        client.get(server.url)
        client.request("GET", server.url)
    first, second = sorted({event.request for event in events})
    assert [event.name for event in events if event.request == first] == [
        "begun", "connecting", "connected", "sent", "answered", "complete",
        "reused", "sent", "answered", "complete",
    ]  # fmt: skip
    assert [event.name for event in events if event.request == second] == [
        "begun", "reused", "sent", "answered", "complete",
    ]  # fmt: skip
    assert [event.at for event in events] == sorted(event.at for event in events)


def test_reprs(client: Client, server: Any, ok: Ok) -> None:
    server.answer(ok())
    with client.stream("HEAD", server.url):
        pass
    pool = client._transport._pool()
    assert repr(pool) == "<Pool open, 1 connections, 1 idle>"
    assert repr(pool._ledger.oldest_idle()).startswith(f"<Connection to {server.peer}, descriptor")
    pool.close()
    assert repr(pool) == "<Pool closed, 0 connections, 0 idle>"
