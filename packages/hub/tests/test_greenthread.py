"""Green threads: results, waiting, links, and what others can do to them."""

from __future__ import annotations

import gc
import traceback
from threading import Thread

import pytest
from greenlet import getcurrent as getgreenlet

from eventlet.hub import (
    GreenThread,
    HubError,
    Waiter,
    exc_after,
    get_hub,
    getcurrent,
    sleep,
    spawn,
    spawn_after,
)
from eventlet.hub.testing import VirtualClock, wait_until_idle

pytestmark = pytest.mark.usefixtures("no_leaks")


def fail(text: str = "failed") -> None:
    raise LookupError(text)


class TestSpawn:
    def test_it_runs_no_earlier_than_the_caller_gives_up_control(self) -> None:
        order: list[str] = []
        thread = spawn(order.append, "thread")
        order.append("caller")
        thread.wait()
        assert order == ["caller", "thread"]

    def test_it_passes_all_arguments(self) -> None:
        def echo(*args: object, **kwargs: object) -> object:
            return args, kwargs

        assert spawn(echo, 1, function=2, hub=3, self=4).wait() == (
            (1,),
            {"function": 2, "hub": 3, "self": 4},
        )

    @pytest.mark.parametrize("thing", [None, 1, "name"])
    def test_it_refuses_what_cannot_be_called(self, thing: object) -> None:
        with pytest.raises(TypeError, match="pass the function itself, not its result"):
            spawn(thing)  # type: ignore[arg-type]  # that is the point
        with pytest.raises(TypeError, match="takes seconds and a function"):
            spawn_after(0, thing)  # type: ignore[arg-type]

    def test_wrong_arguments_are_the_green_threads_failure(self) -> None:
        thread = spawn(fail, 1, 2, 3)  # type: ignore[call-arg, arg-type]  # that is the point
        with pytest.raises(TypeError, match="positional argument"):
            thread.wait()

    @pytest.mark.in_order
    def test_thousands_run_in_the_order_they_were_spawned(self) -> None:
        order: list[int] = []
        threads = [spawn(order.append, number) for number in range(5000)]
        for thread in threads:
            thread.wait()
        assert order == list(range(5000))

    def test_thousands_may_wait_at_once(self) -> None:
        waiters: list[Waiter[int]] = [Waiter() for _ in range(3000)]
        threads = [spawn(waiter.wait) for waiter in waiters]
        sleep(0)
        for number, waiter in enumerate(waiters):
            waiter.switch(number)
        assert [thread.wait() for thread in threads] == list(range(3000))


class TestSpawnAfter:
    def test_it_runs_when_the_time_has_come(self, virtual_clock: VirtualClock) -> None:
        thread = spawn_after(5, virtual_clock)
        assert not thread.dead
        assert thread.wait() == pytest.approx(5)

    @pytest.mark.parametrize("seconds", [-1, float("nan")])
    def test_impossible_times_are_refused(self, seconds: float) -> None:
        with pytest.raises(ValueError, match="number of seconds >= 0"):
            spawn_after(seconds, fail)

    def test_cancelling_it_in_time_stops_it_and_drops_its_timer(self) -> None:
        hub = get_hub()
        before = hub.stats()
        thread = spawn_after(60, fail)
        assert hub.stats().green_threads == before.green_threads + 1
        assert thread.cancel()
        assert thread.dead
        assert hub.stats()[:2] == before[:2]
        assert hub.stats().timers == before.timers

    def test_cancelling_comes_too_late_when_it_has_begun(self) -> None:
        thread = spawn_after(0, sleep, 0.001)
        wait_until_idle()
        assert not thread.cancel()
        assert thread.wait() is None
        assert thread.cancel(), "dead is dead"

    def test_who_waits_for_it_learns_that_it_was_killed(self) -> None:
        thread = spawn_after(60, fail)
        waiting = spawn(thread.wait)
        sleep(0)
        thread.kill(KeyError, "never ran")
        with pytest.raises(KeyError, match="never ran"):
            waiting.wait()


class TestWait:
    def test_it_returns_the_result_as_often_as_one_asks(self) -> None:
        thread = spawn(lambda: "result")
        assert [thread.wait(), thread.wait(), thread.value] == ["result"] * 3
        assert thread.successful
        assert thread.exception is None

    def test_it_raises_the_exception_with_its_traceback(self) -> None:
        thread = spawn(fail)
        texts = []
        for _ in range(3):
            with pytest.raises(LookupError, match="failed") as caught:
                thread.wait()
            texts.append([entry.name for entry in traceback.extract_tb(caught.tb)])
        assert texts[0][-1] == "fail"
        assert texts[0] == texts[1] == texts[2], "it does not grow"
        assert "run" not in texts[0], "the carrier's own frame is left out"
        assert not thread.successful
        assert thread.value is None
        assert isinstance(thread.exception, LookupError)

    def test_many_may_wait(self) -> None:
        thread = spawn_after(0.001, lambda: "result")
        assert [waiting.wait() for waiting in [spawn(thread.wait) for _ in range(100)]] == (
            ["result"] * 100
        )

    def test_a_time_limit_leaves_the_green_thread_alone(self) -> None:
        waiter: Waiter[int] = Waiter()
        thread = spawn(waiter.wait)
        with pytest.raises(TimeoutError, match=r"has not ended within 0\.001 seconds"):
            thread.wait(0.001)
        waiter.switch(1)
        assert thread.wait(0.5) == 1

    @pytest.mark.parametrize("seconds", [-1, float("nan")])
    def test_impossible_times_are_refused(self, seconds: float) -> None:
        thread = spawn(lambda: 1)
        with pytest.raises(ValueError, match="number of seconds >= 0"):
            thread.wait(seconds)
        assert thread.wait() == 1

    def test_somebody_elses_timeout_error_is_left_as_it_is(self) -> None:
        thread = spawn_after(60, fail)
        exc_after(0, TimeoutError, "mine")
        with pytest.raises(TimeoutError, match="mine"):
            thread.wait(30)
        thread.kill()

    def test_waiting_for_oneself_is_an_error(self) -> None:
        def work() -> None:
            thread.wait()

        thread = spawn(work)
        with pytest.raises(HubError, match="cannot wait for itself"):
            thread.wait()

    def test_who_gives_up_does_not_cost_the_others_their_wake_up(self) -> None:
        """While a link waits, those before it leave the line, and those after it stay in it."""
        done: Waiter[None] = Waiter()
        thread = spawn(done.wait)
        early = spawn(thread.wait)
        sleep(0)
        thread.link(lambda _: sleep(0.001))
        late = spawn(thread.wait)
        calls: list[object] = []
        sleep(0)
        thread.link(calls.append)
        done.switch()
        early.wait()
        assert late.wait(5) is None
        assert calls == [thread]

    def test_it_works_from_another_native_thread(self) -> None:
        results: list[object] = []

        def ask() -> None:
            results.append(thread.wait())
            try:
                failing.wait()
            except LookupError as error:
                results.append(str(error))

        thread = spawn_after(0.01, lambda: "result")
        failing = spawn_after(0.01, fail)
        natives = [Thread(target=ask) for _ in range(5)]
        for native in natives:
            native.start()
        while any(native.is_alive() for native in natives):
            sleep(0.001)
        assert sorted(map(str, results)) == ["failed"] * 5 + ["result"] * 5


class TestLooks:
    def test_it_is_true_while_it_lives(self) -> None:
        thread = spawn(lambda: 1)
        assert thread
        assert not thread.ready
        thread.wait()
        assert not thread
        assert thread.ready

    def test_it_tells_its_state(self, failures: list[BaseException]) -> None:
        states: list[str] = []

        def work() -> None:
            states.append(thread.state)
            sleep(0)

        thread = spawn(work)
        states.append(thread.state)
        sleep(0)
        states.append(thread.state)
        thread.wait()
        states.append(thread.state)
        waiting = spawn(sleep, 60)
        sleep(0)
        states.append(waiting.state)
        waiting.kill()
        failed = spawn(fail)
        sleep(0)
        states += [waiting.state, failed.state]
        assert states == [
            "not begun", "running", "ready", "finished", "waiting", "killed", "failed",
        ]  # fmt: skip
        assert repr(failed).endswith("failed>")
        del failed
        gc.collect()
        assert len(failures) == 1

    def test_its_name_can_be_chosen(self) -> None:
        thread = spawn(fail)
        assert thread.name.startswith("fail-")
        thread.name = "worker 7"
        assert repr(thread) == "<GreenThread worker 7 not begun>"
        thread.kill()
        assert thread.name == "worker 7"

    def test_a_function_that_has_no_name_is_called_by_its_type(self) -> None:
        class Callable:
            def __call__(self) -> None: ...

        thread = spawn(Callable())
        assert thread.name.startswith("Callable-")
        thread.wait()
        assert thread.name.startswith("GreenThread-")

    def test_a_proxy_that_fails_at_every_look_does_not_break_the_hub(
        self, failures: list[BaseException]
    ) -> None:
        class Proxy:
            def __call__(self) -> None:
                raise LookupError("its own")

            def __getattr__(self, name: str) -> object:
                raise RuntimeError("not now")

        thread = spawn(Proxy())
        assert thread.name.startswith("Proxy-")
        with pytest.raises(LookupError, match="its own"):
            thread.wait(5)

    def test_getcurrent_is_the_green_thread_or_the_bare_greenlet(self) -> None:
        assert spawn(getcurrent).wait() is not getgreenlet()
        thread: GreenThread[bool] = spawn(lambda: getcurrent() is thread)
        assert thread.wait()
        assert getcurrent() is getgreenlet()


class TestSleep:
    @pytest.mark.parametrize("seconds", [-1, -0.001, float("nan"), float("-inf")])
    def test_impossible_times_are_refused(self, seconds: float) -> None:
        with pytest.raises(ValueError, match="number of seconds >= 0"):
            sleep(seconds)

    @pytest.mark.parametrize("seconds", [True, 0.5, 2])
    def test_it_takes_that_long(self, virtual_clock: VirtualClock, seconds: float) -> None:
        sleep(seconds)
        assert virtual_clock() == pytest.approx(float(seconds))

    def test_what_is_no_number_is_refused(self) -> None:
        with pytest.raises(TypeError):
            sleep("1")  # type: ignore[arg-type]  # that is the point
        assert spawn(lambda: 1).wait() == 1
