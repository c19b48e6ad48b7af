"""Blocking functions and objects, called through the pool of the whole process."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Iterator
from typing import Any, Self

import pytest

from eventlet.hub import HubBusy, get_hub, sleep, spawn, tpool
from eventlet.hub._native import get_ident


@pytest.fixture(autouse=True)
def no_threads_left() -> Iterator[None]:
    size = tpool.get_pool().size
    yield
    tpool.killall()
    tpool.set_num_threads(size)
    assert tpool.get_pool().statistics().workers == 0


def test_execute_does_not_block_others() -> None:
    done = threading.Event()
    thread = spawn(tpool.execute, done.wait, 20)
    sleep(0)
    done.set()
    assert thread.wait(20) is True


def test_execute_calls_in_a_native_thread() -> None:
    assert tpool.execute(get_ident) != get_ident()


def test_hubs_have_it_at_hand() -> None:
    assert get_hub().threadpool is tpool.get_pool()
    assert get_hub().threadpool.execute(get_ident) != get_ident()


def test_set_num_threads_bounds_the_calls() -> None:
    tpool.set_num_threads(2)
    for thread in [spawn(tpool.execute, time.sleep, 0.001) for _ in range(20)]:
        thread.wait(20)
    assert tpool.get_pool().statistics().workers == 2


def test_killall_without_threads_does_nothing(run_script: Any) -> None:
    done = run_script("from eventlet.hub import tpool; tpool.killall(); print('done')")
    assert (done.stdout, done.stderr) == ("done\n", "")


def test_killall_in_the_pool_is_refused() -> None:
    with pytest.raises(HubBusy):
        tpool.execute(tpool.killall)


def test_nothing_is_started_by_importing(run_script: Any) -> None:
    done = run_script("""
        import _thread
        from eventlet.hub import tpool
        print(_thread._count())
    """)
    assert done.stdout == "0\n"


@pytest.mark.parametrize(
    ("size", "answer"), [("3", "3"), ("nonsense", "invalid literal"), ("0", "at least one thread")]
)
def test_size_comes_from_the_environment(run_script: Any, size: str, answer: str) -> None:
    done = run_script(
        """
        from eventlet.hub import tpool
        try:
            print(tpool.get_pool().size)
        except ValueError as error:
            print(error)
        """,
        EVENTLET_THREADPOOL_SIZE=size,
    )
    assert answer in done.stdout


class TestProxyCall:
    def test_wraps_results_of_certain_types(self) -> None:
        wrapped = tpool.proxy_call(list, sorted, "ba")
        assert isinstance(wrapped, tpool.Proxy)
        assert wrapped == ["a", "b"]
        assert not isinstance(tpool.proxy_call((list, tuple), len, "ba"), tpool.Proxy)

    def test_nonblocking_is_on_the_spot(self) -> None:
        assert tpool.proxy_call((), get_ident, nonblocking=True) == get_ident()
        assert tpool.proxy_call((), get_ident, nonblocking=False) != get_ident()


class Thing:
    """Records in which native thread it is used."""

    colour = "red"

    def __init__(self, items: Any = ()) -> None:
        self.items = list(items)
        self.used_in: list[int] = []

    def _note(self) -> None:
        self.used_in.append(get_ident())

    def where(self, *, more: int = 0) -> int:
        """Tell where this runs."""
        self._note()
        return get_ident() + more

    def parts(self) -> list[int]:
        return self.items

    def fail(self) -> None:
        raise LookupError("in the thing")

    def __call__(self, number: int) -> int:
        self._note()
        return number + 1

    def __getitem__(self, index: int) -> int:
        self._note()
        return int(self.items[index])

    def __setitem__(self, index: int, value: int) -> None:
        self._note()
        self.items[index] = value

    def __delitem__(self, index: int) -> None:
        self._note()
        del self.items[index]

    def __contains__(self, item: int) -> bool:
        self._note()
        return item in self.items

    def __len__(self) -> int:
        self._note()
        return len(self.items)

    def __eq__(self, other: object) -> bool:
        self._note()
        return isinstance(other, Thing) and self.items == other.items

    def __hash__(self) -> int:
        self._note()
        return 17

    def __bool__(self) -> bool:
        self._note()
        return False

    def __str__(self) -> str:
        self._note()
        return "a thing"

    def __repr__(self) -> str:
        self._note()
        return "<thing>"

    def __enter__(self) -> Self:
        self._note()
        return self

    def __exit__(self, *exc_info: object) -> bool:
        self._note()
        return exc_info[0] is LookupError


@pytest.fixture
def thing() -> Thing:
    return Thing([1, 2, 3])


@pytest.fixture
def proxy(thing: Thing) -> Any:
    return tpool.Proxy(thing)


class TestProxy:
    def test_methods_run_in_the_pool(self, proxy: Any) -> None:
        assert proxy.where() != get_ident()
        assert proxy.where(more=1) != get_ident() + 1

    def test_methods_keep_name_and_docstring(self, proxy: Any) -> None:
        assert (proxy.where.__name__, proxy.where.__doc__) == ("where", "Tell where this runs.")

    def test_exceptions_come_through(self, proxy: Any) -> None:
        with pytest.raises(LookupError, match="in the thing"):
            proxy.fail()
        with pytest.raises(AttributeError, match="nothing"):
            _ = proxy.nothing

    def test_plain_attributes(self, proxy: Any, thing: Thing) -> None:
        assert proxy.colour == "red"
        proxy.colour = "blue"
        assert thing.colour == "blue"
        del proxy.colour
        assert thing.colour == "red"
        assert "where" in dir(proxy)

    def test_items_go_to_the_pool(self, proxy: Any, thing: Thing) -> None:
        assert proxy[1] == 2
        proxy[1] = 7
        del proxy[0]
        assert 7 in proxy
        assert thing.items == [7, 3]
        assert len(thing.used_in) == 4
        assert get_ident() not in thing.used_in

    def test_calls_go_to_the_pool(self, proxy: Any, thing: Thing) -> None:
        assert proxy(1) == 2
        assert get_ident() not in thing.used_in

    def test_with_block_goes_to_the_pool(self, proxy: Any, thing: Thing) -> None:
        with proxy as entered:
            assert entered is proxy
            raise LookupError
        assert len(thing.used_in) == 2
        assert get_ident() not in thing.used_in

    def test_with_block_of_something_else(self, tmp_path: Any) -> None:
        path = tmp_path / "file"
        with tpool.Proxy(open)(path, "w") as file:
            file.write("text")
        assert path.read_text() == "text"

    def test_quick_things_are_on_the_spot(self, proxy: Any, thing: Thing) -> None:
        assert len(proxy) == 3
        assert hash(proxy) == 17
        assert not proxy
        assert (str(proxy), repr(proxy)) == ("a thing", "<thing>")
        assert proxy == thing
        assert proxy == tpool.Proxy(Thing([1, 2, 3]))
        assert proxy != Thing()
        assert set(thing.used_in) == {get_ident()}

    def test_iteration(self) -> None:
        assert list(tpool.Proxy([1, 2, 3])) == [1, 2, 3]
        generator = tpool.Proxy(iter([4, 5]))
        assert iter(generator) is generator
        assert next(generator) == 4
        assert list(generator) == [5]

    def test_copies(self, thing: Thing) -> None:
        proxy = tpool.Proxy(thing)
        shallow, deep = copy.copy(proxy), copy.deepcopy(proxy)
        assert isinstance(shallow, tpool.Proxy)
        assert isinstance(deep, tpool.Proxy)
        assert shallow.items is thing.items
        assert deep.items is not thing.items
        assert deep.items == thing.items

    def test_no_endless_recursion_before_init(self) -> None:
        with pytest.raises(AttributeError, match="_obj"):
            _ = tpool.Proxy.__new__(tpool.Proxy)._obj

    def test_proxy_of_an_object_with_such_keywords(self, proxy: Any) -> None:
        assert tpool.Proxy(dict)(self=1, obj=2, name=3) == {"self": 1, "obj": 2, "name": 3}


class TestAutowrap:
    @pytest.mark.parametrize("types", [list, (list,), [list, dict]])
    def test_by_type(self, thing: Thing, types: Any) -> None:
        proxy: Any = tpool.Proxy(thing, types)
        assert isinstance(proxy.parts(), tpool.Proxy)
        assert isinstance(proxy.items, tpool.Proxy)
        assert not isinstance(proxy.where(), tpool.Proxy)

    def test_by_name(self, thing: Thing) -> None:
        proxy: Any = tpool.Proxy(thing, autowrap_names=("parts",))
        assert isinstance(proxy.parts(), tpool.Proxy)
        assert not isinstance(proxy.items, tpool.Proxy)

    def test_goes_on_in_what_was_wrapped(self) -> None:
        nested: Any = tpool.Proxy([[1, [2]]], list)
        assert isinstance(nested[0], tpool.Proxy)
        assert isinstance(nested[0][1], tpool.Proxy)
        assert nested[0][1][0] == 2
        assert all(isinstance(item, tpool.Proxy) for item in nested)

    def test_proxies_are_not_wrapped_twice(self, thing: Thing) -> None:
        inner = tpool.Proxy(thing)
        thing.items = inner  # type: ignore[assignment]  # whatever an object may hold
        proxy: Any = tpool.Proxy(thing, autowrap_names=("parts",))
        assert proxy.parts() is inner
