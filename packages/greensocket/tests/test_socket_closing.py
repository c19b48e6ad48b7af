"""The ends of sockets, and sockets that are used in several places."""

from __future__ import annotations

import errno
import gc
import os
import threading
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from eventlet import hub
from eventlet.greensocket import GreenSocket, socket
from eventlet.greensocket import _system as system
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


# Closing


def test_close_wakes_all_who_wait(poller: str, pair: Pair) -> None:
    one, _ = pair
    fill(one)
    waiting: list[Any] = [
        hub.spawn(one.recv, 1),
        hub.spawn(one.recv_into, bytearray(1)),
        hub.spawn(one.recvmsg, 1),
        hub.spawn(one.send, b"x"),
        hub.spawn(one.sendall, b"x"),
    ]
    wait_until_idle()
    one.close()
    for thread in waiting:
        with pytest.raises(OSError, match="Bad file descriptor") as caught:
            thread.wait()
        assert caught.value.errno == errno.EBADF


def test_detach_wakes_all_who_wait_and_keeps_the_descriptor(poller: str, pair: Pair) -> None:
    one, other = pair
    waiting = hub.spawn(one.recv, 1)
    wait_until_idle()
    fd = one.detach()
    assert one.fileno() == -1
    with pytest.raises(OSError, match="Bad file descriptor"):
        waiting.wait()
    with socket.socket(fileno=fd) as again:
        other.send(b"x")
        assert again.recv(1) == b"x"


def test_a_detached_descriptor_is_waited_for_as_the_socket_was(pair: Pair) -> None:
    one, other = pair
    fd = one.detach()
    assert one.detach() == -1
    first, second = hub.spawn(system.read, fd, 1), hub.spawn(system.read, fd, 1)
    wait_until_idle()
    other.send(b"x")
    wait_until_idle()
    assert {first.ready, second.ready} == {True, False}
    other.send(b"x")
    assert first.wait() == second.wait() == b"x"
    sending = hub.spawn(system.write, fd, MUCH)
    assert receive(other, len(MUCH)) == MUCH
    assert sending.wait() == len(MUCH)
    os.close(fd)


def test_a_reader_of_a_detached_descriptor_may_be_forestalled(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = pair
    fd = one.detach()
    standard = os.read

    def rob(fd: int, length: int) -> bytes:
        monkeypatch.setattr(system, "_read", standard)
        assert standard(fd, length) == b"x"  # as another process would
        return standard(fd, length)

    monkeypatch.setattr(system, "_read", rob)
    other.send(b"x")
    reading = hub.spawn(system.read, fd, 1)
    wait_until_idle()
    assert not reading.ready
    other.send(b"y")
    assert reading.wait() == b"y"
    os.close(fd)


def test_a_detached_descriptor_never_waits_if_the_socket_did_not(pair: Pair) -> None:
    one, _ = pair
    one.setblocking(False)
    fd = one.detach()
    with pytest.raises(BlockingIOError):
        system.read(fd, 1)
    os.close(fd)


def test_a_descriptor_that_was_closed_by_its_number_can_be_given_up(pair: Pair) -> None:
    one, _ = pair
    fd = one.fileno()
    os.close(fd)
    assert one.detach() == fd


def test_closed_socket_is_not_registered_again(pair: Pair) -> None:
    one, _ = pair
    one.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        one._await_readable(None, tried=True)


def test_operations_on_a_closed_socket(pair: Pair) -> None:
    one, _ = pair
    one.close()
    one.close()
    for operation in (
        lambda: one.recv(1),
        lambda: one.send(b"x"),
        lambda: one.sendall(b"x"),
        one.accept,
        lambda: one.recv_into(bytearray(1)),
    ):
        with pytest.raises(OSError, match="Bad file descriptor"):
            operation()


def test_number_of_a_closed_socket_is_used_again(poller: str, pair: Pair) -> None:
    one, _ = pair
    waiting = hub.spawn(one.recv, 1)
    wait_until_idle()
    fd = one.fileno()
    one.close()
    fresh, peer = socket.socketpair()
    with fresh, peer:
        assert fd in (fresh.fileno(), peer.fileno())
        reading = [hub.spawn(sock.recv, 1) for sock in (fresh, peer)]
        wait_until_idle()
        fresh.send(b"x")
        peer.send(b"y")
        assert [thread.wait() for thread in reading] == [b"y", b"x"]
    with pytest.raises(OSError, match="Bad file descriptor"):
        waiting.wait()


def test_number_closed_behind_our_back_is_used_again(poller: str) -> None:
    one, other = socket.socketpair()
    hub.call_after(0, other.send, b"x")
    assert one.recv(1) == b"x"
    os.close(one.fileno())
    fresh, peer = socket.socketpair()
    assert one.fileno() in (fresh.fileno(), peer.fileno())
    one.detach()
    with other, fresh, peer:
        waiting = hub.spawn(fresh.recv, 1), hub.spawn(peer.recv, 1)
        wait_until_idle()
        peer.send(b"1")
        fresh.send(b"2")
        assert [thread.wait() for thread in waiting] == [b"1", b"2"]


def test_forgotten_socket_leaves_nothing_in_the_hub(poller: str) -> None:
    one, other = socket.socketpair()
    hub.call_after(0, other.send, b"x")
    assert one.recv(1) == b"x"
    watches = hub.get_hub().stats().watches
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        del one
        gc.collect()
    assert hub.get_hub().stats().watches == watches - 1
    assert other.recv(1) == b""
    other.close()


def test_duplicates_work_side_by_side(poller: str, pair: Pair) -> None:
    one, other = pair
    one.settimeout(30)
    with one.dup() as twin, socket.fromfd(one.fileno(), one.family, one.type) as third:
        assert type(twin) is type(third) is GreenSocket
        assert twin.gettimeout() == 30
        waiting = [hub.spawn(sock.recv, 1) for sock in (one, twin, third)]
        wait_until_idle()
        for _ in waiting:
            other.send(b"x")
            wait_until_idle()
        assert [thread.wait() for thread in waiting] == [b"x"] * 3
        one.close()
        waiting = [hub.spawn(sock.recv, 1) for sock in (twin, third)]
        wait_until_idle()
        other.send(b"yy")
        assert [thread.wait() for thread in waiting] == [b"y", b"y"]


def test_two_objects_on_one_descriptor(poller: str, pair: Pair) -> None:
    one, other = pair
    first = hub.spawn(one.recv, 1)
    wait_until_idle()
    alias = socket.socket(fileno=one.fileno())
    second = hub.spawn(alias.recv, 1)
    wait_until_idle()
    other.send(b"xy")
    assert sorted([first.wait(), second.wait()]) == [b"x", b"y"]
    sending = hub.spawn(one.sendall, MUCH)
    wait_until_idle()
    reading = hub.spawn(alias.recv, 1)
    wait_until_idle()
    alias.detach()
    with pytest.raises(OSError, match="Bad file descriptor"):
        reading.wait()
    assert receive(other, len(MUCH)) == MUCH
    sending.wait()


# Native threads


def in_native_thread(function: Callable[[], Any]) -> Any:
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(function()))
    thread.start()
    while thread.is_alive():
        hub.sleep(0.001)
    thread.join()
    return results[0]


def test_socket_moves_between_native_threads(poller: str, pair: Pair) -> None:
    one, other = pair
    for _ in range(2):
        hub.call_after(0, other.send, b"here")
        assert one.recv(10) == b"here"
        sender = hub.spawn_after(0.01, other.send, b"there")
        assert in_native_thread(lambda: one.recv(10)) == b"there"
        sender.wait()
    sending = hub.spawn(receive, other, len(MUCH))
    in_native_thread(lambda: one.sendall(MUCH))
    assert sending.wait() == MUCH


def test_one_socket_in_two_native_threads_at_once(poller: str, pair: Pair) -> None:
    one, other = pair
    total = 2000
    counts: list[int] = []

    def consume() -> None:
        count = 0
        while one.recv(1) == b"x":
            count += 1
        counts.append(count)

    thread = threading.Thread(target=consume)
    thread.start()
    green = hub.spawn(consume)
    for _ in range(total):
        other.sendall(b"x")
        if _ % 50 == 0:
            hub.sleep(0)
    other.shutdown(socket.SHUT_WR)
    green.wait()
    while thread.is_alive():
        hub.sleep(0.001)
    thread.join()
    assert sum(counts) == total


def test_close_wakes_another_native_thread(poller: str, pair: Pair) -> None:
    one, _ = pair
    errors: list[OSError] = []

    def wait() -> None:
        started.append(True)
        try:
            one.recv(1)
        except OSError as error:
            errors.append(error)

    started: list[bool] = []
    thread = threading.Thread(target=wait)
    thread.start()
    while not one._watches:
        hub.sleep(0.001)
    one.close()
    while thread.is_alive():
        hub.sleep(0.001)
    thread.join()
    assert errors[0].errno == errno.EBADF


def test_close_while_another_native_thread_registers(
    poller: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = socket.socketpair()
    closing = threading.Thread(target=one.close)
    watch = hub.Hub.watch

    def watch_slowly(self: hub.Hub, fd: int) -> hub.Watch:
        made = watch(self, fd)
        closing.start()
        closing.join(0.05)  # has to wait until this is known to the socket
        return made

    monkeypatch.setattr(hub.Hub, "watch", watch_slowly)
    with other, pytest.raises(OSError, match="Bad file descriptor"):
        one.recv(1)
    closing.join()


def test_garbage_collection_while_registering(poller: str, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = socket.socketpair()
    forgotten, peer = socket.socketpair()
    watch = hub.Hub.watch

    def watch_and_collect(self: hub.Hub, fd: int) -> hub.Watch:
        monkeypatch.undo()
        peer._watch_here()  # as the last words of a buffered pipe do
        forgotten.close()
        return watch(self, fd)

    monkeypatch.setattr(hub.Hub, "watch", watch_and_collect)
    with one, other, peer:
        hub.call_after(0, other.send, b"x")
        assert one.recv(1) == b"x"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform cannot fork")
def test_fork_while_another_native_thread_registers(run_script: Callable[..., Any]) -> None:
    done = run_script("""
        import os, threading, warnings
        from eventlet import hub
        from eventlet.greensocket import socket

        warnings.simplefilter("ignore", DeprecationWarning)  # about what is tried here
        registering, forked = threading.Event(), threading.Event()
        watch = hub.Hub.watch

        def watch_slowly(self, fd):
            if threading.current_thread() is thread:
                registering.set()
                forked.wait(20)
            return watch(self, fd)

        hub.Hub.watch = watch_slowly
        one, other = socket.socketpair()
        other.send(b"x")
        thread = threading.Thread(target=lambda: (one._watch_here(), one.recv(1)))
        thread.start()
        registering.wait(20)
        pid = os.fork()
        if pid == 0:
            here, there = socket.socketpair()
            hub.call_after(0, there.send, b"x")
            os._exit(0 if here.recv(1) == b"x" else 1)
        forked.set()
        thread.join()
        print(os.waitpid(pid, 0)[1])
        one.close()
        other.close()
    """)
    assert (done.stdout, done.stderr) == ("0\n", "")
