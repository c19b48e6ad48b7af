"""The pollers, each by itself: what they register, report, and forget."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator

import pytest

from eventlet.hub import SelectLimit, available_hubs, get_hub, sleep, spawn
from eventlet.hub._pollers import FD_SETSIZE, HANGUP, PRIORITY, READ, WRITE, Poller, available

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture(params=available_hubs())
def one(request: pytest.FixtureRequest) -> Iterator[Poller]:
    """A poller that no hub uses."""
    made = available()[request.param]()
    yield made
    made.close()


def events_of(poller: Poller, fd: int, timeout: float = 1) -> int:
    """Return what one poll says about a descriptor."""
    found = 0
    for number, what in poller.poll(timeout):
        assert number == fd
        found |= what
    return found


def settle(poller: Poller, fd: int) -> None:
    """Take the events that an edge-triggered poller reports of a new descriptor."""
    while poller.edge_triggered and events_of(poller, fd, 0):
        pass


def test_the_best_of_the_platform_comes_first() -> None:
    names = available_hubs()
    assert names[-1] == "select"
    assert names == [name for name in ("epoll", "kqueue", "poll", "select") if name in names]
    assert len(names) >= 1
    names.clear()
    assert available_hubs()


class TestEvents:
    def test_data_makes_a_descriptor_readable(self, one: Poller, pair: Pair) -> None:
        fd = pair[0].fileno()
        assert one.register(fd)
        settle(one, fd)
        one.arm(fd, READ)
        assert events_of(one, fd, 0) == 0
        pair[1].send(b"x")
        assert events_of(one, fd) & READ

    def test_room_makes_it_writable(self, one: Poller, pair: Pair) -> None:
        fd = pair[0].fileno()
        one.register(fd)
        one.arm(fd, WRITE)
        assert events_of(one, fd) & WRITE
        with pytest.raises(BlockingIOError):
            while True:
                pair[0].send(bytes(65536))
        settle(one, fd)
        one.arm(fd, WRITE)
        assert not events_of(one, fd, 0) & WRITE
        with pytest.raises(BlockingIOError):
            while True:
                pair[1].recv(65536)
        assert events_of(one, fd) & WRITE

    def test_an_event_is_reported_once(self, one: Poller, pair: Pair) -> None:
        fd = pair[0].fileno()
        one.register(fd)
        settle(one, fd)
        one.arm(fd, READ)
        pair[1].send(b"x")
        assert events_of(one, fd) & READ
        assert events_of(one, fd, 0) == 0

    def test_the_peers_end_wakes_readers(self, one: Poller, pair: Pair) -> None:
        fd = pair[0].fileno()
        one.register(fd)
        settle(one, fd)
        one.arm(fd, READ)
        pair[1].close()
        what = events_of(one, fd)
        assert what & READ
        # It can hide behind data only where an event isn't repeated.
        assert what & HANGUP or not one.edge_triggered

    def test_the_end_of_a_pipes_reader_wakes_its_writer(self, one: Poller) -> None:
        reader, writer = os.pipe()
        one.register(writer)
        one.arm(writer, WRITE)
        settle(one, writer)
        os.close(reader)
        one.arm(writer, WRITE)
        assert events_of(one, writer) & WRITE
        one.unregister(writer)
        os.close(writer)

    def test_what_was_disarmed_is_not_reported(self, one: Poller, pair: Pair) -> None:
        fd = pair[0].fileno()
        one.register(fd)
        settle(one, fd)
        one.arm(fd, READ | WRITE)
        one.disarm(fd, WRITE)
        assert one.edge_triggered or events_of(one, fd, 0) == 0
        one.disarm(fd, WRITE)
        one.disarm(fd, READ)
        pair[1].send(b"x")
        assert one.edge_triggered or events_of(one, fd, 0) == 0

    def test_out_of_band_data_is_urgent(self, one: Poller, tcp_pair: Pair) -> None:
        fd = tcp_pair[0].fileno()
        one.register(fd)
        settle(one, fd)
        one.arm(fd, READ)
        tcp_pair[1].send(b"!", socket.MSG_OOB)
        assert events_of(one, fd) & PRIORITY

    def test_unread_out_of_band_data_is_not_reported_again_and_again(
        self, one: Poller, tcp_pair: Pair
    ) -> None:
        """Or any peer could keep the hub busy with a single byte."""
        mine, other = tcp_pair
        fd = mine.fileno()
        one.register(fd)
        settle(one, fd)
        one.arm(fd, READ)
        other.send(b"!", socket.MSG_OOB)
        assert events_of(one, fd) & PRIORITY
        settle(one, fd)
        one.arm(fd, READ)
        assert events_of(one, fd, 0) == 0
        other.send(b"ordinary")
        assert events_of(one, fd) & READ
        assert mine.recv(100, socket.MSG_OOB) == b"!"
        assert mine.recv(100) == b"ordinary"
        one.arm(fd, READ)
        other.send(b"?", socket.MSG_OOB)
        assert events_of(one, fd) & PRIORITY, "the next is news again"


class TestRegistration:
    def test_a_closed_descriptor_is_refused(self, one: Poller) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        os.close(writer)
        with pytest.raises(OSError, match="Bad file descriptor"):
            one.register(reader)

    def test_unregistering_is_harmless_at_any_time(self, one: Poller, pair: Pair) -> None:
        fd = os.dup(pair[0].fileno())
        one.unregister(fd)
        one.register(fd)
        one.arm(fd, READ)
        os.close(fd)
        one.unregister(fd)
        one.unregister(fd)
        one.disarm(fd, READ)
        # epoll has an event left, because the file is still open under its other number.
        assert events_of(one, fd, 0) == (WRITE if one.name == "epoll" else 0)

    def test_registering_again_is_harmless(self, one: Poller, pair: Pair) -> None:
        fd = pair[0].fileno()
        one.register(fd)
        one.arm(fd, READ)
        one.register(fd)
        settle(one, fd)
        pair[1].send(b"x")
        assert events_of(one, fd) & READ

    def test_a_number_that_means_another_file_now_can_be_registered(
        self, one: Poller, pair: Pair
    ) -> None:
        reader, writer = os.pipe()
        one.register(reader)
        one.arm(reader, READ)
        settle(one, reader)
        os.dup2(pair[0].fileno(), reader)
        one.register(reader)
        settle(one, reader)
        one.arm(reader, READ)
        pair[1].send(b"x")
        assert events_of(one, reader) & READ
        one.unregister(reader)
        os.close(reader)
        os.close(writer)

    def test_a_descriptor_closed_behind_its_back_wakes_who_waits_or_is_forgotten(
        self, one: Poller, pair: Pair
    ) -> None:
        fd = os.dup(pair[0].fileno())
        reader, writer = os.pipe()
        for each in (fd, reader):
            one.register(each)
            one.arm(each, READ)
        settle(one, fd)
        os.close(fd)
        found = dict(one.poll(0))
        assert one.edge_triggered or found[fd] & READ
        os.write(writer, b"x")
        assert dict(one.poll(1))[reader] & READ, "the others are not disturbed"
        one.unregister(reader)
        os.close(reader)
        os.close(writer)

    def test_a_regular_file_is_always_ready(self, one: Poller) -> None:
        with open(__file__, "rb") as file:
            if one.register(file.fileno()):
                one.arm(file.fileno(), READ)
                assert events_of(one, file.fileno()) & READ
            one.unregister(file.fileno())

    def test_what_was_registered_keeps_its_event_bits_apart(self) -> None:
        bits = [READ, WRITE, PRIORITY, HANGUP]
        assert sum(bits) == READ | WRITE | PRIORITY | HANGUP


class TestTime:
    @pytest.mark.parametrize("seconds", [0.0001, 0.001, 0.0101])
    def test_a_poll_never_returns_early(self, one: Poller, seconds: float) -> None:
        start = time.monotonic()
        assert list(one.poll(seconds)) == []
        assert time.monotonic() - start >= seconds

    def test_a_poll_without_time_returns_at_once(self, one: Poller) -> None:
        assert list(one.poll(0)) == []

    @pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs an interval timer")
    def test_a_signal_does_not_end_a_wait(self, poller: str) -> None:
        ticks = []
        previous = signal.signal(signal.SIGALRM, lambda *_: ticks.append(get_hub().time()))
        signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
        try:
            while len(ticks) < 5:
                start = time.monotonic()
                sleep(0.01)
                assert time.monotonic() - start >= 0.01
            assert spawn(lambda: 1).wait() == 1
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)


class TestSelectLimit:
    @pytest.mark.parametrize("fd", [FD_SETSIZE, FD_SETSIZE + 1, 100_000])
    def test_a_number_that_is_too_large_is_a_clear_error(self, fd: int) -> None:
        poller = available()["select"]()
        with pytest.raises(SelectLimit, match=f"descriptor {fd}: it takes numbers below 1024"):
            poller.register(fd)

    def test_it_is_both_kinds_of_error_and_tells_the_numbers(self) -> None:
        error = SelectLimit(2000, 1024)
        assert isinstance(error, ValueError)
        assert (error.fd, error.limit) == (2000, 1024)


class TestWithoutTheSystem:
    def test_a_failure_of_select_itself_is_not_hidden(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_: object) -> None:
            raise OSError(12, "out of memory")

        poller = available()["select"]()
        monkeypatch.setattr("eventlet.hub._pollers.select.select", broken)
        with pytest.raises(OSError, match="out of memory"):
            poller.poll(0)

    def test_they_name_their_own_descriptor_if_there_is_one(self, one: Poller) -> None:
        assert (one.fileno() >= 0) is one.edge_triggered
