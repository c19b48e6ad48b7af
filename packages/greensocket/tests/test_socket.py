"""The contract of the standard socket class, where it waits."""

from __future__ import annotations

import array
import gc
import os
import socket as standard
import sys
from collections.abc import Callable
from typing import Any

import pytest

from eventlet import hub
from eventlet.greensocket import GreenSocket, socket
from eventlet.hub.testing import wait_until_idle

pytestmark = pytest.mark.usefixtures("no_leaks")

Pair = tuple[GreenSocket, GreenSocket]

MUCH = b"0123456789abcdef" * 256 * 1024  # more than any socket's buffers take


def receive(sock: GreenSocket, size: int) -> bytes:
    parts = []
    while size and (data := sock.recv(size)):
        parts.append(data)
        size -= len(data)
    return b"".join(parts)


# Kind


def test_is_a_standard_socket(pair: Pair) -> None:
    assert isinstance(pair[0], standard.socket)
    assert repr(pair[0]).startswith("<eventlet.greensocket.GreenSocket fd=")


def test_descriptor_never_blocks_at_the_level_of_the_system() -> None:
    with socket.socket() as sock:
        assert not os.get_blocking(sock.fileno())
        sock.settimeout(None)
        assert not os.get_blocking(sock.fileno())


def test_takes_a_descriptor_and_makes_it_non_blocking() -> None:
    plain = standard.socket()
    with socket.socket(fileno=plain.detach()) as sock:
        assert sock.family == socket.AF_INET
        assert sock.type == socket.SOCK_STREAM
        assert not os.get_blocking(sock.fileno())


def test_wrong_arguments_are_refused_as_by_the_standard_class() -> None:
    with pytest.raises(OSError, match="Bad file descriptor"):
        socket.socket(fileno=10**6)
    with pytest.raises(TypeError):
        socket.socket(fileno="1")  # type: ignore[arg-type]
    with pytest.raises(OSError):
        socket.socket(socket.AF_INET, 77)


def test_takes_no_attributes_of_its_own(tcp_pair: Pair) -> None:
    with pytest.raises(AttributeError):
        tcp_pair[0].anything = 1  # type: ignore[attr-defined]


def test_object_without_a_constructor_dies_in_peace() -> None:
    GreenSocket.__new__(GreenSocket)
    gc.collect()


# Modes


@pytest.mark.parametrize("value", [None, 0, 0.0, 1, 2.5, True])
def test_timeout_is_kept_like_the_standard_one(value: float | None) -> None:
    with socket.socket() as green, standard.socket() as plain:
        for sock in (green, plain):
            sock.settimeout(value)
        assert green.gettimeout() == plain.gettimeout() == green.timeout
        assert type(green.gettimeout()) is type(plain.gettimeout())
        assert green.getblocking() == plain.getblocking()


@pytest.mark.parametrize("value", ["1", -1, float("nan"), object(), b"1", -0.5])
def test_timeout_is_refused_like_the_standard_one(value: Any) -> None:
    with socket.socket() as green, standard.socket() as plain:
        with pytest.raises(Exception) as expected:  # noqa: PT011 - whatever it is
            plain.settimeout(value)
        with pytest.raises(expected.type):
            green.settimeout(value)
        assert green.gettimeout() is None


def test_setblocking() -> None:
    with socket.socket() as sock:
        sock.setblocking(False)
        assert sock.gettimeout() == 0
        assert not sock.getblocking()
        sock.setblocking(True)
        assert sock.gettimeout() is None
        assert sock.getblocking()
    with pytest.raises(OSError, match="Bad file descriptor"):
        sock.setblocking(True)


def test_default_timeout_is_that_of_new_sockets(listener: GreenSocket) -> None:
    socket.setdefaulttimeout(3.5)
    try:
        with socket.socket() as sock:
            assert sock.gettimeout() == 3.5
            sock.connect(listener.getsockname())
            with listener.accept()[0] as accepted:
                assert accepted.gettimeout() == 3.5
    finally:
        socket.setdefaulttimeout(None)


@pytest.mark.skipif(not hasattr(socket, "SOCK_NONBLOCK"), reason="Linux has this type")
def test_type_may_ask_for_non_blocking_mode() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as sock:
        assert sock.gettimeout() == 0
        assert sock.type == socket.SOCK_STREAM


def test_non_blocking_mode_never_waits(pair: Pair) -> None:
    one, other = pair
    one.setblocking(False)
    for operation in (
        lambda: one.recv(1),
        lambda: one.recv_into(bytearray(1)),
        lambda: one.recvfrom(1),
        lambda: one.recvmsg(1),
        lambda: one.sendall(MUCH),
        lambda: one.send(MUCH),
    ):
        with pytest.raises(BlockingIOError):
            operation()
    other.send(b"x")
    other.setblocking(True)
    while True:
        try:
            assert one.recv(1) == b"x"
        except BlockingIOError:
            continue
        break


def test_full_socket_in_non_blocking_mode(pair: Pair) -> None:
    fill(pair[0])
    pair[0].setblocking(False)
    for method in (pair[0].send, pair[0].sendall):
        with pytest.raises(BlockingIOError):
            method(MUCH)


def test_mode_may_change_during_a_wait(pair: Pair) -> None:
    one, other = pair
    waiting = hub.spawn(one.recv, 1)
    wait_until_idle()
    one.setblocking(False)
    other.send(b"x")
    # After the poll that wakes the reader, and before the reader runs.
    hub.get_hub().call_soon(os.read, one.fileno(), 1)
    with pytest.raises(BlockingIOError):
        waiting.wait()


def test_mode_may_change_after_waits(pair: Pair) -> None:
    one, other = pair
    hub.call_after(0, other.send, b"a")
    assert one.recv(10) == b"a"
    one.setblocking(False)
    with pytest.raises(BlockingIOError):
        one.recv(10)
    one.setblocking(True)
    hub.call_after(0, other.send, b"b")
    assert one.recv(10) == b"b"
    hub.call_after(0, other.send, b"c")
    assert one.recv(10) == b"c"


# Receiving and sending


def test_only_the_caller_waits(poller: str, pair: Pair) -> None:
    one, other = pair
    waiting = hub.spawn(one.recv, 10)
    wait_until_idle()
    assert not waiting.ready
    other.sendall(b"hello")
    assert waiting.wait() == b"hello"


def test_much_data_passes_both_ways_at_once(poller: str, pair: Pair) -> None:
    one, other = pair
    sending = [hub.spawn(sock.sendall, MUCH) for sock in pair]
    receiving = [hub.spawn(receive, sock, len(MUCH)) for sock in pair]
    assert [thread.wait() == MUCH for thread in receiving] == [True, True]
    assert [thread.wait() for thread in sending] == [None, None]
    one.shutdown(socket.SHUT_WR)
    assert other.recv(10) == b""


def test_end_hides_behind_the_data_it_came_with(poller: str, pair: Pair) -> None:
    one, other = pair
    waiting = hub.spawn(one.recv, 100)
    wait_until_idle()
    other.send(b"last words")
    other.close()
    assert waiting.wait() == b"last words"
    assert one.recv(100) == b""
    assert one.recv(100) == b""


def test_end_comes_after_the_data(poller: str, pair: Pair) -> None:
    one, other = pair
    for words in (b"one", b"two"):
        hub.call_after(0, other.send, words)
        assert one.recv(100) == words
    hub.call_after(0, other.close)
    assert one.recv(100) == b""


def test_half_close_leaves_the_other_direction(poller: str, pair: Pair) -> None:
    one, other = pair
    echo = hub.spawn(lambda: other.sendall(receive(other, 10**6)))
    one.sendall(b"question")
    one.shutdown(socket.SHUT_WR)
    assert receive(one, 8) == b"question"
    echo.wait()


def test_own_shutdown_wakes_the_reader(poller: str, pair: Pair) -> None:
    one, _ = pair
    waiting = hub.spawn(one.recv, 10)
    wait_until_idle()
    one.shutdown(socket.SHUT_RD)
    assert waiting.wait() == b""


def test_ping_pong_of_short_messages(poller: str, pair: Pair) -> None:
    one, other = pair

    def echo() -> None:
        while data := other.recv(64):
            other.sendall(data)

    echoing = hub.spawn(echo)
    for number in range(200):
        message = b"%d" % number
        one.sendall(message)
        assert one.recv(64) == message
    one.shutdown(socket.SHUT_WR)
    echoing.wait()


def test_recv_into_kinds_of_buffers(pair: Pair) -> None:
    one, other = pair
    buffer = bytearray(8)
    numbers = array.array("i", [0, 0])
    hub.call_after(0, other.send, b"abcdefgh")
    assert one.recv_into(buffer) == 8
    assert buffer == b"abcdefgh"
    hub.call_after(0, other.send, b"12345678")
    assert one.recv_into(buffer, 3) == 3
    assert one.recv_into(memoryview(buffer)[3:]) == 5
    assert buffer == b"12345678"
    hub.call_after(0, other.send, b"\1\0\0\0")
    assert one.recv_into(numbers) == 4
    assert numbers.tobytes()[:4] == b"\1\0\0\0"


def test_recv_into_a_buffer_without_a_length(pair: Pair) -> None:
    import ctypes

    class Record(ctypes.Structure):
        _fields_ = [("number", ctypes.c_uint32)]

    record = Record()
    hub.call_after(0, pair[1].send, b"\1\1\1\1")
    assert pair[0].recv_into(record) == 4
    assert record.number == 0x01010101


@pytest.mark.parametrize("size", [0, -1, "1"])
def test_odd_sizes_are_treated_as_by_the_standard_class(tcp_pair: Pair, size: Any) -> None:
    one, other = tcp_pair
    plain, _plain_other = standard.socketpair()
    with plain, _plain_other:
        try:
            expected: Any = plain.recv(size)
        except (TypeError, ValueError) as error:
            expected = type(error)
    for _ in range(2):  # untried, and known to be empty
        if expected == b"":
            assert one.recv(size) == b""
            assert one.recv_into(bytearray()) == 0
        else:
            with pytest.raises(expected):
                one.recv(size)
        hub.call_after(0, other.send, b"x")
        assert one.recv(10) == b"x"


@pytest.mark.parametrize("data", ["text", 1, None])
def test_only_bytes_are_sent(pair: Pair, data: Any) -> None:
    for method in (pair[0].send, pair[0].sendall, pair[0].sendto):
        with pytest.raises(TypeError):
            method(data)


def test_sending_nothing(pair: Pair) -> None:
    assert pair[0].send(b"") == 0
    pair[0].sendall(b"")
    fill(pair[0])
    waiting = hub.spawn(pair[0].sendall, b"")
    wait_until_idle()
    assert not waiting.ready
    drain(pair[1])
    waiting.wait()


def fill(sock: GreenSocket) -> int:
    """Send until there is no room, and let the socket know it."""
    sent = 0
    sock.settimeout(0.01)
    try:
        while True:
            sent += sock.send(MUCH)
    except TimeoutError:
        sock.settimeout(None)
        return sent


def drain(sock: GreenSocket) -> int:
    """Receive all that is there."""
    received = 0
    sock.settimeout(0.05)
    try:
        while data := sock.recv(2**20):
            received += len(data)
    except TimeoutError:
        sock.settimeout(None)
    return received


def test_sendall_of_other_buffers(pair: Pair) -> None:
    numbers = array.array("i", range(100_000))
    sending = hub.spawn(pair[0].sendall, numbers)
    assert receive(pair[1], len(numbers) * 4) == numbers.tobytes()
    sending.wait()
    sending = hub.spawn(pair[0].sendall, memoryview(MUCH)[::1])
    assert receive(pair[1], len(MUCH)) == MUCH
    sending.wait()


def test_two_green_threads_send_each_byte_once(poller: str, pair: Pair) -> None:
    one, other = pair
    sending = [hub.spawn(one.sendall, letter * 2**20) for letter in (b"a", b"b")]
    data = receive(other, 2 * 2**20)
    assert data.count(b"a") == data.count(b"b") == 2**20
    for thread in sending:
        thread.wait()


def test_readers_of_one_socket_are_served_in_turn(poller: str, pair: Pair) -> None:
    one, other = pair
    order: list[int] = []

    def read(number: int) -> None:
        assert one.recv(1)
        order.append(number)

    readers = []
    for number in range(4):
        readers.append(hub.spawn(read, number))
        wait_until_idle()
    for _ in readers:
        other.send(b"x")
        wait_until_idle()
    for reader in readers:
        reader.wait()
    assert order == [0, 1, 2, 3]


def test_one_event_for_many_bytes_serves_many_readers(poller: str, pair: Pair) -> None:
    one, other = pair
    readers = [hub.spawn(one.recv, 1) for _ in range(4)]
    wait_until_idle()
    other.send(b"abcd")
    assert sorted(reader.wait() for reader in readers) == [b"a", b"b", b"c", b"d"]


def test_killed_reader_takes_nothing(poller: str, pair: Pair) -> None:
    one, other = pair
    first, second = hub.spawn(one.recv, 99), hub.spawn(one.recv, 99)
    wait_until_idle()
    other.send(b"for the second")
    first.kill()
    assert second.wait() == b"for the second"
    with pytest.raises(hub.GreenletExit):
        first.wait()


@pytest.mark.skipif(not hasattr(socket, "MSG_WAITALL"), reason="this platform lacks the flag")
def test_wait_for_all(pair: Pair) -> None:
    one, other = pair

    def trickle() -> None:
        for byte in b"abcdef":
            other.send(bytes([byte]))
            hub.sleep(0)

    hub.spawn(trickle)
    assert one.recv(6, socket.MSG_WAITALL) == b"abcdef"
    hub.spawn(trickle)
    buffer = bytearray(4)
    assert one.recv_into(buffer, 0, socket.MSG_WAITALL) == 4
    assert buffer == b"abcd"
    assert one.recv_into(buffer, 2, socket.MSG_WAITALL) == 2
    assert buffer == b"efcd"
    hub.call_after(0, other.send, b"short")
    hub.call_after(0, other.close)
    assert one.recv(100, socket.MSG_WAITALL) == b"short"
    with pytest.raises(ValueError, match="buffer"):
        one.recv_into(buffer, 5, socket.MSG_WAITALL)


def test_peeking_leaves_the_data(pair: Pair) -> None:
    one, other = pair
    hub.call_after(0, other.send, b"data")
    assert one.recv(100, socket.MSG_PEEK) == b"data"
    assert one.recv(100, socket.MSG_PEEK) == b"data"
    assert one.recv_into(bytearray(9), 0, socket.MSG_PEEK) == 4
    assert one.recv(100) == b"data"


@pytest.mark.skipif(not hasattr(socket, "MSG_DONTWAIT"), reason="this platform lacks the flag")
def test_flag_against_waiting(pair: Pair) -> None:
    one, other = pair
    for _ in range(2):
        with pytest.raises(BlockingIOError):
            one.recv(1, socket.MSG_DONTWAIT)
        with pytest.raises(BlockingIOError):
            while True:
                one.send(MUCH, socket.MSG_DONTWAIT)
        drain(other)
        hub.call_after(0, other.send, b"x")
        assert one.recv(9) == b"x"
    with pytest.raises(BlockingIOError):
        while True:
            one.sendall(MUCH, socket.MSG_DONTWAIT)


@pytest.mark.skipif(sys.platform != "linux", reason="systems differ in where the mark is")
def test_urgent_data(poller: str, tcp_pair: Pair) -> None:
    one, other = tcp_pair
    waiting = hub.spawn(one.recv, 100)
    wait_until_idle()
    other.send(b"abc")
    assert waiting.wait() == b"abc"
    other.send(b"!", socket.MSG_OOB)
    wait_until_idle()
    assert one.recv(1, socket.MSG_OOB) == b"!"
    with pytest.raises(OSError, match="Invalid argument"):
        one.recv(1, socket.MSG_OOB)
    waiting = hub.spawn(one.recv, 100)
    wait_until_idle()
    other.send(b"def")
    assert waiting.wait() == b"def"


# Timeouts


@pytest.mark.parametrize(
    "operation",
    [
        lambda sock: sock.recv(1),
        lambda sock: sock.recv_into(bytearray(1)),
        lambda sock: sock.recvfrom(1),
        lambda sock: sock.recvmsg(1),
        lambda sock: sock.sendall(MUCH + MUCH),
        lambda sock: [sock.send(MUCH) for _ in range(10)],
    ],
)
def test_waits_time_out(poller: str, pair: Pair, operation: Callable[[GreenSocket], Any]) -> None:
    one, _ = pair
    one.settimeout(0.01)
    for _ in range(2):
        before = hub.get_hub().time()
        with pytest.raises(TimeoutError) as caught:
            operation(one)
        assert str(caught.value) == "timed out"
        assert caught.value.errno is None
        assert caught.value.__context__ is None
        assert hub.get_hub().time() - before >= 0.01


def test_timeout_holds_for_the_whole_operation(pair: Pair, virtual_clock: Any) -> None:
    one, other = pair
    one.settimeout(10)

    def send_now_and_then() -> None:
        for _ in range(3):
            hub.sleep(4)
            other.send(b"x")
            os.read(one.fileno(), 1)

    thread = hub.spawn(send_now_and_then)
    before = hub.get_hub().time()
    with pytest.raises(TimeoutError):
        one.recv(1)
    assert hub.get_hub().time() - before == 10
    thread.wait()


def test_timeouts_of_others_are_not_taken_for_ours(pair: Pair) -> None:
    one, _ = pair
    one.settimeout(100)
    with pytest.raises(hub.Timeout), hub.Timeout(0.001):
        one.recv(1)
    hub.exc_after(0.001, TimeoutError("mine"))
    with pytest.raises(TimeoutError, match="mine"):
        one.recv(1)
