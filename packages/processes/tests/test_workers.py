from __future__ import annotations

import itertools
import math
import operator
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eventlet import hub
from eventlet.hub.testing import wait_until_idle
from eventlet.processes import (
    DeadProcess,
    PoolClosed,
    ProcessError,
    RemoteError,
    RemoteTraceback,
    WorkerPool,
    _workers,
    map_in_processes,
    run_in_process,
    subprocess,
)
from eventlet.processes._child import Child


@pytest.fixture
def pool() -> Iterator[WorkerPool]:
    with WorkerPool(max_size=2) as pool:
        yield pool


def test_a_result(pool: WorkerPool) -> None:
    assert pool.run(math.factorial, 20) == math.factorial(20)
    assert pool.run(int, "ff", base=16) == 255


def test_another_process_does_it_and_the_next_one_too(pool: WorkerPool) -> None:
    pid = pool.run(os.getpid)
    assert pid != os.getpid()
    assert pool.run(os.getpid) == pid


def test_others_run_meanwhile(pool: WorkerPool) -> None:
    running = hub.spawn(pool.run, eval, "__import__('time').sleep(.05)")
    wait_until_idle()
    assert not running.dead
    assert running.wait(50) is None


def test_as_many_at_once_as_there_is_room_for(pool: WorkerPool) -> None:
    running = [hub.spawn(pool.run, time.sleep, 100) for _ in range(3)]
    wait_until_idle()
    assert pool.current_size == 2
    assert pool.waiting() == 1
    for each in reversed(running):
        each.kill()
        with pytest.raises(hub.GreenletExit):
            each.wait(50)


def test_errors_come_with_their_traceback(pool: WorkerPool) -> None:
    with pytest.raises(ValueError, match="invalid literal") as caught:
        pool.run(int, "x")
    assert isinstance(caught.value.__cause__, RemoteTraceback)
    assert "Traceback (most recent call last)" in str(caught.value.__cause__)
    assert pool.current_size == 1


def test_errors_that_cannot_be_pickled(pool: WorkerPool) -> None:
    with pytest.raises(RemoteError, match="Odd: here"):
        pool.run(exec, "class Odd(Exception): pass\nraise Odd('here')", {"__name__": "m"})


def test_what_is_no_function(pool: WorkerPool) -> None:
    odd: Any = 5
    with pytest.raises(TypeError, match="not its result: 5 can't be called"):
        pool.run(odd)
    assert pool.current_size == 0


def test_functions_that_cannot_be_pickled(pool: WorkerPool) -> None:
    pid = pool.run(os.getpid)
    with pytest.raises((AttributeError, TypeError, ValueError, Exception), match="pickle"):
        pool.run(lambda: 1)
    assert pool.run(os.getpid) == pid


def test_results_that_cannot_be_pickled(pool: WorkerPool) -> None:
    with pytest.raises(Exception, match="pickle") as caught:
        pool.run(eval, "lambda: 1")
    assert isinstance(caught.value.__cause__, RemoteTraceback)


def test_big_arguments_and_results(pool: WorkerPool) -> None:
    data = bytes(range(256)) * 8000
    assert pool.run(operator.mul, data, 2) == data * 2


def test_a_kill_ends_the_child(pool: WorkerPool) -> None:
    running = hub.spawn(pool.run, time.sleep, 100)
    while not pool._children:
        hub.sleep(0.001)
    child = next(iter(pool._children))
    running.kill()
    with pytest.raises(hub.GreenletExit):
        running.wait(50)
    assert child.wait() != 0
    assert pool.current_size == 0


def test_a_time_limit_ends_the_child(pool: WorkerPool) -> None:
    pid = pool.run(os.getpid)
    with pytest.raises(TimeoutError), hub.fail_after(0.01):
        pool.run(time.sleep, 100)
    assert pool.run(os.getpid) != pid


def test_a_function_that_crashes(pool: WorkerPool) -> None:
    with pytest.raises(DeadProcess, match="ended with code 3"):
        pool.run(eval, "__import__('os')._exit(3)")
    assert pool.run(int, "3") == 3


def test_a_child_that_died_idle_is_replaced(pool: WorkerPool) -> None:
    pid = pool.run(os.getpid)
    child = pool.free_items[0]
    os.kill(pid, signal.SIGTERM)
    child.wait()
    while not child.is_dead:
        hub.sleep(0.001)
    assert pool.run(os.getpid) != pid


def test_one_too_many_is_ended(pool: WorkerPool) -> None:
    first, second = pool.get(), pool.get()
    pool.resize(1)
    pool.put(first)
    pool.put(second)
    assert first.is_dead
    assert not second.is_dead


def test_map_keeps_the_order(pool: WorkerPool) -> None:
    assert list(pool.map(math.factorial, range(10))) == [math.factorial(n) for n in range(10)]


def test_map_takes_no_more_than_it_needs(pool: WorkerPool) -> None:
    taken = []

    def numbers() -> Iterator[int]:
        for number in itertools.count():
            taken.append(number)
            yield number

    results = pool.map(math.factorial, numbers())
    assert [next(results) for _ in range(4)] == [1, 1, 2, 6]
    assert len(taken) < 20
    del results


def test_a_kill_while_a_child_is_being_started(
    pool: WorkerPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(self: Child, operation: str, target: int, args: object) -> bytes:
        raise hub.GreenletExit

    with monkeypatch.context() as patch:
        patch.setattr(Child, "_encode", die)
        running = hub.spawn(pool.run, int)
        with pytest.raises(hub.GreenletExit):
            running.wait(50)
    assert pool.current_size == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no such signal")
def test_an_interrupt_ends_an_idle_child_quietly(
    pool: WorkerPool, capfd: pytest.CaptureFixture[str]
) -> None:
    pid = pool.run(os.getpid)
    child = pool.free_items[0]
    while not child.is_dead:
        # One that comes just before the system call that waits is noticed only after that.
        os.kill(pid, signal.SIGINT)
        with hub.move_on_after(5):
            child.wait()
    assert child.wait() == 0
    assert capfd.readouterr().err == ""


def test_close_ends_everything(pool: WorkerPool) -> None:
    running = [hub.spawn(pool.run, time.sleep, 100) for _ in range(4)]
    while len(pool._children) < 2:
        hub.sleep(0.001)
    pool.close()
    errors = []
    for each in running:
        with pytest.raises(ProcessError) as caught:
            each.wait(50)
        errors.append(caught.type)
    assert errors.count(DeadProcess) == errors.count(PoolClosed) == 2
    with pytest.raises(PoolClosed):
        pool.run(int)
    pool.close()


@pytest.mark.parametrize("road", ["threads"], indirect=True)
def test_close_while_a_child_is_being_started(pool: WorkerPool) -> None:
    running = hub.spawn(pool.run, int)
    hub.sleep(0)
    pool.close()
    with pytest.raises(PoolClosed):
        running.wait(50)


def test_a_pool_is_as_large_as_the_machine() -> None:
    assert WorkerPool().max_size == os.cpu_count()


def test_the_pool_of_the_program() -> None:
    assert run_in_process(int, "42") == 42
    assert list(map_in_processes(abs, [-1, 2])) == [1, 2]
    pool = _workers._here.pool
    assert pool is not None
    pool.close()
    assert run_in_process(int, "42") == 42
    assert _workers._here.pool is not pool
    _workers._get_pool().close()


GUARDED = """
from eventlet.processes import run_in_process

def double(number):
    return number * 2

if __name__ == "__main__":
    print(run_in_process(double, 21))
    print(run_in_process(double, 4))
"""

UNGUARDED = """
from eventlet.processes import run_in_process

def double(number):
    return number * 2

print(run_in_process(double, 21))
"""


FORKING = """
import os, sys
from eventlet.processes import run_in_process

here = run_in_process(os.getpid)
if not os.fork():
    assert run_in_process(os.getpid) != here
    sys.exit()
assert os.wait()[1] == 0
assert run_in_process(os.getpid) == here
"""


def run_program(tmp_path: Path, program: str) -> Any:
    file = tmp_path / "program.py"
    file.write_text(program)
    line = [sys.executable, "-X", "dev", "-W", "error", str(file)]
    return subprocess.run(line, capture_output=True, text=True, timeout=50, check=False)


def test_functions_of_the_program(tmp_path: Path) -> None:
    result = run_program(tmp_path, GUARDED)
    assert result.stderr == ""
    assert result.stdout.split() == ["42", "8"]


def test_a_program_that_would_start_children_for_ever(tmp_path: Path) -> None:
    result = run_program(tmp_path, UNGUARDED)
    assert result.returncode == 1
    assert "if __name__ == '__main__':" in result.stderr


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork()")
def test_a_forked_program_has_children_of_its_own(tmp_path: Path) -> None:
    result = run_program(tmp_path, FORKING)
    assert result.stderr == ""
    assert result.returncode == 0
