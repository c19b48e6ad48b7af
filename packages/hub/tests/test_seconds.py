"""Whatever takes seconds says what was wrong with them, and leaves everything as it was."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from eventlet import hub
from eventlet.hub import Watch, get_hub
from eventlet.hub._registry import current_fiber
from eventlet.hub.testing import VirtualClock

CALLS: dict[str, Callable[[Any], object]] = {
    "sleep": hub.sleep,
    "Timeout": hub.Timeout,
    "with_timeout": lambda seconds: hub.with_timeout(seconds, print),
    "exc_after": lambda seconds: hub.exc_after(seconds, KeyError),
    "move_on_after": hub.move_on_after,
    "fail_after": hub.fail_after,
    "spawn_after": lambda seconds: hub.spawn_after(seconds, print),
    "call_after": lambda seconds: hub.call_after(seconds, print),
    "call_after_global": lambda seconds: hub.call_after_global(seconds, print),
    "call_later": lambda seconds: get_hub().call_later(seconds, print),
    "Waiter.wait": lambda seconds: hub.Waiter[None]().wait(seconds),
    "VirtualClock": VirtualClock,
    "VirtualClock.advance": VirtualClock().advance,
}

HUGE = 10**5000

FAULTS = [
    ("1", TypeError, "seconds >= 0.*, not '1'$"),
    ([1], TypeError, r"seconds >= 0.*, not \[1\]$"),
    (timedelta(seconds=1), TypeError, r"seconds >= 0.*, not datetime\.timedelta\(seconds=1\)$"),
    (1j, TypeError, "seconds >= 0.*, not 1j$"),
    (Decimal(1), TypeError, r"seconds >= 0.*, not Decimal\('1'\); turn it into a float$"),
    (-1, ValueError, "seconds >= 0.*, not -1$"),
    (math.nan, ValueError, "seconds >= 0.*, not nan$"),
    (-math.inf, ValueError, "seconds >= 0.*, not -inf$"),
    (10**400, OverflowError, "no float can hold; math.inf stands for ever$"),
    (HUGE, OverflowError, "no float can hold"),
    (Fraction(HUGE), OverflowError, "no float can hold"),
]
# Python refuses to write so many digits, for pytest too.
FAULT = pytest.mark.parametrize(("seconds", "error", "message"), FAULTS, ids=range(len(FAULTS)))


@FAULT
@pytest.mark.parametrize("name", CALLS)
def test_what_is_no_number_of_seconds_is_refused(
    name: str, seconds: Any, error: type[Exception], message: str
) -> None:
    timers = get_hub().stats().timers
    with pytest.raises(error, match=message) as caught:
        CALLS[name](seconds)
    assert type(caught.value) is error
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert get_hub().stats().timers == timers
    assert current_fiber().scope is None
    hub.sleep(0)


@FAULT
def test_a_wait_for_a_descriptor_refuses_it(
    watch: Watch, seconds: Any, error: type[Exception], message: str
) -> None:
    for wait in (watch.wait_readable, watch.wait_writable):
        with pytest.raises(error, match=message):
            wait(seconds)
    watch.wait_writable(0)


@FAULT
def test_a_wait_for_a_green_thread_refuses_it(
    seconds: Any, error: type[Exception], message: str
) -> None:
    thread = hub.spawn(lambda: "done")
    with pytest.raises(error, match=message):
        thread.wait(seconds)
    assert thread.wait() == "done"


@pytest.mark.parametrize("seconds", [True, 1, 0.5, Fraction(1, 2), 1e300, math.inf])
@pytest.mark.parametrize("name", ["Timeout", "exc_after", "spawn_after", "call_later"])
def test_every_real_number_that_a_float_can_hold_will_do(name: str, seconds: Any) -> None:
    CALLS[name](seconds).cancel()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("when", "error", "message"),
    [
        ("noon", TypeError, "a number of seconds, not 'noon'"),
        (None, TypeError, "a number of seconds, not None"),
        (Decimal(1), TypeError, "turn it into a float"),
        (math.nan, ValueError, "a number of seconds, not nan"),
        (10**400, OverflowError, "no float can hold"),
    ],
)
def test_what_is_no_point_in_time_is_refused(
    when: Any, error: type[Exception], message: str
) -> None:
    scope = hub.move_on_after(5)
    with pytest.raises(error, match=message):
        scope.deadline = when
    assert scope.deadline == math.inf
    with pytest.raises(error, match=message):
        get_hub().call_at(when, print)


def test_a_point_in_time_may_be_a_fraction() -> None:
    timer = get_hub().call_at(Fraction(10**9), print)  # type: ignore[arg-type]
    assert "Timer at 1000000000.0" in repr(timer)
    timer.cancel()
