from __future__ import annotations

import gc
import os
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eventlet import hub
from eventlet.coros import ForeignItem
from eventlet.hub.testing import wait_until_idle
from eventlet.processes import DeadProcess, PoolClosed, Process, ProcessPool

MakePool = Callable[..., ProcessPool]
ECHO = "for line in sys.stdin.buffer: sys.stdout.buffer.write(line); sys.stdout.flush()"
HELLO = "print('hello', end='')"


@pytest.fixture
def make_pool(command: Callable[[str], list[str]]) -> Any:
    """Make a pool of processes that run a script of Python; it is closed at the end."""
    pools = []

    def make(script: str, **options: Any) -> ProcessPool:
        program, *args = command(script)
        pools.append(ProcessPool(program, args, **options))
        return pools[-1]

    yield make
    for pool in pools:
        pool.close()


def die(process: Process) -> None:
    process.kill()
    while not process._death.is_told:
        hub.sleep(0.001)


def test_processes_are_started_on_demand(make_pool: MakePool) -> None:
    pool = make_pool(ECHO)
    assert pool.current_size == 0
    first, second = pool.get(), pool.get()
    assert pool.current_size == 2
    assert first is not second
    pool.put(first)
    pool.put(second)


@pytest.mark.parametrize("odd", [{"command": 5}, {"args": "x"}, {"cwd": 5}, {"max_size": "x"}])
def test_what_cannot_work_is_refused_at_once(odd: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="not "):
        ProcessPool(**{"command": "echo"} | odd)


def test_arguments_are_for_all_processes(command: Callable[[str], list[str]]) -> None:
    program, *args = command(ECHO)
    with ProcessPool(program, iter(args)) as pool:  # type: ignore[arg-type]  # wider than promised
        for process in (pool.get(), pool.get()):
            process.write(b"x\n")
            assert process.readline() == b"x\n"


def test_some_may_be_started_before(make_pool: MakePool) -> None:
    pool = make_pool(ECHO, min_size=2)
    assert pool.current_size == len(pool.free_items) == 2


def test_a_living_process_is_used_again(make_pool: MakePool) -> None:
    pool = make_pool(ECHO, max_size=1)
    with pool.item() as first:
        first.write(b"x\n")
        assert first.readline() == b"x\n"
    with pool.item() as second:
        assert second is first


def test_who_finds_none_waits(make_pool: MakePool) -> None:
    pool = make_pool(ECHO, max_size=1)
    process = pool.get()
    waiting = hub.spawn(pool.get)
    wait_until_idle()
    assert pool.waiting() == 1
    pool.put(process)
    assert waiting.wait(50) is process
    with pytest.raises(TimeoutError):
        pool.get(timeout=0.01)
    pool.put(process)


def test_a_dead_one_that_is_put_back_is_dropped(make_pool: MakePool) -> None:
    pool = make_pool(HELLO, max_size=1)
    for _ in range(3):
        with pool.item() as process:
            assert process.read() == b"hello"
            with pytest.raises(DeadProcess):
                process.read()
    assert pool.current_size == 0


def test_one_read_to_its_end_is_dropped(make_pool: MakePool) -> None:
    pool = make_pool(HELLO, max_size=1)
    for _ in range(3):
        with pool.item() as process:
            assert process.read() == b"hello"


def test_a_closed_one_is_dropped_and_killed(make_pool: MakePool) -> None:
    pool = make_pool("time.sleep(100)")
    with pool.item() as process:
        process.close()
    assert process.returncode is not None
    assert pool.current_size == 0


def test_the_next_in_line_gets_a_new_one(make_pool: MakePool) -> None:
    pool = make_pool(ECHO, max_size=1)
    process = pool.get()
    waiting = hub.spawn(pool.get)
    wait_until_idle()
    die(process)
    pool.put(process)
    new = waiting.wait(50)
    assert new is not process
    new.write(b"x\n")
    assert new.readline() == b"x\n"


def test_one_that_dies_unused_leaves_by_itself(make_pool: MakePool) -> None:
    pool = make_pool(ECHO, min_size=2)
    process = pool.free_items[0]
    die(process)
    assert pool.current_size == 1
    assert process not in pool.free_items
    assert process.child_stdin.closed
    with pool.item() as other:
        assert other is not process


def test_one_that_has_just_died_is_not_lent(make_pool: MakePool) -> None:
    pool = make_pool(ECHO, max_size=1)
    with pool.item() as process:
        pass
    os.kill(process.getpid(), 9)
    # The hub, which would notice the death, doesn't run here.
    while process.returncode is None:
        pass
    with pool.item() as other:
        assert other is not process
        other.write(b"x\n")
        assert other.readline() == b"x\n"


def test_one_too_many_is_ended(make_pool: MakePool) -> None:
    pool = make_pool(ECHO, max_size=2)
    first, second = pool.get(), pool.get()
    pool.resize(1)
    pool.put(first)
    assert first.returncode is not None
    pool.put(second)
    assert second.returncode is None
    assert pool.current_size == 1


def test_free_ones_too_many_are_ended(make_pool: MakePool) -> None:
    pool = make_pool(ECHO, min_size=3)
    lent, kept, dropped = pool.get(), *pool.free_items
    pool.resize(2)
    assert dropped.returncode is not None
    assert lent.returncode is kept.returncode is None
    assert list(pool.free_items) == [kept]
    pool.put(lent)


def test_discard_kills(make_pool: MakePool) -> None:
    pool = make_pool(ECHO)
    with pool.item() as process:
        pool.discard(process)
    assert process.returncode is not None
    assert pool.current_size == 0


def test_only_what_was_taken_is_put_back(make_pool: MakePool) -> None:
    pool, other = make_pool(ECHO), make_pool(ECHO)
    process = pool.get()
    with pytest.raises(ForeignItem):
        other.put(process)
    with pytest.raises(ForeignItem):
        other.discard(process)
    assert process.returncode is None
    pool.put(process)
    odd: Any
    for odd in (process, None, "a process"):
        with pytest.raises(ForeignItem, match="never taken, or was put back already"):
            pool.put(odd)


def test_close_kills_and_reaps_all(make_pool: MakePool) -> None:
    with make_pool(ECHO, min_size=2) as pool:
        used = pool.get()
        free = pool.free_items[0]
    assert used.returncode is not None
    assert free.returncode is not None
    assert not pool.free_items
    with pytest.raises(DeadProcess):
        used.read()
    pool.put(used)
    assert pool.current_size == 0
    with pytest.raises(PoolClosed, match="was closed"):
        pool.get()
    pool.close()


def test_close_tells_who_waits(make_pool: MakePool) -> None:
    pool = make_pool(ECHO, max_size=1)
    process = pool.get()
    waiting = [hub.spawn(pool.get) for _ in range(3)]
    wait_until_idle()
    pool.close()
    for each in waiting:
        with pytest.raises(PoolClosed):
            each.wait(50)
    pool.put(process)


@pytest.mark.parametrize("road", ["threads"], indirect=True)
def test_close_while_one_is_being_started(make_pool: MakePool) -> None:
    pool = make_pool(ECHO)
    starting = hub.spawn(pool.get)
    hub.sleep(0)
    pool.close()
    with pytest.raises(PoolClosed):
        starting.wait(50)


def test_a_command_that_cannot_be_started_leaves_room(tmp_path: Path) -> None:
    pool = ProcessPool(tmp_path / "command", max_size=1)
    for _ in range(2):
        with pytest.raises(OSError, match="command"):
            pool.get()
    assert pool.free() == 1


def test_a_pool_that_cannot_be_filled_leaves_nothing(
    command: Callable[[str], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    program, *args = command(ECHO)
    started: list[Process] = []
    create = ProcessPool.create

    def fail_at_last(self: ProcessPool) -> Process:
        if started:
            raise OSError("no more")
        started.append(create(self))
        return started[0]

    monkeypatch.setattr(ProcessPool, "create", fail_at_last)
    with pytest.raises(OSError, match="no more"):
        ProcessPool(program, args, min_size=2)
    assert started[0].returncode is not None


def test_options_are_those_of_a_process(make_pool: MakePool, tmp_path: Path) -> None:
    pool = make_pool("print(os.getcwd())", cwd=tmp_path)
    with pool.item() as process:
        assert process.read().decode().strip() == os.path.realpath(tmp_path)


def test_a_forgotten_pool_forgets_its_processes(command: Callable[[str], list[str]]) -> None:
    program, *args = command(ECHO)
    pool = ProcessPool(program, args, min_size=1)
    process = weakref.ref(pool.free_items[0])
    popen = pool.free_items[0]._popen
    del pool
    gc.collect()
    assert process() is None
    assert popen.wait(50) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no cat")
def test_the_seed() -> None:
    with ProcessPool("cat") as pool:
        with pool.item() as process:
            process.write(b"goodbye")
            process.close_stdin()
            assert process.read() == b"goodbye"
            with pytest.raises(DeadProcess):
                process.write(b"foo")
