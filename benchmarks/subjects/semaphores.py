"""Let 100 green threads share a semaphore of 10, each holding it for one turn at a time."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks.subject import AsyncWork, Subject, Work

SUBJECT = Subject("a semaphore of 10 for 100 green threads", "acquisitions/s")
_PARTIES = range(100)
_ROOM = 10
_TIMES = range(10)


def _work(
    spawn: Callable[..., Any], join: str, semaphore: Any, sleep: Callable[[int], Any]
) -> Work:
    def party(repeats: int) -> None:
        for _ in range(repeats):
            for _ in _TIMES:
                with semaphore:
                    sleep(0)

    def work(repeats: int) -> int:
        for thread in [spawn(party, repeats) for _ in _PARTIES]:
            getattr(thread, join)()
        return repeats * len(_TIMES) * len(_PARTIES)

    return work


def ours(_: int) -> Work:
    from eventlet.coros import Semaphore
    from eventlet.hub import sleep, spawn

    return _work(spawn, "wait", Semaphore(_ROOM), sleep)


def gevent(_: int) -> Work:
    peer, semaphore = import_module("gevent"), import_module("gevent.lock").Semaphore(_ROOM)
    return _work(peer.spawn, "join", semaphore, peer.sleep)


def eventlet(_: int) -> Work:
    peer, semaphore = (
        import_module("eventlet"),
        import_module("eventlet.semaphore").Semaphore(_ROOM),
    )
    return _work(peer.spawn, "wait", semaphore, peer.sleep)


async def asyncio(_: int) -> AsyncWork:
    from asyncio import Semaphore, gather, sleep

    semaphore = Semaphore(_ROOM)

    async def party(repeats: int) -> None:
        for _ in range(repeats):
            for _ in _TIMES:
                async with semaphore:
                    await sleep(0)

    async def work(repeats: int) -> int:
        await gather(*(party(repeats) for _ in _PARTIES))
        return repeats * len(_TIMES) * len(_PARTIES)

    return work
