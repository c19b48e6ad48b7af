from __future__ import annotations

import queue as standard
from collections.abc import Callable
from typing import Any

import pytest
from greenlet import greenlet

import eventlet.coros.queue as green
from eventlet import coros, hub
from eventlet.hub import testing

KINDS = [green.Queue, green.LifoQueue, green.PriorityQueue]


class SetQueue(green.Queue[Any]):
    """Holds each item once; as people write them."""

    def _init(self, maxsize: int) -> None:
        self.queue: set[Any] = set()

    def _put(self, item: Any) -> None:
        if item == "bad put":
            raise KeyError(item)
        self.queue.add(item)

    def _get(self) -> Any:
        item = self.queue.pop()
        if item == "bad get":
            raise KeyError(item)
        return item


@pytest.fixture(params=[*KINDS, SetQueue])
def kind(request: pytest.FixtureRequest) -> type[green.Queue[Any]]:
    found: type[green.Queue[Any]] = request.param
    return found


def test_the_module_has_the_names_of_the_standard_one() -> None:
    assert set(standard.__all__) <= set(green.__all__)
    for name in green.__all__:
        found = getattr(green, name)
        assert found.__module__ in ("eventlet.coros.queue", "queue", "_queue")
        assert name.startswith("_") or found.__doc__
    assert green.Empty is standard.Empty
    assert green.Full is standard.Full
    assert getattr(standard, "ShutDown", green.ShutDown) is green.ShutDown


def test_the_module_is_the_function_of_2009_too() -> None:
    assert vars(coros)["queue"] is green
    assert isinstance(coros.queue(), coros.Queue)
    assert isinstance(coros.queue(3), coros.Channel)
    assert coros.queue(max_size=0).full()


@pytest.mark.parametrize(
    ("kind", "order"),
    [(green.Queue, [3, 1, 2]), (green.LifoQueue, [2, 1, 3]), (green.PriorityQueue, [1, 2, 3])],
)
def test_order(kind: type[green.Queue[Any]], order: list[int]) -> None:
    queue = kind()
    for item in (3, 1, 2):
        queue.put(item)
    assert queue.qsize() == 3
    assert [queue.get() for _ in range(3)] == order
    assert queue.empty()


def test_put_waits_for_room(kind: type[green.Queue[Any]]) -> None:
    queue = kind(2)
    for item in (1, 2):
        queue.put_nowait(item)
    assert queue.full()
    with pytest.raises(green.Full):
        queue.put_nowait(3)
    with pytest.raises(green.Full):
        queue.put(3, timeout=0)
    putter = hub.spawn(queue.put, 3)
    testing.wait_until_idle()
    assert not putter.dead
    got = [queue.get()]
    putter.wait()
    got += [queue.get() for _ in range(2)]
    assert sorted(got) == [1, 2, 3]
    assert "0 items, 0 waiting" in repr(queue)


def test_get_waits(kind: type[green.Queue[Any]]) -> None:
    queue = kind(1)
    with pytest.raises(green.Empty):
        queue.get_nowait()
    with pytest.raises(green.Empty):
        queue.get(timeout=0)
    getters = [hub.spawn(queue.get) for _ in range(3)]
    testing.wait_until_idle()
    for item in range(3):
        queue.put(item)
    assert sorted(getter.wait() for getter in getters) == [0, 1, 2]


def test_bad_timeouts(kind: type[green.Queue[Any]]) -> None:
    queue = kind()
    for timeout in (-1, float("nan")):
        with pytest.raises(ValueError, match="timeout"):
            queue.put(1, timeout=timeout)
        with pytest.raises(ValueError, match="timeout"):
            queue.get(timeout=timeout)
    queue.put(1, False, -1)
    assert queue.get(False, -1) == 1


def test_many_items_without_a_limit(kind: type[green.Queue[Any]]) -> None:
    queue = kind()
    for item in range(5000):
        queue.put(item, block=False)
    assert not queue.full()
    assert sorted(queue.get(block=False) for _ in range(5000)) == list(range(5000))


def test_a_put_in_the_hub_does_not_wait() -> None:
    queue: green.Queue[int] = green.Queue()
    put: Callable[[int], Any] = queue.put
    hub.get_hub().call_soon(lambda: [put(item) for item in range(3000)])
    assert [queue.get() for _ in range(3000)] == list(range(3000))


def test_join(kind: type[green.Queue[Any]]) -> None:
    queue = kind(1)
    queue.join()
    queue.put(1)
    with pytest.raises(TimeoutError, match="was not done"):
        queue.join(timeout=0)
    joiner = hub.spawn(queue.join)
    putter = hub.spawn(queue.put, 2)
    testing.wait_until_idle()
    assert queue.unfinished_tasks == 1
    for _ in range(2):
        queue.get()
        testing.wait_until_idle()
        assert not joiner.dead
        queue.task_done()
    joiner.wait()
    putter.wait()
    with pytest.raises(ValueError, match="too many"):
        queue.task_done()
    assert queue.unfinished_tasks == 0


def test_what_is_not_put_need_not_be_done(kind: type[green.Queue[Any]]) -> None:
    queue = kind(1)
    queue.put(1)
    killed = hub.spawn(queue.put, 2)
    testing.wait_until_idle()
    killed.kill()
    with pytest.raises(green.Full):
        queue.put(3, timeout=0)
    assert queue.unfinished_tasks == 1
    queue.get()
    queue.task_done()
    queue.join(timeout=0)


def test_who_waits_to_put_is_not_counted_yet(kind: type[green.Queue[Any]]) -> None:
    queue = kind(1)
    queue.put(1)
    putter = hub.spawn(queue.put, 2)
    testing.wait_until_idle()
    queue.task_done()
    with pytest.raises(ValueError, match="too many"):
        queue.task_done()
    putter.kill()
    assert queue.unfinished_tasks == 0
    queue.join(timeout=0)


def test_an_item_that_comes_back_is_counted_once(kind: type[green.Queue[Any]]) -> None:
    queue = kind(1)
    bare = greenlet(queue.get)
    hub.get_hub().call_soon(bare.switch)
    testing.wait_until_idle()
    for item in (1, 2):
        queue.put(item)
    with pytest.raises(KeyError):
        bare.throw(KeyError)
    assert queue.qsize() == queue.unfinished_tasks == 1
    queue.shutdown()
    assert sorted([queue.get(), queue.get()]) == [1, 2]
    assert queue.unfinished_tasks == 2
    with pytest.raises(green.ShutDown):
        queue.get()


def test_shutdown_at_once_drops_an_item_that_has_come_back(kind: type[green.Queue[Any]]) -> None:
    queue = kind(1)
    bare = greenlet(queue.get)
    hub.get_hub().call_soon(bare.switch)
    testing.wait_until_idle()
    for item in (1, 2):
        queue.put(item)
    with pytest.raises(KeyError):
        bare.throw(KeyError)
    queue.shutdown(immediate=True)
    assert queue.unfinished_tasks == 0
    with pytest.raises(green.ShutDown):
        queue.get()


def test_shutdown(kind: type[green.Queue[Any]]) -> None:
    queue = kind(2)
    queue.put(1)
    queue.put(2)
    putter = hub.spawn(queue.put, 3)
    testing.wait_until_idle()
    queue.shutdown()
    assert queue.is_shutdown
    assert "shut down" in repr(queue)
    with pytest.raises(green.ShutDown):
        putter.wait()
    with pytest.raises(green.ShutDown):
        queue.put(4)
    assert sorted([queue.get(), queue.get()]) == [1, 2]
    for block in (True, False):
        with pytest.raises(green.ShutDown):
            queue.get(block)
        with pytest.raises(green.ShutDown):
            queue.put(4, block)
    assert queue.unfinished_tasks == 2
    assert queue.qsize() == 0


def test_shutdown_wakes_who_waits(kind: type[green.Queue[Any]]) -> None:
    queue = kind()
    getters = [hub.spawn(queue.get) for _ in range(2)]
    testing.wait_until_idle()
    queue.shutdown()
    for getter in getters:
        with pytest.raises(green.ShutDown):
            getter.wait()


def test_shutdown_at_once(kind: type[green.Queue[Any]]) -> None:
    queue = kind()
    for item in range(3):
        queue.put(item)
    queue.get()
    joiner = hub.spawn(queue.join)
    testing.wait_until_idle()
    queue.shutdown(immediate=True)
    with pytest.raises(green.ShutDown):
        queue.get()
    assert queue.unfinished_tasks == 1
    queue.task_done()
    joiner.wait()


def test_the_user_s_own_errors_come_to_who_made_them() -> None:
    queue = SetQueue(1)
    with pytest.raises(KeyError, match="bad put"):
        queue.put("bad put")
    assert queue.unfinished_tasks == 0
    queue.put("good")
    putter = hub.spawn(queue.put, "bad put")
    testing.wait_until_idle()
    assert queue.get() == "good"
    with pytest.raises(KeyError, match="bad put"):
        putter.wait()
    getter = hub.spawn(queue.get)
    testing.wait_until_idle()
    queue.put("bad get")
    with pytest.raises(KeyError, match="bad get"):
        getter.wait()
    queue = SetQueue()
    queue.put("bad get")
    with pytest.raises(KeyError, match="bad get"):
        queue.get()


def test_items_that_cannot_be_compared() -> None:
    queue: green.PriorityQueue[Any] = green.PriorityQueue()
    queue.put(1)
    with pytest.raises(TypeError):
        queue.put("one")
    assert queue.unfinished_tasks == 1
    assert queue.qsize() == 1


def test_types_can_be_subscripted() -> None:
    assert "Queue" in repr(green.Queue[int])
    assert "SimpleQueue" in repr(green.SimpleQueue[int])


@pytest.mark.parametrize("size", [0, 1, 5])
def test_native_threads(
    kind: type[green.Queue[Any]], size: int, run_native: Callable[..., list[Any]]
) -> None:
    queue = kind(size)

    def put(number: int) -> list[Any]:
        for i in range(150):
            queue.put((number, i))
        return []

    def get() -> list[Any]:
        got = []
        while True:
            try:
                got.append(queue.get())
            except green.ShutDown:
                return got
            queue.task_done()

    def get_in_a_hub() -> list[Any]:
        return [item for t in [hub.spawn(get) for _ in range(2)] for item in t.wait()]

    def put_all() -> list[Any]:
        for thread in [hub.spawn(put, number) for number in range(3)]:
            thread.wait()
        queue.join()
        queue.shutdown()
        return []

    parts = run_native(put_all, get, get_in_a_hub)
    got = sorted(item for part in parts for item in part)
    assert got == [(number, i) for number in range(3) for i in range(150)]
    assert queue.unfinished_tasks == 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_shutdown_in_another_native_thread_swallows_nothing(
    kind: type[green.Queue[Any]], run_native: Callable[..., list[Any]]
) -> None:
    for _ in range(20):
        queue = kind()

        def put(queue: green.Queue[Any] = queue) -> int:
            for i in range(10**6):
                try:
                    queue.put(i)
                except green.ShutDown:
                    return i
            return 10**6

        def get(queue: green.Queue[Any] = queue) -> int:
            for i in range(10**6):
                try:
                    queue.get()
                except green.ShutDown:
                    return i
            return 10**6

        def shut(queue: green.Queue[Any] = queue) -> None:
            queue.shutdown()

        sent, received, _ = run_native(put, get, shut)
        assert sent == received


def test_a_simple_queue() -> None:
    queue: green.SimpleQueue[int] = green.SimpleQueue()
    assert queue.empty()
    getter = hub.spawn(queue.get)
    testing.wait_until_idle()
    assert "0 items, 1 waiting" in repr(queue)
    queue.put(1)
    assert getter.wait() == 1
    queue.put(2, False)
    queue.put_nowait(3)
    assert queue.qsize() == 2
    assert queue.get() == 2
    assert queue.get_nowait() == 3
    for get in (queue.get_nowait, lambda: queue.get(timeout=0)):
        with pytest.raises(green.Empty):
            get()
    with pytest.raises(ValueError, match="timeout"):
        queue.get(timeout=-1)
    queue.put(4)
    assert queue.get(False, -1) == 4


def test_a_simple_queue_between_native_threads(run_native: Callable[..., list[Any]]) -> None:
    queue: green.SimpleQueue[int] = green.SimpleQueue()

    def put() -> list[int]:
        for i in range(500):
            queue.put(i)
        for _ in range(3):
            queue.put(-1)
        return []

    def get() -> list[int]:
        return list(iter(queue.get, -1))

    def get_in_a_hub() -> list[int]:
        return [item for t in [hub.spawn(get) for _ in range(2)] for item in t.wait()]

    parts = run_native(get, get_in_a_hub, put)
    assert sorted(item for part in parts for item in part) == list(range(500))


@pytest.mark.parametrize("base", KINDS)
def test_overridden_methods_may_call_the_original(base: type[green.Queue[Any]]) -> None:
    class Counting(base):  # type: ignore[misc,valid-type]
        def _init(self, maxsize: int) -> None:
            super()._init(maxsize)
            self.calls = 0

        def _qsize(self) -> int:
            size: int = super()._qsize()
            return size

        def _put(self, item: Any) -> None:
            self.calls += 1
            super()._put(item)

        def _get(self) -> Any:
            self.calls += 1
            return super()._get()

    queue, plain = Counting(), base()
    for item in (3, 1, 2):
        queue.put(item)
        plain.put(item)
    assert [queue.get() for _ in range(3)] == [plain.get() for _ in range(3)]
    assert queue.calls == 6


def test_items_that_cannot_be_taken_are_an_error_of_who_takes() -> None:
    class Interrupting(green.Queue[Any]):
        def _get(self) -> Any:
            raise KeyboardInterrupt

    queue = Interrupting()
    getter = hub.spawn(queue.get)
    testing.wait_until_idle()
    queue.put(1)
    with pytest.raises(KeyboardInterrupt):
        getter.wait()
