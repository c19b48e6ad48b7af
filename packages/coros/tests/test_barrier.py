from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from eventlet import coros, hub
from eventlet.hub import testing


def test_all_pass_together_again_and_again() -> None:
    barrier = coros.Barrier(3)
    assert barrier.parties == 3
    for _ in range(3):
        threads = [hub.spawn(barrier.wait) for _ in range(2)]
        testing.wait_until_idle()
        assert barrier.n_waiting == 2
        assert "2 of 3 waiting" in repr(barrier)
        assert barrier.wait() == 2
        assert sorted(thread.wait() for thread in threads) == [0, 1]
        assert barrier.n_waiting == 0


def test_the_action_is_called_once_before_any_goes_on() -> None:
    log: list[str] = []
    barrier = coros.Barrier(2, action=lambda: log.append("action"))

    def wait() -> None:
        barrier.wait()
        log.append("passed")

    first = hub.spawn(wait)
    testing.wait_until_idle()
    barrier.wait()
    first.wait()
    assert log == ["action", "passed"]


def test_a_failing_action_breaks_the_barrier() -> None:
    barrier = coros.Barrier(2, action=lambda: 1 / 0)
    first = hub.spawn(barrier.wait)
    testing.wait_until_idle()
    with pytest.raises(ZeroDivisionError):
        barrier.wait()
    with pytest.raises(threading.BrokenBarrierError):
        first.wait()
    assert barrier.broken


def test_a_timeout_breaks_the_barrier() -> None:
    barrier = coros.Barrier(3, timeout=0.01)
    other = hub.spawn(barrier.wait, 1000)
    with pytest.raises(threading.BrokenBarrierError, match=r"within 0\.01 seconds"):
        barrier.wait()
    with pytest.raises(threading.BrokenBarrierError, match="broken or reset"):
        other.wait()
    with pytest.raises(threading.BrokenBarrierError, match="reset"):
        barrier.wait()
    assert "broken" in repr(barrier)
    barrier.reset()
    assert not barrier.broken
    other = hub.spawn(barrier.wait, 5)
    third = hub.spawn(barrier.wait, 5)
    assert {barrier.wait(5), other.wait(), third.wait()} == {0, 1, 2}


def test_a_timeout_during_the_action_is_none() -> None:
    gate: coros.Event[None] = coros.Event()
    barrier = coros.Barrier(2, action=gate.wait)
    first = hub.spawn(barrier.wait, 0.01)
    hub.sleep(0)
    last = hub.spawn(barrier.wait)
    hub.sleep(0.03)
    assert not first.dead
    gate.send()
    assert [first.wait(), last.wait()] == [0, 1]


def test_a_killed_party_breaks_the_barrier() -> None:
    barrier = coros.Barrier(3)
    killed, other = hub.spawn(barrier.wait), hub.spawn(barrier.wait)
    testing.wait_until_idle()
    killed.kill()
    with pytest.raises(threading.BrokenBarrierError):
        other.wait()
    assert barrier.broken


def test_a_party_killed_during_the_action_breaks_nothing() -> None:
    gate: coros.Event[None] = coros.Event()
    barrier = coros.Barrier(2, action=gate.wait)
    killed = hub.spawn(barrier.wait)
    testing.wait_until_idle()
    last = hub.spawn(barrier.wait)
    testing.wait_until_idle()
    killed.kill()
    gate.send()
    assert last.wait() == 1
    assert not barrier.broken


def test_reset_turns_away_who_waits() -> None:
    barrier = coros.Barrier(2)
    first = hub.spawn(barrier.wait)
    testing.wait_until_idle()
    barrier.reset()
    with pytest.raises(threading.BrokenBarrierError):
        first.wait()
    assert not barrier.broken


def test_abort() -> None:
    barrier = coros.Barrier(2)
    first = hub.spawn(barrier.wait)
    testing.wait_until_idle()
    barrier.abort()
    with pytest.raises(threading.BrokenBarrierError):
        first.wait()
    with pytest.raises(threading.BrokenBarrierError):
        barrier.wait()


def test_bad_parties() -> None:
    with pytest.raises(ValueError, match="parties must be at least 1"):
        coros.Barrier(0)
    with pytest.raises(TypeError, match="whole number"):
        coros.Barrier(True)


def test_native_threads(run_native: Callable[..., list[Any]]) -> None:
    barrier = coros.Barrier(5)

    def work() -> list[int]:
        return [barrier.wait(30) for _ in range(30)]

    def many() -> list[list[int]]:
        return [thread.wait() for thread in [hub.spawn(work) for _ in range(3)]]

    one, two, three = run_native(work, many, work)
    for indexes in zip(one, *two, three, strict=True):
        assert sorted(indexes) == [0, 1, 2, 3, 4]
