from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from eventlet import coros, hub
from eventlet.hub import testing

AnyLock = coros.Lock | coros.RLock


@pytest.fixture(params=[coros.Lock, coros.RLock])
def lock(request: pytest.FixtureRequest) -> AnyLock:
    made: AnyLock = request.param()
    return made


@pytest.mark.in_order
def test_one_at_a_time_in_order(lock: AnyLock) -> None:
    log: list[int] = []

    def use(number: int) -> None:
        with lock:
            log.append(number)
            hub.sleep(0)
            assert log[-1] == number

    threads = [hub.spawn(use, number) for number in range(5)]
    for thread in threads:
        thread.wait()
    assert log == [0, 1, 2, 3, 4]
    assert not lock.locked()


def test_acquire_without_waiting(lock: AnyLock) -> None:
    assert lock.acquire(False)
    assert lock.locked()
    taker = hub.spawn(lambda: (lock.acquire(blocking=False), lock.acquire(timeout=0)))
    assert taker.wait() == (False, False)
    lock.release()
    assert lock.acquire(timeout=5)
    lock.release()
    assert lock.acquire(True, -1)


def test_release_without_acquire(lock: AnyLock) -> None:
    for _ in range(2):
        with pytest.raises(coros.NotAcquired) as caught:
            lock.release()
        assert isinstance(caught.value, RuntimeError)
    assert lock.acquire(False)


def test_a_killed_waiter_leaves_the_lock_to_the_next(lock: AnyLock) -> None:
    lock.acquire()

    def use() -> bool:
        with lock:
            return True

    killed, other = hub.spawn(use), hub.spawn(use)
    testing.wait_until_idle()
    killed.throw()
    lock.release()
    assert other.wait()
    assert not lock.locked()


def test_a_kill_after_the_hand_over(lock: AnyLock) -> None:
    lock.acquire()

    def use() -> None:
        with lock:
            hub.sleep(0)

    killed = hub.spawn(use)
    testing.wait_until_idle()
    lock.release()
    killed.throw()
    with pytest.raises(hub.GreenletExit):
        killed.wait()
    assert not lock.locked()


def test_bad_timeouts(lock: AnyLock) -> None:
    with lock:
        thread = hub.spawn(lock.acquire, timeout=-5)
        with pytest.raises(ValueError, match="timeout"):
            thread.wait()
        with pytest.raises(ValueError, match="blocking=False"):
            lock.acquire(False, 1)
        with pytest.raises(OverflowError, match="too large"):
            lock.acquire(timeout=1e100)


def test_after_a_fork_it_is_new(lock: AnyLock) -> None:
    lock.acquire()
    hub.spawn(lock.acquire).cancel()
    lock._at_fork_reinit()
    assert not lock.locked()
    assert lock.acquire(False)


def test_a_lock_may_be_released_by_another() -> None:
    lock = coros.Lock()
    lock.acquire()
    hub.spawn(lock.release).wait()
    assert not lock.locked()
    assert "<unlocked" in repr(lock)


def test_the_old_names() -> None:
    lock = coros.Lock()
    assert lock.acquire_lock()
    assert lock.locked_lock()
    lock.release_lock()
    assert not lock.locked()


def test_an_rlock_is_reentrant() -> None:
    lock = coros.RLock()
    with lock, lock:
        assert lock.acquire(False)
        assert lock._recursion_count() == 3
        assert lock._is_owned()
        lock.release()
        assert not hub.spawn(lock.acquire, False).wait()
        assert hub.spawn(lock._recursion_count).wait() == 0
    assert "count=0" in repr(lock)
    with pytest.raises(coros.NotAcquired):
        lock._release_save()


def test_an_rlock_is_released_only_by_its_owner() -> None:
    lock = coros.RLock()
    lock.acquire()
    with pytest.raises(coros.NotAcquired, match="isn't this green thread's"):
        hub.spawn(lock.release).wait()
    lock.release()


def test_an_owner_is_a_green_thread_not_a_carrier() -> None:
    lock = coros.RLock()
    hub.spawn(lock.acquire).wait()
    assert not hub.spawn(lock.acquire, False).wait()


@pytest.mark.parametrize("kind", [coros.Lock, coros.RLock])
def test_native_threads_exclude_each_other(
    kind: type[AnyLock], run_native: Callable[..., list[Any]]
) -> None:
    lock = kind()
    count = 0

    def work() -> None:
        nonlocal count
        for i in range(150):
            with lock:
                before = count
                if i % 20 == 0:
                    hub.sleep(0)
                count = before + 1

    def many() -> None:
        for thread in [hub.spawn(work) for _ in range(2)]:
            thread.wait()

    run_native(work, many, work)
    assert count == 4 * 150
    assert not lock.locked()


def test_a_native_lock_is_not_mistaken() -> None:
    assert not isinstance(threading.Lock(), coros.Lock)
