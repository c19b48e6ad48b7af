"""The green semaphores that processes share, beside what other processes do natively."""

from __future__ import annotations

import multiprocessing
import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from eventlet import hub
from eventlet.hub import patching
from eventlet.hub.testing import wait_until_idle

_semaphores: Any = pytest.importorskip(
    "eventlet.processes._semaphores", reason="this system has none"
)

RECURSIVE, SEMAPHORE = range(2)


# In the other contexts a process is started that keeps the names of semaphores.
can_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


@pytest.fixture(params=[RECURSIVE, SEMAPHORE], ids=["recursive", "semaphore"])
def either(request: pytest.FixtureRequest) -> Any:
    return make(request.param)


def make(kind: int) -> Any:
    return _semaphores.SemLock(kind, 1, 1, f"/eventlet-{os.getpid()}-{kind}", True)


@pytest.fixture
def green() -> Iterator[None]:
    with patching.patched("multiprocessing"):
        yield


def test_others_run_while_one_waits(either: Any) -> None:
    with either as taken:
        assert taken is True
        assert either._is_mine()
        waiting = hub.spawn(either.acquire)
        assert hub.spawn(either.acquire, False).wait() is False
        assert hub.spawn(either.acquire, True, 0.001).wait() is False
        assert hub.spawn(either.acquire, True, -1).wait() is False
        assert not waiting.ready
    assert waiting.wait() is True


def test_it_is_waited_for_however_long_it_takes(either: Any) -> None:
    either.acquire()
    waiting = hub.spawn(either.acquire)
    hub.sleep(0.1)  # by then it is asked as rarely as ever
    either.release()
    assert waiting.wait() is True


def test_a_recursive_lock_has_one_owner_among_green_threads() -> None:
    lock = make(RECURSIVE)
    assert lock.acquire()
    assert lock.acquire()
    assert lock._count() == 2
    assert hub.spawn(lock._is_mine).wait() is False
    with pytest.raises(AssertionError, match="another green thread"):
        hub.spawn(lock.release).wait()
    lock.release()
    assert hub.spawn(lock.acquire, False).wait() is False
    lock.release()
    assert hub.spawn(lock.acquire, False).wait() is True


def test_a_forked_child_owns_nothing() -> None:
    lock = make(RECURSIVE)
    lock.acquire()
    lock._after_fork()
    assert not lock._is_mine()
    assert lock._owner is None


def test_alone_the_system_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    semaphore = make(SEMAPHORE)
    semaphore.acquire()
    monkeypatch.setattr(_semaphores, "_is_alone", lambda: True)
    monkeypatch.setattr(_semaphores, "sleep", None)
    assert semaphore.acquire(True, 0.001) is False
    semaphore.release()
    assert semaphore.acquire(True, 0.001) is True


def test_who_is_alone() -> None:
    wait_until_idle()
    assert _semaphores._is_alone()
    assert not hub.spawn(_semaphores._is_alone).wait()
    other = hub.spawn(hub.sleep, 60)
    assert not _semaphores._is_alone()
    other.kill()
    wait_until_idle()
    timer = hub.call_after_global(60, print)
    assert not _semaphores._is_alone()
    timer.cancel()


@pytest.mark.usefixtures("green")
@can_fork
def test_what_is_made_while_patched_is_green() -> None:
    lock = multiprocessing.get_context("fork").RLock()
    with lock:
        assert hub.spawn(lock.acquire, False).wait() is False
    assert "Lock" in repr(lock)


@can_fork
def test_what_was_made_before_is_named() -> None:
    lock = multiprocessing.get_context("fork").Lock()
    with patching.patched("multiprocessing"):
        told = "of multiprocessing's locks and semaphores: they were made before"
        assert told in patching.report()
    assert lock.acquire()


def test_nothing_is_named_before_multiprocessing_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "multiprocessing.synchronize", raising=False)
    changes = patching.Changes()
    _semaphores.report_earlier(changes)
    assert not changes.failed
