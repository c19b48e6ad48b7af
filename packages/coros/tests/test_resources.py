from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from greenlet import greenlet

from eventlet import coros, hub
from eventlet.hub import testing


class IntPool(coros.Pool[int]):
    """Numbers its items."""

    made = 0

    def create(self) -> int:
        self.made += 1
        return self.made


def test_items_are_created_when_needed_and_used_again() -> None:
    pool = IntPool(min_size=1, max_size=3)
    assert pool.made == pool.current_size == 1
    assert pool.free() == 3
    assert [pool.get(), pool.get(), pool.get()] == [1, 2, 3]
    assert pool.free() == 0
    pool.put(2)
    assert pool.get() == 2
    assert pool.made == 3
    assert "0 of 3 free, 3 at most, 0 waiting" in repr(pool)


@pytest.mark.parametrize(("as_stack", "order"), [(False, [1, 2]), (True, [2, 1])])
def test_the_order_of_lending(as_stack: bool, order: list[int]) -> None:
    pool = IntPool(max_size=2, order_as_stack=as_stack)
    items = [pool.get(), pool.get()]
    for item in items:
        pool.put(item)
    assert [pool.get(), pool.get()] == order


@pytest.mark.in_order
def test_those_who_find_nothing_wait_in_line() -> None:
    pool = IntPool(max_size=1)
    item = pool.get()
    log: list[int] = []

    def use(number: int) -> None:
        with pool.item() as mine:
            log.append(number)
            assert mine == item
            hub.sleep(0)

    threads = [hub.spawn(use, number) for number in range(4)]
    testing.wait_until_idle()
    assert pool.waiting() == 4
    pool.put(item)
    for thread in threads:
        thread.wait()
    assert log == [0, 1, 2, 3]
    assert pool.made == 1


def test_get_times_out() -> None:
    pool = IntPool(max_size=1)
    item = pool.get()
    with pytest.raises(TimeoutError, match="put back"):
        pool.get(timeout=0)
    with pytest.raises(ValueError, match="timeout"):
        pool.get(timeout=-1)
    pool.put(item)
    with pytest.raises(ValueError, match="timeout"):
        pool.get(timeout=-1)
    assert pool.get(timeout=0) == item


def test_a_killed_get_loses_nothing() -> None:
    pool = IntPool(max_size=1)
    item = pool.get()
    killed, other = hub.spawn(pool.get), hub.spawn(pool.get)
    testing.wait_until_idle()
    killed.throw()
    pool.put(item)
    assert other.wait() == item


def test_an_exception_thrown_past_the_hub_loses_nothing() -> None:
    pool = IntPool(max_size=1)
    item = pool.get()
    bare = greenlet(pool.get)
    hub.get_hub().call_soon(bare.switch)
    testing.wait_until_idle()
    pool.put(item)
    with pytest.raises(KeyError):
        bare.throw(KeyError)
    assert pool.get(0) == item
    pool.discard(item)
    bare = greenlet(pool.get)
    assert pool.get() == 2
    hub.get_hub().call_soon(bare.switch)
    testing.wait_until_idle()
    pool.discard(2)
    with pytest.raises(KeyError):
        bare.throw(KeyError)
    assert pool.get(0) == 3


def test_foreign_items_are_refused() -> None:
    pool = IntPool(max_size=2)
    item = pool.get()
    with pytest.raises(coros.ForeignItem, match="99") as caught:
        pool.put(99)
    assert isinstance(caught.value, ValueError)
    pool.put(item)
    with pytest.raises(coros.ForeignItem, match="already"):
        pool.put(item)
    with pytest.raises(coros.ForeignItem):
        pool.discard(item)
    assert pool.free() == 2
    assert len(pool.free_items) == 1


def test_the_same_object_may_be_lent_several_times() -> None:
    class OnePool(coros.Pool[str]):
        def create(self) -> str:
            return "one"

    pool = OnePool(max_size=2)
    assert pool.get() == pool.get() == "one"
    pool.put("one")
    pool.put("one")
    with pytest.raises(coros.ForeignItem):
        pool.put("one")


def test_items_need_not_be_hashable() -> None:
    class ListPool(coros.Pool[list[int]]):
        def create(self) -> list[int]:
            return []

    pool = ListPool()
    with pool.item() as item:
        item.append(1)
    with pytest.raises(coros.ForeignItem):
        pool.put([1])


def test_a_discarded_item_makes_room() -> None:
    pool = IntPool(max_size=1)
    with pool.item() as item:
        waiter = hub.spawn(pool.get)
        hub.sleep(0)
        pool.discard(item)
        assert waiter.wait() == 2
    assert pool.current_size == 1


@pytest.mark.in_order
def test_a_failing_create_leaves_the_place_to_the_next() -> None:
    class Flaky(coros.Pool[int]):
        tries = 0

        def create(self) -> int:
            self.tries += 1
            mine = self.tries
            hub.sleep(0)
            if mine == 1:
                raise OSError("refused")
            return mine

    pool = Flaky(max_size=1)
    threads = [hub.spawn(pool.get) for _ in range(2)]
    with pytest.raises(OSError, match="refused"):
        threads[0].wait()
    assert threads[1].wait() == 2
    assert pool.current_size == 1


def test_resize() -> None:
    pool = IntPool(max_size=1)
    item = pool.get()
    waiters = [hub.spawn(pool.get) for _ in range(2)]
    testing.wait_until_idle()
    pool.resize(3)
    items = sorted([item, *(waiter.wait() for waiter in waiters)])
    assert items == [1, 2, 3]
    pool.resize(1)
    assert pool.free() == -2
    for each in items:
        pool.put(each)
    assert pool.current_size == pool.free() == 1
    assert pool.get() == 3


@pytest.mark.parametrize(("as_stack", "kept"), [(False, 1), (True, 3)])
def test_resize_drops_what_is_free(as_stack: bool, kept: int) -> None:
    pool = IntPool(max_size=3, order_as_stack=as_stack)
    for item in [pool.get() for _ in range(3)]:
        pool.put(item)
    pool.resize(1)
    assert pool.current_size == pool.free() == 1
    assert pool.get() == kept
    with pytest.raises(TimeoutError):
        pool.get(timeout=0)


def test_bad_sizes() -> None:
    with pytest.raises(ValueError, match="min_size 5 is above max_size 4"):
        IntPool(min_size=5)
    with pytest.raises(TypeError, match="whole number"):
        IntPool(max_size=2.0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at least 0"):
        IntPool().resize(-1)


def test_create_must_be_overridden() -> None:
    with pytest.raises(NotImplementedError, match="Pool must override create"):
        coros.Pool[int]().get()


def test_tokens() -> None:
    pool = coros.TokenPool(max_size=2)
    tokens = {pool.get(), pool.get()}
    assert {type(token) for token in tokens} == {coros.Token}
    assert len(tokens) == 2


def test_fan() -> None:
    pool = IntPool(max_size=2)
    most = 0
    running = 0

    def block(item: int, number: int) -> int:
        nonlocal most, running
        assert item in (1, 2)
        running += 1
        most = max(most, running)
        for _ in range(5 - number):
            hub.sleep(0)
        running -= 1
        return number * 10

    assert pool.fan(block, range(5)) == [0, 10, 20, 30, 40]
    assert most == 2
    assert pool.fan(block, []) == []
    assert pool.free() == 2


def test_fan_fails_in_part_or_altogether() -> None:
    pool = IntPool(max_size=2)

    def divide(item: int, number: int) -> float:
        return 6 / number

    with pytest.raises(coros.SomeFailed, match="1 of 3 blocks failed") as some:
        pool.fan(divide, [1, 0, 3])
    assert some.value.results[::2] == [6, 2]
    assert isinstance(some.value.results[1], ZeroDivisionError)
    with pytest.raises(coros.AllFailed, match="2 of 2") as every:
        pool.fan(divide, [0, 0])
    assert isinstance(every.value, coros.FanFailed)
    assert pool.free() == 2


def test_a_killed_fan_kills_its_blocks() -> None:
    pool = IntPool(max_size=2)
    ended: list[int] = []

    def block(item: int, number: int) -> None:
        try:
            hub.sleep(1000)
        finally:
            ended.append(number)

    fan = hub.spawn(pool.fan, block, [1, 2, 3])
    testing.wait_until_idle()
    fan.kill()
    testing.wait_until_idle()
    assert len(ended) == 2
    assert pool.free() == 2


def test_native_threads_share_a_pool(run_native: Callable[..., list[Any]]) -> None:
    pool = IntPool(max_size=3)
    in_use: list[int] = []

    def use() -> None:
        for i in range(100):
            with pool.item() as item:
                assert item not in in_use
                in_use.append(item)
                if i % 10 == 0:
                    hub.sleep(0)
                in_use.remove(item)

    run_native(use, use, lambda: [t.wait() for t in [hub.spawn(use) for _ in range(3)]])
    assert pool.current_size == len(pool.free_items) <= 3
