"""Share queues and permits among native threads in a hurry, and lose nothing.

The interpreter is told to change native threads as often as it can, and each green thread times
out, is killed, or finds its queue closed at the worst of moments.

::

    python run.py                        # 2,000 rounds
    python run.py 100 --first-seed 7     # those of the seeds 7 to 106
"""

from __future__ import annotations

import argparse
import random
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from functools import partial
from queue import Empty, Full
from typing import Any, NamedTuple

import eventlet.coros.queue as green
from eventlet import coros, hub

NATIVE_THREADS = 3
GREEN_THREADS = 3
MESSAGES = 100
TIMEOUTS = [None, 0, 0.0005, 1]
# Seconds after which a round hangs.
PATIENCE = 60.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("rounds", nargs="?", type=int, default=2000)
    parser.add_argument("--first-seed", type=int, default=0)
    options = parser.parse_args()
    sys.setswitchinterval(1e-6)
    began, passed = time.perf_counter(), Counter[str]()
    for seed in range(options.first_seed, options.first_seed + options.rounds):
        chance = random.Random(seed)
        kind = chance.choice(list(KINDS))
        try:
            KINDS[kind](chance)
        except Exception as error:
            error.add_note(f"in the round of seed {seed}: {kind}")
            raise
        passed[kind] += 1
    print(f"{options.rounds} rounds in {time.perf_counter() - began:.1f} s: {dict(passed)}")
    return 0


class Calls(NamedTuple):
    """How to use one kind of queue."""

    make: Callable[[int], Any]
    put: Callable[..., None]
    get: Callable[..., Any]
    close: Callable[[Any], None]
    late: tuple[type[Exception], ...] = (TimeoutError,)
    closed: type[Exception] = coros.Closed


def pass_messages(calls: Calls, chance: random.Random) -> None:
    """Send messages until the queue is closed; what was sent is received, once."""
    store = calls.make(chance.choice([0, 1, 2, 5, 100]))
    sent, got = deque[Any](), deque[Any]()

    def produce(name: float, luck: random.Random) -> None:
        for number in range(MESSAGES):
            try:
                calls.put(store, (name, number), timeout=luck.choice(TIMEOUTS))
                sent.append((name, number))
            except calls.late:
                pass
            except calls.closed:
                return

    def consume(name: float, luck: random.Random) -> None:
        while True:
            try:
                got.append(calls.get(store, timeout=luck.choice(TIMEOUTS)))
            except calls.late:
                hub.sleep(0)
            except calls.closed:
                return

    def close_soon() -> None:
        hub.sleep(chance.choice([0, 0.001, 0.005, 0.02]))
        calls.close(store)

    run_everywhere(chance, [produce, consume], close_soon)
    consume(0, chance)  # what is left, as others have been killed
    lost, made_up = Counter(sent) - Counter(got), Counter(got) - Counter(sent)
    assert not lost, (store, lost)
    assert not made_up, (store, made_up)
    if isinstance(store, green.Queue):
        assert store.unfinished_tasks == len(sent), (store, store.unfinished_tasks, len(sent))


def borrow(chance: random.Random) -> None:
    """Take permits and give them back; there are never too many out, and all are there at last."""
    permits = chance.choice([1, 2, 5])
    semaphore = coros.Semaphore(permits)
    out = deque[None]()

    def use(name: float, luck: random.Random) -> None:
        for _ in range(MESSAGES):
            if semaphore.acquire(timeout=luck.choice(TIMEOUTS)):
                try:
                    out.append(None)
                    assert len(out) <= permits
                    hub.sleep(0)
                finally:
                    out.pop()
                    semaphore.release()

    run_everywhere(chance, [use])
    assert semaphore.balance == permits, semaphore


def run_everywhere(
    chance: random.Random,
    roles: list[Callable[[float, random.Random], None]],
    finish: Callable[[], None] | None = None,
) -> None:
    """Have green threads of some native threads play their roles, and kill a few of them."""

    def play(name: int, luck: random.Random) -> None:
        players = [
            hub.spawn(role, name + place / 10, random.Random(luck.random()))
            for role in roles
            for place in range(GREEN_THREADS)
        ]
        hub.sleep(luck.choice([0, 0, 0.001]))
        for victim in luck.sample(players, luck.choice([0, 0, 1, 2])):
            victim.throw()
        if finish is not None and name == 0:
            finish()
        for player in players:
            try:
                player.wait()
            except hub.GreenletExit:
                pass
            except BaseException as error:
                errors.append(error)

    errors = list[BaseException]()
    threads = [
        threading.Thread(target=play, args=(name, random.Random(chance.random())), daemon=True)
        for name in range(NATIVE_THREADS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        if thread.is_alive():
            raise TimeoutError(f"a native thread has not ended within {PATIENCE} seconds")
    if errors:
        raise errors[0]


def _standard(kind: type[green.Queue[Any]]) -> Calls:
    return Calls(kind, kind.put, kind.get, kind.shutdown, (Full, Empty), green.ShutDown)


KINDS: dict[str, Callable[[random.Random], None]] = {
    kind: partial(pass_messages, calls)
    for kind, calls in {
        "Queue": Calls(
            lambda room: coros.Queue(), coros.Queue.send, coros.Queue.wait, coros.Queue.close
        ),
        "Channel": Calls(
            coros.Channel, coros.Channel.send, coros.Channel.wait, coros.Channel.close
        ),
        "queue.Queue": _standard(green.Queue),
        "queue.LifoQueue": _standard(green.LifoQueue),
        "queue.PriorityQueue": _standard(green.PriorityQueue),
    }.items()
} | {"Semaphore": borrow}

if __name__ == "__main__":
    sys.exit(main())
