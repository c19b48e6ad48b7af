from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from greenlet import greenlet

from eventlet import coros, hub
from eventlet.hub import testing


@pytest.fixture(params=["default", "lock", "rlock", "foreign"])
def condition(request: pytest.FixtureRequest) -> coros.Condition:
    if request.param == "lock":
        return coros.Condition(coros.Lock())
    if request.param == "rlock":
        return coros.Condition(coros.RLock())
    if request.param == "foreign":
        return coros.Condition(coros.Semaphore(1))
    return coros.Condition()


def waiting(condition: coros.Condition, timeout: float | None = None) -> hub.GreenThread[bool]:
    def wait() -> bool:
        with condition:
            return condition.wait(timeout)

    return hub.spawn(wait)


@pytest.mark.in_order
def test_notify_wakes_in_order(condition: coros.Condition) -> None:
    log: list[int] = []

    def wait(number: int) -> None:
        with condition:
            assert condition.wait()
            log.append(number)

    threads = [hub.spawn(wait, number) for number in range(5)]
    testing.wait_until_idle()
    assert condition.waiting() == 5
    with condition:
        condition.notify()
    testing.wait_until_idle()
    assert log == [0]
    with condition:
        condition.notify(2)
        condition.notify(0)
    testing.wait_until_idle()
    assert log == [0, 1, 2]
    with condition:
        condition.notify_all()
        condition.notify()
    for thread in threads:
        thread.wait()
    assert log == [0, 1, 2, 3, 4]


def test_wait_times_out_with_the_lock_held(condition: coros.Condition) -> None:
    with condition:
        assert condition.wait(0) is False
        assert condition.wait(-1) is False
        assert condition._is_owned()
    assert condition.waiting() == 0


def test_wait_for(condition: coros.Condition) -> None:
    state = 0

    def wait() -> Any:
        with condition:
            return condition.wait_for(lambda: state >= 2 and "there")

    waiter = hub.spawn(wait)
    for _ in range(2):
        testing.wait_until_idle()
        with condition:
            state += 1
            condition.notify_all()
    assert waiter.wait() == "there"
    with condition:
        assert condition.wait_for(lambda: 0, timeout=0.01) == 0


def test_the_lock_is_needed(condition: coros.Condition) -> None:
    for call in (condition.wait, condition.notify, condition.notify_all):
        with pytest.raises(coros.NotAcquired, match="needs the lock"):
            call()
    assert not condition._is_owned()


def test_bad_arguments(condition: coros.Condition) -> None:
    with condition:
        with pytest.raises(ValueError, match="timeout"):
            condition.wait(float("nan"))
        with pytest.raises(ValueError, match="n must be"):
            condition.notify(-1)
        assert condition.waiting() == 0


def test_a_killed_waiter_takes_the_lock_again_first(condition: coros.Condition) -> None:
    log: list[str] = []

    def wait() -> None:
        with condition:
            try:
                condition.wait()
            finally:
                log.append("held" if condition._is_owned() else "not held")

    killed = hub.spawn(wait)
    testing.wait_until_idle()
    with condition:
        killed.throw()
        if not isinstance(condition._lock, coros.Semaphore):
            killed.throw(KeyError)
        testing.wait_until_idle()
        assert not log
    with pytest.raises(hub.GreenletExit):
        killed.wait()
    assert log == ["held"]
    with condition:
        pass


def test_a_notification_is_not_lost_with_a_killed_waiter(condition: coros.Condition) -> None:
    killed, other = waiting(condition), waiting(condition)
    testing.wait_until_idle()
    with condition:
        killed.throw()
        condition.notify()
    assert other.wait()


def test_an_exception_thrown_past_the_hub(condition: coros.Condition) -> None:
    def wait() -> None:
        with condition:
            condition.wait()

    bare = greenlet(wait)
    hub.get_hub().call_soon(bare.switch)
    testing.wait_until_idle()
    with condition:
        condition.notify()
    with pytest.raises(KeyError):
        bare.throw(KeyError)
    with condition:
        assert condition.waiting() == 0


def test_a_recursive_lock_is_released_altogether() -> None:
    condition = coros.Condition()

    def wait() -> bool:
        with condition, condition:
            return condition.wait()

    waiter = hub.spawn(wait)
    testing.wait_until_idle()
    with condition:
        condition.notify()
    assert waiter.wait()
    assert "count=0" in repr(condition)


def test_a_lock_that_cannot_be_released() -> None:
    class Stuck:
        def acquire(self, blocking: bool = True) -> bool:
            return blocking

        def release(self) -> None:
            raise OSError("stuck")

    condition = coros.Condition(Stuck())
    with pytest.raises(OSError, match="stuck"):
        condition.wait()
    assert condition.waiting() == 0


def test_after_a_fork_it_is_new() -> None:
    condition = coros.Condition()
    waiter = waiting(condition)
    testing.wait_until_idle()
    condition.acquire()
    condition._at_fork_reinit()
    assert condition.waiting() == 0
    assert condition.acquire(False)
    condition.release()
    waiter.kill()


def test_native_threads(run_native: Callable[..., list[Any]]) -> None:
    condition = coros.Condition()
    items: list[int] = []
    got: list[int] = []
    lock = threading.Lock()

    def consume() -> None:
        for _ in range(50):
            with condition:
                condition.wait_for(lambda: items)
                item = items.pop(0)
            with lock:
                got.append(item)

    def consume_in_a_hub() -> None:
        for thread in [hub.spawn(consume) for _ in range(2)]:
            thread.wait()

    def produce() -> None:
        for i in range(200):
            with condition:
                items.append(i)
                condition.notify()

    run_native(consume, consume, consume_in_a_hub, produce)
    assert sorted(got) == list(range(200))
