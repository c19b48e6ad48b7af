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
    """A pipe each way, pickles, and a switch for each call; one call after the other."""
    import os
    from pickle import dumps, loads

    from benchmarks.subjects._floor import Scheduler

    (theirs, requests), (replies, their_replies) = os.pipe(), os.pipe()
    if not os.fork():
        counter = Counter()
        os.close(requests)
        while request := os.read(theirs, _CHUNK):
            name, arguments = loads(request)
            os.write(their_replies, dumps(getattr(counter, name)(*arguments)))
        os._exit(0)
    os.close(theirs)
    scheduler = Scheduler()
    scheduler.register(replies)
    give_up = scheduler.give_up

    def work(repeats: int) -> int:
        for _ in range(repeats * callers):
            for _ in _TIMES:
                os.write(requests, dumps(("add", (1,))))
                give_up()
                loads(os.read(replies, _CHUNK))
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
