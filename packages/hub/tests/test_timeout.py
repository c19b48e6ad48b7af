"""Time limits, and calls that are made later."""

from __future__ import annotations

import gc

import pytest

from eventlet.hub import (
    Timeout,
    Waiter,
    call_after,
    call_after_global,
    exc_after,
    get_hub,
    sleep,
    spawn,
    with_timeout,
)
from eventlet.hub.testing import VirtualClock, wait_until_idle

pytestmark = pytest.mark.usefixtures("virtual_clock", "no_leaks")

IMPOSSIBLE = pytest.mark.parametrize("seconds", [-1, float("nan"), float("-inf")])


class Silent(Exception):
    """An exception that is false, as an empty container is."""

    def __bool__(self) -> bool:
        return False


class TestTimeout:
    def test_it_interrupts_the_block_and_raises_itself(self, virtual_clock: VirtualClock) -> None:
        with pytest.raises(Timeout) as caught, Timeout(5) as timeout:
            sleep(60)
        assert caught.value is timeout
        assert virtual_clock() == pytest.approx(5)
        assert not timeout.pending

    def test_a_block_that_is_done_in_time_is_left_alone(self) -> None:
        with Timeout(5) as timeout:
            assert timeout.pending
            sleep(1)
        assert not timeout.pending
        sleep(60)

    def test_no_seconds_are_no_limit(self) -> None:
        with Timeout() as timeout:
            sleep(1e6)
        assert timeout.seconds is None
        assert not timeout.pending
        assert str(timeout) == "no time limit"

    def test_no_time_at_all_interrupts_the_first_wait(self) -> None:
        with pytest.raises(Timeout), Timeout(0):
            sleep(0)
            sleep(1)

    def test_it_is_no_exception_that_one_could_catch_by_accident(self) -> None:
        with pytest.raises(Timeout), Timeout(1):
            try:
                sleep(60)
            except Exception as error:
                raise AssertionError from error

    @pytest.mark.parametrize("chosen", [LookupError, LookupError("mine"), Silent, Silent()])
    def test_another_exception_can_be_chosen(self, chosen: type[Exception] | Exception) -> None:
        kind = chosen if isinstance(chosen, type) else type(chosen)
        with pytest.raises(kind) as caught, Timeout(1, chosen):
            sleep(60)
        assert isinstance(chosen, type) or caught.value is chosen

    def test_false_ends_the_block_silently(self, virtual_clock: VirtualClock) -> None:
        with Timeout(1, False):
            sleep(60)
            raise AssertionError("never comes here")
        assert virtual_clock() == pytest.approx(1)

    def test_a_silent_one_lets_others_pass(self) -> None:
        with pytest.raises(Timeout) as caught, Timeout(1) as outer, Timeout(5, False):
            sleep(60)
        assert caught.value is outer
        with pytest.raises(LookupError), Timeout(1, False):
            raise LookupError

    @pytest.mark.parametrize("thing", [True, 1, "text", int])
    def test_what_cannot_be_raised_is_refused(self, thing: bool) -> None:
        with pytest.raises(TypeError, match="only exceptions can be thrown"):
            Timeout(1, thing)

    @IMPOSSIBLE
    def test_impossible_times_are_refused(self, seconds: float) -> None:
        with pytest.raises(ValueError, match="number of seconds >= 0"):
            Timeout(seconds)

    def test_it_runs_from_the_moment_it_is_made(self, virtual_clock: VirtualClock) -> None:
        timeout = Timeout(5)
        sleep(3)
        with pytest.raises(Timeout), timeout:
            sleep(60)
        assert virtual_clock() == pytest.approx(5)

    def test_it_interrupts_once(self, virtual_clock: VirtualClock) -> None:
        with Timeout(1) as timeout:
            with pytest.raises(Timeout):
                sleep(60)
            sleep(60)
            timeout.cancel()
        assert virtual_clock() == pytest.approx(61)

    def test_it_does_not_interrupt_what_is_not_waiting(self, virtual_clock: VirtualClock) -> None:
        with Timeout(1):
            virtual_clock.advance(5)
            assert virtual_clock() == 5

    def test_cancelled_between_its_time_and_the_next_wait_it_is_not_raised(self) -> None:
        """Woken by what was waited for in the very round in which the time ran out."""
        waiter: Waiter[str] = Waiter()
        get_hub().call_later(1, waiter.switch, "in time")
        with Timeout(1) as timeout:
            assert waiter.wait() == "in time"
            assert not timeout.pending
        sleep(1)

    def test_cancelling_twice_and_afterwards_is_harmless(self) -> None:
        timeout = Timeout(1)
        timeout.cancel()
        timeout.cancel()
        sleep(5)

    def test_it_can_be_cancelled_by_another_green_thread(self) -> None:
        with Timeout(2) as timeout:
            get_hub().call_later(1, timeout.cancel)
            sleep(5)

    def test_nested_ones_identify_themselves(self) -> None:
        with Timeout(10) as outer:
            with pytest.raises(Timeout) as caught, Timeout(5) as inner:
                sleep(60)
            assert caught.value is inner
            with pytest.raises(Timeout) as caught:
                sleep(60)
            assert caught.value is outer

    def test_of_two_that_run_out_at_once_the_first_set_is_raised(self) -> None:
        with Timeout(5) as outer:
            with pytest.raises(Timeout) as caught, Timeout(5) as inner:
                sleep(60)
            assert caught.value is outer
            assert not inner.pending
        sleep(60)

    def test_of_two_that_run_out_at_once_none_is_lost(self) -> None:
        with Timeout(5), pytest.raises(Timeout):
            with pytest.raises(Timeout):
                sleep(60)
            second = Timeout(0)
            sleep(1)
        assert not second.pending

    def test_it_leaves_no_reference_cycle(self) -> None:
        def work() -> None:
            with Timeout(60) as timeout:
                assert timeout.pending
            with Timeout(0, False) as timeout:
                sleep(1)
            assert not timeout.pending

        work()
        gc.collect()
        gc.disable()
        try:
            for _ in range(10):
                work()
            assert gc.collect() == 0
        finally:
            gc.enable()

    def test_it_tells_its_state(self) -> None:
        one, two = Timeout(1), Timeout(2.5)
        assert (str(one), str(two)) == ("1 second", "2.5 seconds")
        assert repr(one).endswith(", pending>")
        one.cancel()
        two.cancel()
        assert not repr(one).endswith(", pending>")


class TestWithTimeout:
    def test_it_passes_arguments_and_the_result(self) -> None:
        def function(*args: int, **kwargs: int) -> object:
            return args, kwargs

        assert with_timeout(1, function, 1, 2, seconds=3, function=4) == (
            (1, 2),
            {"seconds": 3, "function": 4},
        )
        assert with_timeout(None, function) == ((), {})
        assert get_hub().stats().timers == 0

    def test_it_interrupts_the_function(self, virtual_clock: VirtualClock) -> None:
        with pytest.raises(Timeout):
            with_timeout(1, sleep, 60)
        assert virtual_clock() == pytest.approx(1)

    @pytest.mark.parametrize("value", [None, "late", False])
    def test_it_may_return_a_value_instead(self, value: object) -> None:
        assert with_timeout(1, sleep, 60, timeout_value=value) is value

    def test_it_translates_only_its_own_limit(self) -> None:
        with pytest.raises(Timeout) as caught, Timeout(1) as outer:
            with_timeout(5, sleep, 60, timeout_value=None)
        assert caught.value is outer

        def inner() -> None:
            with Timeout(1):
                sleep(60)

        with pytest.raises(Timeout):
            with_timeout(5, inner, timeout_value=None)

    def test_other_exceptions_pass(self) -> None:
        with pytest.raises(ZeroDivisionError):
            with_timeout(1, divmod, 1, 0, timeout_value=(0, 0))
        sleep(5)

    @IMPOSSIBLE
    def test_impossible_times_are_refused(self, seconds: float) -> None:
        with pytest.raises(ValueError, match="number of seconds >= 0"):
            with_timeout(seconds, print)


class TestExcAfter:
    def test_it_raises_in_the_green_thread_that_asked(self, virtual_clock: VirtualClock) -> None:
        def work() -> float:
            exc_after(1, LookupError, "later")
            with pytest.raises(LookupError, match="later"):
                sleep(60)
            return virtual_clock()

        thread = spawn(work)
        sleep(0)
        sleep(5)
        assert thread.wait() == pytest.approx(1)

    def test_without_an_exception_it_is_a_timeout_error(self) -> None:
        exc_after(1)
        with pytest.raises(TimeoutError, match="1 seconds"):
            sleep(60)

    def test_it_can_be_cancelled_also_between_its_time_and_the_next_wait(self) -> None:
        exc_after(1, LookupError).cancel()
        sleep(5)
        waiter: Waiter[str] = Waiter()
        get_hub().call_later(1, waiter.switch)
        timer = exc_after(1, LookupError)
        waiter.wait()
        timer.cancel()
        sleep(5)

    def test_what_cannot_be_raised_is_refused(self) -> None:
        with pytest.raises(TypeError, match="only exceptions"):
            exc_after(1, "text")

    @IMPOSSIBLE
    def test_impossible_times_are_refused(self, seconds: float) -> None:
        with pytest.raises(ValueError, match="number of seconds >= 0"):
            exc_after(seconds)


class TestCallAfter:
    def test_it_calls_in_the_hub_with_all_arguments(self, virtual_clock: VirtualClock) -> None:
        calls: list[object] = []

        def note(*args: object, **kwargs: object) -> None:
            calls.append((virtual_clock(), args, kwargs))

        call_after(1, note, 1, seconds=2)
        call_after_global(2, note, 3, function=4)
        sleep(5)
        assert calls == [
            (pytest.approx(1), (1,), {"seconds": 2}),
            (pytest.approx(2), (3,), {"function": 4}),
        ]

    @pytest.mark.parametrize("how", [call_after, call_after_global])
    def test_it_can_be_cancelled(self, how: object) -> None:
        calls: list[int] = []
        how(1, calls.append, 1).cancel()  # type: ignore[operator]
        sleep(5)
        assert calls == []

    def test_only_the_global_one_outlives_the_green_thread_that_asked(self) -> None:
        calls: list[str] = []

        def work() -> None:
            call_after(1, calls.append, "local")
            call_after_global(1, calls.append, "global")

        spawn(work).wait()
        sleep(5)
        assert calls == ["global"]

    @pytest.mark.parametrize("how", [call_after, call_after_global])
    def test_it_may_be_asked_for_in_a_callback(self, how: object) -> None:
        calls: list[str] = []
        get_hub().call_soon(how, 1, calls.append, "called")  # type: ignore[arg-type]
        wait_until_idle()
        sleep(5)
        assert calls == ["called"]

    @pytest.mark.parametrize("how", [call_after, call_after_global])
    @IMPOSSIBLE
    def test_impossible_times_are_refused(self, how: object, seconds: float) -> None:
        with pytest.raises(ValueError, match="number of seconds >= 0"):
            how(seconds, print)  # type: ignore[operator]

    def test_a_failure_is_reported(self, failures: list[BaseException]) -> None:
        call_after(0, divmod, 1, 0)
        sleep(1)
        assert [type(error) for error in failures] == [ZeroDivisionError]
