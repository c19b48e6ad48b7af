from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from greenlet import greenlet

from eventlet import coros, hub


def run(function: Callable[[], Any]) -> Any:
    return hub.spawn(function).wait()


def test_each_green_thread_has_its_own_values() -> None:
    local = coros.local()
    local.x = 1

    def other() -> int:
        assert not hasattr(local, "x")
        local.x = 2
        hub.sleep(0)
        value: int = local.x
        return value

    threads = [hub.spawn(other) for _ in range(2)]
    assert [thread.wait() for thread in threads] == [2, 2]
    assert local.x == 1
    assert local.__dict__ == vars(local) == {"x": 1}


def test_a_new_task_on_the_same_carrier_sees_nothing() -> None:
    local = coros.local()

    def use() -> bool:
        seen = hasattr(local, "x")
        local.x = 1
        return seen

    assert [run(use) for _ in range(5)] == [False] * 5


def test_values_go_when_the_green_thread_ends() -> None:
    class Value:
        pass

    local = coros.local()
    values: list[weakref.ref[Value]] = []

    def use() -> None:
        local.value = Value()
        values.append(weakref.ref(local.value))

    threads = [hub.spawn(use) for _ in range(3)]
    for thread in threads:
        thread.wait()
    gc.collect()
    assert [value() for value in values] == [None] * 3


def test_values_go_with_the_local() -> None:
    class Value:
        pass

    def use() -> bool:
        local = coros.local()
        local.value = Value()
        value = weakref.ref(local.value)
        del local
        gc.collect()
        return value() is None

    assert run(use)
    assert use()


def test_bare_greenlets_and_native_threads_have_their_own(
    run_native: Callable[..., list[Any]],
) -> None:
    local = coros.local()
    local.x = 1

    def use() -> bool:
        seen = hasattr(local, "x")
        local.x = 2
        return seen

    assert greenlet(use).switch() is False
    assert run_native(use, use) == [False, False]
    assert local.x == 1


def test_init_runs_once_in_each_green_thread() -> None:
    calls: list[Any] = []

    class Mine(coros.local):
        shared = "class"

        def __init__(self, number: int, *, word: str) -> None:
            calls.append(hub.getcurrent())
            self.number = number
            self.word = word

        def double(self) -> int:
            return 2 * self.number

    mine = Mine(3, word="w")
    mine.number = 4

    def use() -> tuple[int, str, int, str]:
        return mine.number, mine.word, mine.double(), mine.shared

    assert run(use) == (3, "w", 6, "class")
    assert mine.double() == 8
    assert len(set(calls)) == len(calls) == 2


def test_an_init_that_fails_is_tried_again() -> None:
    fails = False

    class Mine(coros.local):
        def __init__(self) -> None:
            if fails:
                raise OSError("not now")
            self.x = 1

    mine = Mine()

    def use() -> int:
        nonlocal fails
        fails = True
        with pytest.raises(OSError, match="not now"):
            _ = mine.x
        fails = False
        return mine.x

    assert run(use) == 1
    assert greenlet(use).switch() == 1


def test_arguments_need_an_init() -> None:
    with pytest.raises(TypeError, match="takes no arguments"):
        coros.local(1)
    with pytest.raises(TypeError, match="takes no arguments"):
        coros.local(a=1)


def test_properties_and_slots_rule() -> None:
    class Mine(coros.local):
        __slots__ = ("shared",)

        @property
        def answer(self) -> int:
            return 42

        @answer.setter
        def answer(self, value: int) -> None:
            self.seen = value

    mine = Mine()
    mine.shared = 1
    mine.answer = 5
    mine.__dict__["answer"] = 6
    assert run(lambda: mine.shared) == 1
    assert mine.answer == 42
    assert mine.seen == 5
    del mine.shared
    assert not hasattr(mine, "shared")
    with pytest.raises(AttributeError):
        del mine.answer


def test_attributes_can_be_deleted() -> None:
    local = coros.local()
    local.x = 1
    del local.x
    with pytest.raises(AttributeError, match="no attribute 'x'"):
        del local.x
    with pytest.raises(AttributeError, match="x"):
        _ = local.x


def test_the_dictionary_is_read_only() -> None:
    local = coros.local()
    with pytest.raises(AttributeError, match="read-only"):
        local.__dict__ = {}
    with pytest.raises(AttributeError, match="read-only"):
        del local.__dict__


def test_getattr_is_asked_last() -> None:
    class Mine(coros.local):
        def __getattr__(self, name: str) -> str:
            return f"no {name}"

    mine = Mine()
    mine.x = 1
    assert (mine.x, mine.y) == (1, "no y")


def test_many_native_threads(run_native: Callable[..., list[Any]]) -> None:
    local = coros.local()

    def use() -> bool:
        for i in range(200):
            local.x = (threading.get_ident(), i)
            if local.x != (threading.get_ident(), i):
                return False
        return True

    assert run_native(use, use, use, use) == [True] * 4
