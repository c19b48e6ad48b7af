from __future__ import annotations

from typing import Any

import pytest

from eventlet import coros, hub
from eventlet.hub import testing


class Numbers(coros.Pool[int]):
    def create(self) -> int:
        return 1


def filled(queue: Any) -> Any:
    queue.send(1)
    return queue


CASES: list[tuple[Any, Any, tuple[Any, ...]]] = [
    (coros.Event(), lambda it: it.wait(), (False, 1)),
    (coros.Metaphore(), lambda it: (it.inc(2), it.wait()), (2, 1)),
    (coros.Semaphore(), lambda it: it.acquire(), (0, 1, 0)),
    (coros.Semaphore(10**6), lambda it: None, (10**6, 0, 0)),
    (coros.BoundedSemaphore(2, 2), lambda it: it.release(), (2, 0, 1)),
    (coros.Lock(), lambda it: (it.acquire(), it.acquire()), (True, 1)),
    (coros.RLock(), lambda it: it.acquire(), (True, 0)),
    (coros.Condition(), lambda it: (it.acquire(), it.wait()), (1,)),
    (coros.Barrier(3), lambda it: it.wait(), (3, 1, False)),
    (coros.Queue[int](), lambda it: it.wait(), (0, 1, 0, False)),
    (coros.Queue[int](), lambda it: it.close(), (0, 0, 0, True)),
    (filled(coros.Channel[int](1)), lambda it: it.send(1), (1, 0, 1, False)),
    (coros.CoroutinePool(max_size=2), lambda it: it.execute(hub.sleep, 1000), (2, 1, 0)),
    (Numbers(max_size=1), lambda it: (it.get(), it.get()), (1, 1, 0, 1)),
]


@pytest.mark.parametrize(("subject", "act", "expected"), CASES)
def test_statistics_tell_the_numbers(subject: Any, act: Any, expected: tuple[Any, ...]) -> None:
    thread = hub.spawn(act, subject)
    testing.wait_until_idle()
    found = subject.statistics()
    assert found == expected
    assert type(found).__name__ in coros.__all__
    thread.kill()
    if isinstance(subject, coros.CoroutinePool):
        subject.killall()
