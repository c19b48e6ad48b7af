"""HTTP/2: against a server that tests drive frame by frame, and against hypercorn."""

from __future__ import annotations

import asyncio
import ssl
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import h2.config
import h2.connection
import h2.events
import h2.exceptions
import h2.settings
import hypercorn.asyncio
import hypercorn.config
import pytest
import trustme

from eventlet.greensocket import socket
from eventlet.greensocket import ssl as green_ssl
from eventlet.httpc import (
    Client,
    ConnectError,
    Limits,
    PoolTimeout,
    ProtocolError,
    ReadError,
    ReadTimeout,
    Timeouts,
    TLSError,
    TotalTimeout,
    WriteError,
    WriteTimeout,
)
from eventlet.httpc._command._main import main
from eventlet.hub import GreenThread, Timeout, Waiter, get_hub, kill, sleep, spawn
from eventlet.hub.testing import virtual_clock, wait_until_idle

Codes = h2.settings.SettingCodes
THRESHOLD = 0.1  # the machine may be busy


class Frames:
    """The server's end of one HTTP/2 connection; a script drives it."""

    def __init__(self, peer: Any) -> None:
        self.peer = peer
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        self.events: list[Any] = []
        self.bodies: dict[int, bytes] = {}

    def begin(self, **settings: int) -> None:
        values = {Codes.MAX_CONCURRENT_STREAMS: 100}
        values.update({getattr(Codes, name): value for name, value in settings.items()})
        self.h2.local_settings = h2.settings.Settings(client=False, initial_values=values)
        self.h2.initiate_connection()
        self.flush()

    def flush(self) -> None:
        self.peer.send(self.h2.data_to_send())

    def next(self, kind: type | tuple[type, ...]) -> Any:
        """Return the next event of a kind; what comes before it has been dealt with."""
        while True:
            while self.events:
                event = self.events.pop(0)
                if isinstance(event, h2.events.DataReceived):
                    self.bodies[event.stream_id] = (
                        self.bodies.get(event.stream_id, b"") + event.data
                    )
                if isinstance(event, kind):
                    return event
            data = self.peer.sock.recv(65536)
            if not data:
                raise EOFError
            self.events += self.h2.receive_data(data)
            self.flush()

    def request(self) -> tuple[int, dict[bytes, bytes]]:
        event = self.next(h2.events.RequestReceived)
        return event.stream_id, dict(event.headers)

    def answer(self, number: int, body: bytes = b"", *fields: tuple[str, str]) -> None:
        self.h2.send_headers(number, [(":status", "200"), *fields], end_stream=not body)
        if body:
            self.h2.send_data(number, body, end_stream=True)
        self.flush()

    def serve(self) -> None:
        while True:
            number, fields = self.request()
            # The client may have left the stream in the meantime.
            with suppress(h2.exceptions.ProtocolError):
                self.answer(number, fields[b":path"])


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


@pytest.fixture
def server2(server: Any, authority: trustme.CA) -> Any:
    """A server whose scripts get `Frames` once HTTP/2 has been agreed on."""
    server.context = green_ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server.context)
    server.context.set_alpn_protocols(["h2"])
    serve = server._serve

    def serve_securely(sock: Any, script: Any) -> None:
        # Nagle's algorithm would keep the settings back for longer than a clock that jumps waits.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        secured = server.context.wrap_socket(sock, server_side=True)
        is_plain = secured.selected_alpn_protocol() != "h2"
        with suppress(ssl.SSLEOFError):  # the client has gone in the middle of a write
            serve(secured, lambda peer: script(peer if is_plain else Frames(peer)))

    server._serve = serve_securely
    server.url = f"https://127.0.0.1:{server.port}/"
    return server


def echo(frames: Frames) -> None:
    frames.begin()
    frames.serve()


@pytest.fixture
def jumping_clock() -> Iterator[None]:
    """Let the clock jump; named first, so that the server lives in the same hub."""
    with virtual_clock(threshold=THRESHOLD):
        yield


@pytest.fixture
def client(context: ssl.SSLContext) -> Iterator[Client]:
    with Client(verify=context, http2=True, trust_env=False) as client:
        yield client
    wait_until_idle()  # what read for its connections ends


# Sharing a connection


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    for module in ("_sharing", "_http2"):
        monkeypatch.delitem(sys.modules, f"eventlet.httpc.{module}", raising=False)
    for module in [name for name in sys.modules if name.partition(".")[0] == "h2"]:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=r"pip install 'eventlet-httpc\[h2\]'"):
        Client(http2=True)
    for command in ("get", "crawl"):
        assert main([command, "--http2", "https://127.0.0.1/"]) == 2
        assert "pip install 'eventlet-httpc[h2]'" in capfd.readouterr().err


def test_many_green_threads_share_one_connection(client: Client, server2: Any) -> None:
    server2.play(echo)
    threads = [spawn(client.get, f"{server2.url}{n}") for n in range(200)]
    for n, thread in enumerate(threads):
        response = thread.wait()
        assert (response.status, response.text) == (200, f"/{n}")
        assert response.http_version == "2"
    assert server2.connections == 1
    assert client.statistics() == (1, 1, 0)


def test_all_that_a_request_has_arrives(client: Client, server2: Any) -> None:
    def script(frames: Frames) -> None:
        frames.begin()
        number, fields = frames.request()
        server2.received.append(fields)
        frames.next(h2.events.StreamEnded)
        server2.received.append(frames.bodies[number])
        frames.answer(number, b"done", ("x-name", "one"), ("x-name", "two"))
        frames.serve()

    server2.play(script)
    response = client.post(
        f"{server2.url}path?a=b", headers={"X-Mine": "yes", "Connection": "close"}, json=[1]
    )
    fields, body = server2.received
    assert fields[b":method"] == b"POST"
    assert fields[b":scheme"] == b"https"
    assert fields[b":path"] == b"/path?a=b"
    assert fields[b":authority"] == f"127.0.0.1:{server2.port}".encode()
    assert fields[b"content-length"] == b"3"
    assert fields[b"x-mine"] == b"yes"
    assert b"connection" not in fields
    assert b"host" not in fields
    assert body == b"[1]"
    assert response.content == b"done"
    assert response.headers.get_list("X-Name") == ["one", "two"]


def test_a_server_that_chooses_http_1_gets_it(client: Client, server2: Any, ok: Any) -> None:
    server2.context.set_alpn_protocols(["http/1.1"])
    server2.answer(ok(b"hello"))
    threads = [spawn(client.get, server2.url) for _ in range(10)]
    assert {thread.wait().http_version for thread in threads} == {"1.1"}
    assert client.get(server2.url).content == b"hello"
    server2.context.set_alpn_protocols(["h2"])
    server2.play(echo)
    client._transport.drop_idle()
    assert client.get(server2.url).http_version == "2"


def test_a_context_must_not_offer_what_was_not_asked_for(
    context: ssl.SSLContext, server2: Any
) -> None:
    server2.play(echo)
    with (
        Client(verify=context, trust_env=False) as client,
        pytest.raises(TLSError, match="pass http2=True"),
    ):
        client.get(server2.url)


def test_plain_http_stays_http_1(client: Client, server: Any, ok: Any) -> None:
    server.answer(ok(b"hello"))
    assert client.get(server.url).http_version == "1.1"
    assert client.statistics() == (1, 1, 0)


def test_the_number_of_streams_is_the_servers_to_limit(client: Client, server2: Any) -> None:
    most = 0

    def script(frames: Frames) -> None:
        nonlocal most
        frames.begin(MAX_CONCURRENT_STREAMS=3)
        while True:
            number, _ = frames.request()
            most = max(most, frames.h2.open_inbound_streams)
            frames.answer(number, b"x")

    server2.play(script)
    threads = [spawn(client.get, server2.url) for _ in range(20)]
    wait_until_idle()
    assert {thread.wait().content for thread in threads} == {b"x"}
    assert 1 <= most <= 3
    assert server2.connections == 1


def test_a_raised_limit_lets_those_in_line_go_on(client: Client, server2: Any) -> None:
    def script(frames: Frames) -> None:
        frames.begin(MAX_CONCURRENT_STREAMS=1)
        first, _ = frames.request()
        frames.h2.update_settings({Codes.MAX_CONCURRENT_STREAMS: 2})
        frames.flush()
        second, _ = frames.request()
        frames.answer(second, b"second")
        frames.answer(first, b"first")

    server2.play(script)
    threads = [spawn(client.get, server2.url) for _ in range(2)]
    assert {thread.wait().content for thread in threads} == {b"first", b"second"}


def test_a_place_in_line_has_a_limit(jumping_clock: None, client: Client, server2: Any) -> None:
    first = _take_the_only_stream(client, server2, timeout=Timeouts(read=100))
    with pytest.raises(PoolTimeout, match="no room for 5"):
        client.get(server2.url, timeout=Timeouts(pool=5))
    with pytest.raises(TotalTimeout):
        client.get(server2.url, timeout=7)
    with pytest.raises(Timeout), Timeout(1):
        client.get(server2.url)
    waiting = _in_line(client, server2.url)
    waiting.throw(TimeoutError("mine"))
    with pytest.raises(TimeoutError, match="mine"):
        waiting.wait()
    waiting = _in_line(client, server2.url)
    kill(first)
    assert waiting.wait().content == b"/"
    assert client.statistics() == (1, 1, 0)


def _take_the_only_stream(client: Client, server2: Any, **options: Any) -> GreenThread[Any]:
    """Have a green thread ask for a page that the server keeps back, while others ask in vain."""
    begun: Waiter[None] = Waiter()

    def script(frames: Frames) -> None:
        frames.begin(MAX_CONCURRENT_STREAMS=1)
        frames.request()
        begun.switch()
        frames.serve()

    server2.play(script)
    first = spawn(client.get, server2.url, **options)
    begun.wait()
    return first


def _in_line(client: Client, url: str) -> GreenThread[Any]:
    """Have a green thread ask for a page, and stand in line for that."""
    before = client.statistics().waiting
    thread = spawn(client.get, url)
    while client.statistics().waiting == before:
        sleep(0)
    return thread


@pytest.mark.parametrize("is_late", [False, True])
def test_whoever_is_killed_as_their_turn_comes_takes_no_place(
    client: Client, server2: Any, *, is_late: bool
) -> None:
    first = _take_the_only_stream(client, server2)
    second = _in_line(client, server2.url)
    third = _in_line(client, server2.url)
    if is_late:
        kill(first)
    else:
        first.throw()
    second.throw()
    assert third.wait().content == b"/"
    assert client.statistics() == (1, 1, 0)


def test_whoever_is_killed_as_they_are_to_connect_leaves_it_to_the_next(
    monkeypatch: pytest.MonkeyPatch, client: Client, server2: Any
) -> None:
    def script(frames: Frames) -> None:
        while client.statistics().waiting < 2:
            sleep(0)

    from eventlet.httpc._sharing import _Lane

    serve_line = _Lane.serve

    def kill_and_serve(lane: _Lane) -> None:
        monkeypatch.undo()
        second.throw()
        serve_line(lane)

    monkeypatch.setattr(_Lane, "serve", kill_and_serve)
    server2.play(script, echo)
    first = spawn(client.get, server2.url)
    while not client.statistics().connections:
        sleep(0)
    second = _in_line(client, server2.url)
    third = _in_line(client, server2.url)
    with pytest.raises(ConnectError):
        first.wait()
    assert third.wait().content == b"/"


def test_no_streams_at_all(client: Client, server2: Any) -> None:
    def script(frames: Frames) -> None:
        frames.begin(MAX_CONCURRENT_STREAMS=0)
        frames.request()

    server2.play(script)
    with pytest.raises(ConnectError, match="takes no requests"):
        client.get(server2.url)
    assert client.statistics() == (0, 0, 0)


def test_an_idle_connection_expires(
    jumping_clock: None, context: ssl.SSLContext, server2: Any
) -> None:
    server2.play(echo)
    limits = Limits(keepalive_expiry=10)
    with Client(verify=context, http2=True, trust_env=False, limits=limits) as client:
        client.get(server2.url)
        sleep(6)
        client.get(server2.url)
        assert server2.connections == 1
        sleep(11)
        assert client.statistics() == (0, 0, 0)


def test_the_server_is_told_that_a_connection_ends(client: Client, server2: Any) -> None:
    ended: Waiter[int] = Waiter()

    def script(frames: Frames) -> None:
        frames.begin()
        number, _ = frames.request()
        frames.answer(number)
        ended.switch(frames.next(h2.events.ConnectionTerminated).error_code)

    server2.play(script)
    client.get(server2.url)
    client.close()
    assert ended.wait() == 0


def test_a_forked_child_says_no_goodbye(
    client: Client, server2: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: Waiter[None] = Waiter()

    def script(frames: Frames) -> None:
        frames.begin()
        number, _ = frames.request()
        frames.answer(number)
        with pytest.raises(EOFError):
            frames.next(h2.events.ConnectionTerminated)
        ended.switch()

    server2.play(script)
    client.get(server2.url)
    monkeypatch.setattr("os.getpid", lambda: -1)
    client.close()
    ended.wait()


def test_connections_of_a_native_thread_that_has_ended_are_closed(
    client: Client, server2: Any
) -> None:
    server2.play(echo)
    thread = threading.Thread(target=client.get, args=(server2.url,))
    thread.start()
    while thread.is_alive():
        sleep(0.001)
    client.close()
    while server2.open:
        sleep(0.001)


def test_a_connection_for_later(client: Client, server2: Any) -> None:
    from eventlet.httpc._budget import Budget
    from eventlet.httpc._url import URL

    server2.play(echo)
    client._transport.connect(URL.parse(server2.url), Budget(Timeouts()))
    assert client.statistics() == (1, 1, 0)
    assert client.get(server2.url).content == b"/"
    assert server2.connections == 1


# Bodies and windows


def test_large_bodies_in_both_directions(client: Client, server2: Any) -> None:
    content = bytes(range(256)) * 20_000

    def script(frames: Frames) -> None:
        frames.begin()
        while True:
            number, _ = frames.request()
            while True:
                event = frames.next((h2.events.DataReceived, h2.events.StreamEnded))
                if isinstance(event, h2.events.StreamEnded):
                    break
                frames.h2.acknowledge_received_data(event.flow_controlled_length, number)
                frames.flush()
            body = frames.bodies[number]
            frames.h2.send_headers(number, [(":status", "200")], end_stream=not body)
            frames.flush()
            while body:
                room = min(frames.h2.local_flow_control_window(number), 16384)
                if room:
                    frames.h2.send_data(number, body[:room], end_stream=len(body) <= room)
                    body = body[room:]
                    frames.flush()
                else:
                    frames.next(h2.events.WindowUpdated)

    server2.play(script)
    assert client.post(server2.url, content=content).content == content
    pieces = [content[start : start + 100_000] for start in range(0, len(content), 100_000)]
    assert client.post(server2.url, content=iter(pieces)).content == content
    assert client.post(server2.url, content=b"").content == b""
    assert client.statistics() == (1, 1, 0)


def test_a_body_waits_while_much_is_to_be_sent(
    client: Client, server2: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventlet.httpc._http2._HIGH_WATER", 1)

    def script(frames: Frames) -> None:
        frames.begin()
        number, _ = frames.request()
        frames.next(h2.events.StreamEnded)
        frames.answer(number, b"%d" % len(frames.bodies[number]))

    server2.play(script)
    assert client.post(server2.url, content=bytes(60_000)).content == b"60000"


def test_a_slow_reader_holds_up_the_server_but_nobody_else(client: Client, server2: Any) -> None:
    sent = 0

    def script(frames: Frames) -> None:
        nonlocal sent
        frames.begin()
        slow, _ = frames.request()
        frames.h2.send_headers(slow, [(":status", "200")])
        while room := min(frames.h2.local_flow_control_window(slow), 16384):
            frames.h2.send_data(slow, bytes(room))
            sent += room
            frames.flush()
        frames.serve()

    server2.play(script)
    with client.stream("GET", server2.url) as response:
        pieces: Any = response.iter_bytes()
        next(pieces)
        assert client.get(server2.url).content == b"/"
        assert sent == 1024 * 1024
        pieces.close()
    assert client.get(server2.url).content == b"/"
    assert client.statistics() == (1, 1, 0)


def test_a_body_that_nobody_takes_times_out(
    jumping_clock: None, client: Client, server2: Any
) -> None:
    def script(frames: Frames) -> None:
        frames.begin(INITIAL_WINDOW_SIZE=10)
        frames.next(h2.events.StreamReset)

    server2.play(script)
    with pytest.raises(WriteTimeout, match="took nothing for 5"):
        client.post(server2.url, content=bytes(100), timeout=Timeouts(read=3, write=5))
    with pytest.raises(TotalTimeout):
        client.post(server2.url, content=bytes(100), timeout=Timeouts(read=9, total=4))
    assert client.statistics() == (0, 0, 0)


def test_an_answer_may_come_before_the_end_of_the_body(client: Client, server2: Any) -> None:
    def script(frames: Frames) -> None:
        frames.begin(INITIAL_WINDOW_SIZE=10)
        number, _ = frames.request()
        frames.h2.send_headers(number, [(":status", "413")])
        frames.h2.send_data(number, b"too much", end_stream=True)
        frames.h2.reset_stream(number, 0)
        frames.flush()
        frames.serve()

    server2.play(script)
    response = client.post(server2.url, content=bytes(1000))
    assert (response.status, response.content) == (413, b"too much")
    assert client.get(server2.url).content == b"/"
    assert server2.connections == 1


def test_a_body_that_breaks_is_the_callers_error(client: Client, server2: Any) -> None:
    def pieces() -> Iterator[bytes]:
        yield b"x"
        raise RuntimeError("no more")

    server2.play(echo)

    def script(frames: Frames) -> None:
        frames.begin()
        frames.next(h2.events.StreamReset)
        frames.serve()

    server2.play(script)
    with pytest.raises(RuntimeError, match="no more"):
        client.post(server2.url, content=pieces())
    assert client.get(server2.url).content == b"/"
    assert server2.connections == 1


def test_a_server_can_ask_for_the_body_or_do_without(client: Client, server2: Any) -> None:
    def script(frames: Frames) -> None:
        frames.begin()
        number, _ = frames.request()
        frames.h2.send_headers(number, [(":status", "100")])
        frames.flush()
        frames.next(h2.events.StreamEnded)
        frames.answer(number, frames.bodies[number])
        number, _ = frames.request()
        frames.answer(number, b"no need")
        frames.next(h2.events.StreamReset)
        server2.received.append(frames.bodies.get(number))
        frames.serve()

    server2.play(script)
    expect = {"Expect": "100-continue"}
    assert client.put(server2.url, content=b"body", headers=expect).content == b"body"
    assert client.put(server2.url, content=b"body", headers=expect).content == b"no need"
    assert client.get(server2.url).content == b"/"
    assert server2.received == [None]


def test_trailers_and_head(client: Client, server2: Any) -> None:
    def script(frames: Frames) -> None:
        frames.begin()
        number, _ = frames.request()
        frames.h2.send_headers(number, [(":status", "200")])
        frames.h2.send_data(number, b"body")
        frames.h2.send_headers(number, [("x-sum", "4")], end_stream=True)
        frames.flush()
        number, _ = frames.request()
        frames.answer(number, b"", ("content-length", "100"))

    server2.play(script)
    response = client.get(server2.url)
    assert response.content == b"body"
    assert response.trailers["x-sum"] == "4"
    assert client.head(server2.url).headers["content-length"] == "100"


@pytest.mark.parametrize("has_data", [False, True])
def test_an_answer_without_content_may_state_a_length(
    client: Client, server2: Any, *, has_data: bool
) -> None:
    def script(frames: Frames) -> None:
        frames.begin()
        number, _ = frames.request()
        fields = [(":status", "304"), ("content-length", "100")]
        frames.h2.send_headers(number, fields, end_stream=not has_data)
        if has_data:
            frames.h2.end_stream(number)
        frames.flush()
        frames.serve()

    server2.play(script)
    response = client.get(server2.url)
    assert (response.status, response.content) == (304, b"")
    assert response.headers["content-length"] == "100"
    assert client.get(server2.url).content == b"/"
    assert server2.connections == 1


def test_an_upload_ends_with_an_answer_without_content(client: Client, server2: Any) -> None:
    def script(frames: Frames) -> None:
        frames.begin(INITIAL_WINDOW_SIZE=10)
        number, _ = frames.request()
        frames.h2.send_headers(number, [(":status", "304")])
        frames.flush()
        frames.serve()

    server2.play(script)
    assert client.post(server2.url, content=bytes(1000)).status == 304
    assert client.get(server2.url).content == b"/"
    assert server2.connections == 1


# Ends of all kinds


def _outcomes(client: Client, url: str, amount: int) -> list[str]:
    """Return what came of so many requests at a time: a body or an error each."""

    def fetch() -> str:
        try:
            return client.get(url).text
        except ReadError as error:
            return str(error)

    return [thread.wait() for thread in [spawn(fetch) for _ in range(amount)]]


def test_a_stream_that_was_refused_is_tried_again(client: Client, server2: Any) -> None:
    def script(frames: Frames) -> None:
        frames.begin()
        number, _ = frames.request()
        frames.h2.reset_stream(number, 7)
        frames.flush()
        number, _ = frames.request()
        frames.next(h2.events.StreamEnded)
        frames.answer(number, b"now")

    server2.play(script)
    assert client.post(server2.url, content=b"x").content == b"now"
    assert server2.connections == 1


def test_a_server_that_always_refuses_is_given_up(client: Client, server2: Any) -> None:
    tries = 0

    def script(frames: Frames) -> None:
        nonlocal tries
        frames.begin()
        while True:
            number, _ = frames.request()
            tries += 1
            frames.h2.reset_stream(number, 7)
            frames.flush()

    server2.play(script)
    with pytest.raises(ReadError, match="REFUSED_STREAM"):
        client.get(server2.url)
    assert tries == 5
    with pytest.raises(ReadError, match="REFUSED_STREAM"):
        client.post(server2.url, content=iter([b"once"]))
    assert tries == 6


def test_a_reset_stream_is_an_error_of_its_owner_alone(client: Client, server2: Any) -> None:
    def script(frames: Frames) -> None:
        frames.begin()
        first, _ = frames.request()
        second, _ = frames.request()
        frames.h2.reset_stream(first, 0x2A)
        frames.answer(second, b"fine")

    server2.play(script)
    assert sorted(_outcomes(client, server2.url, 2)) == [
        f"could not read from {server2.peer}: it reset the stream: error 42",
        "fine",
    ]


def test_goaway_lets_earlier_requests_end_and_repeats_later_ones(
    client: Client, server2: Any
) -> None:
    def leaving(frames: Frames) -> None:
        frames.begin()
        first, _ = frames.request()
        frames.request()
        frames.peer.send(struct.pack("!BHBBLLL", 0, 8, 7, 0, 0, first, 0))
        sleep(0)
        frames.answer(first, b"first")
        frames.next(h2.events.StreamReset)

    server2.play(leaving, echo)
    threads = [spawn(client.post, server2.url) for _ in range(2)]
    assert {thread.wait().content for thread in threads} == {b"first", b"/"}
    assert server2.connections == 2
    assert client.statistics() == (1, 1, 0)


def test_connections_may_end_as_often_as_they_have_answered(client: Client, server2: Any) -> None:
    def script(frames: Frames) -> None:
        frames.begin()
        number, _ = frames.request()
        frames.answer(number, b"one")
        frames.peer.send(struct.pack("!BHBBLLL", 0, 8, 7, 0, 0, number, 0))
        frames.next(h2.events.ConnectionTerminated)

    server2.play(script)
    threads = [spawn(client.post, server2.url) for _ in range(12)]
    assert {thread.wait().content for thread in threads} == {b"one"}
    assert server2.connections == 12


def test_a_kept_connection_that_was_closed_is_replaced(client: Client, server2: Any) -> None:
    def once(frames: Frames) -> None:
        frames.begin()
        number, _ = frames.request()
        frames.answer(number, b"once")
        frames.request()

    server2.play(once)
    for _ in range(3):
        assert client.get(server2.url).content == b"once"
    wait_until_idle()
    assert client.get(server2.url).content == b"once"


@pytest.mark.parametrize(
    "farewell", [struct.pack("!BHBBLLL", 0, 8, 7, 0, 0, 1, 0), b"", b"nonsense!"]
)
def test_an_idle_connection_is_looked_at_before_it_is_used_again(
    client: Client, server2: Any, farewell: bytes
) -> None:
    ends: list[Frames] = []

    def script(frames: Frames) -> None:
        ends.append(frames)
        echo(frames)

    server2.play(script)
    client.get(server2.url)
    # From here to the request, the hub has no chance to hear of it.
    ends[0].peer.send(farewell)
    if not farewell:
        ends[0].peer.sock.shutdown(socket.SHUT_WR)
    assert client.post(server2.url).content == b"/"
    assert server2.connections == 2


def test_a_connection_that_breaks_ends_all_its_streams(client: Client, server2: Any) -> None:
    def script(frames: Frames) -> None:
        frames.begin()
        frames.request()
        frames.request()

    server2.play(script)
    threads = [spawn(client.get, server2.url) for _ in range(2)]
    for thread in threads:
        with pytest.raises(ReadError, match="it closed the connection"):
            thread.wait()
    assert client.statistics() == (0, 0, 0)


def test_a_silent_connection_gets_no_more_requests(
    jumping_clock: None, client: Client, server2: Any
) -> None:
    def silent(frames: Frames) -> None:
        frames.begin()
        frames.request()
        frames.request()

    server2.play(silent, echo)
    with pytest.raises(ReadTimeout, match="nothing for 5"):
        client.get(server2.url, timeout=Timeouts(read=5))
    with pytest.raises(TotalTimeout):
        client.get(f"{server2.url}1", timeout=Timeouts(total=0))
    assert client.get(server2.url).content == b"/"
    assert server2.connections == 2


def test_a_killed_owner_resets_the_stream_and_nothing_else(client: Client, server2: Any) -> None:
    begun: Waiter[None] = Waiter()

    def script(frames: Frames) -> None:
        frames.begin()
        number, _ = frames.request()
        begun.switch()
        assert frames.next(h2.events.StreamReset).stream_id == number
        with pytest.raises(h2.exceptions.ProtocolError):
            frames.answer(number, b"late")
        frames.serve()

    server2.play(script)
    thread = spawn(client.get, server2.url)
    begun.wait()
    kill(thread)
    assert client.get(server2.url).content == b"/"
    assert server2.connections == 1
    assert client.statistics() == (1, 1, 0)


def test_data_for_a_stream_that_was_left_is_dropped(client: Client, server2: Any) -> None:
    def script(frames: Frames) -> None:
        frames.begin()
        number, _ = frames.request()
        sent = frames.h2
        sent.send_headers(number, [(":status", "200")])
        sent.send_data(number, b"a")
        frames.flush()
        sent.send_headers(number, [("x", "y")], end_stream=True)
        late = sent.data_to_send()
        frames.events += sent.receive_data(peer_reset := frames.peer.sock.recv(65536))
        assert peer_reset
        frames.peer.send(late)
        frames.serve()

    server2.play(script)
    with client.stream("GET", server2.url):
        pass
    assert client.get(server2.url).content == b"/"
    assert server2.connections == 1


def test_a_ping_is_answered(client: Client, server2: Any) -> None:
    def script(frames: Frames) -> None:
        frames.begin()
        number, _ = frames.request()
        frames.h2.ping(b"12345678")
        frames.flush()
        pong = frames.next(h2.events.PingAckReceived)
        frames.answer(number, pong.ping_data)

    server2.play(script)
    assert client.get(server2.url).content == b"12345678"


class ClosedSocket:
    """What ssl's becomes for those who are woken by an event, and run after its end."""

    family = socket.AF_UNIX

    def __init__(self, method: str, error: Exception) -> None:
        self.method = method
        self.error = error
        self.is_closed = False

    def settimeout(self, timeout: object) -> None: ...

    def recv(self, size: int) -> bytes:
        return self._do("recv")

    def sendall(self, data: bytes) -> bytes:
        return self._do("sendall")

    def _do(self, method: str) -> bytes:
        if self.method == method:
            raise self.error
        Waiter[None]().wait()
        raise AssertionError

    def close(self) -> None:
        self.is_closed = True


@pytest.mark.parametrize("reason", [ValueError("on closed socket"), OSError(9, "closed socket")])
@pytest.mark.parametrize(("method", "error"), [("recv", ReadError), ("sendall", WriteError)])
def test_a_socket_that_was_closed_ends_the_session(
    method: str, error: type[Exception], reason: Exception
) -> None:
    from eventlet.httpc._http2 import Session

    sock: Any = ClosedSocket(method, reason)
    session = Session(sock, "key", "peer")
    with pytest.raises(error, match="closed socket"):
        session.wait_until_ready()
    assert repr(session) == "<Session to peer, 0 streams>"
    assert not session.is_open
    stream = session.open()
    request: Any = None
    with pytest.raises(WriteError, match="takes no more requests"):
        session.begin(stream, request, b"", is_whole=True)
    assert stream.is_refused
    stream.close()
    session.close()
    assert sock.is_closed
    wait_until_idle()


def test_a_connection_without_numbers_left_is_replaced(
    client: Client, server2: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventlet.httpc._http2._LAST_NUMBER", 3)
    server2.play(echo)
    for _ in range(3):
        assert client.get(server2.url).content == b"/"
    assert server2.connections == 2


def test_those_in_line_survive_a_connection_that_breaks(client: Client, server2: Any) -> None:
    def breaking(frames: Frames) -> None:
        frames.begin(MAX_CONCURRENT_STREAMS=1)
        frames.request()

    server2.play(breaking, echo)
    outcomes = _outcomes(client, server2.url, 4)
    assert outcomes.count("/") == 3
    assert sum("it closed the connection" in outcome for outcome in outcomes) == 1
    assert server2.connections == 2
    assert client.statistics() == (1, 1, 0)


def test_an_http_1_connection_that_breaks(client: Client, server2: Any) -> None:
    server2.context.set_alpn_protocols(["http/1.1"])
    server2.play(lambda peer: peer.read())
    with pytest.raises(ReadError):
        client.get(server2.url)
    assert client.statistics() == (0, 0, 0)


def test_origins_are_not_remembered_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    from eventlet.httpc._sharing import SharingPool

    monkeypatch.setattr("eventlet.httpc._sharing._MAX_LANES", 1)
    pool = SharingPool(Limits(), lambda key, budget: None)
    pool._lane("a").is_plain = True
    pool._lane("b")
    assert list(pool._lanes) == ["b"]


def test_an_exception_thrown_into_the_owner_is_the_owners(client: Client, server2: Any) -> None:
    begun: Waiter[None] = Waiter()

    def script(frames: Frames) -> None:
        frames.begin()
        frames.request()
        begun.switch()
        frames.serve()

    server2.play(script)
    thread = spawn(client.get, server2.url)
    begun.wait()
    thread.kill(TimeoutError("mine"))
    with pytest.raises(TimeoutError, match="mine"):
        thread.wait()
    assert client.get(server2.url).content == b"/"


# Nonsense


@pytest.mark.parametrize("has_trailers", [False, True])
def test_a_body_shorter_than_promised(client: Client, server2: Any, *, has_trailers: bool) -> None:
    def script(frames: Frames) -> None:
        frames.begin()
        number, _ = frames.request()
        fields = [(":status", "200"), ("content-length", "4")]
        frames.h2.send_headers(number, fields, end_stream=not has_trailers)
        if has_trailers:
            frames.h2.send_data(number, b"bod")
            frames.h2.send_headers(number, [("x-sum", "3")], end_stream=True)
        frames.flush()
        frames.serve()

    server2.play(script)
    with pytest.raises(ProtocolError, match="it promised 4 bytes and sent"):
        client.get(server2.url)
    assert client.get(server2.url).content == b"/"
    assert server2.connections == 1


def _frame(kind: int, flags: int, payload: bytes, number: int = 1) -> bytes:
    return struct.pack("!BHBBL", 0, len(payload), kind, flags, number) + payload


# A header of 4,000 bytes that is repeated by a byte each (RFC 7541, section 6).
BOMB = b"\x40\x01x\x7f\xa1\x1e" + b"y" * 4000 + b"\xbe" * 100
DATA, HEADERS, PUSH_PROMISE, CONTINUATION = 0, 1, 5, 9
END_HEADERS = 4


@pytest.mark.parametrize(
    ("nonsense", "reason"),
    [
        (_frame(HEADERS, END_HEADERS, b"\x88" + BOMB), "header"),
        (_frame(HEADERS, END_HEADERS, b"\xff\xff\xff\xff\xff\xff"), "."),
        (_frame(HEADERS, 0, b"\x88") + _frame(CONTINUATION, 0, bytes(100)) * 100, "."),
        (_frame(PUSH_PROMISE, END_HEADERS, b"\0\0\0\2\x88"), "push"),
        (_frame(DATA, 0, b"before the headers"), "."),
        (_frame(HEADERS, END_HEADERS, b"\x88\x0f\x0d\x011") + _frame(DATA, 1, b"more"), "1"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP|frame|does not speak"),
        (b"\xff\xff\xff\x00\x00\x00\x00\x00\x01", "frame"),
        (struct.pack("!BHBBL", 0, 4, 7, 0, 0) + b"abcd", "frame|GOAWAY"),
        (struct.pack("!BHBBL", 0, 0, 0, 0, 99), "."),
    ],
)
def test_nonsense_ends_the_connection(
    client: Client, server2: Any, nonsense: bytes, reason: str
) -> None:
    def script(frames: Frames) -> None:
        frames.begin()
        frames.request()
        frames.peer.send(nonsense)
        frames.next(h2.events.ConnectionTerminated)

    server2.play(script)
    with pytest.raises(ProtocolError, match=reason):
        client.get(server2.url)
    assert client.statistics() == (0, 0, 0)


@pytest.mark.parametrize(
    "fields",
    [
        [("x", "y")],
        [(":status", "abc")],
        [(":status", "101")],
        [(":status", "200"), ("x", "a\r\nb")],
        [(":status", "200"), ("x", "a\0b")],
        [(":status", "200"), ("X", "y")],
        [(":status", "200"), (":path", "/")],
        [(":status", "200"), (":status", "200")],
        [(":status", "200"), ("content-length", "x")],
        [(":status", "200"), ("content-length", "-1")],
        [(":status", "200"), ("content-length", "0"), ("content-length", "1")],
        [(":status", "200"), ("content-length", "1"), ("content-length", "0")],
        [(":status", "200"), ("transfer-encoding", "chunked")],
    ],
)
def test_broken_headers_are_an_error(client: Client, server2: Any, fields: Any) -> None:
    def script(frames: Frames) -> None:
        frames.h2.config.validate_outbound_headers = False
        frames.h2.config.normalize_outbound_headers = False
        frames.begin()
        number, _ = frames.request()
        block = frames.h2.encoder.encode(fields)
        frames.peer.send(struct.pack("!BHBBL", 0, len(block), 1, 5, number) + block)
        frames.next(h2.events.ConnectionTerminated)

    server2.play(script)
    with pytest.raises(ProtocolError):
        client.get(server2.url)


def test_interim_answers_without_end(client: Client, server2: Any) -> None:
    def script(frames: Frames) -> None:
        frames.begin()
        number, _ = frames.request()
        for _ in range(40):
            frames.h2.send_headers(number, [(":status", "103")])
        frames.flush()
        frames.next(h2.events.StreamReset)

    server2.play(script)
    with pytest.raises(ProtocolError, match="without end"):
        client.get(server2.url)


def test_a_server_that_says_nothing_after_the_handshake(
    jumping_clock: None, client: Client, server2: Any
) -> None:
    server2.play(lambda frames: sleep(100))
    with pytest.raises(ConnectError):
        client.get(server2.url, timeout=Timeouts(connect=3))
    server2.play(lambda frames: None)
    with pytest.raises(ConnectError, match=r"closed the connection|reset by peer"):
        client.get(server2.url)
    assert client.statistics() == (0, 0, 0)


def test_a_flood_that_wants_answers_is_cut_off(
    client: Client, server2: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventlet.httpc._http2._TOO_MUCH", 10_000)
    server2.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    ping = struct.pack("!BHBBL8s", 0, 8, 6, 0, 0, b"12345678")

    def script(frames: Frames) -> None:
        frames.begin()
        frames.request()
        while True:
            frames.peer.send(ping * 1000)

    server2.play(script)
    with pytest.raises(ProtocolError, match="does not read them"):
        client.get(server2.url)


class FloodingSocket:
    """One from which more comes at any time."""

    family = socket.AF_UNIX

    def recv(self, size: int) -> bytes:
        return struct.pack("!BHBBLL", 0, 4, 8, 0, 0, 1) * 10  # room for ten more bytes

    # What ssl's reads from underneath.
    read = recv
    _sslobj = property(lambda self: self)

    def _checkClosed(self) -> None: ...  # noqa: N802
    def settimeout(self, timeout: object) -> None: ...
    def sendall(self, data: bytes) -> None: ...
    def send(self, data: bytes) -> None: ...
    def close(self) -> None: ...


def test_a_flood_holds_up_nobody_else() -> None:
    from eventlet.httpc._http2 import Session

    sock: Any = FloodingSocket()
    session = Session(sock, "key", "peer")
    session.idle_since = get_hub().time()
    assert session.is_alive(60)
    sleep(0)
    session.close()
    wait_until_idle()


# A real server


@pytest.fixture(scope="module")
def hypercorn_url(authority: trustme.CA, tmp_path_factory: Any) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("hypercorn")
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    certificate.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    config = hypercorn.config.Config()
    config.keyfile, config.certfile = str(folder / "key.pem"), str(folder / "cert.pem")
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    config.bind = [f"fd://{listener.detach()}"]
    config.accesslog = config.errorlog = None
    loop = asyncio.new_event_loop()
    stop = asyncio.Event()
    serving = hypercorn.asyncio.serve(_application, config, shutdown_trigger=stop.wait)
    thread = threading.Thread(target=loop.run_until_complete, args=(serving,))
    thread.start()
    yield f"https://127.0.0.1:{port}/"
    loop.call_soon_threadsafe(stop.set)
    thread.join()
    loop.close()


async def _application(scope: Any, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
    """Answer with what was sent, or with the path."""
    if scope["type"] != "http":
        raise NotImplementedError(scope["type"])
    body, more = b"", True
    while more:
        event = await receive()
        body += event.get("body", b"")
        more = event.get("more_body", False)
    version = scope["http_version"].encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x-v", version)]})
    await send({"type": "http.response.body", "body": body or scope["path"].encode()})


def test_hypercorn(client: Client, hypercorn_url: str) -> None:
    def fetch(n: int) -> None:
        response = client.get(f"{hypercorn_url}{n}")
        assert response.text == f"/{n}"
        assert response.headers["x-v"] == "2"
        content = bytes([n]) * 300_000
        assert client.post(hypercorn_url, content=content).content == content

    for thread in [spawn(fetch, n) for n in range(20)]:
        thread.wait()
    assert client.statistics() == (1, 1, 0)


def test_the_command(hypercorn_url: str, capfd: Any) -> None:
    assert main(["get", "--http2", "--insecure", "--include", f"{hypercorn_url}page"]) == 0
    out, err = capfd.readouterr()
    assert out.startswith("/page")
    assert err.startswith("HTTP/2 200")
