from __future__ import annotations

import os
import pickle
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from eventlet import hub
from eventlet.coros import Pool
from eventlet.coros.errors import ForeignItem
from eventlet.hub.testing import wait_until_idle
from eventlet.processes import DeadProcess, PoolClosed, RemotePool, remote
from eventlet.processes.remote import RemoteObject


@pytest.fixture
def make_pool() -> Iterator[Callable[..., RemotePool]]:
    """Make pools that are closed at the end."""
    made: list[RemotePool] = []

    def make(*args: object, **options: int) -> RemotePool:
        made.append(RemotePool(*args, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for pool in made:
        pool.close()


MakePool = Callable[..., RemotePool]


def test_each_child_has_a_copy(make_pool: MakePool) -> None:
    pool = make_pool([1, 2, 3], max_size=2)
    with pool.item() as first, pool.item() as second:
        assert remote.getpid(first) != remote.getpid(second)
        first.append(4)
        assert len(first) == 4
        assert len(second) == 3


def test_a_child_is_used_again_and_its_object_is_what_it_was(make_pool: MakePool) -> None:
    pool = make_pool([])
    with pool.item() as numbers:
        numbers.append(1)
        pid = remote.getpid(numbers)
    with pool.item() as numbers:
        assert list(numbers) == [1]
        assert remote.getpid(numbers) == pid
    assert pool.current_size == 1


def test_calls_run_side_by_side(make_pool: MakePool) -> None:
    pool = make_pool(os, max_size=3)
    held = [pool.get() for _ in range(3)]
    assert pool.free() == 0
    assert len({each.getpid() for each in held}) == 3
    for each in held:
        pool.put(each)


def test_who_finds_none_waits(make_pool: MakePool) -> None:
    pool = make_pool(os, max_size=1)
    only = pool.get()
    with pytest.raises(TimeoutError):
        pool.get(timeout=0.01)
    waiting = hub.spawn(pool.get)
    wait_until_idle()
    pool.put(only)
    assert waiting.wait(50) is only
    pool.put(only)


def test_some_may_be_started_before(make_pool: MakePool) -> None:
    assert make_pool(os, 2).free_items


def test_one_that_dies_in_use_is_replaced(make_pool: MakePool) -> None:
    pool = make_pool(os)
    with pool.item() as module:
        pid = remote.getpid(module)
        with pytest.raises(DeadProcess):
            module._exit(3)
    assert pool.current_size == 0
    with pool.item() as module:
        assert module.getpid() != pid


def test_one_that_dies_unused_is_replaced(make_pool: MakePool) -> None:
    pool = make_pool(os)
    with pool.item() as module:
        pid = remote.getpid(module)
    remote.kill(module)
    with pool.item() as module:
        assert module.getpid() != pid
    assert pool.current_size == 1


def test_a_cancelled_call_leaves_its_child_in_the_pool(make_pool: MakePool) -> None:
    pool = make_pool(time)
    with pool.item() as module:
        pid = remote.getpid(module)
        with hub.move_on_after(0.05):
            module.sleep(1000)
    with pool.item() as module:
        assert remote.status(module)["pid"] == pid


def test_one_too_many_is_ended(make_pool: MakePool) -> None:
    pool = make_pool(os, max_size=2)
    first, second = pool.get(), pool.get()
    pool.resize(1)
    pool.put(first)
    with pytest.raises(DeadProcess):
        first.getpid()
    assert second.getpid()
    pool.put(second)


def test_only_what_was_taken_is_put_back(make_pool: MakePool) -> None:
    pool = make_pool(os)
    module = pool.get()
    pool.put(module)
    odd: Any
    for odd in (module, None, "a module"):
        with pytest.raises(ForeignItem, match="never taken, or was put back already"):
            pool.put(odd)


def test_close_ends_all_and_tells_who_waits(make_pool: MakePool) -> None:
    pool = make_pool(time, max_size=1)
    module = pool.get()
    sleeping = hub.spawn(module.sleep, 1000)
    waiting = hub.spawn(pool.get)
    wait_until_idle()
    pool.close()
    with pytest.raises(DeadProcess):
        sleeping.wait(50)
    with pytest.raises(PoolClosed):
        waiting.wait(50)
    pool.put(module)
    pool.close()


def test_close_while_a_child_is_being_started(make_pool: MakePool) -> None:
    pool = make_pool(os)
    getting = hub.spawn(pool.get)
    hub.sleep(0)
    pool.close()
    with pytest.raises(PoolClosed):
        getting.wait(50)


def test_a_block_closes_it() -> None:
    with RemotePool([1], 1) as pool:
        numbers = pool.get()
    with pytest.raises(DeadProcess):
        len(numbers)


def test_an_object_that_cannot_be_copied_leaves_room(make_pool: MakePool) -> None:
    pool = make_pool(lambda: 1, max_size=1)
    for _ in range(2):
        with pytest.raises((AttributeError, pickle.PicklingError)):
            pool.get()
    assert pool.current_size == 0


def test_a_pool_that_cannot_be_filled_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    create = RemotePool.create
    started: list[RemoteObject] = []

    def create_one(self: RemotePool) -> RemoteObject:
        if started:
            raise OSError("enough")
        started.append(create(self))
        return started[0]

    monkeypatch.setattr(RemotePool, "create", create_one)
    with pytest.raises(OSError, match="enough"):
        RemotePool(os, 2)
    with pytest.raises(DeadProcess):
        started[0].getpid()


def test_it_is_a_pool() -> None:
    assert issubclass(RemotePool, Pool)
