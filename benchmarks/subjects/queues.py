"""Pass messages between two green threads through queues.

"hand-over" is to and fro: each message wakes the other. "bounded" is one way, with room for 100.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks.subject import AsyncWork, Subject, Work

_HAND_OVER, _BOUNDED = range(2)
SUBJECT = Subject(
    "queues", "messages/s", {"hand-over": _HAND_OVER, "bounded": _BOUNDED}, limits=("floor",)
)
_ROOM = 100
_TIMES = range(1000)

Put = Callable[[int], object]
Get = Callable[[], object]


def _hand_over(spawn: Callable[..., object], put: Put, receive: Get, answer: Put, get: Get) -> Work:
    def answering() -> None:
        while True:
            receive()
            answer(0)

    def work(repeats: int) -> int:
        for _ in range(repeats):
            for number in _TIMES:
                put(number)
                get()
        return 2 * repeats * len(_TIMES)

    spawn(answering)
    return work


def _one_way(spawn: Callable[..., object], put: Put, get: Get) -> Work:
    def work(repeats: int) -> int:
        def producing() -> None:
            for _ in range(repeats):
                for number in _TIMES:
                    put(number)

        spawn(producing)
        for _ in range(repeats):
            for _ in _TIMES:
                get()
        return repeats * len(_TIMES)

    return work


def _with_queues(spawn: Callable[..., object], queue: Callable[..., Any], case: int) -> Work:
    if case == _BOUNDED:
        channel = queue(_ROOM)
        return _one_way(spawn, channel.put, channel.get)
    there, back = queue(), queue()
    return _hand_over(spawn, there.put, there.get, back.put, back.get)


def ours(case: int) -> Work:
    from eventlet.coros import Channel, Queue
    from eventlet.hub import spawn

    if case == _BOUNDED:
        channel = Channel[int](_ROOM)
        return _one_way(spawn, channel.send, channel.wait)
    there, back = Queue[int](), Queue[int]()
    return _hand_over(spawn, there.send, there.wait, back.send, back.wait)


def gevent(case: int) -> Work:
    return _with_queues(import_module("gevent").spawn, import_module("gevent.queue").Queue, case)


def eventlet(case: int) -> Work:
    return _with_queues(
        import_module("eventlet").spawn, import_module("eventlet.queue").Queue, case
    )


def floor(case: int) -> Work:
    """A deque, a switch for each wait, no more than two parties, and arguments as the standard's.

    Neither `block` nor `timeout` are looked at; but to take them has its price.
    """
    from collections import deque

    from benchmarks.subjects._floor import Scheduler
    from greenlet import getcurrent, greenlet

    scheduler = Scheduler()
    give_up, ready = scheduler.give_up, scheduler.ready

    class Queue:
        __slots__ = ("_items", "_parked", "_room")

        def __init__(self, room: float = float("inf")) -> None:
            self._items = deque[int]()
            self._parked = list[greenlet]()
            self._room = room

        def put(self, item: int, block: bool = True, timeout: float | None = None) -> None:
            while len(self._items) >= self._room:
                self._parked.append(getcurrent())
                give_up()
            self._items.append(item)
            if self._parked:
                ready.append(self._parked.pop())

        def get(self, block: bool = True, timeout: float | None = None) -> int:
            while not self._items:
                self._parked.append(getcurrent())
                give_up()
            item = self._items.popleft()
            if self._parked:
                ready.append(self._parked.pop())
            return item

    return _with_queues(scheduler.spawn, Queue, case)


def threads(case: int) -> Work:
    from queue import Queue
    from threading import Thread

    def spawn(function: Callable[[], None]) -> None:
        Thread(target=function, daemon=True).start()

    return _with_queues(spawn, Queue, case)


async def asyncio(case: int) -> AsyncWork:
    return _async_one_way() if case == _BOUNDED else _async_hand_over()


def _async_one_way() -> AsyncWork:
    from asyncio import Queue, create_task

    channel = Queue[int](_ROOM)

    async def producing(repeats: int) -> None:
        for _ in range(repeats):
            for number in _TIMES:
                await channel.put(number)

    async def work(repeats: int) -> int:
        producer = create_task(producing(repeats))
        for _ in range(repeats):
            for _ in _TIMES:
                await channel.get()
        await producer
        return repeats * len(_TIMES)

    return work


def _async_hand_over() -> AsyncWork:
    from asyncio import Queue, create_task

    there, back = Queue[int](), Queue[int]()

    async def answering() -> None:
        while True:
            await back.put(await there.get())

    answerer = create_task(answering())

    async def work(repeats: int) -> int:
        assert not answerer.done()
        for _ in range(repeats):
            for number in _TIMES:
                await there.put(number)
                await back.get()
        return 2 * repeats * len(_TIMES)

    return work
