"""Run /bin/true, 20 at a time, from a small parent or from one of 512 MiB.

What counts is the processor time of the parent and of the children: copying the parent's memory
maps is part of it.
"""

import os
from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks.subject import AsyncWork, Subject, Work
from benchmarks.subjects._spent import processor_time

SUBJECT = Subject(
    "subprocesses, parent of", "processes/s", {"0 MiB": 0, "512 MiB": 512}, clock="own"
)
_COMMAND = ["/bin/true"]
_WORKERS = range(20)

_ballast = b""


def _take_up(mebibytes: int) -> None:
    global _ballast
    _ballast = os.urandom(1 << 20) * mebibytes


def _work(start: Callable[[Callable[[], None]], Any], join: str, run: Callable[..., Any]) -> Work:
    def work(repeats: int) -> tuple[int, float]:
        def worker() -> None:
            for _ in range(repeats):
                if run(_COMMAND).returncode:
                    raise RuntimeError(f"{_COMMAND} has failed")

        before = processor_time()
        for thread in [start(worker) for _ in _WORKERS]:
            getattr(thread, join)()
        return repeats * len(_WORKERS), processor_time() - before

    return work


def ours(mebibytes: int) -> Work:
    from eventlet.hub import spawn

    _take_up(mebibytes)
    return _work(spawn, "wait", import_module("eventlet.processes.subprocess").run)


def gevent(mebibytes: int) -> Work:
    _take_up(mebibytes)
    return _work(import_module("gevent").spawn, "get", import_module("gevent.subprocess").run)


def eventlet(mebibytes: int) -> Work:
    _take_up(mebibytes)
    run = import_module("eventlet.green.subprocess").run
    return _work(import_module("eventlet").spawn, "wait", run)


def threads(mebibytes: int) -> Work:
    import subprocess
    from threading import Thread

    def start(function: Callable[[], None]) -> Thread:
        thread = Thread(target=function)
        thread.start()
        return thread

    _take_up(mebibytes)
    return _work(start, "join", subprocess.run)


async def asyncio(mebibytes: int) -> AsyncWork:
    from asyncio import create_subprocess_exec, gather

    _take_up(mebibytes)

    async def worker(repeats: int) -> None:
        for _ in range(repeats):
            process = await create_subprocess_exec(*_COMMAND)
            if await process.wait():
                raise RuntimeError(f"{_COMMAND} has failed")

    async def work(repeats: int) -> tuple[int, float]:
        before = processor_time()
        await gather(*(worker(repeats) for _ in _WORKERS))
        return repeats * len(_WORKERS), processor_time() - before

    return work
