"""Readiness of one descriptor: flags, lines of waiters, and the end."""

from __future__ import annotations

import socket
from threading import Thread

import pytest

from eventlet.hub import (
    Timeout,
    Watch,
    WrongThread,
    get_hub,
    kill,
    sleep,
    spawn,
)
from eventlet.hub.testing import wait_until_idle

pytestmark = pytest.mark.usefixtures("poller", "no_leaks")

Pair = tuple[socket.socket, socket.socket]


def receive(watch: Watch, sock: socket.socket, size: int = 1) -> bytes:
    """Receive as the owner of a stream does."""
    while True:
        watch.wait_readable()
        try:
            data = sock.recv(size)
        except BlockingIOError:
            watch.readable = False
        else:
            if len(data) < size:
                watch.readable = False
            return data


def fill(sock: socket.socket) -> None:
    with pytest.raises(BlockingIOError):
        while True:
            sock.send(bytes(65536))


def drain(sock: socket.socket) -> None:
    with pytest.raises(BlockingIOError):
        while True:
            sock.recv(65536)


class TestFlags:
    def test_they_begin_true_so_that_an_operation_is_tried_first(self, watch: Watch) -> None:
        watch.wait_readable(0)
        watch.wait_writable(0)
        assert watch.readable
        assert watch.writable

    def test_an_event_sets_them_though_nobody_waits(self, watch: Watch, pair: Pair) -> None:
        sleep(0.001)
        watch.readable = False
        pair[1].send(b"x")
        # Level-triggered pollers ask only for those who wait, and see it then.
        watch.wait_readable(1)
        assert watch.readable

    def test_what_came_between_the_failed_operation_and_the_wait_is_seen(
        self, watch: Watch, pair: Pair
    ) -> None:
        for _ in range(20):
            sleep(0.0005)
            with pytest.raises(BlockingIOError):
                pair[0].recv(1)
            watch.readable = False
            pair[1].send(b"x")
            watch.wait_readable(1)
            assert pair[0].recv(1) == b"x"

    def test_room_sets_the_flag_for_writing(self, watch: Watch, pair: Pair) -> None:
        fill(pair[0])
        watch.writable = False
        writer = spawn(watch.wait_writable, 5)
        wait_until_idle()
        assert not writer.dead
        drain(pair[1])
        writer.wait()
        assert watch.writable


class TestLines:
    @pytest.mark.in_order
    def test_readers_are_served_first_come_first_served(self, watch: Watch, pair: Pair) -> None:
        got: list[tuple[int, bytes]] = []

        def read(number: int) -> None:
            got.append((number, receive(watch, pair[0], 2)))

        readers = [spawn(read, number) for number in range(5)]
        wait_until_idle()
        for letter in b"abcde":
            pair[1].send(bytes([letter]))
            while not got or got[-1][1] != bytes([letter]):
                sleep(0.001)
        assert got == list(enumerate([b"a", b"b", b"c", b"d", b"e"]))
        for reader in readers:
            reader.wait()

    @pytest.mark.in_order
    def test_one_event_may_be_enough_for_all(self, watch: Watch, pair: Pair) -> None:
        readers = [spawn(receive, watch, pair[0]) for _ in range(10)]
        wait_until_idle()
        pair[1].send(b"0123456789")
        assert b"".join(reader.wait(5) for reader in readers) == b"0123456789"

    def test_readers_that_find_nothing_do_not_wake_each_other_for_ever(
        self, watch: Watch, pair: Pair
    ) -> None:
        readers = [spawn(receive, watch, pair[0]) for _ in range(5)]
        wait_until_idle()
        pair[1].send(b"x")
        sleep(0.001)
        turns = get_hub().turns
        sleep(0.02)
        assert get_hub().turns - turns < 10
        assert [reader.dead for reader in readers].count(True) == 1
        pair[1].send(b"abcd")
        for reader in readers:
            reader.wait(5)

    def test_all_who_read_for_ever_get_their_share(self, watch: Watch, pair: Pair) -> None:
        counts = [0] * 4

        def read(number: int) -> None:
            while receive(watch, pair[0], 2) != b"":
                counts[number] += 1

        readers = [spawn(read, number) for number in range(4)]
        wait_until_idle()
        for total in range(1, 41):
            pair[1].send(b"x")
            while sum(counts) < total:
                sleep(0)
        assert counts == [10] * 4
        for reader in readers:
            kill(reader)

    def test_one_may_read_while_another_writes(self, watch: Watch, pair: Pair) -> None:
        fill(pair[0])
        watch.writable = False
        reader = spawn(receive, watch, pair[0])
        writer = spawn(watch.wait_writable)
        wait_until_idle()
        pair[1].send(b"x")
        assert reader.wait(5) == b"x"
        assert not writer.dead
        reader = spawn(receive, watch, pair[0])
        wait_until_idle()
        drain(pair[1])
        writer.wait(5)
        assert not reader.dead
        pair[1].send(b"y")
        assert reader.wait(5) == b"y"

    def test_the_place_of_one_that_gives_up_is_taken_by_the_next(
        self, watch: Watch, pair: Pair
    ) -> None:
        watch.readable = False
        first = spawn(watch.wait_readable)
        second = spawn(watch.wait_readable, 0.005)
        third = spawn(receive, watch, pair[0])
        sleep(0)
        with pytest.raises(TimeoutError):
            second.wait()
        kill(first)
        assert watch.has_waiters
        pair[1].send(b"x")
        assert third.wait(5) == b"x"
        assert not watch.has_waiters

    def test_the_word_is_passed_on_by_one_that_was_killed_when_woken(
        self, watch: Watch, pair: Pair
    ) -> None:
        watch.readable = False
        first = spawn(receive, watch, pair[0])
        sleep(0)
        second = spawn(receive, watch, pair[0])
        sleep(0)
        pair[1].send(b"x")
        sleep(0.001)
        get_hub().call_soon(first.throw)
        assert [first.wait(5), second.dead] == [b"x", False]
        kill(second)

    def test_an_event_for_one_that_is_being_killed_goes_to_the_next(
        self, watch: Watch, pair: Pair
    ) -> None:
        watch.readable = False
        first = spawn(receive, watch, pair[0])
        sleep(0)
        second = spawn(receive, watch, pair[0])
        wait_until_idle()
        first.throw()
        pair[1].send(b"x")
        assert second.wait(5) == b"x"
        assert first.dead

    def test_a_timeout_in_the_same_round_as_the_event_loses_nothing(
        self, watch: Watch, pair: Pair
    ) -> None:
        for _ in range(20):
            watch.readable = False
            with pytest.raises((TimeoutError, Timeout)):
                with Timeout(0.001):
                    watch.wait_readable(0.001)
                    drain(pair[0])
                    raise TimeoutError
            pair[1].send(b"x")
            assert receive(watch, pair[0]) == b"x"


class TestTime:
    @pytest.mark.parametrize("seconds", [0, 0.002])
    def test_a_wait_may_run_out_of_it(self, watch: Watch, seconds: float) -> None:
        watch.readable = False
        fill_time = spawn(pytest.raises, TimeoutError, watch.wait_readable, seconds)
        fill_time.wait(5)
        assert not watch.has_waiters

    def test_what_is_ready_wins_over_no_time_at_all(self, watch: Watch, pair: Pair) -> None:
        sleep(0.001)
        watch.readable = False
        pair[1].send(b"x")
        watch.wait_readable(0)

    @pytest.mark.parametrize("seconds", [-1, float("nan")])
    def test_impossible_times_are_refused(self, watch: Watch, seconds: float) -> None:
        with pytest.raises(ValueError, match="number of seconds >= 0"):
            watch.wait_readable(seconds)
        with pytest.raises(ValueError, match="number of seconds >= 0"):
            watch.wait_writable(seconds)


class TestKinds:
    def test_the_peers_half_close_is_an_event(self, tcp_pair: Pair) -> None:
        watch = get_hub().watch(tcp_pair[0].fileno())
        reader = spawn(receive, watch, tcp_pair[0])
        wait_until_idle()
        tcp_pair[1].shutdown(socket.SHUT_WR)
        assert reader.wait(5) == b""
        assert tcp_pair[0].send(b"still open") == 10
        watch.close()

    def test_out_of_band_data_wakes_a_reader_once(self, tcp_pair: Pair) -> None:
        watch = get_hub().watch(tcp_pair[0].fileno())
        watch.drains = True
        reader = spawn(receive, watch, tcp_pair[0])
        wait_until_idle()
        tcp_pair[1].send(b"!", socket.MSG_OOB)
        while watch.drains:
            sleep(0.001)
        sleep(0.001)
        turns = get_hub().turns
        sleep(0.02)
        assert get_hub().turns - turns < 10, "not busy with the byte that nobody reads"
        assert not reader.dead
        tcp_pair[1].send(b"x")
        assert reader.wait(5) == b"x"
        watch.close()

    def test_a_regular_file_is_always_ready(self) -> None:
        with open(__file__, "rb") as file:
            watch = get_hub().watch(file.fileno())
            watch.readable = watch.writable = False
            watch.wait_readable(1)
            watch.wait_event(1, None)
            watch.close()

    def test_each_native_thread_may_have_its_own_watch_of_one_descriptor(self, pair: Pair) -> None:
        ready: list[bool] = []

        def work() -> None:
            mine = get_hub().watch(pair[0].fileno())
            mine.readable = False
            ready.append(True)
            mine.wait_readable(10)
            ready.append(True)
            mine.close()

        watch = get_hub().watch(pair[0].fileno())
        watch.readable = False
        native = Thread(target=work)
        native.start()
        while not ready:
            sleep(0.001)
        pair[1].send(b"x")
        watch.wait_readable(10)
        native.join(10)
        assert len(ready) == 2
        watch.close()

    def test_a_watch_of_another_native_thread_cannot_be_waited_for(self, watch: Watch) -> None:
        caught: list[WrongThread] = []
        watch.readable = False

        def work() -> None:
            for _ in range(2):
                try:
                    watch.wait_readable()
                except WrongThread as error:
                    caught.append(error)

        native = Thread(target=work)
        native.start()
        native.join()
        assert len(caught) == 2
        assert "register the descriptor with this thread's own hub" in str(caught[0])

    def test_it_tells_its_state(self, watch: Watch) -> None:
        watch.readable = False
        thread = spawn(watch.wait_readable)
        sleep(0)
        assert repr(watch) == f"<Watch of descriptor {watch.fd}, 1+0 waiting>"
        assert watch.awaited_by(next(iter(get_hub().carriers))) in (0, 1)
        kill(thread)
