"""Virtual time, idleness, leftovers and disorder."""

from __future__ import annotations

import os
import socket
import threading
import time

import pytest

from eventlet.hub import (
    HubBusy,
    Timeout,
    Waiter,
    available_hubs,
    call_after,
    call_after_global,
    exc_after,
    get_hub,
    getcurrent,
    kill,
    sleep,
    spawn,
    spawn_after,
    tpool,
    use_hub,
    wait_readable,
)
from eventlet.hub.testing import (
    LeftBehind,
    VirtualClock,
    fresh_hub,
    no_leaks,
    shuffled,
    virtual_clock,
    wait_until_idle,
)

pytestmark = pytest.mark.may_leak  # they leave things behind, to see what happens then

LONG = 30.0  # seconds that no test may really take
needs_list_of_descriptors = pytest.mark.skipif(
    not os.path.isdir("/dev/fd"), reason="this system doesn't list open descriptors"
)


class TestFreshHub:
    def test_is_another_hub_on_the_chosen_poller(self) -> None:
        before = get_hub()
        for name in available_hubs():
            with fresh_hub(name) as hub:
                assert get_hub() is hub is not before
                assert hub.poller.name == name
                assert spawn(len, "four").wait() == 4
            assert hub.destroyed
            assert get_hub() is not hub
        assert spawn(len, "four").wait() == 4

    def test_takes_a_clock(self) -> None:
        with fresh_hub(clock=lambda: 7.0) as hub:
            assert hub.time() == 7.0

    def test_ends_what_still_lives_in_it(self) -> None:
        ended = []

        def linger() -> None:
            try:
                sleep(LONG)
            finally:
                sleep(0)
                ended.append(getcurrent())

        with fresh_hub():
            threads = [spawn(linger), spawn(linger)]
            sleep(0)
            not_begun = spawn(linger)
        assert set(ended) >= set(threads)
        assert not_begun.dead

    def test_ends_what_refuses_to_end(self, capsys: pytest.CaptureFixture[str]) -> None:
        def stay() -> None:
            while True:
                try:
                    sleep(0)
                except RuntimeError:
                    raise
                except BaseException:
                    pass

        with fresh_hub():
            thread = spawn(stay)
            sleep(0)
        assert thread.dead
        assert "destroyed" in str(thread.exception)

    def test_does_not_replace_a_busy_hub(self) -> None:
        with fresh_hub() as hub:
            sleeper = spawn(sleep, LONG)
            with pytest.raises(HubBusy), fresh_hub():
                pass
            assert get_hub() is hub
            sleeper.kill()
            assert sleeper.dead

    def test_leaves_a_working_hub_after_an_unknown_poller(self) -> None:
        with pytest.raises(ValueError, match="no poller 'sundial'"), fresh_hub("sundial"):
            pass
        assert spawn(len, "four").wait() == 4


class TestVirtualClock:
    def test_jumps_from_deadline_to_deadline(self) -> None:
        times = []

        def note(seconds: float) -> None:
            sleep(seconds)
            times.append((seconds, clock()))

        started = time.monotonic()
        with virtual_clock() as clock:
            assert clock() == 0
            threads = [spawn(note, seconds) for seconds in (LONG, 2 * LONG, LONG / 2)]
            for thread in threads:
                thread.wait()
        assert times == [(seconds, seconds) for seconds in (LONG / 2, LONG, 2 * LONG)]
        assert time.monotonic() - started < LONG / 2

    def test_stands_still_while_anything_is_ready(self) -> None:
        with virtual_clock() as clock:
            sleeper = spawn(sleep, LONG)
            for _ in range(100):
                sleep(0)
            assert clock() == 0
            assert not sleeper.dead

    def test_serves_descriptors_before_it_jumps(
        self, poller: str, pair: tuple[socket.socket, socket.socket]
    ) -> None:
        here, there = pair
        with virtual_clock(poller) as clock:
            reader = spawn(wait_readable, here, LONG)
            sleep(0)
            there.send(b"x")
            reader.wait()
            assert clock() == 0
            here.recv(1)
            with pytest.raises(TimeoutError):
                wait_readable(here, LONG)
            assert clock() == LONG

    def test_can_be_moved(self) -> None:
        with virtual_clock() as clock:
            sleeper = spawn(sleep, LONG)
            sleep(0)
            clock.advance(LONG + 1)
            sleeper.wait()
            assert clock() == LONG + 1
            with pytest.raises(ValueError, match="-1"):
                clock.advance(-1)

    def test_never_goes_back(self) -> None:
        with virtual_clock() as clock:
            sleep(LONG)
            get_hub().call_at(5, lambda: None)
            sleep(1)
            assert clock() == LONG + 1

    def test_waits_for_other_native_threads_in_real_time(self) -> None:
        with virtual_clock() as clock, Timeout(LONG):
            tpool.execute(time.sleep, 0.02)
            assert 0.01 < clock() < LONG
            stopped = clock()
            assert clock() == stopped

    def test_lets_timers_fire_while_it_waits_for_another_native_thread(self) -> None:
        release = threading.Event()
        with virtual_clock():
            job = spawn(tpool.execute, release.wait)
            sleep(0)
            sleep(0.01)
            release.set()
            assert job.wait()

    def test_waits_for_the_threshold_to_pass_in_silence(
        self, pair: tuple[socket.socket, socket.socket]
    ) -> None:
        here, there = pair
        timer = threading.Timer(0.02, there.send, (b"x",))
        with virtual_clock(threshold=5) as clock:
            timer.start()
            wait_readable(here, LONG)
            assert clock() == 0
        timer.join()

    def test_begins_the_silence_anew_after_an_event(self) -> None:
        events: list[float] = []

        def disturb() -> None:
            # Wakes the hub, but nobody in it.
            for _ in range(3):
                time.sleep(0.005)
                hub.call_soon_threadsafe(events.append, clock())

        with virtual_clock(threshold=0.05) as clock:
            hub = get_hub()
            thread = threading.Thread(target=disturb)
            thread.start()
            started = time.monotonic()
            sleep(LONG)
            thread.join()
            assert events == [0, 0, 0]
            assert time.monotonic() - started >= 0.05

    def test_is_quick_with_many_idle_carriers(self) -> None:
        with virtual_clock() as clock:
            for seconds in (0, 1):
                for thread in [spawn(sleep, seconds) for _ in range(50)]:
                    thread.wait()
            sleep(LONG)
            assert clock() == LONG + 1

    def test_still_finds_deadlocks(self, run_script) -> None:  # type: ignore[no-untyped-def]
        done = run_script(
            """
            from eventlet.hub import Deadlock, Waiter
            from eventlet.hub.testing import virtual_clock
            with virtual_clock():
                try:
                    Waiter().wait()
                except Deadlock:
                    print("found")
            """
        )
        assert (done.stdout, done.stderr) == ("found\n", "")

    @pytest.mark.parametrize("threshold", [-1, float("nan")])
    def test_refuses_an_odd_threshold(self, threshold: float) -> None:
        with pytest.raises(ValueError, match="threshold"), virtual_clock(threshold=threshold):
            pass

    def test_says_what_time_it_is(self) -> None:
        clock = VirtualClock()
        clock.advance(1.5)
        assert repr(clock) == "<VirtualClock at 1.500000 s>"


class TestWaitUntilIdle:
    def test_returns_when_all_others_wait(self) -> None:
        steps = []

        def work(rounds: int) -> None:
            for _ in range(rounds):
                sleep(0)
            steps.append(rounds)
            sleep(LONG)

        with fresh_hub():
            for rounds in (1, 20, 300):
                spawn(work, rounds)
            wait_until_idle()
            assert steps == [1, 20, 300]

    def test_returns_at_once_if_there_is_nobody_else(self) -> None:
        with virtual_clock() as clock:
            wait_until_idle()
            assert clock() == 0

    def test_returns_before_the_clock_jumps(self) -> None:
        with virtual_clock() as clock:
            spawn(sleep, LONG)
            wait_until_idle()
            assert clock() == 0

    def test_waits_for_what_has_arrived(
        self, poller: str, pair: tuple[socket.socket, socket.socket]
    ) -> None:
        here, there = pair
        reader = spawn(wait_readable, here)
        wait_until_idle()
        assert not reader.dead
        there.send(b"x")
        wait_until_idle()
        assert reader.dead

    def test_waits_for_calls_and_timers_that_are_due(self) -> None:
        calls: list[str] = []
        hub = get_hub()
        hub.call_later(0, calls.append, "timer")
        hub.call_soon(hub.call_soon, hub.call_soon, calls.append, "call")
        wait_until_idle()
        assert calls == ["timer", "call"]

    def test_serves_several_who_wait(self) -> None:
        threads = [spawn(wait_until_idle) for _ in range(3)]
        wait_until_idle()
        for thread in threads:
            thread.wait(LONG)

    def test_can_be_killed_and_timed_out(self) -> None:
        def yield_for_ever() -> None:
            while True:
                sleep(0)

        with fresh_hub():
            restless = spawn(yield_for_ever)
            waiting = spawn(wait_until_idle)
            sleep(0)
            kill(waiting)
            assert waiting.dead
            with Timeout(0.001, False):
                wait_until_idle()
            restless.kill()
            wait_until_idle()


class TestShuffled:
    @staticmethod
    def order(seed: int | str) -> list[int]:
        order: list[int] = []

        def run(number: int) -> None:
            order.append(number)
            sleep(0)
            order.append(number)

        with fresh_hub(), shuffled(seed):
            for thread in [spawn(run, number) for number in range(20)]:
                thread.wait()
        return order

    def test_is_reproducible(self) -> None:
        assert self.order(1) == self.order(1)
        assert self.order("x") == self.order("x")

    def test_differs_from_seed_to_seed(self) -> None:
        orders = [self.order(seed) for seed in range(5)]
        assert len({tuple(order) for order in orders}) == 5

    def test_keeps_the_rounds(self) -> None:
        for seed in range(5):
            order = self.order(seed)
            assert sorted(order[:20]) == sorted(order[20:]) == list(range(20))
            assert order[:20] != list(range(20))
            # Those that yield don't overtake each other.
            assert order[:20] == order[20:]

    def test_keeps_the_promise_of_sleep(self) -> None:
        def pass_on(waiter: Waiter[str], received: list[str]) -> None:
            received.append(waiter.wait())

        def spawn_and_yield(number: int) -> None:
            for _ in range(3):
                done: list[str] = []
                threads = [spawn(done.append, "begun") for _ in range(number)]
                sleep(0)
                assert done == ["begun"] * len(threads)
                waiters = [Waiter[str]() for _ in range(number)]
                threads = [spawn(pass_on, waiter, done) for waiter in waiters]
                sleep(0)
                for waiter in waiters:
                    waiter.switch("woken")
                sleep(0)
                assert done[number:] == ["woken"] * len(threads)

        for seed in range(20):
            with shuffled(seed):
                for thread in [spawn(spawn_and_yield, number) for number in range(5)]:
                    thread.wait()

    @pytest.mark.in_order
    def test_ends_with_its_block(self) -> None:
        with shuffled(1), shuffled(2):
            pass
        order: list[int] = []
        for thread in [spawn(order.append, number) for number in range(20)]:
            thread.wait()
        assert order == list(range(20))

    def test_holds_in_other_native_threads(self) -> None:
        orders: list[list[int]] = []

        def run() -> None:
            orders.append(self.order(1))

        threads = [threading.Thread(target=run) for _ in range(2)]
        for thread in threads:
            thread.start()
            thread.join()
        assert orders == [self.order(1)] * 2


class TestNoLeaks:
    def test_accepts_what_was_there_before_and_what_has_ended(
        self, pair: tuple[socket.socket, socket.socket]
    ) -> None:
        with fresh_hub():
            spawn(sleep, LONG)
            sleep(0)
            timer = get_hub().call_later(LONG, print)
            with no_leaks():
                spawn(sleep, 0).wait()
                socket.socket().close()
                with Timeout(LONG):
                    sleep(0.001)
            timer.cancel()

    def test_accepts_the_hub_itself(self) -> None:
        with no_leaks():
            use_hub()
            sleep(0)

    def test_lets_what_was_killed_end(self) -> None:
        def linger() -> None:
            try:
                sleep(LONG)
            finally:
                sleep(0)

        with no_leaks():
            thread = spawn(linger)
            sleep(0)
            thread.throw()
        assert thread.dead

    def test_collects_garbage(self) -> None:
        class Garbage:
            def __init__(self) -> None:
                self.me = self
                self.fd = os.dup(1)

            def __del__(self) -> None:
                os.close(self.fd)

        with no_leaks():
            Garbage()

    def test_names_green_threads_and_where_they_wait(self) -> None:
        def linger() -> None:
            sleep(LONG)

        with fresh_hub():
            with pytest.raises(LeftBehind) as caught, no_leaks():
                spawn(linger).name = "lingerer"
                spawn(linger).name = "not begun"
                sleep(0)
                spawn_after(LONG, linger).name = "late"
        text = str(caught.value)
        assert "- GreenThread lingerer, " in text
        assert "sleeps for " in text
        assert "sleep(LONG)" in text
        assert "GreenThread late, " in text
        assert len(caught.value.leftovers) == 3

    def test_names_timers_and_what_they_do(self) -> None:
        with fresh_hub(clock=lambda: 0.0):
            with pytest.raises(LeftBehind) as caught, no_leaks():
                get_hub().call_later(LONG, self.test_accepts_the_hub_itself)
                call_after(2 * LONG, abs)
                call_after_global(150, LeftBehind, [])
                exc_after(LONG, KeyError)
                get_hub().call_later(LONG, VirtualClock())
        first, *others = caught.value.leftovers
        assert first.startswith(
            "a timer: in 30 s, calls TestNoLeaks.test_accepts_the_hub_itself of"
        )
        assert f"{__file__}:" in first
        assert others == [
            "a timer: in 30 s, raises KeyError() in the main greenlet\n",
            "a timer: in 30 s, calls <VirtualClock at 0.000000 s>\n",
            "a timer: in 60 s, calls abs\n",
            "a timer: in 150 s, calls LeftBehind\n",
        ]

    @needs_list_of_descriptors
    def test_names_descriptors_and_what_they_are(self) -> None:
        read, write = os.pipe()
        with pytest.raises(LeftBehind) as caught, no_leaks():
            server = socket.create_server(("127.0.0.1", 0))
            os.close(write)
            with open(os.devnull) as file:
                write = os.dup(file.fileno())
        assert len(caught.value.leftovers) == 2
        text = str(caught.value)
        assert f"- descriptor {server.fileno()}: socket" in text
        assert f"at {server.getsockname()}, peer: none" in text
        assert f"- descriptor {write}: {os.devnull}" in text
        server.close()
        os.close(read)
        os.close(write)

    @needs_list_of_descriptors
    def test_names_the_kind_where_the_system_tells_no_more(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def readlink(path: str) -> str:
            raise FileNotFoundError(path)

        monkeypatch.setattr(os, "readlink", readlink)
        with pytest.raises(LeftBehind) as caught, no_leaks():
            ends = os.pipe()
        for fd in ends:
            os.close(fd)
        assert caught.value.leftovers == [f"descriptor {fd}: a pipe\n" for fd in sorted(ends)]

    @needs_list_of_descriptors
    def test_notices_a_number_that_stands_for_another_file(self) -> None:
        first, second = socket.socket(), socket.socket()
        number = first.fileno()
        with first, pytest.raises(LeftBehind) as caught, no_leaks():
            os.dup2(second.fileno(), number)
            second.close()
        assert f"descriptor {number}" in str(caught.value)

    def test_looks_into_hubs_that_were_ended_meanwhile(self) -> None:
        with pytest.raises(LeftBehind, match="GreenThread lost"), no_leaks():
            with fresh_hub():
                spawn(sleep, LONG).name = "lost"
        with no_leaks(), fresh_hub():
            thread = spawn(sleep, LONG)
            sleep(0)
            thread.throw()

    def test_ignores_what_is_allowed(self) -> None:
        with fresh_hub():
            with no_leaks(allow=["threads"]):
                spawn(sleep, LONG)
                sleep(0)
            with no_leaks(allow=["timers"]):
                get_hub().call_later(LONG, print)
        with no_leaks(allow=["descriptors"]):
            left = socket.socket()
        left.close()

    def test_refuses_to_allow_what_it_does_not_know(self) -> None:
        with pytest.raises(ValueError, match="'thread'"), no_leaks(allow=["thread"]):
            pass

    def test_stays_out_of_the_way_of_another_failure(self) -> None:
        with fresh_hub(), pytest.raises(KeyError), no_leaks():
            spawn(sleep, LONG)
            raise KeyError

    def test_nests(self) -> None:
        with no_leaks():
            with pytest.raises(LeftBehind), no_leaks(), fresh_hub():
                spawn(sleep, LONG)
