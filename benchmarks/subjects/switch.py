"""Give up control and get it back, with 1, 2 or 100 green threads that do nothing else."""

from importlib import import_module

from benchmarks.subject import AsyncWork, Subject, Work

SUBJECT = Subject("sleep(0)", "switches/s", {"1": 1, "2": 2, "100": 100})
# How often each of a single, or of two or more, yields before the work counts as done once.
_YIELDS = 5000


def _share(parties: int) -> range:
    return range(_YIELDS // parties)


def ours(parties: int) -> Work:
    from eventlet.hub import sleep, spawn

    share = _share(parties)

    def yielding(repeats: int) -> None:
        for _ in range(repeats):
            for _ in share:
                sleep(0)

    def work(repeats: int) -> int:
        for thread in [spawn(yielding, repeats) for _ in range(parties)]:
            thread.wait()
        return repeats * len(share) * parties

    return work


def gevent(parties: int) -> Work:
    peer = import_module("gevent")
    share, sleep = _share(parties), peer.sleep

    def yielding(repeats: int) -> None:
        for _ in range(repeats):
            for _ in share:
                sleep(0)

    def work(repeats: int) -> int:
        peer.joinall([peer.spawn(yielding, repeats) for _ in range(parties)])
        return repeats * len(share) * parties

    return work


def eventlet(parties: int) -> Work:
    peer = import_module("eventlet")
    share, sleep = _share(parties), peer.sleep

    def yielding(repeats: int) -> None:
        for _ in range(repeats):
            for _ in share:
                sleep(0)

    def work(repeats: int) -> int:
        for thread in [peer.spawn(yielding, repeats) for _ in range(parties)]:
            thread.wait()
        return repeats * len(share) * parties

    return work


async def asyncio(parties: int) -> AsyncWork:
    from asyncio import gather, sleep

    share = _share(parties)

    async def yielding(repeats: int) -> None:
        for _ in range(repeats):
            for _ in share:
                await sleep(0)

    async def work(repeats: int) -> int:
        await gather(*(yielding(repeats) for _ in range(parties)))
        return repeats * len(share) * parties

    return work


async def trio(parties: int) -> AsyncWork:
    peer = import_module("trio")
    share = _share(parties)

    async def yielding(repeats: int) -> None:
        for _ in range(repeats):
            for _ in share:
                await peer.sleep(0)

    async def work(repeats: int) -> int:
        async with peer.open_nursery() as nursery:
            for _ in range(parties):
                nursery.start_soon(yielding, repeats)
        return repeats * len(share) * parties

    return work
