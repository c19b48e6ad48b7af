"""What makes no sense is refused with words that help, and leaves everything as it was."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

import eventlet.coros.queue as green
import eventlet.coros.threading as green_threading
from eventlet import coros, hub
from eventlet.hub import testing


def held(lock: Any) -> Any:
    """Acquire a lock, or a permit, so that the next one waits."""
    hub.spawn(lock.acquire).wait()
    return lock


def full(queue: Any, put: str) -> Any:
    getattr(queue, put)("something")
    return queue


def counted(metaphore: coros.Metaphore) -> coros.Metaphore:
    metaphore.inc()
    return metaphore


def with_lock(wait: Callable[[Any, Any], object]) -> Callable[[Any, Any], object]:
    def call(condition: Any, timeout: Any) -> object:
        with condition:
            return wait(condition, timeout)

    return call


Make = Callable[[], Any]
Wait = Callable[[Any, Any], object]

# What waits, as long as nobody does anything; whether less than no time is taken for none.
WAITS: dict[str, tuple[Make, Wait, bool]] = {
    "Event": (coros.Event, lambda it, t: it.wait(t), False),
    "Lock": (lambda: held(coros.Lock()), lambda it, t: it.acquire(timeout=t), False),
    "RLock": (lambda: held(coros.RLock()), lambda it, t: it.acquire(timeout=t), False),
    "Semaphore": (coros.Semaphore, lambda it, t: it.acquire(timeout=t), False),
    "BoundedSemaphore": (
        lambda: coros.BoundedSemaphore(2, 2),
        lambda it, t: it.release(timeout=t),
        False,
    ),
    "threading.Semaphore": (
        lambda: green_threading.Semaphore(0),
        lambda it, t: it.acquire(timeout=t),
        True,
    ),
    "threading.Event": (green_threading.Event, lambda it, t: it.wait(t), True),
    "Condition": (coros.Condition, with_lock(lambda it, t: it.wait(t)), True),
    "Condition, wait_for": (
        coros.Condition,
        with_lock(lambda it, t: it.wait_for(lambda: None, t)),
        True,
    ),
    "Barrier": (lambda: coros.Barrier(2), lambda it, t: it.wait(t), True),
    "Metaphore": (lambda: counted(coros.Metaphore()), lambda it, t: it.wait(t), False),
    "Queue": (coros.Queue, lambda it, t: it.wait(t), False),
    "Channel": (coros.Channel, lambda it, t: it.send("more", timeout=t), False),
    "queue.Queue, get": (green.Queue, lambda it, t: it.get(timeout=t), False),
    "queue.Queue, put": (
        lambda: full(green.Queue(1), "put"),
        lambda it, t: it.put("more", timeout=t),
        False,
    ),
    "queue.Queue, join": (lambda: full(green.Queue(), "put"), lambda it, t: it.join(t), False),
    "queue.SimpleQueue": (green.SimpleQueue, lambda it, t: it.get(timeout=t), False),
    "TokenPool": (lambda: coros.TokenPool(max_size=0), lambda it, t: it.get(t), False),
    "CoroutinePool": (
        lambda: coros.CoroutinePool(track_events=True),
        lambda it, t: it.wait(t),
        False,
    ),
}

FAULTS: dict[str, tuple[Any, type[Exception], str]] = {
    "text": ("1", TypeError, "a timeout must be a number of seconds >= 0 or None, not '1'$"),
    "list": ([], TypeError, r"a timeout must be .* not \[\]$"),
    "decimal": (Decimal(1), TypeError, "a timeout must be .* turn it into a float$"),
    "NaN": (math.nan, ValueError, "a timeout must be .* not nan$"),
    "huge": (10**400, OverflowError, "a timeout must be .* no float can hold|is too large"),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("name", WAITS)
def test_a_timeout_that_is_none(name: str, fault: str) -> None:
    make, wait, _ = WAITS[name]
    timeout, error, message = FAULTS[fault]
    primitive = make()
    before = repr(primitive)
    with pytest.raises(error, match=message):
        wait(primitive, timeout)
    assert repr(primitive) == before


@pytest.mark.parametrize("name", WAITS)
def test_a_timeout_of_less_than_no_time(name: str) -> None:
    make, wait, is_clamped = WAITS[name]
    primitive = make()
    before = repr(primitive)
    if name == "Barrier":
        with pytest.raises(threading.BrokenBarrierError):
            wait(primitive, -0.5)
    elif is_clamped:
        assert not wait(primitive, -0.5)
        assert repr(primitive) == before
    else:
        with pytest.raises(ValueError, match=r"not -0.5$"):
            wait(primitive, -0.5)
        assert repr(primitive) == before


@pytest.mark.parametrize("fault", FAULTS)
def test_a_bad_timeout_of_one_party_breaks_no_barrier(fault: str) -> None:
    timeout, error, message = FAULTS[fault]
    barrier = coros.Barrier(2)
    first = hub.spawn(barrier.wait)
    testing.wait_until_idle()
    with pytest.raises(error, match=message):
        barrier.wait(timeout)
    assert (barrier.n_waiting, barrier.broken) == (1, False)
    assert barrier.wait() == 1
    assert first.wait() == 0
    with pytest.raises(error, match=message):
        coros.Barrier(2, timeout=timeout)


def test_the_action_of_a_barrier_must_be_a_function() -> None:
    with pytest.raises(TypeError, match="action must be a function without arguments, not 5"):
        coros.Barrier(2, 5)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [green_threading.Semaphore, green_threading.BoundedSemaphore])
def test_the_number_of_permits_must_be_a_whole_one(kind: Any) -> None:
    semaphore = kind(2)
    semaphore.acquire()
    before = repr(semaphore)
    for number in (True, 1.5, math.nan, "1", None):
        with pytest.raises(TypeError, match=f"n must be a whole number, not {number!r}"):
            semaphore.release(number)
    for number in (0, -1, -2.0):
        with pytest.raises(ValueError, match=f"n must be at least 1, not {int(number)}"):
            semaphore.release(number)
    assert repr(semaphore) == before


def test_a_bounded_semaphore_says_how_many_are_out() -> None:
    semaphore = green_threading.BoundedSemaphore(3)
    semaphore.acquire()
    with pytest.raises(ValueError, match="2 permits given back, 1 are out"):
        semaphore.release(2)
    semaphore.release()
    assert semaphore.balance == 3


def test_a_lock_is_released_by_whoever_has_it() -> None:
    lock = coros.RLock()
    lock.acquire()
    errors: list[BaseException] = []

    def release() -> None:
        try:
            lock.release()
        except coros.NotAcquired as error:
            errors.append(error)

    stranger = threading.Thread(target=release)
    stranger.start()
    stranger.join()
    assert "cannot be released here: it isn't this green thread's" in str(errors[0])
    assert lock._is_owned()
    lock.release()


class Picky:
    """Compares with its like only so many times."""

    patience = math.inf

    def __init__(self, rank: int) -> None:
        self.rank = rank

    def __lt__(self, other: Picky) -> bool:
        Picky.patience -= 1
        if Picky.patience < 0:
            raise TypeError("not now")
        return self.rank < other.rank


@pytest.mark.parametrize("patience", [0, 1, 2])
def test_what_cannot_be_compared_stays_in_its_queue(
    patience: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue: green.PriorityQueue[Picky] = green.PriorityQueue(8)
    for rank in (5, 1, 4, 1, 3, 7, 2, 6):
        queue.put(Picky(rank))
    before = list(queue.queue)
    for _ in range(3):
        monkeypatch.setattr(Picky, "patience", patience)
        with pytest.raises(TypeError, match="not now"):
            queue.get()
        assert queue.queue == before
    with pytest.raises(green.Full):
        queue.put(Picky(0), block=False)
    monkeypatch.setattr(Picky, "patience", math.inf)
    assert [queue.get().rank for _ in range(8)] == [1, 1, 2, 3, 4, 5, 6, 7]


def test_siblings_that_cannot_be_compared() -> None:
    queue: green.PriorityQueue[Any] = green.PriorityQueue()
    entries: list[Any] = [(0, "first"), (1, {"a": 1}), (1, {"b": 2}), (2, "last")]
    for entry in entries:
        queue.put(entry)
    getter = hub.spawn(queue.get)
    with pytest.raises(TypeError, match="'<' not supported between instances of 'dict'"):
        getter.wait()
    assert queue.queue == entries
