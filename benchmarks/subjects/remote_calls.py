"""Call a method of an object in a child process, from one green thread or from ten at once."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks.subject import Subject, Work

SUBJECT = Subject(
    "calls of an object in a child, callers",
    "calls/s",
    {"1": 1, "10": 10},
    clock="wall",
    limits=("floor",),
)
_TIMES = range(100)
_CHUNK = 4096


class Counter:
    """The object."""

    def __init__(self) -> None:
        self.total = 0

    def add(self, number: int) -> int:
        self.total += number
        return self.total


def _work(
    counter: Any, callers: int, start: Callable[[Callable[[], None]], Any], join: str
) -> Work:
    def work(repeats: int) -> int:
        def call() -> None:
            for _ in range(repeats):
                for _ in _TIMES:
                    counter.add(1)

        for thread in [start(call) for _ in range(callers)]:
            getattr(thread, join)()
        return repeats * len(_TIMES) * callers

    return work


def ours(callers: int) -> Work:
    wrap = import_module("eventlet.processes").wrap
    return _work(wrap(Counter()), callers, import_module("eventlet.hub").spawn, "wait")


def floor(callers: int) -> Work:
    """A pipe each way, numbered pickles with their length in front, and a switch for each call.

    One call is made after the other, so each caller reads its own reply.
    """
    import os
    from itertools import count
    from pickle import dumps, loads
    from struct import Struct

    from benchmarks.subjects._floor import Scheduler

    header, numbers = Struct("!QQ"), count(1)
    (theirs, requests), (replies, their_replies) = os.pipe(), os.pipe()
    if not os.fork():
        counter = Counter()
        os.close(requests)
        while data := os.read(theirs, _CHUNK):
            _, number = header.unpack_from(data)
            name, arguments = loads(memoryview(data)[header.size :])
            reply = dumps(getattr(counter, name)(*arguments))
            os.write(their_replies, header.pack(len(reply), number) + reply)
        os._exit(0)
    os.close(theirs)
    scheduler = Scheduler()
    scheduler.register(replies)
    give_up = scheduler.give_up

    class Remote:
        def __init__(self, name: str) -> None:
            self._name = name

        def __call__(self, *arguments: Any) -> Any:
            request = dumps((self._name, arguments))
            os.write(requests, header.pack(len(request), next(numbers)) + request)
            give_up()
            data = os.read(replies, _CHUNK)
            header.unpack_from(data)
            return loads(memoryview(data)[header.size :])

    class Proxy:
        def __getattr__(self, name: str) -> Remote:
            return Remote(name)

    proxy: Any = Proxy()

    def work(repeats: int) -> int:
        for _ in range(repeats * callers):
            for _ in _TIMES:
                proxy.add(1)
        return repeats * len(_TIMES) * callers

    return work


def managers(callers: int) -> Work:
    from multiprocessing.managers import BaseManager
    from threading import Thread

    class Manager(BaseManager):
        pass

    def start(function: Callable[[], None]) -> Thread:
        thread = Thread(target=function)
        thread.start()
        return thread

    Manager.register("Counter", Counter)
    manager = Manager()
    manager.start()
    return _work(vars(Manager)["Counter"](manager), callers, start, "join")
