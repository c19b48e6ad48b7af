"""Run tasks that do nothing in a pool of 100 workers."""

from importlib import import_module

from benchmarks.subject import AsyncWork, Subject, Work

SUBJECT = Subject("a pool of 100 workers", "tasks/s")
_WORKERS = 100
_TASKS = range(1000)


def _nothing() -> None:
    pass


def ours(_: int) -> Work:
    from eventlet.coros import CoroutinePool

    pool = CoroutinePool(max_size=_WORKERS)

    def work(repeats: int) -> int:
        for _ in range(repeats):
            for _ in _TASKS:
                pool.execute_async(_nothing)
        pool.wait_all()
        return repeats * len(_TASKS)

    return work


def gevent(_: int) -> Work:
    pool = import_module("gevent.pool").Pool(_WORKERS)

    def work(repeats: int) -> int:
        for _ in range(repeats):
            for _ in _TASKS:
                pool.spawn(_nothing)
        pool.join()
        return repeats * len(_TASKS)

    return work


def eventlet(_: int) -> Work:
    pool = import_module("eventlet").GreenPool(_WORKERS)

    def work(repeats: int) -> int:
        for _ in range(repeats):
            for _ in _TASKS:
                pool.spawn_n(_nothing)
        pool.waitall()
        return repeats * len(_TASKS)

    return work


async def asyncio(_: int) -> AsyncWork:
    from asyncio import Semaphore, TaskGroup

    async def work(repeats: int) -> int:
        room = Semaphore(_WORKERS)

        async def task() -> None:
            _nothing()
            room.release()

        async with TaskGroup() as group:
            for _ in range(repeats):
                for _ in _TASKS:
                    await room.acquire()
                    group.create_task(task())
        return repeats * len(_TASKS)

    return work


def threads(_: int) -> Work:
    from concurrent.futures import ThreadPoolExecutor, wait

    pool = ThreadPoolExecutor(_WORKERS)

    def work(repeats: int) -> int:
        for _ in range(repeats):
            wait([pool.submit(_nothing) for _ in _TASKS])
        return repeats * len(_TASKS)

    return work
