"""The hub: turns, fairness, calls from everywhere, deadlocks, its end."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable
from threading import Thread, get_ident

import pytest
from greenlet import getcurrent as getgreenlet
from greenlet import greenlet

from eventlet.hub import (
    Deadlock,
    GreenThread,
    Hub,
    HubBusy,
    HubError,
    Waiter,
    WrongThread,
    call_after_global,
    get_hub,
    kill,
    sleep,
    spawn,
    spawn_after,
    use_hub,
    wait_readable,
)
from eventlet.hub._pollers import SelectPoller
from eventlet.hub.testing import VirtualClock, wait_until_idle

pytestmark = pytest.mark.usefixtures("no_leaks")

RunScript = Callable[..., "subprocess.CompletedProcess[str]"]
Pair = tuple[socket.socket, socket.socket]


class TestFairness:
    @pytest.mark.in_order
    def test_those_that_yield_take_turns(self) -> None:
        order: list[tuple[str, int]] = []

        def work(name: str) -> None:
            for turn in range(3):
                order.append((name, turn))
                sleep(0)

        threads = [spawn(work, name) for name in "abc"]
        for thread in threads:
            thread.wait()
        assert order == [(name, turn) for turn in range(3) for name in "abc"]

    def test_a_yielding_loop_starves_neither_descriptors_nor_timers(
        self, poller: str, pair: Pair
    ) -> None:
        def loop() -> None:
            while True:
                sleep(0)

        loops = [spawn(loop) for _ in range(3)]
        sleeper = spawn(sleep, 0.01)
        reader = spawn(wait_readable, pair[0])
        spawn_after(0.005, pair[1].send, b"x").wait(5)
        reader.wait(5)
        sleeper.wait(5)
        for thread in loops:
            kill(thread)

    @pytest.mark.parametrize("how", ["call_soon", "call_later", "call_after_global", "call_at"])
    def test_a_callback_that_calls_itself_for_ever_starves_nobody(
        self, poller: str, pair: Pair, how: str
    ) -> None:
        hub = get_hub()
        again: dict[str, Callable[[], object]] = {
            "call_soon": lambda: hub.call_soon(callback),
            "call_later": lambda: hub.call_later(0, callback),
            "call_after_global": lambda: call_after_global(0, callback),
            "call_at": lambda: hub.call_at(0, callback),
        }
        is_over = False

        def callback() -> None:
            if not is_over:
                again[how]()

        callback()
        reader = spawn(wait_readable, pair[0])
        spawn_after(0.005, pair[1].send, b"x").wait(5)
        reader.wait(5)
        is_over = True
        sleep(0.001)

    def test_what_becomes_ready_in_a_round_is_not_part_of_it(self) -> None:
        turns: list[int] = []

        def work(left: int) -> None:
            turns.append(get_hub().turns)
            if left:
                spawn(work, left - 1)
                sleep(0)

        spawn(work, 3).wait()
        wait_until_idle()
        assert len(set(turns)) == 4


class TestCalls:
    def test_they_are_made_in_order_in_the_hubs_greenlet(self) -> None:
        hub = get_hub()
        calls: list[object] = []
        hub.call_soon(lambda: calls.append(getgreenlet()))
        hub.call_soon(calls.append, 2)
        assert calls == []
        sleep(0)
        assert calls == [hub.greenlet, 2]

    def test_those_of_other_native_threads_wake_a_poll(self, poller: str) -> None:
        hub = get_hub()
        waiter: Waiter[int] = Waiter()

        def work() -> None:
            for number in range(200):
                hub.call_soon_threadsafe(calls.append, number)
            hub.call_soon_threadsafe(waiter.switch, get_ident())

        calls: list[int] = []
        native = Thread(target=work)
        native.start()
        assert waiter.wait(10) == native.ident
        native.join()
        assert calls == list(range(200))

    def test_two_native_threads_may_serve_each_other(self, poller: str) -> None:
        hub = get_hub()
        done: Waiter[int] = Waiter()

        def serve(reply: Waiter[int], number: int) -> None:
            reply.switch(number * 2)

        def ask() -> None:
            total = 0
            for number in range(300):
                reply: Waiter[int] = Waiter()
                hub.call_soon_threadsafe(serve, reply, number)
                total += reply.wait(10)
            done.switch(total)

        native = Thread(target=ask)
        native.start()
        assert done.wait(30) == sum(range(300)) * 2
        native.join()


class TestSwitch:
    def test_it_returns_what_somebody_switches_to_it_with(self) -> None:
        hub = get_hub()

        def work() -> object:
            hub.call_soon(getgreenlet().switch, "value")
            return hub.switch()

        assert spawn(work).wait() == "value"
        hub.call_soon(getgreenlet().switch, 1, 2)
        assert hub.switch() == (1, 2)

    def test_a_kill_arrives_there(self) -> None:
        thread = spawn(get_hub().switch)
        sleep(0)
        kill(thread, LookupError)
        with pytest.raises(LookupError):
            thread.wait()

    def test_a_kill_that_came_before_arrives_there_too(self) -> None:
        def work() -> None:
            get_hub().call_soon(me.throw, LookupError)
            greenlet(lambda: sleep(0)).switch()
            get_hub().switch()

        me: GreenThread[None] = spawn(work)
        with pytest.raises(LookupError):
            me.wait()

    def test_in_another_native_thread_it_is_an_error(self) -> None:
        hub = get_hub()
        caught: list[Exception] = []

        def work() -> None:
            try:
                hub.switch()
            except WrongThread as error:
                caught.append(error)

        native = Thread(target=work)
        native.start()
        native.join()
        assert "another native thread" in str(caught[0])
        sleep(0.001)


class TestEnd:
    def test_a_hub_with_living_green_threads_cannot_be_ended(self) -> None:
        hub = get_hub()
        begins: list[Callable[[], GreenThread[None]]] = [
            lambda: spawn(sleep, 60),
            lambda: spawn_after(60, sleep),
        ]
        for begin in begins:
            thread = begin()
            for _ in range(2):
                with pytest.raises(HubBusy, match="1 living green threads"):
                    hub.destroy()
                with pytest.raises(HubBusy):
                    use_hub()
                sleep(0)
            kill(thread)
        assert get_hub() is hub
        assert not hub.destroyed

    def test_a_hub_cannot_end_itself(self, failures: list[BaseException]) -> None:
        hub = get_hub()
        hub.call_soon(hub.destroy)
        hub.call_soon(use_hub)
        sleep(0)
        assert [type(error) for error in failures] == [HubBusy] * 2
        assert "cannot end itself" in str(failures[0])

    @pytest.mark.parametrize("seconds", [0, 0.001])
    def test_a_hub_that_the_main_greenlet_waits_in_cannot_be_ended(
        self, failures: list[BaseException], seconds: float
    ) -> None:
        hub = get_hub()
        hub.call_soon(lambda: greenlet(use_hub).switch())
        hub.call_soon(lambda: greenlet(hub.destroy).switch())
        sleep(seconds)
        assert [type(error) for error in failures] == [HubBusy] * 2
        assert get_hub() is hub
        sleep(0.001)

    @pytest.mark.parametrize("how", ["call_soon", "call_later"])
    def test_a_hub_can_be_ended_while_one_of_its_callbacks_has_switched_away(
        self, failures: list[BaseException], how: str
    ) -> None:
        hub = get_hub()
        main = getgreenlet()
        if how == "call_soon":
            hub.call_soon(main.switch)
        else:
            hub.call_later(0, main.switch)
        hub.switch()
        hub.destroy()
        assert failures == []
        assert spawn(lambda: 1).wait() == 1

    def test_ending_twice_is_harmless_and_the_next_use_makes_another(self, poller: str) -> None:
        hub = get_hub()
        hub.destroy()
        hub.destroy()
        sleep(0)
        assert get_hub() is not hub
        assert spawn(lambda: 1).wait() == 1
        assert repr(hub).endswith("destroyed>")

    def test_everything_that_comes_after_an_end_finds_the_next_hub(self) -> None:
        for use in (
            lambda: spawn(lambda: 1).wait(),
            lambda: sleep(0.001),
            lambda: spawn_after(0, lambda: 1).wait(),
            lambda: Waiter[int]().switch(1),
        ):
            get_hub().destroy()
            use()
            assert not get_hub().destroyed

    def test_timers_and_watches_go_with_it(self, poller: str, pair: Pair) -> None:
        hub = get_hub()
        calls: list[int] = []
        timer = hub.call_later(0, calls.append, 1)
        watch = hub.watch(pair[0].fileno())
        hub.destroy()
        assert not timer.pending
        assert watch.closed
        sleep(0.001)
        assert calls == []

    @pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts in /proc")
    def test_its_descriptors_go_with_it(self, poller: str) -> None:
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(10):
            use_hub(poller)
            sleep(0)
        assert len(os.listdir("/proc/self/fd")) == before

    def test_waiting_in_what_is_left_of_it_is_an_error(self) -> None:
        hub = Hub(SelectPoller())
        hub.close()
        caught: list[BaseException] = []

        def work() -> None:
            me = getgreenlet()
            me.hub, me.ready, me.pending = hub, hub.ready, []  # type: ignore[attr-defined]
            for wait in (hub.switch, lambda: sleep(0), hub.switch):
                try:
                    wait()
                except HubError as error:
                    caught.append(error)

        greenlet(work).switch()
        assert len(caught) == 3
        assert all("has been destroyed" in str(error) for error in caught)


class TestStatistics:
    def test_they_count_what_the_hub_has_in_hand(self, poller: str, pair: Pair) -> None:
        hub = get_hub()
        before = hub.stats()
        threads = [spawn(wait_readable, pair[0]), spawn(sleep, 60), spawn_after(60, sleep)]
        assert hub.stats().green_threads == 3
        wait_until_idle()
        stats = hub.stats()
        assert stats.poller == poller
        assert stats.green_threads == 3
        assert stats.watches == 1
        assert stats.timers - before.timers == 2
        assert stats.turns > before.turns
        assert repr(hub) == f"<Hub {poller} of native thread {get_ident()}, 1 ready>"
        for thread in threads:
            kill(thread)
        assert hub.stats().green_threads == hub.stats().watches == 0


class TestFarFuture:
    @pytest.mark.parametrize("seconds", [1e7, 1e12, 1e300, float("inf")])
    def test_it_can_be_waited_for(self, poller: str, seconds: float) -> None:
        """Though no poller takes such a timeout."""
        thread = spawn(sleep, seconds)
        waiter: Waiter[int] = Waiter()
        native = Thread(target=waiter.switch, args=(1,))
        get_hub().call_soon(native.start)
        assert waiter.wait(seconds) == 1
        native.join()
        assert not thread.dead
        kill(thread)


def test_virtual_time_is_honoured_by_everything(virtual_clock: VirtualClock) -> None:
    hub = get_hub()
    seen: list[float] = []
    hub.call_later(30, lambda: seen.append(hub.time()))
    spawn_after(60, lambda: seen.append(hub.time())).wait()
    assert seen == pytest.approx([30, 60])
    assert isinstance(Deadlock("x"), HubError)
