"""The twins of standard classes take the arguments that those take, and refuse the same."""

from __future__ import annotations

import math
import queue
import threading
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

import eventlet.coros.queue as green_queue
import eventlet.coros.threading as green_threading
from eventlet import hub


class Modules:
    """Both modules, the standard ones or ours."""

    def __init__(self, threading: Any, queue: Any) -> None:
        self.threading = threading
        self.queue = queue


STANDARD = Modules(threading, queue)
OURS = Modules(green_threading, green_queue)

Call = Callable[[Any, Modules], Any]


def how_many_fit(queue: Any) -> int:
    for number in range(5):
        if queue.full():
            return number
        queue.put(number, False)
    return 5


def how_many_enter(semaphore: Any) -> int:
    return sum(semaphore.acquire(False) for _ in range(5))


def after_release(semaphore: Any, number: Any) -> int:
    for _ in range(3):
        semaphore.acquire()
    semaphore.release(number)
    return how_many_enter(semaphore)


def in_condition(m: Modules, method: str, *args: Any) -> Any:
    condition = m.threading.Condition()
    with condition:
        return getattr(condition, method)(*args)


def meet(m: Modules, parties: Any) -> list[int]:
    barrier = m.threading.Barrier(parties)
    threads = [m.threading.Thread(target=barrier.wait) for _ in range(int(parties))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [barrier.n_waiting, int(barrier.parties)]


def joined(m: Modules, timeout: Any) -> Any:
    thread = m.threading.Thread(target=int)
    thread.start()
    return thread.join(timeout)


def fired(m: Modules, interval: Any) -> list[int]:
    log: list[int] = []
    timer = m.threading.Timer(interval, log.append, [1])
    timer.start()
    timer.join()
    return log


NUMBERS = [0, 1, 2, -1, 2.0, -1.0, -0.0, Decimal(2), Fraction(2), "2", None, [], 2j]
SIZES = [*NUMBERS, 0.5, 1.5, 1e6, math.inf, -math.inf, 10**400, Fraction(3, 2), Decimal("1.5")]
TIMEOUTS = [0, 0.0, -1, -0.5, 0.001, "1", []]

CALLS: list[tuple[str, list[Any], Call]] = [
    ("Queue", SIZES, lambda it, m: how_many_fit(m.queue.Queue(it))),
    ("LifoQueue", SIZES, lambda it, m: how_many_fit(m.queue.LifoQueue(it))),
    ("PriorityQueue", SIZES, lambda it, m: how_many_fit(m.queue.PriorityQueue(maxsize=it))),
    ("Semaphore", NUMBERS, lambda it, m: how_many_enter(m.threading.Semaphore(it))),
    ("BoundedSemaphore", NUMBERS, lambda it, m: how_many_enter(m.threading.BoundedSemaphore(it))),
    ("Barrier", [1, 2, 2.0], lambda it, m: meet(m, it)),
    ("Timer", [0, 0.001, -1, -0.5], lambda it, m: fired(m, it)),
    ("Queue.get", TIMEOUTS, lambda it, m: m.queue.Queue().get(timeout=it)),
    ("Queue.get, not blocking", TIMEOUTS, lambda it, m: m.queue.Queue().get(False, it)),
    ("SimpleQueue.get", TIMEOUTS, lambda it, m: m.queue.SimpleQueue().get(timeout=it)),
    ("SimpleQueue.put", TIMEOUTS, lambda it, m: m.queue.SimpleQueue().put(1, True, it)),
    ("Event.wait", TIMEOUTS, lambda it, m: m.threading.Event().wait(it)),
    ("Condition.wait", TIMEOUTS, lambda it, m: in_condition(m, "wait", it)),
    (
        "Condition.wait_for",
        TIMEOUTS[:5],
        lambda it, m: in_condition(m, "wait_for", lambda: False, it),
    ),
    ("Condition.notify", [0, 1, 2.0], lambda it, m: in_condition(m, "notify", it)),
    ("Thread.join", [*TIMEOUTS, None], lambda it, m: joined(m, it)),
    ("Lock.acquire", TIMEOUTS, lambda it, m: m.threading.Lock().acquire(True, it)),
    ("RLock.acquire", TIMEOUTS, lambda it, m: m.threading.RLock().acquire(True, it)),
    ("Lock.acquire, not blocking", [-1, 0, 1], lambda it, m: m.threading.Lock().acquire(False, it)),
    ("RLock.acquire, too long", [1e100], lambda it, m: m.threading.RLock().acquire(True, it)),
    ("Semaphore.acquire", TIMEOUTS, lambda it, m: m.threading.Semaphore(0).acquire(timeout=it)),
    (
        "Semaphore.acquire, a free one",
        [0, -1, None],
        lambda it, m: m.threading.Semaphore(1).acquire(True, it),
    ),
    (
        "Semaphore.acquire, not blocking",
        [0, 1, -1, None],
        lambda it, m: m.threading.Semaphore(0).acquire(False, it),
    ),
    (
        "BoundedSemaphore.release",
        [1, 2, 3, 4, 0, -1, -1.0],
        lambda it, m: after_release(m.threading.BoundedSemaphore(3), it),
    ),
]


def outcome(call: Call, argument: Any, modules: Modules) -> Any:
    def run() -> Any:
        try:
            return call(argument, modules)
        except Exception as error:  # whatever it is, the other module is to raise the same
            return next(kind for kind in type(error).__mro__ if kind.__module__ != "eventlet.coros")

    return hub.spawn(run).wait()


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        pytest.param(call, argument, id=f"{name}, {argument!s:.12}")
        for name, arguments, call in CALLS
        for argument in arguments
    ],
)
def test_as_in_the_standard_library(call: Call, argument: Any) -> None:
    standard = outcome(call, argument, STANDARD)
    ours = outcome(call, argument, OURS)
    assert type(ours) is type(standard)
    assert ours == standard


def test_a_release_takes_a_whole_float() -> None:
    """As since Python 3.12; before, the standard ones let the permits in, and then failed."""
    assert after_release(green_threading.Semaphore(3), 2.0) == 2
    assert after_release(green_threading.BoundedSemaphore(3.0), 2.0) == 2  # type: ignore[arg-type]


def test_what_the_standard_classes_take_but_cannot_keep() -> None:
    for kind in (green_queue.Queue, green_queue.LifoQueue, green_queue.PriorityQueue):
        with pytest.raises(TypeError, match="maxsize must be a number, not True"):
            kind(True)
        with pytest.raises(ValueError, match="maxsize must be a number, not nan; 0 stands for no"):
            kind(math.nan)  # type: ignore[arg-type]
    for make in (
        green_threading.Semaphore,
        green_threading.BoundedSemaphore,
        green_threading.Barrier,
    ):
        for number in (True, 1.5, math.nan, math.inf):
            with pytest.raises(TypeError, match=f"must be a whole number, not {number!r}"):
                make(number)  # type: ignore[arg-type]
    condition = green_threading.Condition()
    with condition, pytest.raises(ValueError, match="n must be at least 0, not -1"):
        condition.notify(-1)
