"""Greenlets that wait in the hub: who wakes them, and what must not."""

from __future__ import annotations

import pytest
from greenlet import getcurrent as getgreenlet
from greenlet import greenlet

from eventlet.hub import Timeout, Waiter, get_hub, getcurrent, kill, move_on_after, sleep, spawn
from eventlet.hub.testing import VirtualClock, wait_until_idle

pytestmark = pytest.mark.usefixtures("no_leaks")


def test_a_greenlet_made_by_hand_can_wait() -> None:
    done = []

    def wait() -> None:
        sleep(0.001)
        done.append(getcurrent())

    bare = greenlet(wait)
    bare.switch()
    while not bare.dead:
        sleep(0.001)
    assert done == [bare]


def test_a_child_that_ends_does_not_wake_its_parked_parent() -> None:
    waiter: Waiter[str] = Waiter()
    child_is_done = []

    def run() -> str:
        me = getgreenlet()

        def child() -> None:
            me.switch()
            sleep(0)
            child_is_done.append(True)

        bare = greenlet(child)
        bare.switch()
        get_hub().call_soon(bare.switch)
        return waiter.wait()

    thread = spawn(run)
    wait_until_idle()
    assert child_is_done
    assert not thread.dead
    waiter.switch("awake")
    assert thread.wait() == "awake"


def test_a_child_that_ends_does_not_shorten_its_parents_sleep(virtual_clock: VirtualClock) -> None:
    def run() -> float:
        me = getgreenlet()

        def child() -> None:
            me.switch()
            sleep(1)

        bare = greenlet(child)
        bare.switch()
        get_hub().call_soon(bare.switch)
        sleep(10)
        assert bare.dead
        return virtual_clock()

    assert spawn(run).wait() == pytest.approx(10)


def test_a_child_that_ends_does_not_bring_forward_its_parents_turn() -> None:
    """As if `sleep(0)` were a wait: all that are ready run once before it returns."""
    order = []

    def run() -> None:
        bare = greenlet(lambda: order.append("child"))
        get_hub().ready.append(bare)  # as a wake-up does
        spawn(order.append, "other")
        sleep(0)
        order.append("parent")

    spawn(run).wait()
    assert sorted(order[:2]) == ["child", "other"]
    assert order[2:] == ["parent"]


def test_a_child_that_fails_ends_its_parents_turn() -> None:
    def run() -> str:
        def fail() -> None:
            raise LookupError("child")

        get_hub().ready.append(greenlet(fail))
        with pytest.raises(LookupError):
            sleep(0)
        return "goes on" if getgreenlet() not in get_hub().ready else "is queued twice"

    assert spawn(run).wait() == "goes on"


def test_the_failure_of_a_child_arrives_in_its_parked_parent() -> None:
    waiter: Waiter[None] = Waiter()

    def run() -> None:
        me = getgreenlet()

        def child() -> None:
            me.switch()
            raise LookupError("child")

        bare = greenlet(child)
        bare.switch()
        get_hub().call_soon(bare.switch)
        with pytest.raises(LookupError, match="child"):
            waiter.wait()
        assert not waiter.switch(), "nobody waits there any more"
        sleep(0.001)

    spawn(run).wait()


def test_a_callback_may_switch_to_a_greenlet_that_waits() -> None:
    hub = get_hub()
    order = []

    def work() -> None:
        order.append("begins")
        sleep(0.001)
        order.append("ends")

    hub.call_soon(lambda: greenlet(work).switch())
    hub.call_soon(order.append, "next callback")
    while len(order) < 3:
        sleep(0.001)
    assert order == ["begins", "next callback", "ends"]


@pytest.mark.parametrize("how", ["call_soon", "call_later"])
def test_all_callbacks_of_one_turn_may_switch_to_greenlets_that_wait(how: str) -> None:
    hub = get_hub()
    greenlets: list[greenlet] = []

    def wait() -> object:
        greenlets.append(getgreenlet())
        return hub.switch()

    threads = [spawn(wait) for _ in range(3)]
    sleep(0)
    for number, each in enumerate(greenlets):
        if how == "call_soon":
            hub.call_soon(each.switch, number)
        else:
            hub.call_later(0, each.switch, number)
    assert {thread.wait(5) for thread in threads} == {0, 1, 2}


def test_the_hub_is_idle_again_after_a_greenlet_that_was_made_in_a_callback() -> None:
    hub = get_hub()
    hub.call_soon(lambda: greenlet(sleep).switch(0.001))
    sleep(0.01)
    turns = hub.turns
    sleep(0.05)
    assert hub.turns - turns < 20


def test_the_failure_of_a_greenlet_that_was_made_in_a_callback_is_reported(
    failures: list[BaseException],
) -> None:
    def fail() -> None:
        sleep(0.001)
        raise LookupError("bare")

    get_hub().call_soon(lambda: greenlet(fail).switch())
    while not failures:
        sleep(0.001)
    assert [str(error) for error in failures] == ["bare"]
    assert spawn(lambda: 1).wait() == 1


def test_a_bare_greenlet_that_waits_can_be_killed() -> None:
    caught = []

    def work() -> None:
        try:
            sleep(60)
        except LookupError as error:
            caught.append(error)

    bare = greenlet(work)
    get_hub().call_soon(bare.switch)
    wait_until_idle()
    kill(bare, LookupError, "enough")
    assert bare.dead
    assert [str(error) for error in caught] == ["enough"]
    kill(bare)


def test_killing_a_bare_greenlet_that_never_waited_is_an_error() -> None:
    bare = greenlet(lambda: None)
    with pytest.raises(TypeError, match="never waited in a hub"):
        kill(bare)
    with pytest.raises(TypeError, match="not 'x'"):
        kill("x")  # type: ignore[arg-type]  # that is the point
    with pytest.raises(LookupError):
        kill(getgreenlet(), LookupError)


def test_an_exception_thrown_by_hand_leaves_nothing_parked() -> None:
    waiter: Waiter[str] = Waiter()
    greenlets = []

    def work() -> str:
        greenlets.append(getgreenlet())
        with pytest.raises(LookupError):
            waiter.wait(60)
        return Waiter[str]().wait(0.001)

    thread = spawn(work)
    sleep(0)
    get_hub().call_soon(greenlets[0].throw, LookupError("by hand"))
    with pytest.raises(TimeoutError):
        thread.wait()
    assert not waiter.switch("too late")


def test_what_resumes_a_green_thread_by_hand_is_not_a_wake_up() -> None:
    waiter: Waiter[str] = Waiter()
    greenlets = []

    def work() -> str:
        greenlets.append(getgreenlet())
        return waiter.wait()

    thread = spawn(work)
    sleep(0)
    get_hub().call_soon(greenlets[0].switch, "nonsense")
    wait_until_idle()
    assert not thread.dead
    waiter.switch("sense")
    assert thread.wait() == "sense"


def test_many_waits_with_a_timeout_need_one_timer() -> None:
    hub = get_hub()
    before = hub.stats().timers
    for _ in range(1000):
        waiter: Waiter[None] = Waiter()
        hub.call_soon(waiter.switch)
        waiter.wait(60)
    assert hub.stats().timers <= before + 1


def test_a_deadline_may_move_in_both_directions(virtual_clock: VirtualClock) -> None:
    ends = []

    def work() -> None:
        for seconds in (10, 1, 5, 0.5, 20):
            with pytest.raises(TimeoutError):
                Waiter[None]().wait(seconds)
            ends.append(virtual_clock())

    spawn(work).wait()
    assert ends == pytest.approx([10, 11, 16, 16.5, 36.5])


def test_an_alarm_of_a_former_wait_rings_for_nobody(virtual_clock: VirtualClock) -> None:
    def work() -> float:
        first: Waiter[None] = Waiter()
        get_hub().call_later(1, first.switch)
        first.wait(5)
        second: Waiter[None] = Waiter()
        get_hub().call_later(100, second.switch)
        second.wait()
        return virtual_clock()

    assert spawn(work).wait() == pytest.approx(101)


def test_an_early_alarm_is_set_anew(virtual_clock: VirtualClock) -> None:
    def work() -> None:
        first: Waiter[None] = Waiter()
        get_hub().call_later(1, first.switch)
        first.wait(5)
        sleep(10)

    thread = spawn(work)
    thread.wait()
    assert virtual_clock() == pytest.approx(11)


def test_who_was_woken_before_the_time_was_up_is_not_timed_out(
    virtual_clock: VirtualClock,
) -> None:
    waiter: Waiter[str] = Waiter()
    thread = spawn(waiter.wait, 5)
    sleep(0)
    get_hub().call_at(5, waiter.switch, "in time")
    # The waiter's alarm is due at the same moment, but was set before.
    with pytest.raises(TimeoutError):
        thread.wait()
    waiter = Waiter()
    get_hub().call_at(10, waiter.switch, "in time")
    assert waiter.wait(10 - virtual_clock()) == "in time"


def test_a_sleep_is_not_shortened_by_what_a_shield_holds_back(virtual_clock: VirtualClock) -> None:
    def work() -> float:
        with move_on_after(100, shield=True):
            sleep(10)
        return virtual_clock()

    thread = spawn(work)
    sleep(1)
    thread.throw()
    assert thread.wait() == pytest.approx(10)


def test_simultaneous_timeouts_of_one_sleep_are_told_apart(virtual_clock: VirtualClock) -> None:
    with pytest.raises(Timeout) as caught, Timeout(1) as outer, Timeout(1):
        sleep(5)
    assert caught.value is outer
    assert virtual_clock() == pytest.approx(1)
