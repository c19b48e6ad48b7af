"""Cancel scopes: deadlines, cancellation, shields, nesting."""

from __future__ import annotations

import gc
import math
import traceback
from threading import Thread

import pytest
from greenlet import GreenletExit

from eventlet.hub import (
    Cancelled,
    CancelScope,
    HubBusy,
    HubError,
    Timeout,
    Waiter,
    fail_after,
    get_hub,
    move_on_after,
    sleep,
    spawn,
)
from eventlet.hub.testing import VirtualClock, wait_until_idle

pytestmark = pytest.mark.usefixtures("virtual_clock", "no_leaks")


def swallow_and_wait(times: int) -> int:
    """Wait again and again, whatever is raised; return how often something was."""
    caught = 0
    for _ in range(times):
        try:
            sleep(1)
        except Cancelled:
            caught += 1
    return caught


class TestDeadline:
    def test_move_on_after_leaves_the_block_silently(self, virtual_clock: VirtualClock) -> None:
        with move_on_after(5) as scope:
            sleep(60)
            raise AssertionError("never comes here")
        assert virtual_clock() == pytest.approx(5)
        assert scope.cancel_called
        assert scope.cancelled_caught

    def test_fail_after_raises_a_timeout_error(self, virtual_clock: VirtualClock) -> None:
        with pytest.raises(TimeoutError, match="more than 5 seconds") as caught, fail_after(5):
            sleep(60)
        assert isinstance(caught.value.__cause__, Cancelled)

    def test_a_block_that_is_done_in_time_is_left_alone(self, virtual_clock: VirtualClock) -> None:
        for make in (move_on_after, fail_after):
            with make(5) as scope:
                sleep(1)
            sleep(60)
            assert not scope.cancel_called
            assert not scope.cancelled_caught

    def test_without_a_wait_nothing_is_raised(self, virtual_clock: VirtualClock) -> None:
        with fail_after(1) as scope:
            virtual_clock.advance(10)
        assert not scope.cancelled_caught

    def test_it_is_read_and_moved_on_the_hubs_clock(self, virtual_clock: VirtualClock) -> None:
        scope = move_on_after(5)
        assert scope.deadline == math.inf
        with scope:
            assert scope.deadline == pytest.approx(5)
            scope.deadline += 10
            sleep(14)
            scope.deadline = math.inf
            sleep(100)
            scope.deadline = get_hub().time() + 1
            sleep(60)
        assert virtual_clock() == pytest.approx(115)

    def test_one_that_is_set_before_the_block_counts(self, virtual_clock: VirtualClock) -> None:
        scope = fail_after(50)
        scope.deadline = 2
        with pytest.raises(TimeoutError, match="more than it had"), scope:
            sleep(60)
        assert virtual_clock() == pytest.approx(2)

    def test_one_that_has_passed_cuts_short_the_first_wait(self) -> None:
        with move_on_after(60) as scope:
            scope.deadline = get_hub().time() - 10
            sleep(1)
        assert scope.cancelled_caught

    def test_infinity_is_no_limit(self) -> None:
        timers = get_hub().stats().timers
        with move_on_after(math.inf) as scope:
            assert get_hub().stats().timers == timers
            sleep(1)
        assert not scope.cancelled_caught

    @pytest.mark.parametrize("seconds", [-1, float("nan")])
    @pytest.mark.parametrize("make", [CancelScope, move_on_after, fail_after])
    def test_impossible_times_are_refused(self, make: type[CancelScope], seconds: float) -> None:
        with pytest.raises(ValueError, match="number of seconds >= 0"):
            make(seconds)

    def test_it_must_be_a_number(self) -> None:
        with pytest.raises(ValueError, match="not nan"):
            move_on_after(1).deadline = float("nan")


class TestCancel:
    def test_it_is_raised_at_every_wait_until_the_block_is_left(self) -> None:
        with CancelScope() as scope:
            scope.cancel()
            scope.cancel()
            assert swallow_and_wait(5) == 5
        assert not scope.cancelled_caught, "the block has swallowed it"
        assert swallow_and_wait(3) == 0

    def test_it_may_come_from_another_green_thread(self) -> None:
        scope = CancelScope()

        def work() -> str:
            with scope:
                sleep(60)
            return "moved on"

        thread = spawn(work)
        sleep(0)
        scope.cancel()
        assert thread.wait() == "moved on"

    def test_it_may_come_from_another_native_thread(self) -> None:
        with CancelScope() as scope:
            native = Thread(target=scope.cancel)
            native.start()
            Waiter[None]().wait()
        native.join()
        assert scope.cancelled_caught

    def test_before_the_block_it_cuts_short_the_first_wait(self) -> None:
        scope = CancelScope()
        scope.cancel()
        reached = False
        with scope:
            reached = True
            sleep(0)
            raise AssertionError("never comes here")
        assert reached
        assert scope.cancelled_caught

    def test_after_the_block_it_changes_nothing(self) -> None:
        with CancelScope() as scope:
            sleep(0)
        scope.cancel()
        assert swallow_and_wait(2) == 0
        assert not scope.cancelled_caught

    def test_it_does_not_pass_for_an_error(self) -> None:
        with CancelScope() as scope:
            scope.cancel()
            try:
                sleep(1)
            except Exception as error:
                raise AssertionError from error
        assert scope.cancelled_caught

    def test_another_exception_is_not_caught(self) -> None:
        with pytest.raises(LookupError), CancelScope() as scope:
            scope.cancel()
            raise LookupError
        assert not scope.cancelled_caught

    def test_its_traceback_does_not_grow(self) -> None:
        lengths = []
        with CancelScope() as scope:
            scope.cancel()
            for _ in range(5):
                try:
                    sleep(1)
                except Cancelled as error:
                    lengths.append(len(traceback.extract_tb(error.__traceback__)))
        assert len(set(lengths)) == 1


class TestNesting:
    def test_the_one_that_ran_out_catches(self, virtual_clock: VirtualClock) -> None:
        with move_on_after(10) as outer:
            with move_on_after(5) as inner:
                sleep(60)
            assert virtual_clock() == pytest.approx(5)
            sleep(60)
        assert virtual_clock() == pytest.approx(10)
        assert inner.cancelled_caught
        assert outer.cancelled_caught

    def test_the_outer_one_passes_through_the_inner(self, virtual_clock: VirtualClock) -> None:
        with move_on_after(5) as outer:
            with move_on_after(10) as inner:
                sleep(60)
            raise AssertionError("never comes here")
        assert outer.cancelled_caught
        assert not inner.cancelled_caught
        sleep(60)

    @pytest.mark.parametrize("first", ["outer", "inner"])
    def test_of_two_that_run_out_at_once_the_first_is_raised_first(self, first: str) -> None:
        seconds = {"outer": (5, 5), "inner": (5.0000001, 5)}[first]
        with move_on_after(seconds[0]) as outer:
            with move_on_after(seconds[1]) as inner:
                with move_on_after(1, shield=True):  # both are held back until both have run out
                    sleep(60)
                get_hub()
                sleep(60)
            sleep(60)
        assert outer.cancelled_caught
        assert inner.cancelled_caught is (first == "inner")

    def test_with_a_timeout_the_first_to_run_out_is_raised(self) -> None:
        with move_on_after(5) as scope, pytest.raises(Timeout), Timeout(1):
            sleep(60)
        assert not scope.cancelled_caught
        with move_on_after(1) as scope, Timeout(5):
            sleep(60)
        assert scope.cancelled_caught
        sleep(60)

    def test_they_are_left_in_the_order_opposite_to_entering(self) -> None:
        outer, inner = CancelScope(), CancelScope()
        outer.__enter__()
        inner.__enter__()
        with pytest.raises(HubBusy, match="order opposite"):
            outer.__exit__(None, None, None)
        inner.__exit__(None, None, None)
        outer.__exit__(None, None, None)
        with pytest.raises(HubBusy, match="order opposite"):
            outer.__exit__(None, None, None)

    def test_each_is_entered_once(self) -> None:
        for scope in (CancelScope(), move_on_after(5)):
            with scope, pytest.raises(HubBusy, match="entered once"):
                scope.__enter__()
            with pytest.raises(HubBusy, match="entered once"):
                scope.__enter__()

    def test_each_belongs_to_its_green_thread(self) -> None:
        with CancelScope() as scope:
            child = spawn(sleep, 5)
            scope.cancel()
            with pytest.raises(Cancelled):
                sleep(1)
        assert child.wait() is None


class TestShield:
    @pytest.mark.parametrize(
        ("scope_after", "timeout_after", "kill_after", "outcome"),
        [
            (1, 60, 60, "moved on"),
            (60, 1, 60, "timed out"),
            (60, 60, 1, "killed"),
            (1, 2, 3, "moved on"),
            (2, 1, 3, "timed out"),
            (3, 2, 1, "killed"),
        ],
    )
    def test_it_holds_back_kills_timeouts_and_outer_scopes(
        self,
        virtual_clock: VirtualClock,
        scope_after: float,
        timeout_after: float,
        kill_after: float,
        outcome: str,
    ) -> None:
        """And the first that came is the one that is raised when it is left."""
        reached: list[float] = []

        def work() -> str:
            try:
                with move_on_after(scope_after), Timeout(timeout_after):
                    with CancelScope(shield=True):
                        sleep(10)
                    reached.append(virtual_clock())
                    sleep(60)
            except Timeout:
                return "timed out"
            except GreenletExit:
                return "killed"
            return "moved on"

        thread = spawn(work)
        get_hub().call_later(kill_after, thread.throw)
        assert thread.wait() == outcome
        assert reached == [pytest.approx(10)]
        assert virtual_clock() == pytest.approx(10)
        get_hub().timers.clear()

    def test_it_does_not_hold_back_what_was_set_up_inside(
        self, virtual_clock: VirtualClock
    ) -> None:
        with CancelScope(shield=True), pytest.raises(Timeout), Timeout(1):
            sleep(60)
        with move_on_after(1, shield=True) as scope:
            sleep(60)
        assert scope.cancelled_caught
        with CancelScope(shield=True), move_on_after(1) as scope:
            sleep(60)
        assert scope.cancelled_caught
        assert virtual_clock() == pytest.approx(3)

    def test_taking_it_away_lets_through_what_has_come(self) -> None:
        scope = CancelScope(shield=True)

        def work() -> None:
            with scope:
                sleep(60)

        thread = spawn(work)
        wait_until_idle()
        thread.throw(LookupError)
        wait_until_idle()
        assert not thread.dead
        assert scope.shield
        scope.shield = False
        with pytest.raises(LookupError):
            thread.wait(1)

    def test_putting_it_up_holds_back_what_comes(self) -> None:
        scope = CancelScope()

        def work() -> str:
            with scope:
                sleep(5)
                scope.shield = False
                with pytest.raises(LookupError):
                    sleep(0)
            return "held back"

        scope.shield = True
        scope.shield = False
        thread = spawn(work)
        wait_until_idle()
        scope.shield = True
        thread.throw(LookupError)
        assert thread.wait() == "held back"
        scope.shield = False

    def test_the_programs_end_is_not_held_back(self) -> None:
        get_hub().call_later(1, get_hub().interrupt, KeyboardInterrupt())
        with CancelScope(shield=True), pytest.raises(KeyboardInterrupt):
            sleep(60)


class TestCycles:
    @pytest.mark.parametrize("make", [move_on_after, fail_after])
    def test_a_scope_that_has_caught_leaves_none(self, make: type[CancelScope]) -> None:
        def work() -> None:
            scope = make(0)
            try:
                with scope:
                    sleep(1)
            except TimeoutError:
                pass
            assert scope.cancelled_caught

        work()
        gc.collect()
        gc.disable()
        try:
            for _ in range(10):
                work()
            assert gc.collect() == 0
        finally:
            gc.enable()


class TestLooks:
    def test_it_tells_its_state(self) -> None:
        scope = CancelScope(shield=True)
        states = [repr(scope)]
        with scope:
            states.append(repr(scope))
            scope.cancel()
            states.append(repr(scope))
        assert states == [
            "<CancelScope not entered, shielded>",
            "<CancelScope open, shielded>",
            "<CancelScope cancelled, shielded>",
        ]

    def test_in_the_hubs_own_greenlet_it_is_an_error(self, failures: list[BaseException]) -> None:
        get_hub().call_soon(CancelScope().__enter__)
        sleep(0)
        assert [type(error) for error in failures] == [HubError]
