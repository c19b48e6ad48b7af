"""The memory of a green thread that is parked and waits for nothing in particular."""

from collections.abc import Callable
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.subject import AsyncWork, Subject, Work

SUBJECT = Subject(
    "an idle parked green thread", "bytes", {"100": 100, "10000": 10_000}, footprint=True
)
# The first ones bring in what all of them share.
_FIRST = 50


def _memory() -> int:
    """Return the bytes that this process shares with no other (proc(5), smaps_rollup)."""
    lines = Path("/proc/self/smaps_rollup").read_text("ascii").splitlines()
    return 1024 * sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def _work(
    parties: int, start: Callable[[Callable[[], None]], Any], pause: Callable[[], object]
) -> Work:
    """Return the work, given how to start a party that calls a function and then parks."""
    running = count()
    seen = 0

    def note() -> None:
        nonlocal seen
        seen = next(running) + 1

    def start_until(total: int) -> list[Any]:
        started = [start(note) for _ in range(total - seen)]
        while seen < total:
            pause()
        pause()
        return started

    def work(_: int) -> float:
        kept = start_until(_FIRST)
        before = _memory()
        kept += start_until(_FIRST + parties)
        return (_memory() - before) / parties

    return work


def ours(parties: int) -> Work:
    from eventlet.hub import Waiter, sleep, spawn

    def party(note: Callable[[], None]) -> None:
        note()
        Waiter[None]().wait()

    return _work(parties, lambda note: spawn(party, note), lambda: sleep(0.01))


def gevent(parties: int) -> Work:
    peer, waiter = import_module("gevent"), import_module("gevent.hub").Waiter

    def party(note: Callable[[], None]) -> None:
        note()
        waiter().get()

    return _work(parties, lambda note: peer.spawn(party, note), lambda: peer.sleep(0.01))


def eventlet(parties: int) -> Work:
    peer, event = import_module("eventlet"), import_module("eventlet.event").Event

    def party(note: Callable[[], None]) -> None:
        note()
        event().wait()

    return _work(parties, lambda note: peer.spawn(party, note), lambda: peer.sleep(0.01))


def threads(parties: int) -> Work:
    from threading import Lock, Thread
    from time import sleep

    def party(note: Callable[[], None], lock: Any) -> None:
        note()
        lock.acquire()

    def start(note: Callable[[], None]) -> Thread:
        lock = Lock()
        lock.acquire()
        thread = Thread(target=party, args=(note, lock), daemon=True)
        thread.start()
        return thread

    return _work(parties, start, lambda: sleep(0.1))


async def asyncio(parties: int) -> AsyncWork:
    from asyncio import create_task, get_running_loop, sleep

    loop = get_running_loop()

    async def party() -> None:
        await loop.create_future()

    async def started(number: int) -> list[Any]:
        tasks = [create_task(party()) for _ in range(number)]
        await sleep(0.01)
        return tasks

    async def work(_: int) -> float:
        kept = await started(_FIRST)
        before = _memory()
        kept += await started(parties)
        found = (_memory() - before) / parties
        for task in kept:
            task.cancel()
        return found

    return work
