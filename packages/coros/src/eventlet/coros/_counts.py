"""Counts, sizes and timeouts, as people pass them."""

from __future__ import annotations

from ._scheduler import check_seconds

_TIMEOUT = "a timeout must be a number of seconds >= 0 or None"


def check_count(name: str, value: object, *, least: int | None = 0) -> int:
    """Return `value` if it is a whole number that is at least `least`, if that is given.

    Raises:
        TypeError: it isn't a whole number; True, False and floats are none.
        ValueError: it is too small.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number, not {value!r}")
    if least is not None and value < least:
        raise ValueError(f"{name} must be at least {least}, not {value}")
    return value


def check_timeout(blocking: bool, timeout: float | None) -> None:
    """Refuse a timeout that makes no sense, whether or not the call is going to wait.

    Raises:
        TypeError: it is no number.
        ValueError: it is negative or NaN, or the call doesn't wait.
        OverflowError: no float can hold it.
    """
    if timeout is None:
        return
    if not blocking:
        raise ValueError(f"a timeout makes no sense with blocking=False: {timeout!r}")
    check_seconds(_TIMEOUT, timeout)


def clamp_timeout(timeout: float | None) -> float | None:
    """Return a timeout as those calls of `threading` take it for which less than 0 is 0.

    Raises:
        TypeError, ValueError, OverflowError: as `check_timeout`, but for negative ones.
    """
    if timeout is None:
        return None
    try:
        if timeout < 0:
            return 0
    except TypeError:
        pass
    return check_seconds(_TIMEOUT, timeout)
