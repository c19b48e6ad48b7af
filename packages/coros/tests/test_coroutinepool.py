from __future__ import annotations

import gc
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest

from eventlet import coros, hub
from eventlet.hub import testing


def test_execute_returns_a_waiter() -> None:
    pool = coros.CoroutinePool()
    waiters = [pool.execute(pow, 2, i) for i in range(10)]
    assert [waiter.wait() for waiter in waiters] == [2**i for i in range(10)]
    assert pool.execute(dict, a=1).wait() == {"a": 1}
    assert pool.execute_async(int, "5").wait() == 5


def test_no_more_than_max_size_run() -> None:
    pool = coros.CoroutinePool(max_size=3)
    most = 0

    def work() -> None:
        nonlocal most
        most = max(most, pool.running())
        hub.sleep(0)

    for _ in range(20):
        pool.execute(work)
    pool.wait_all()
    assert most == 3
    assert pool.current_size == pool.running() == 0
    assert pool.free() == pool.max_size == 3


def test_execute_waits_while_the_pool_is_full() -> None:
    pool = coros.CoroutinePool(max_size=1)
    gate: coros.Event[None] = coros.Event()
    pool.execute(gate.wait)
    blocked = hub.spawn(pool.execute, int)
    testing.wait_until_idle()
    assert pool.waiting() == 1
    assert pool.free() == 0
    assert "1 of 1 running, 1 waiting" in repr(pool)
    gate.send()
    assert blocked.wait().wait() == 0


def test_a_killed_execute_takes_no_place() -> None:
    pool = coros.CoroutinePool(max_size=1)
    gate: coros.Event[None] = coros.Event()
    pool.execute(gate.wait)
    blocked = hub.spawn(pool.execute, int)
    testing.wait_until_idle()
    blocked.throw()
    gate.send()
    pool.wait_all()
    assert pool.free() == 1


def test_a_worker_killed_before_it_begins_gives_its_place_back() -> None:
    pool = coros.CoroutinePool(max_size=1)
    pool.execute(int).kill()
    assert pool.execute(int).wait() == 0
    pool.wait_all()
    assert pool.free() == 1


def test_failures_reach_who_waits(failures: list[BaseException]) -> None:
    pool = coros.CoroutinePool()
    with pytest.raises(ZeroDivisionError):
        pool.execute(divmod, 1, 0).wait()
    pool.wait_all()
    assert not failures


def test_failures_that_nobody_waits_for_reach_the_hook(failures: list[BaseException]) -> None:
    pool = coros.CoroutinePool()
    pool.execute(divmod, 1, 0)
    pool.wait_all()
    testing.wait_until_idle()
    assert [type(failure) for failure in failures] == [ZeroDivisionError]
    assert pool.free() == 4


def test_executing_from_inside_a_full_pool() -> None:
    pool = coros.CoroutinePool(max_size=1)

    def work(depth: int) -> int:
        if not depth:
            return 0
        inner = pool.execute(work, depth - 1)
        assert inner.dead
        return 1 + inner.wait()

    assert pool.execute(work, 5).wait() == 5
    pool.wait_all()
    assert pool.free() == 1


def test_a_failure_inside_is_kept_for_who_waits(failures: list[BaseException]) -> None:
    pool = coros.CoroutinePool(max_size=1)

    def work() -> str:
        inner = pool.execute(divmod, 1, 0)
        assert isinstance(inner.exception, ZeroDivisionError)
        pool.execute(int, "x")
        return "done"

    assert pool.execute(work).wait() == "done"
    testing.wait_until_idle()
    assert [type(failure) for failure in failures] == [ValueError]


def test_a_worker_killed_while_it_runs_another_inside() -> None:
    pool = coros.CoroutinePool(max_size=1)
    inner: list[str] = []

    def nested() -> None:
        try:
            hub.sleep(1000)
        except hub.GreenletExit:
            inner.append("killed")
            raise

    outer = pool.execute(lambda: pool.execute(nested))
    testing.wait_until_idle()
    outer.kill()
    pool.wait_all()
    testing.wait_until_idle()
    assert inner == ["killed"]
    assert pool.running() == 0
    assert pool.free() == 1


def test_tracked_results_come_as_they_end() -> None:
    pool = coros.CoroutinePool(max_size=3, track_events=True)

    def work(rounds: int) -> int:
        for _ in range(rounds):
            hub.sleep(0)
        return rounds

    for rounds in (5, 1, 3):
        pool.execute(work, rounds)
    assert [pool.wait() for _ in range(3)] == [1, 3, 5]
    with pytest.raises(TimeoutError):
        pool.wait(0)
    pool.execute(divmod, 1, 0)
    with pytest.raises(ZeroDivisionError):
        pool.wait()


def test_tracked_results_from_inside() -> None:
    pool = coros.CoroutinePool(max_size=1, track_events=True)
    pool.execute(lambda: pool.execute(int, "3").wait() + 1)
    assert [pool.wait(), pool.wait()] == [3, 4]


def test_results_are_kept_only_when_asked_for() -> None:
    with pytest.raises(coros.Misuse, match="track_events=True"):
        coros.CoroutinePool().wait()


def test_wait_all() -> None:
    pool = coros.CoroutinePool(max_size=2)
    pool.wait_all()
    gate: coros.Event[None] = coros.Event()
    pool.execute(gate.wait)
    for wait in (pool.wait_all, pool.waitall):
        with pytest.raises(TimeoutError, match="still at work after 0 seconds"):
            wait(0)
    waiters = [hub.spawn(pool.wait_all) for _ in range(2)]
    testing.wait_until_idle()
    gate.send()
    for waiter in waiters:
        waiter.wait()


def test_wait_all_covers_executes_that_wait_for_room() -> None:
    pool = coros.CoroutinePool(max_size=1)
    log: list[int] = []
    blocked = [hub.spawn(pool.execute, log.append, i) for i in range(5)]
    testing.wait_until_idle()
    pool.wait_all()
    assert sorted(log) == [0, 1, 2, 3, 4]
    for each in blocked:
        each.wait()


def test_a_worker_cannot_wait_for_all() -> None:
    pool = coros.CoroutinePool()
    with pytest.raises(coros.Misuse, match="cannot wait for all"):
        pool.execute(pool.wait_all).wait()


def test_killall() -> None:
    pool = coros.CoroutinePool(max_size=3)
    threads = [pool.execute(hub.sleep, 1000) for _ in range(3)]
    testing.wait_until_idle()
    pool.killall()
    pool.wait_all()
    for thread in threads:
        with pytest.raises(hub.GreenletExit):
            thread.wait()
    threads = [pool.execute(hub.sleep, 1000)]
    testing.wait_until_idle()
    pool.killall(KeyError("k"))
    with pytest.raises(KeyError):
        threads[0].wait()


def test_killall_from_a_worker() -> None:
    pool = coros.CoroutinePool(max_size=2)
    other = pool.execute(hub.sleep, 1000)
    worker = pool.execute(pool.killall)
    pool.wait_all()
    for thread in (other, worker):
        with pytest.raises(hub.GreenletExit):
            thread.wait()


def test_killall_from_the_hub() -> None:
    pool = coros.CoroutinePool(max_size=2)
    worker = pool.execute(hub.sleep, 1000)
    testing.wait_until_idle()
    hub.get_hub().call_soon(pool.killall)
    pool.wait_all()
    with pytest.raises(hub.GreenletExit):
        worker.wait()


def test_launch_all_and_process_all() -> None:
    pool = coros.CoroutinePool(max_size=2)
    log: list[int] = []
    pool.process_all(lambda a, b: log.append(a + b), [(i, 1) for i in range(5)])
    assert sorted(log) == [1, 2, 3, 4, 5]
    pool.launch_all(log.append, [(9,)])
    pool.wait_all()
    assert log[-1] == 9


def test_resize() -> None:
    pool = coros.CoroutinePool(max_size=1)
    gate: coros.Event[None] = coros.Event()
    pool.execute(gate.wait)
    blocked = hub.spawn(lambda: [pool.execute(gate.wait) for _ in range(4)])
    testing.wait_until_idle()
    assert pool.running() == 1
    pool.resize(4)
    testing.wait_until_idle()
    assert pool.running() == 4
    assert pool.free() == 0
    pool.resize(2)
    assert pool.free() == -2
    assert pool.max_size == 2
    pool.resize(3)
    assert pool.free() == -1
    gate.send()
    blocked.wait()
    pool.wait_all()
    assert pool.free() == 3
    pool.resize(0)
    assert pool.free() == 0
    pool.resize(5000)
    assert pool.free() == 5000
    pool.resize(1)
    assert pool.free() == 1
    assert pool.execute(int).wait() == 0


def test_a_worker_of_another_native_thread_makes_room(
    run_native: Callable[..., list[Any]],
) -> None:
    pool = coros.CoroutinePool(max_size=1)
    gate: coros.Event[None] = coros.Event()
    started = threading.Event()

    def fill() -> None:
        worker = pool.execute(gate.wait)
        testing.wait_until_idle()
        started.set()
        worker.wait()

    def wait_for_room() -> int:
        started.wait()
        hub.get_hub().call_later(0.01, gate.send)
        return pool.execute(int, "7").wait()

    assert run_native(fill, wait_for_room) == [None, 7]


def test_nothing_is_left_of_tasks_that_have_ended() -> None:
    pool = coros.CoroutinePool(max_size=10)

    def run(tasks: int) -> int:
        for _ in range(tasks):
            pool.execute(int)
        pool.wait_all()
        testing.wait_until_idle()
        gc.collect()
        return len(gc.get_objects())

    before = run(2000)
    assert run(20_000) < before + 500


def test_memory_is_flat_over_a_million_tasks() -> None:
    # In a process of its own, where nothing measures each line: two seconds of work.
    script = """
import sys
from eventlet import coros

pool = coros.CoroutinePool(max_size=100)

def run(tasks):
    for _ in range(tasks):
        pool.execute(int)
    pool.wait_all()
    return sys.getallocatedblocks()

before = run(20_000)
print(run(1_000_000) - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=50, check=False
    )
    assert not done.stderr
    # A single object kept from each thousandth task would be more.
    assert int(done.stdout) < 1000


@pytest.mark.parametrize("wrong", [True, 2.5, "4", None])
def test_sizes_must_be_whole_numbers(wrong: Any) -> None:
    with pytest.raises(TypeError, match="whole number"):
        coros.CoroutinePool(max_size=wrong)
    with pytest.raises(TypeError, match="whole number"):
        coros.CoroutinePool().resize(wrong)


def test_bad_sizes() -> None:
    with pytest.raises(ValueError, match="min_size 5 is above max_size 4"):
        coros.CoroutinePool(min_size=5)
    with pytest.raises(ValueError, match="at least 0"):
        coros.CoroutinePool(max_size=-1)
    with pytest.raises(ValueError, match="at least 0"):
        coros.CoroutinePool().resize(-1)


def test_only_functions_can_be_executed() -> None:
    pool = coros.CoroutinePool(max_size=1)
    with pytest.raises(TypeError, match="not its result"):
        pool.execute(5)  # type: ignore[arg-type]
    assert pool.free() == 1


def test_a_place_is_not_lost_when_there_is_no_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = coros.CoroutinePool(max_size=1)

    def spawn(*args: Any) -> None:
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr("eventlet.coros._coroutinepool.spawn", spawn)
        with pytest.raises(OSError, match="Too many"):
            pool.execute(int)
    assert pool.free() == 1


def test_the_context_manager_waits() -> None:
    log: list[int] = []
    with coros.CoroutinePool(max_size=2) as pool:
        for i in range(5):
            pool.execute(log.append, i)
    assert sorted(log) == [0, 1, 2, 3, 4]


def test_the_context_manager_kills_after_a_failure() -> None:
    with pytest.raises(KeyError), coros.CoroutinePool(max_size=2) as pool:
        worker = pool.execute(hub.sleep, 1000)
        hub.sleep(0)
        raise KeyError
    with pytest.raises(hub.GreenletExit):
        worker.wait()


def test_native_threads_share_a_pool(run_native: Callable[..., list[Any]]) -> None:
    pool = coros.CoroutinePool(max_size=3)
    inside = 0
    most = 0
    lock = threading.Lock()

    def work() -> int:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        hub.sleep(0)
        with lock:
            inside -= 1
        return 1

    def use() -> int:
        return sum(thread.wait() for thread in [pool.execute(work) for _ in range(50)])

    assert run_native(use, use, use) == [50, 50, 50]
    pool.wait_all(10)
    assert most <= 3
    assert pool.free() == 3


def test_execute() -> None:
    assert coros.execute(pow, 2, 3).wait() == 8
    assert coros.execute(dict, a=1).wait() == {"a": 1}
    with pytest.raises(ZeroDivisionError):
        coros.execute(divmod, 1, 0).wait()
    with pytest.raises(TypeError):
        coros.execute(3)  # type: ignore[arg-type]


def test_the_context_manager_kills_when_it_is_interrupted_while_it_waits() -> None:
    pool = coros.CoroutinePool(max_size=2)

    def block() -> None:
        with pool:
            pool.execute(hub.sleep, 1000)

    blocked = hub.spawn(block)
    testing.wait_until_idle()
    blocked.kill()
    testing.wait_until_idle()
    assert pool.running() == 0
    with pytest.raises(TimeoutError), hub.Timeout(0.01, TimeoutError), pool:
        worker = pool.execute(hub.sleep, 1000)
    testing.wait_until_idle()
    assert isinstance(worker.exception, hub.GreenletExit)


def test_a_worker_cannot_leave_the_block_of_its_own_pool() -> None:
    pool = coros.CoroutinePool(max_size=2)

    def block() -> None:
        with pool:
            pass

    with pytest.raises(coros.Misuse, match="cannot wait for all of its workers"):
        pool.execute(block).wait()
