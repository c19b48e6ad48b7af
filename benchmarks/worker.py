"""One contender's process: takes orders on standard input, answers on standard output.

An order is how often to repeat the work; the answer says what came of it, how long it took, and
which servers do the work, if it isn't this process.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import Any

from benchmarks.contenders import CONTENDERS
from benchmarks.subject import load, module_of
from benchmarks.subjects._load import servers

Work = Callable[[int], Any]
Adapter = Callable[[int], Any]


class Orders:
    """The conversation with the process that wants to know."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)  # what a contender prints is not an answer
        self._start = (0.0, 0.0)

    def __iter__(self) -> Iterator[int]:
        for line in sys.stdin:
            gc.collect()
            self._start = time.perf_counter(), time.process_time()
            yield int(line)

    def answer(self, result: float | tuple[float, float]) -> None:
        """Report the work's result and the time since the order."""
        wall, cpu = time.perf_counter() - self._start[0], time.process_time() - self._start[1]
        done, own = result if isinstance(result, tuple) else (result, 0.0)
        answer = {"result": done, "wall": wall, "cpu": cpu, "own": own, "servers": servers}
        self._out.write(json.dumps(answer) + "\n")
        self._out.flush()


def plain(adapter: Adapter, parameter: int) -> None:
    """Run the work as it is."""
    work: Work = adapter(parameter)
    orders = Orders()
    for repeats in orders:
        orders.answer(work(repeats))


async def _in_a_loop(adapter: Adapter, parameter: int) -> None:
    work: Work = await adapter(parameter)
    orders = Orders()
    # Reading an order blocks the loop, which has nothing else to do meanwhile.
    for repeats in orders:
        orders.answer(await work(repeats))


def on_asyncio(adapter: Adapter, parameter: int) -> None:
    """Run the work on asyncio's own loop."""
    asyncio.run(_in_a_loop(adapter, parameter))


def on_uvloop(adapter: Adapter, parameter: int) -> None:
    """Run the work on uvloop."""
    with asyncio.Runner(loop_factory=import_module("uvloop").new_event_loop) as runner:
        runner.run(_in_a_loop(adapter, parameter))


def on_trio(adapter: Adapter, parameter: int) -> None:
    """Run the work on trio."""
    import_module("trio").run(_in_a_loop, adapter, parameter)


RUNNERS = {"plain": plain, "asyncio": on_asyncio, "uvloop": on_uvloop, "trio": on_trio}


def main(subject: str, contender: str, parameter: str) -> None:
    """Serve the orders for one case of one subject until standard input ends."""
    chosen, module = CONTENDERS[contender], module_of(subject)
    if load(subject).servers:
        plain(partial(module.against, contender), int(parameter))
    else:
        RUNNERS[chosen.runner](getattr(module, chosen.adapter), int(parameter))


if __name__ == "__main__":
    main(*sys.argv[1:])
