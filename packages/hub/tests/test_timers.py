"""The queue of timers: order, cancellation, memory."""

from __future__ import annotations

import gc
import itertools
import random
import tracemalloc
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from eventlet.hub import Timeout, Timer, _timers, get_hub, sleep, spawn
from eventlet.hub._timers import TimerQueue
from eventlet.hub.testing import VirtualClock

DEADLINES = st.floats(0, 10) | st.integers(0, 3).map(float)


def set_timer(queue: TimerQueue, deadline: float, *args: object) -> Timer:
    return _timers.set_timer(queue, deadline, print, args)


class Against(RuleBasedStateMachine):
    """A queue of timers beside a list that is sorted whenever one looks."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = TimerQueue()
        self.model: list[tuple[float, int, Timer]] = []
        self.spent: list[Timer] = []
        self.numbers = count()

    @rule(deadline=DEADLINES)
    def add(self, deadline: float) -> None:
        timer = set_timer(self.queue, deadline)
        self.model.append((deadline, next(self.numbers), timer))
        self.model.sort()

    @rule(deadline=DEADLINES, number=st.integers(1, 100))
    def add_many(self, deadline: float, number: int) -> None:
        for _ in range(number):
            self.add(deadline)

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        entry = data.draw(st.sampled_from(self.model))
        entry[2].cancel()
        self.model.remove(entry)
        self.spent.append(entry[2])

    @rule()
    def cancel_the_newest(self) -> None:
        timer = set_timer(self.queue, 1.0)
        timer.cancel()
        self.spent.append(timer)

    @precondition(lambda self: self.model)
    @rule()
    def cancel_all(self) -> None:
        for _, _, timer in self.model:
            timer.cancel()
        self.model.clear()

    @precondition(lambda self: self.spent)
    @rule()
    def cancel_again(self) -> None:
        self.spent[-1].cancel()

    @rule(now=DEADLINES)
    def take_due(self, now: float) -> None:
        expected = [timer for deadline, _, timer in self.model if deadline <= now]
        # It may hand out cancelled ones, too: any of the others may cancel some before they fire.
        due = [timer for timer in self.queue.take_due(now) if timer.pending]
        assert [id(timer) for timer in due] == [id(timer) for timer in expected]
        del self.model[: len(expected)]
        for timer in expected:
            callback, _ = timer.take()
            assert callback is print
        self.spent += expected

    @rule()
    def ask_for_the_first(self) -> None:
        assert self.queue.first() is (self.model[0][2] if self.model else None)

    @rule()
    def clear(self) -> None:
        self.queue.clear()
        self.spent += [timer for _, _, timer in self.model]
        self.model.clear()

    @invariant()
    def same_as_the_model(self) -> None:
        assert len(self.queue) == len(self.model)
        assert {id(timer) for timer in self.queue} == {id(entry[2]) for entry in self.model}
        assert not any(timer.pending for timer in self.spent)
        if self.model:
            assert self.queue.soonest <= self.model[0][0], "the hub must not oversleep"


TestAgainstASortedList = Against.TestCase
TestAgainstASortedList.settings = settings(max_examples=50, deadline=None)


@given(st.lists(DEADLINES, max_size=200))
@settings(max_examples=50, deadline=None)
def test_equal_deadlines_fire_in_the_order_they_were_set(deadlines: list[float]) -> None:
    queue = TimerQueue()
    timers = [set_timer(queue, deadline, number) for number, deadline in enumerate(deadlines)]
    expected = sorted(timers, key=lambda timer: timer.deadline)
    assert list(map(id, queue.take_due(10))) == list(map(id, expected))


def test_thousands_of_cancelled_timers_leave_no_trace() -> None:
    """Whatever order they are cancelled in, and though the hub never runs meanwhile."""
    queue = TimerQueue()
    gc.collect()
    before = sum(isinstance(each, Timer) for each in gc.get_objects())
    keep = [set_timer(queue, 1000.0 + number) for number in range(10)]
    orders = [list(range(1000)), list(range(999, -1, -1))]
    orders.append(random.Random(1).sample(range(1000), 1000))
    for order, looks in itertools.product(orders * 2, (True, False)):
        timers = [set_timer(queue, float(number)) for number in range(1000)]
        if looks:
            queue.first()
        for number in order:
            timers[number].cancel()
        del timers
    assert len(queue) == 10
    gc.collect()
    left = sum(isinstance(each, Timer) for each in gc.get_objects()) - before
    assert left < 200, "the dead are cleared away when they outnumber the living"
    assert queue.first() is keep[0]


def test_thousands_of_cancelled_timeouts_cost_no_memory() -> None:
    """Those of many green threads, that overlap: few are the newest when they are cancelled."""

    def work() -> None:
        for _ in range(100):
            with Timeout(60):
                sleep(0)

    def run() -> None:
        for thread in [spawn(work) for _ in range(100)]:
            thread.wait()

    tracemalloc.start()
    try:
        run()
        gc.collect()
        before, first_peak = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        run()
        gc.collect()
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - first_peak < 50_000, "ten thousand more need no more than those before"
    assert after - before < 50_000


def test_a_timer_calls_once_with_its_arguments(virtual_clock: VirtualClock) -> None:
    calls: list[object] = []
    timer = get_hub().call_later(3, lambda *args: calls.append((virtual_clock(), *args)), "x")
    assert timer.pending
    assert timer.deadline == pytest.approx(3)
    sleep(10)
    assert calls == [(pytest.approx(3), "x")]
    assert not timer.pending
    timer.cancel()


def test_a_cancelled_timer_never_calls(virtual_clock: VirtualClock) -> None:
    calls: list[str] = []
    get_hub().call_later(3, calls.append, "x").cancel()
    sleep(10)
    assert calls == []


def test_a_timer_may_cancel_one_that_is_due_at_the_same_time(virtual_clock: VirtualClock) -> None:
    hub = get_hub()
    calls: list[str] = []

    def cancel_the_second() -> None:
        second.cancel()

    hub.call_later(1, cancel_the_second)
    second = hub.call_later(1, calls.append, "second")
    third = hub.call_later(1, calls.append, "third")
    sleep(2)
    assert calls == ["third"]
    assert hub.stats().timers == 0
    assert not second.pending
    assert not third.pending


@pytest.mark.parametrize("when", [0, -5])
def test_a_timer_that_sets_itself_anew_for_ever_starves_nobody(
    virtual_clock: VirtualClock, when: float
) -> None:
    """Not even when it is always due: the clock stands still here."""
    hub = get_hub()
    calls = []

    def again() -> None:
        calls.append(hub.turns)
        timers[0] = hub.call_at(when, again)

    timers = [hub.call_at(when, again)]
    for _ in range(10):
        sleep(0)
    timers[0].cancel()
    assert len(calls) == len(set(calls)) >= 9, "once in a turn"


def test_no_timer_fires_early() -> None:
    hub = get_hub()
    early = []

    def check(deadline: float) -> None:
        if hub.time() < deadline:
            early.append(deadline)

    for number in range(50):
        when = hub.time() + number * 0.0003
        hub.call_at(when, check, when)
    sleep(0.02)
    assert early == []


@pytest.mark.parametrize("seconds", [-1, -0.001, float("nan"), float("-inf")])
def test_impossible_delays_are_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="must be a number of seconds >= 0"):
        get_hub().call_later(seconds, print)


def test_a_point_in_time_must_be_a_number() -> None:
    with pytest.raises(ValueError, match="not nan"):
        get_hub().call_at(float("nan"), print)


def test_a_timer_that_is_never_due_can_be_cancelled() -> None:
    hub = get_hub()
    before = hub.stats().timers
    timers = [hub.call_later(float("inf"), print), hub.call_later(1e12, print)]
    sleep(0.001)
    for timer in timers:
        timer.cancel()
    sleep(0)
    assert hub.stats().timers <= before + 1


def test_a_finalizer_may_cancel_and_set_timers_at_any_moment() -> None:
    """The garbage collector may run one in the middle of the queue's own work."""
    queue = TimerQueue()

    class Owner:
        def __init__(self) -> None:
            self.timers = [set_timer(queue, float(number)) for number in range(5)]
            self.cycle = self

        def __del__(self) -> None:
            for timer in self.timers:
                timer.cancel()
            set_timer(queue, 0.5).cancel()

    threshold = gc.get_threshold()
    gc.set_threshold(50)
    try:
        kept = []
        for number in range(500):
            Owner()
            kept.append(set_timer(queue, 100 + number % 7))
            queue.first()
    finally:
        gc.set_threshold(*threshold)
    gc.collect()
    assert len(queue) == len(kept)
    due = [timer for timer in queue.take_due(1000) if timer.pending]
    assert sorted(map(id, due)) == sorted(map(id, kept))
    assert [timer.deadline for timer in due] == sorted(timer.deadline for timer in due)


def test_it_tells_its_state() -> None:
    timer = get_hub().call_at(12.5, print)
    assert repr(timer) == "<Timer at 12.500000 calls <built-in function print>>"
    timer.cancel()
    assert repr(timer) == "<Timer at 12.500000 spent>"
