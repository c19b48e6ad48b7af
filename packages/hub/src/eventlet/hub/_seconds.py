"""Numbers of seconds, as people pass them."""

from __future__ import annotations

from numbers import Real


def check_seconds(rule: str, seconds: object) -> float:
    """Return `seconds` if that is a number that a clock can be moved on by.

    Arguments:
        rule: what must be given, for the error.

    Raises:
        As `refusal` says.
    """
    try:
        if seconds >= 0:  # type: ignore[operator]  # or it is the wrong type
            0.0 + seconds  # type: ignore[operator]
            return seconds  # type: ignore[return-value]
    except (TypeError, OverflowError):
        pass
    raise refusal(rule, seconds)


def check_moment(rule: str, when: object) -> float:
    """Return `when`, a point in time, as a float.

    Raises:
        As `refusal` says.
    """
    try:
        if when == when:  # noqa: PLR0124 - which NaN is not
            return 0.0 + when  # type: ignore[operator]
    except (TypeError, OverflowError):
        pass
    raise refusal(rule, when)


def refusal(rule: str, seconds: object) -> Exception:
    """Return the error for what is no number of seconds.

    A `TypeError` for what is no number that can be added to a float, an `OverflowError` for one
    that no float can hold, and else a `ValueError`: for one that is negative, or NaN.
    """
    if not isinstance(seconds, Real):
        hint = "; turn it into a float" if hasattr(seconds, "__float__") else ""
        return TypeError(f"{rule}, not {seconds!r}{hint}")
    try:
        float(seconds)
    except OverflowError:
        return OverflowError(f"{rule}, not one that no float can hold; math.inf stands for ever")
    return ValueError(f"{rule}, not {seconds!r}")
