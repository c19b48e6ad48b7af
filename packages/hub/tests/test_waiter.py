"""The rendezvous of one that waits with the first one who wakes it."""

from __future__ import annotations

import gc
import traceback
from threading import Thread

import pytest
from greenlet import GreenletExit

from eventlet.hub import (
    HubBusy,
    HubError,
    Waiter,
    WrongThread,
    get_hub,
    kill,
    move_on_after,
    sleep,
    spawn,
)

pytestmark = pytest.mark.usefixtures("no_leaks")


def in_native_thread(function: object, *args: object) -> None:
    thread = Thread(target=function, args=args)  # type: ignore[arg-type]
    thread.start()
    thread.join()


@pytest.mark.parametrize("value", [None, 0, "value", ()])
def test_what_is_sent_before_the_wait_is_received(value: object) -> None:
    waiter: Waiter[object] = Waiter()
    assert waiter.switch(value)
    assert waiter.wait() == value
    assert waiter.wait() == value, "a second look sees the same"


@pytest.mark.parametrize("value", [None, 0, "value", ()])
def test_what_is_sent_during_the_wait_is_received(value: object) -> None:
    waiter: Waiter[object] = Waiter()
    spawn(waiter.switch, value)
    assert waiter.wait() == value


def test_an_exception_sent_before_or_during_the_wait_is_raised() -> None:
    early: Waiter[None] = Waiter()
    early.throw(LookupError("early"))
    with pytest.raises(LookupError, match="early"):
        early.wait()
    late: Waiter[None] = Waiter()
    spawn(late.throw, LookupError("late"))
    with pytest.raises(LookupError, match="late"):
        late.wait()


def test_only_the_first_to_wake_it_counts() -> None:
    waiter: Waiter[int] = Waiter()
    answers = [waiter.switch(1), waiter.switch(2), waiter.throw(LookupError())]
    assert answers == [True, False, False]
    assert waiter.wait() == 1

    waiter = Waiter()
    thread = spawn(waiter.wait)
    sleep(0)
    answers = [waiter.throw(LookupError()), waiter.switch(1)]
    assert answers == [True, False]
    with pytest.raises(LookupError):
        thread.wait()


@pytest.mark.parametrize("seconds", [0, 0.001])
def test_a_wait_that_runs_out_of_time_raises(seconds: float) -> None:
    waiter: Waiter[None] = Waiter()
    with pytest.raises(TimeoutError, match=f"within {seconds} seconds"):
        waiter.wait(seconds)
    assert waiter.expired


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("-inf")])
def test_impossible_times_are_refused(seconds: float) -> None:
    waiter: Waiter[int] = Waiter()
    with pytest.raises(ValueError, match="number of seconds >= 0"):
        waiter.wait(seconds)
    waiter.switch(1)
    assert waiter.wait() == 1, "the mistake has not spoilt it"


def test_an_endless_time_is_no_limit() -> None:
    waiter: Waiter[int] = Waiter()
    get_hub().call_later(0.001, waiter.switch, 1)
    assert waiter.wait(float("inf")) == 1


def test_who_wakes_a_waiter_that_has_timed_out_hears_so() -> None:
    waiter: Waiter[int] = Waiter()
    with pytest.raises(TimeoutError):
        waiter.wait(0)
    assert not waiter.switch(1)
    with pytest.raises(HubError, match="make a new waiter"):
        waiter.wait()


def test_who_wakes_a_waiter_that_was_killed_hears_so() -> None:
    waiter: Waiter[int] = Waiter()
    thread = spawn(waiter.wait)
    sleep(0)
    thread.throw()
    assert not waiter.switch(1), "decided already, though the thread has not run yet"
    sleep(0)
    assert thread.dead
    assert not waiter.switch(1)


def test_who_wakes_a_waiter_whose_thread_was_killed_before_it_parked_hears_so() -> None:
    waiter: Waiter[int] = Waiter()
    with move_on_after(60) as scope:
        scope.cancel()
        waiter.wait()
    assert scope.cancelled_caught
    assert not waiter.switch(1)


def test_the_wake_up_wins_over_a_kill_in_the_same_round() -> None:
    waiter: Waiter[int] = Waiter()
    got = []

    def work() -> None:
        got.append(waiter.wait())
        sleep(0)
        got.append(-1)

    thread = spawn(work)
    sleep(0)
    assert waiter.switch(1)
    thread.throw()
    with pytest.raises(GreenletExit):
        thread.wait()
    assert got == [1], "the kill is delivered at the next wait"


def test_only_one_may_wait() -> None:
    waiter: Waiter[int] = Waiter()
    first = spawn(waiter.wait)
    sleep(0)
    with pytest.raises(HubBusy, match=r"GreenThread .*waits on <Waiter .*waited on> already"):
        waiter.wait()
    waiter.switch(1)
    assert first.wait() == 1


def test_waiting_in_the_hubs_own_greenlet_is_an_error(failures: list[BaseException]) -> None:
    waiter: Waiter[int] = Waiter()
    hub = get_hub()
    hub.call_soon(waiter.wait)
    hub.call_soon(waiter.wait, 1)
    hub.call_later(0, sleep, 0)
    hub.call_later(0, sleep, 1)
    hub.call_later(0, hub.switch)
    sleep(0.001)
    assert [type(error) for error in failures] == [HubError] * 5
    assert "hub.call_soon(spawn, function)" in str(failures[0])
    waiter.switch(1)
    assert waiter.wait() == 1


def test_it_may_be_woken_from_another_native_thread_before_and_during_the_wait() -> None:
    for _ in range(50):
        waiter: Waiter[int] = Waiter()
        thread = Thread(target=waiter.switch, args=(1,))
        thread.start()
        assert waiter.wait() == 1
        thread.join()
    waiter = Waiter()
    in_native_thread(waiter.switch, 2)
    assert waiter.wait() == 2
    waiter = Waiter()
    in_native_thread(waiter.throw, LookupError("far"))
    with pytest.raises(LookupError, match="far"):
        waiter.wait()


def test_the_first_of_many_native_threads_counts() -> None:
    waiter: Waiter[int] = Waiter()
    threads = [Thread(target=waiter.switch, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    number = waiter.wait()
    for thread in threads:
        thread.join()
    sleep(0)
    assert waiter.wait() == number


def test_it_cannot_be_waited_for_in_another_native_thread() -> None:
    waiter: Waiter[int] = Waiter()
    caught = []

    def work() -> None:
        try:
            waiter.wait()
        except WrongThread as error:
            caught.append(str(error))

    in_native_thread(work)
    assert len(caught) == 1
    assert "wait there" in caught[0]


def test_a_killed_wait_leaves_nothing_behind() -> None:
    waiter: Waiter[int] = Waiter()
    thread = spawn(waiter.wait, 60)
    sleep(0)
    kill(thread)
    assert thread.dead
    assert repr(waiter).endswith("spent>")


def test_the_traceback_of_what_is_thrown_to_many_does_not_grow() -> None:
    def fail() -> None:
        raise LookupError("shared")

    with pytest.raises(LookupError) as original:
        fail()
    before = len(traceback.extract_tb(original.value.__traceback__))
    lengths = []
    waiters: list[Waiter[None]] = [Waiter() for _ in range(5)]
    for waiter in waiters:
        waiter.throw(original.value)
    for waiter in waiters:
        try:
            waiter.wait()
        except LookupError as error:
            lengths.append(len(traceback.extract_tb(error.__traceback__)))
    assert len(set(lengths)) == 1
    assert lengths[0] > before, "it still tells where it was raised first"


def test_a_failed_wait_makes_no_reference_cycle() -> None:
    def fail_twice() -> None:
        waiter: Waiter[None] = Waiter()
        waiter.throw(LookupError())
        with pytest.raises(LookupError):
            waiter.wait()
        waiter = Waiter()
        with pytest.raises(TimeoutError):
            waiter.wait(0)

    gc.collect()
    gc.disable()
    try:
        for _ in range(10):
            fail_twice()
        sleep(0)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_it_tells_its_state() -> None:
    waiter: Waiter[int] = Waiter()
    assert repr(waiter).endswith("open>")
    thread = spawn(waiter.wait)
    sleep(0)
    assert repr(waiter).endswith("waited on>")
    waiter.switch(1)
    assert repr(waiter).endswith("settled>")
    thread.wait()
