"""What each client has to pass, in a process that is patched."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from eventlet import hub
from eventlet.hub import debug

from .client import DELAY, Client

# All operations together; one after the other, 50 of them would take 10 s.
LIMIT = 2.0

# A busy machine may spoil one measurement; a client that blocks spoils all of them.
ATTEMPTS = 3

KILLED = 10

# How long one operation would hold the hub, less what a busy machine may lose.
HELD = DELAY * 0.75


@dataclass
class Outcome:
    """How a client did.

    Attributes:
        seconds: what all operations took together.
        failure: what went wrong; empty if nothing did.
        held: where the hub was held, and for how long; empty if it wasn't.
    """

    seconds: float = 0.0
    failure: str = ""
    held: str = ""


def check(client: Client, module: ModuleType, pool: Any) -> Outcome:
    """Put the client through it, and say how it did."""
    outcome = Outcome()
    held: list[debug.Blockage] = []
    with debug.detect_blocking(HELD, held.append):
        try:
            _check(client, lambda number: module.operate(pool, number), outcome)
        except Exception as error:
            outcome.failure = f"{type(error).__name__}: {error}"
    if held:
        longest = max(held, key=lambda blockage: blockage.seconds)
        outcome.held = f"{longest.function} held the hub for {longest.seconds:.2f} s"
    return outcome


def _check(client: Client, operate: Callable[[int], int], outcome: Outcome) -> None:
    numbers = range(client.parties)
    outcome.seconds = _timed(operate, numbers)  # which also makes the connections
    if outcome.seconds < client.parties * HELD:  # else it did one after the other
        outcome.seconds = min(_timed(operate, numbers) for _ in range(ATTEMPTS))
    if outcome.seconds >= LIMIT:
        outcome.failure = f"{client.parties} operations took {outcome.seconds:.2f} s"
        return
    _kill_some(operate)
    _all_right(operate, numbers)


def _timed(operate: Callable[[int], int], numbers: Sequence[int]) -> float:
    begin = time.monotonic()
    _all_right(operate, numbers)
    return time.monotonic() - begin


def _all_right(operate: Callable[[int], int], numbers: Sequence[int]) -> None:
    threads = [hub.spawn(operate, number) for number in numbers]
    got = [thread.wait() for thread in threads]
    if got != list(numbers):
        raise ValueError(f"what was read back is {got}, not {list(numbers)}")


def _kill_some(operate: Callable[[int], int]) -> None:
    """Kill some while the server has their requests, and see that the others don't suffer."""
    threads = [hub.spawn(operate, number) for number in range(2 * KILLED)]
    hub.sleep(DELAY / 2)
    for thread in threads[::2]:
        thread.kill()
    for number in range(1, len(threads), 2):
        got = threads[number].wait()
        if got != number:
            raise ValueError(f"beside one that was killed, {got} was read back, not {number}")
