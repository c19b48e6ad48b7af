"""Send 1 GiB through `cat` with `communicate`, both ways at once.

What counts is the processor time of the parent and of the child. Eventlet 0.41 would need minutes
for it.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks.subject import AsyncWork, Subject, Work
from benchmarks.subjects._spent import processor_time

SUBJECT = Subject("1 GiB through communicate", "MiB/s", {"": 1024}, clock="own")
_COMMAND = ["cat"]


def _check(output: bytes, data: bytes) -> None:
    if len(output) != len(data):
        raise RuntimeError(f"{len(data)} bytes went in, and {len(output)} came out")


def _work(run: Callable[..., Any], mebibytes: int) -> Work:
    data = bytes(range(256)) * (mebibytes << 12)

    def work(repeats: int) -> tuple[int, float]:
        before = processor_time()
        for _ in range(repeats):
            _check(run(_COMMAND, input=data, capture_output=True).stdout, data)
        return repeats * mebibytes, processor_time() - before

    return work


def ours(mebibytes: int) -> Work:
    return _work(import_module("eventlet.processes.subprocess").run, mebibytes)


def gevent(mebibytes: int) -> Work:
    return _work(import_module("gevent.subprocess").run, mebibytes)


def threads(mebibytes: int) -> Work:
    import subprocess

    return _work(subprocess.run, mebibytes)


async def asyncio(mebibytes: int) -> AsyncWork:
    from asyncio import create_subprocess_exec
    from subprocess import PIPE

    data = bytes(range(256)) * (mebibytes << 12)

    async def work(repeats: int) -> tuple[int, float]:
        before = processor_time()
        for _ in range(repeats):
            child = await create_subprocess_exec(*_COMMAND, stdin=PIPE, stdout=PIPE, stderr=PIPE)
            _check((await child.communicate(data))[0], data)
        return repeats * mebibytes, processor_time() - before

    return work
