from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from greenlet import greenlet

from eventlet import coros, hub
from eventlet.hub import testing

Either = coros.Semaphore | coros.BoundedSemaphore


@pytest.fixture(params=["plain", "bounded"])
def make(request: pytest.FixtureRequest) -> Callable[[int], Either]:
    if request.param == "plain":
        return coros.Semaphore
    return lambda count: coros.BoundedSemaphore(count, 10)


def test_acquire_takes_what_is_there(make: Callable[[int], Either]) -> None:
    semaphore = make(2)
    assert semaphore.balance == 2
    assert not semaphore.locked()
    assert semaphore.acquire()
    assert semaphore.acquire(blocking=False)
    assert semaphore.locked()
    assert not semaphore.acquire(blocking=False)
    assert not semaphore.acquire(timeout=0)
    assert semaphore.balance == 0


@pytest.mark.in_order
def test_waiters_are_served_in_order(make: Callable[[int], Either]) -> None:
    semaphore = make(0)
    log: list[int] = []

    def take(number: int) -> None:
        semaphore.acquire()
        log.append(number)

    threads = [hub.spawn(take, number) for number in range(5)]
    testing.wait_until_idle()
    assert semaphore.balance == -5
    assert semaphore.waiting() == 5
    for _ in range(5):
        assert semaphore.release()
    for thread in threads:
        thread.wait()
    assert log == [0, 1, 2, 3, 4]
    assert semaphore.balance == 0


def test_a_newcomer_does_not_overtake(make: Callable[[int], Either]) -> None:
    semaphore = make(0)
    waiter = hub.spawn(semaphore.acquire)
    testing.wait_until_idle()
    semaphore.release()
    assert not semaphore.acquire(blocking=False)
    assert waiter.wait()


def test_context_manager(make: Callable[[int], Either]) -> None:
    semaphore = make(1)
    with semaphore:
        assert semaphore.locked()
    assert semaphore.balance == 1
    with pytest.raises(KeyError), semaphore:
        raise KeyError
    assert semaphore.balance == 1


def test_a_context_manager_calls_what_is_overridden() -> None:
    log: list[str] = []

    class Mine(coros.Semaphore):
        def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
            log.append("acquire")
            return super().acquire(blocking, timeout)

        def release(self, blocking: bool = True) -> bool:
            log.append("release")
            return super().release(blocking)

    mine = Mine(1)
    waiter = None
    with mine:
        waiter = hub.spawn(mine.__enter__)
        testing.wait_until_idle()
    waiter.wait()
    assert log == ["acquire", "acquire", "release"]


@pytest.mark.parametrize("enter", ["acquire", "__enter__"])
def test_a_killed_waiter_takes_no_permit(make: Callable[[int], Either], enter: str) -> None:
    semaphore = make(0)
    killed, other = hub.spawn(getattr(semaphore, enter)), hub.spawn(semaphore.acquire)
    testing.wait_until_idle()
    killed.throw()
    semaphore.release()
    assert other.wait()
    with pytest.raises(hub.GreenletExit):
        killed.wait()
    assert semaphore.balance == 0


def test_a_kill_after_the_release_comes_too_late(make: Callable[[int], Either]) -> None:
    semaphore = make(0)

    def work() -> None:
        with semaphore:
            hub.sleep(0)

    killed = hub.spawn(work)
    testing.wait_until_idle()
    semaphore.release()
    killed.throw()
    with pytest.raises(hub.GreenletExit):
        killed.wait()
    assert semaphore.balance == 1


def test_a_timeout_in_the_round_of_the_release(make: Callable[[int], Either]) -> None:
    semaphore = make(0)
    waiters = [hub.spawn(semaphore.acquire, timeout=0.01) for _ in range(3)]
    testing.wait_until_idle()
    hub.get_hub().call_later(0.01, semaphore.release)
    got = [waiter.wait() for waiter in waiters]
    assert semaphore.balance == 1 - sum(got)
    assert semaphore.waiting() == 0


@pytest.mark.parametrize("enter", ["acquire", "__enter__"])
def test_exceptions_thrown_past_the_hub(make: Callable[[int], Either], enter: str) -> None:
    semaphore = make(0)
    bare = greenlet(getattr(semaphore, enter))
    hub.get_hub().call_soon(bare.switch)
    testing.wait_until_idle()
    assert semaphore.waiting() == 1
    semaphore.release()
    with pytest.raises(KeyError):
        bare.throw(KeyError)
    assert semaphore.balance == 1


def test_bad_arguments(make: Callable[[int], Either]) -> None:
    semaphore = make(0)
    for timeout in (-1, float("nan")):
        with pytest.raises(ValueError, match="timeout"):
            semaphore.acquire(timeout=timeout)
    with pytest.raises(ValueError, match="blocking=False"):
        semaphore.acquire(blocking=False, timeout=1)
    for count in (-1, -(10**9)):
        with pytest.raises(ValueError, match="at least 0"):
            make(count)
    for wrong in (True, 1.0, float("nan"), "1", None):
        with pytest.raises(TypeError, match="whole number"):
            make(wrong)  # type: ignore[arg-type]
    assert semaphore.balance == 0


def test_a_semaphore_is_not_bounded() -> None:
    semaphore = coros.Semaphore()
    assert not semaphore.bounded()
    assert semaphore.release(blocking=False)
    assert semaphore.balance == 1
    assert "balance 1" in repr(semaphore)


def test_a_huge_count_costs_nothing() -> None:
    semaphore = coros.Semaphore(10**12)
    assert semaphore.balance == 10**12
    for _ in range(5000):
        assert semaphore.acquire(blocking=False)
    assert semaphore.acquire()
    assert semaphore.balance == 10**12 - 5001
    assert not semaphore.locked()


def test_a_huge_limit_costs_nothing() -> None:
    semaphore = coros.BoundedSemaphore(0, 10**12)
    for _ in range(5000):
        assert semaphore.release(blocking=False)
    assert semaphore.release()
    assert semaphore.balance == 5001


def test_a_bounded_one_makes_release_wait() -> None:
    semaphore = coros.BoundedSemaphore(1, 1)
    assert semaphore.bounded()
    assert not semaphore.release(blocking=False)
    assert not semaphore.release(timeout=0)
    releaser = hub.spawn(semaphore.release)
    testing.wait_until_idle()
    assert not releaser.dead
    assert semaphore.balance == 2
    assert semaphore.acquire()
    assert releaser.wait()
    assert semaphore.acquire(blocking=False)
    assert semaphore.locked()
    assert "limit 1" in repr(semaphore)
    with pytest.raises(ValueError, match="blocking=False"):
        semaphore.release(blocking=False, timeout=1)


def test_a_killed_release_gives_nothing() -> None:
    semaphore = coros.BoundedSemaphore(1, 1)
    releaser = hub.spawn(semaphore.release)
    testing.wait_until_idle()
    releaser.throw()
    assert semaphore.acquire()
    assert not semaphore.acquire(blocking=False)
    with pytest.raises(hub.GreenletExit):
        releaser.wait()


def test_a_limit_of_zero_is_a_rendezvous() -> None:
    semaphore = coros.semaphore(0, 0)
    acquirer = hub.spawn(semaphore.acquire)
    testing.wait_until_idle()
    semaphore.release()
    assert acquirer.wait()
    releaser = hub.spawn(semaphore.release)
    testing.wait_until_idle()
    assert not releaser.dead
    assert semaphore.acquire()
    assert releaser.wait()
    assert not semaphore.acquire(blocking=False)


def test_the_count_must_not_exceed_the_limit() -> None:
    with pytest.raises(ValueError, match="count 3 is above the limit 2"):
        coros.BoundedSemaphore(3, 2)


def test_the_factory_chooses() -> None:
    assert type(coros.semaphore()) is coros.Semaphore
    assert type(coros.semaphore(1)) is coros.Semaphore
    assert type(coros.semaphore(1, 2)) is coros.BoundedSemaphore


def test_native_threads_never_exceed_the_count(run_native: Callable[..., list[Any]]) -> None:
    semaphore = coros.Semaphore(2)
    inside = 0
    most = 0
    lock = threading.Lock()

    def work() -> int:
        nonlocal inside, most
        for i in range(150):
            with semaphore:
                with lock:
                    inside += 1
                    most = max(most, inside)
                if i % 10 == 0:
                    hub.sleep(0)
                with lock:
                    inside -= 1
        return 1

    def hub_full_of_work() -> int:
        return sum(thread.wait() for thread in [hub.spawn(work) for _ in range(3)])

    assert sum(run_native(work, hub_full_of_work, work, hub_full_of_work)) == 8
    assert most <= 2
    assert semaphore.balance == 2


def test_native_threads_that_time_out_leak_no_permit(run_native: Callable[..., list[Any]]) -> None:
    semaphore = coros.Semaphore(1)

    def work() -> int:
        got = 0
        for _ in range(150):
            if semaphore.acquire(timeout=0.0002):
                got += 1
                hub.sleep(0.0002)
                semaphore.release()
        return got

    assert sum(run_native(work, work, work, work)) > 0
    assert semaphore.balance == 1
    assert semaphore.waiting() == 0
