"""Counts, sizes and timeouts, as people pass them."""

from __future__ import annotations

import math
from numbers import Number
from typing import Any, TypeGuard

from ._scheduler import check_seconds

_TIMEOUT = "a timeout must be a number of seconds >= 0 or None"


def check_count(name: str, value: object, *, least: int = 0) -> int:
    """Return `value` if it is a whole number that is at least `least`.

    Raises:
        TypeError: it isn't a whole number; True, False and floats are none.
        ValueError: it is too small.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number, not {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, not {value}")
    return value


def check_whole(name: str, value: object, *, least: int) -> int:
    """Do as `check_count`, but take 2.0 for 2, as the classes of `threading` do."""
    if _is_real(value) and value % 1 == 0:
        value = int(value)
    return check_count(name, value, least=least)


def check_size(name: str, value: object) -> float:
    """Return for how many items there is room in a queue that is full when it holds `value`.

    As for the classes of `queue`, that is any real number, and 0 or less stands for no limit.

    Raises:
        TypeError: it isn't a number; True and False are none.
        ValueError: it is NaN.
    """
    if not _is_real(value):
        raise TypeError(f"{name} must be a number, not {value!r}")
    if value != value:  # noqa: PLR0124 - which NaN is not
        raise ValueError(f"{name} must be a number, not {value!r}; 0 stands for no limit")
    return math.ceil(value) if 0 < value < math.inf else math.inf


def _is_real(value: Any) -> TypeGuard[Any]:
    return isinstance(value, Number) and not isinstance(value, (bool, complex))


def check_timeout(blocking: bool, timeout: float | None) -> float | None:
    """Return a timeout if it makes sense, whether or not the call is going to wait.

    Raises:
        TypeError: it is no number.
        ValueError: it is negative or NaN, or the call doesn't wait.
        OverflowError: no float can hold it.
    """
    if timeout is None:
        return None
    if not blocking:
        raise ValueError(f"a timeout makes no sense with blocking=False: {timeout!r}")
    return check_seconds(_TIMEOUT, timeout)


def clamp_timeout(timeout: float | None, *, blocking: bool = True) -> float | None:
    """Return a timeout as those calls of `threading` take it for which less than 0 is 0.

    Raises:
        TypeError, ValueError, OverflowError: as `check_timeout`, but for negative ones.
    """
    try:
        if blocking and timeout is not None and timeout < 0:
            return 0
    except TypeError:
        pass
    return check_timeout(blocking, timeout)
