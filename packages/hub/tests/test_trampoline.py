"""Waiting for descriptors that somebody else owns."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

import pytest

from eventlet.hub import (
    SelectLimit,
    exc_after,
    get_hub,
    kill,
    move_on_after,
    sleep,
    spawn,
    trampoline,
    use_hub,
    wait_readable,
    wait_writable,
)
from eventlet.hub import _trampoline as module
from eventlet.hub.testing import wait_until_idle

pytestmark = pytest.mark.usefixtures("poller", "no_leaks")

Pair = tuple[socket.socket, socket.socket]


def fill(sock: socket.socket) -> None:
    with pytest.raises(BlockingIOError):
        while True:
            sock.send(bytes(65536))


def drain(sock: socket.socket) -> None:
    with pytest.raises(BlockingIOError):
        while True:
            sock.recv(65536)


class TestReady:
    def test_it_returns_at_once_if_the_descriptor_is_ready(self, pair: Pair) -> None:
        turns = get_hub().turns
        trampoline(pair[0], write=True)
        wait_writable(pair[0].fileno())
        pair[1].send(b"x")
        trampoline(pair[0], read=True, timeout=0)
        wait_readable(pair[0])
        trampoline(pair[0], True, True)
        assert get_hub().turns == turns

    def test_it_waits_until_it_is(self, pair: Pair) -> None:
        reader = spawn(wait_readable, pair[0])
        wait_until_idle()
        assert not reader.dead
        pair[1].send(b"x")
        reader.wait(5)
        fill(pair[0])
        writer = spawn(wait_writable, pair[0].fileno(), 60)
        wait_until_idle()
        assert not writer.dead
        drain(pair[1])
        writer.wait(5)

    def test_with_both_either_is_enough(self, pair: Pair) -> None:
        fill(pair[0])
        waiting = spawn(trampoline, pair[0], read=True, write=True)
        wait_until_idle()
        pair[1].send(b"x")
        waiting.wait(5)

    def test_a_regular_file_is_always_ready(self) -> None:
        with open(__file__, "rb") as file:
            trampoline(file, read=True, write=True)
            wait_readable(file, 0)

    def test_the_peers_end_counts(self, pair: Pair) -> None:
        reader = spawn(wait_readable, pair[0])
        wait_until_idle()
        pair[1].close()
        reader.wait(5)


class TestMisuse:
    def test_waiting_for_nothing_is_an_error(self, pair: Pair) -> None:
        with pytest.raises(ValueError, match="neither was asked for"):
            trampoline(pair[0])

    @pytest.mark.parametrize("thing", ["text", None, 1.5, object()])
    def test_it_takes_numbers_and_what_has_a_fileno(self, thing: object) -> None:
        with pytest.raises(TypeError, match="neither a descriptor nor has it a fileno"):
            wait_readable(thing)

    @pytest.mark.parametrize("seconds", [-1, float("nan")])
    def test_impossible_times_are_refused(self, pair: Pair, seconds: float) -> None:
        with pytest.raises(ValueError, match="number of seconds >= 0"):
            wait_readable(pair[0], seconds)


class TestTime:
    @pytest.mark.parametrize("seconds", [0, 0.002])
    @pytest.mark.parametrize(
        "wait", [wait_readable, lambda fd, t: trampoline(fd, read=True, timeout=t)]
    )
    def test_it_may_run_out(
        self, pair: Pair, seconds: float, wait: Callable[[object, float], None]
    ) -> None:
        with pytest.raises(TimeoutError):
            wait(pair[0], seconds)
        assert get_hub().stats().watches == 0

    @pytest.mark.parametrize("chosen", [LookupError, LookupError("mine")])
    def test_what_is_raised_can_be_chosen(
        self, pair: Pair, chosen: type[Exception] | Exception
    ) -> None:
        with pytest.raises(LookupError) as caught:
            trampoline(pair[0], read=True, timeout=0, timeout_exc=chosen)
        assert isinstance(chosen, type) or caught.value is chosen
        assert caught.value.__cause__ is None

    def test_somebody_elses_timeout_error_stays_what_it_is(self, pair: Pair) -> None:
        exc_after(0, TimeoutError, "mine")
        with pytest.raises(TimeoutError, match="mine"):
            trampoline(pair[0], read=True, timeout=30, timeout_exc=LookupError)

    def test_a_kill_arrives_before_and_during_the_wait(self, pair: Pair) -> None:
        waiting = spawn(wait_readable, pair[0])
        wait_until_idle()
        kill(waiting, LookupError)
        with pytest.raises(LookupError):
            waiting.wait()

        def late() -> None:
            while True:
                wait_readable(pair[0])

        waiting = spawn(late)
        sleep(0)
        waiting.throw(LookupError)
        pair[1].send(b"x")
        with pytest.raises(LookupError):
            waiting.wait(5)


class TestNothingIsLeftBehind:
    def test_of_a_wait_that_ended(self, pair: Pair) -> None:
        hub = get_hub()
        reader = spawn(wait_readable, pair[0])
        wait_until_idle()
        assert hub.stats().watches == 1
        pair[1].send(b"x")
        reader.wait(5)
        assert hub.stats().watches == 0
        turns = hub.turns
        sleep(0.01)
        assert hub.turns - turns < 10, "the data that nobody has read doesn't keep it busy"

    def test_of_a_wait_that_was_killed(self, pair: Pair) -> None:
        hub = get_hub()
        reader = spawn(wait_readable, pair[0])
        wait_until_idle()
        kill(reader)
        assert hub.stats().watches == 0
        pair[1].send(b"x")
        turns = hub.turns
        sleep(0.01)
        assert hub.turns - turns < 10

    def test_of_a_file_whose_number_was_used_again_between_two_calls(self, pair: Pair) -> None:
        fd = os.dup(pair[0].fileno())
        with pytest.raises(TimeoutError):
            wait_readable(fd, 0)
        os.close(fd)
        reader, writer = os.pipe()
        assert reader == fd
        waiting = spawn(wait_readable, reader)
        wait_until_idle()
        pair[1].send(b"x")
        sleep(0.001)
        assert not waiting.dead, "the old file is none of its business"
        os.write(writer, b"x")
        waiting.wait(5)
        os.close(reader)
        os.close(writer)

    def test_of_a_file_whose_number_was_used_again_while_somebody_waited_for_it(
        self, pair: Pair
    ) -> None:
        """Who still waits has been forgotten by its owner; the next must not be."""
        fd = os.dup(pair[0].fileno())
        forgotten = spawn(wait_readable, fd)
        wait_until_idle()
        os.close(fd)
        reader, writer = os.pipe()
        assert reader == fd
        waiting = spawn(wait_readable, reader)
        wait_until_idle()
        os.write(writer, b"x")
        waiting.wait(5)
        kill(forgotten)
        assert get_hub().stats().watches == 0
        os.close(reader)
        os.close(writer)


class TestTogether:
    @pytest.mark.in_order
    def test_many_may_wait_for_one_descriptor(self, pair: Pair) -> None:
        order: list[int] = []

        def read(number: int) -> None:
            while True:
                wait_readable(pair[0])
                try:
                    pair[0].recv(1)
                except BlockingIOError:
                    continue
                order.append(number)
                return

        readers = [spawn(read, number) for number in range(5)]
        wait_until_idle()
        for number in range(5):
            pair[1].send(b"x")
            while len(order) <= number:
                sleep(0.001)
        assert order == list(range(5)), "first come, first served"
        for reader in readers:
            reader.wait()

    def test_the_end_of_one_wait_does_not_disturb_the_others(self, pair: Pair) -> None:
        fill(pair[0])
        reader = spawn(wait_readable, pair[0])
        writer = spawn(wait_writable, pair[0])
        brief = spawn(wait_readable, pair[0], 0.001)
        wait_until_idle()
        with pytest.raises(TimeoutError):
            brief.wait(5)
        pair[1].send(b"x")
        reader.wait(5)
        sleep(0.001)
        assert not writer.dead
        drain(pair[1])
        writer.wait(5)
        assert get_hub().stats().watches == 0

    def test_a_descriptor_with_a_watch_can_be_waited_for_as_well(self, pair: Pair) -> None:
        watch = get_hub().watch(pair[0].fileno())
        watch.readable = False
        owner = spawn(watch.wait_readable)
        guest = spawn(wait_readable, pair[0])
        wait_until_idle()
        assert get_hub().stats().watches == 1
        pair[1].send(b"x")
        owner.wait(5)
        guest.wait(5)
        assert not watch.closed, "it belongs to its owner"
        pair[0].recv(1)
        guest = spawn(wait_readable, pair[0])
        wait_until_idle()
        watch.close()
        with pytest.raises(OSError, match="Bad file descriptor"):
            guest.wait(5)


class TestPortable:
    """What is asked where there is no poll(2)."""

    @pytest.fixture(autouse=True)
    def _without_poll(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "PORTABLE", True)

    def test_it_waits_all_the_same(self, pair: Pair) -> None:
        wait_writable(pair[0])
        reader = spawn(wait_readable, pair[0], 60)
        wait_until_idle()
        assert not reader.dead
        pair[1].send(b"x")
        reader.wait(5)

    def test_a_number_that_is_too_large_is_a_clear_error(self) -> None:
        with pytest.raises(SelectLimit, match="descriptor 5000"):
            wait_readable(5000)

    def test_a_closed_descriptor_is_an_error(self, pair: Pair) -> None:
        fd = os.dup(pair[0].fileno())
        os.close(fd)
        with pytest.raises(OSError, match="Bad file descriptor"):
            wait_readable(fd)


def test_the_select_poller_says_clearly_that_a_number_is_too_large(pair: Pair) -> None:
    resource = pytest.importorskip("resource", reason="limits of descriptors are POSIX")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2048:
        pytest.skip("too few descriptors allowed")
    fcntl = pytest.importorskip("fcntl", reason="POSIX")
    resource.setrlimit(resource.RLIMIT_NOFILE, (2048, hard))
    try:
        fd = fcntl.fcntl(pair[0].fileno(), fcntl.F_DUPFD, 1500)
        use_hub("select")
        with pytest.raises(SelectLimit, match=f"descriptor {fd}.*use_hub"):
            wait_readable(fd)
        assert get_hub().stats().watches == 0
        os.close(fd)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_cancelled_scope_lets_nobody_wait(pair: Pair) -> None:
    with move_on_after(60) as scope:
        scope.cancel()
        wait_readable(pair[0])
    assert scope.cancelled_caught
    assert get_hub().stats().watches == 0


def test_a_kill_that_is_held_back_after_all_ends_no_wait(pair: Pair) -> None:
    scope = move_on_after(60)
    done = []

    def read() -> None:
        with scope:
            wait_readable(pair[0])
            done.append(True)

    reader = spawn(read)
    wait_until_idle()
    reader.throw()
    scope.shield = True
    sleep(0.001)
    assert not reader.dead
    pair[1].send(b"x")
    reader.wait(5)
    assert done
