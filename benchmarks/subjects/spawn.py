"""Start 1,000 functions that do nothing, and wait for each."""

from importlib import import_module

from benchmarks.subject import AsyncWork, Subject, Work

SUBJECT = Subject("spawn and wait for 1,000", "tasks/s")
BATCH = range(1000)


def _nothing() -> None:
    pass


async def _nothing_async() -> None:
    pass


def ours(_: int) -> Work:
    from eventlet.hub import spawn

    def work(repeats: int) -> int:
        for _ in range(repeats):
            for thread in [spawn(_nothing) for _ in BATCH]:
                thread.wait()
        return repeats * len(BATCH)

    return work


def gevent(_: int) -> Work:
    spawn = import_module("gevent").spawn

    def work(repeats: int) -> int:
        for _ in range(repeats):
            for thread in [spawn(_nothing) for _ in BATCH]:
                thread.get()
        return repeats * len(BATCH)

    return work


def eventlet(_: int) -> Work:
    spawn = import_module("eventlet").spawn

    def work(repeats: int) -> int:
        for _ in range(repeats):
            for thread in [spawn(_nothing) for _ in BATCH]:
                thread.wait()
        return repeats * len(BATCH)

    return work


async def asyncio(_: int) -> AsyncWork:
    create_task = import_module("asyncio").create_task

    async def work(repeats: int) -> int:
        for _ in range(repeats):
            for task in [create_task(_nothing_async()) for _ in BATCH]:
                await task
        return repeats * len(BATCH)

    return work


async def trio(_: int) -> AsyncWork:
    open_nursery = import_module("trio").open_nursery

    async def work(repeats: int) -> int:
        for _ in range(repeats):
            async with open_nursery() as nursery:
                for _ in BATCH:
                    nursery.start_soon(_nothing_async)
        return repeats * len(BATCH)

    return work


def threads(_: int) -> Work:
    from threading import Thread

    def work(repeats: int) -> int:
        for _ in range(repeats):
            started = [Thread(target=_nothing) for _ in BATCH]
            for thread in started:
                thread.start()
            for thread in started:
                thread.join()
        return repeats * len(BATCH)

    return work
