"""What the hub's reports and Deadlock say about those who wait for a primitive."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import eventlet.coros.queue as green
from eventlet import coros, hub
from eventlet.hub import debug, testing


def locked() -> coros.Lock:
    lock = coros.Lock()
    lock.acquire()
    return lock


def busy_pool() -> coros.CoroutinePool:
    pool = coros.CoroutinePool(max_size=1)
    pool.execute(hub.sleep, 1000)
    return pool


def undone() -> green.Queue[int]:
    queue: green.Queue[int] = green.Queue()
    queue.put(1)
    return queue


@pytest.mark.parametrize(
    ("wait", "words"),
    [
        (coros.Event().wait, "<Event at"),
        (coros.Semaphore().acquire, "<Semaphore at"),
        (coros.BoundedSemaphore(0, 1).acquire, "<BoundedSemaphore at"),
        (coros.Queue().wait, "<Queue at"),
        (coros.Channel().wait, "<Channel at"),
        (lambda: coros.Channel[int]().send(1), "<Channel at"),
        (lambda: locked().acquire(), "<Lock at"),
        (coros.Barrier(2).wait, "<Barrier at"),
        (coros.TokenPool(max_size=0).get, "<TokenPool at"),
        (lambda: busy_pool().wait_all(), "the end of all in <CoroutinePool at"),
        (lambda: undone().join(), "the tasks of <Queue at"),
        (green.SimpleQueue().get, "<SimpleQueue at"),
    ],
)
def test_reports_say_what_is_waited_for(wait: Callable[[], Any], words: str) -> None:
    thread = hub.spawn(wait)
    testing.wait_until_idle()
    assert words in debug.format_threads()
    thread.kill()
