"""Counts, sizes and timeouts, as people pass them."""

from __future__ import annotations


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


def check_timeout(blocking: bool, timeout: float | None) -> None:
    """Refuse a timeout that makes no sense, whether or not the call is going to wait.

    Raises:
        ValueError: it is negative or not a number, or the call doesn't wait.
    """
    if timeout is None:
        return
    if not blocking:
        raise ValueError("a timeout makes no sense with blocking=False")
    if not timeout >= 0:
        raise ValueError(f"a timeout must be a number of seconds >= 0 or None, not {timeout!r}")
