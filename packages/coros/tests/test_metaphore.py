from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from greenlet import greenlet

from eventlet import coros, hub
from eventlet.hub import testing


def test_wait_returns_at_once_at_zero() -> None:
    metaphore = coros.metaphore()
    metaphore.wait()
    metaphore.inc()
    metaphore.dec()
    metaphore.wait(0)


def test_wait_lasts_until_zero() -> None:
    metaphore = coros.Metaphore()
    metaphore.inc(3)
    waiters = [hub.spawn(metaphore.wait) for _ in range(3)]
    testing.wait_until_idle()
    assert metaphore.waiting() == 3
    metaphore.dec(2)
    testing.wait_until_idle()
    assert not any(waiter.dead for waiter in waiters)
    assert "count 1, 3 waiting" in repr(metaphore)
    metaphore.dec()
    for waiter in waiters:
        waiter.wait()


def test_the_count_stops_at_zero() -> None:
    metaphore = coros.Metaphore()
    metaphore.inc()
    metaphore.dec(5)
    assert metaphore.counter == 0


def test_wait_times_out() -> None:
    metaphore = coros.Metaphore()
    metaphore.inc()
    with pytest.raises(TimeoutError, match="come to zero"):
        metaphore.wait(0)
    assert metaphore.waiting() == 0


def test_bad_counts() -> None:
    metaphore = coros.Metaphore()
    for change in (metaphore.inc, metaphore.dec):
        with pytest.raises(ValueError, match="by must be at least 0"):
            change(-1)
        with pytest.raises(TypeError, match="whole number"):
            change(True)
    assert metaphore.counter == 0


def test_native_threads_count_together(run_native: Callable[..., list[Any]]) -> None:
    metaphore = coros.Metaphore()
    metaphore.inc(400)

    def work() -> None:
        for _ in range(100):
            metaphore.dec()

    def wait() -> None:
        metaphore.wait(30)

    run_native(wait, work, work, wait, work, work)
    assert metaphore.counter == 0


def test_an_exception_thrown_past_the_hub() -> None:
    metaphore = coros.Metaphore()
    metaphore.inc()
    bare = greenlet(metaphore.wait)
    hub.get_hub().call_soon(bare.switch)
    testing.wait_until_idle()
    metaphore.dec()
    with pytest.raises(KeyError):
        bare.throw(KeyError)
    assert metaphore.waiting() == 0
