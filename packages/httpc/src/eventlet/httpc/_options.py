"""What a client may be told about time and connections; the defaults and their reasons."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long each part of a request may take, in seconds; None for ever.

    Arguments:
        connect: to have a connection, with TLS and through proxies.
        read: between two pieces of the answer.
        write: between two pieces of the request that the peer takes.
        pool: to get a turn when all connections are in use. None by default: whoever starts a
            thousand requests wants them to stand in line.
        total: from the beginning to the last byte of the body; redirects and retries included.

    Raises:
        ValueError: one is negative, or NaN.
        TypeError: one is no number.
    """

    connect: float | None = 10.0
    read: float | None = 60.0
    write: float | None = 60.0
    pool: float | None = None
    total: float | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None:
                check_number(field.name, value, 0, "seconds >= 0 or None")

    @classmethod
    def of(cls, value: TimeoutTypes) -> Timeouts:
        """Return the limits that `value` stands for: a number is the total, None is no limit.

        Raises:
            TypeError: it stands for none.
            ValueError: it is negative, or NaN.
        """
        if isinstance(value, cls):
            return value
        if value is None:
            return cls(None, None, None, None, None)
        if isinstance(value, (int, float)):
            return replace(cls(), total=value)
        raise TypeError(f"a timeout is seconds, a Timeouts or None, not {value!r}")


TimeoutTypes: TypeAlias = Timeouts | float | None


@dataclass(frozen=True, slots=True)
class Limits:
    """How many connections a client may have.

    Arguments:
        max_connections: in all, idle ones included.
        max_per_host: to one origin. Browsers use 6; programs that fetch many things from one
            server usually own it.
        keepalive: how many idle connections are kept; the oldest go first.
        keepalive_expiry: how long an idle one is kept, in seconds. Servers close theirs after 5
            (Apache) to 75 (nginx); asking on one that is being closed costs a retry.

    Raises:
        ValueError: a limit is too small to make any request, or NaN.
        TypeError: one is no number.
    """

    max_connections: int = 1000
    max_per_host: int = 100
    keepalive: int = 200
    keepalive_expiry: float = 15.0

    def __post_init__(self) -> None:
        for name, least in (("max_connections", 1), ("max_per_host", 1), ("keepalive", 0)):
            check_number(name, getattr(self, name), least, f"at least {least}")
        check_number("keepalive_expiry", self.keepalive_expiry, 0, ">= 0")


def check_number(name: str, value: float, least: float, rule: str) -> None:
    """Make sure that an option is a number, and not too small.

    Raises:
        TypeError: it is none.
        ValueError: it is smaller than `least`, or NaN.
    """
    try:
        is_allowed = value >= least
    except TypeError:
        raise TypeError(f"{name} must be {rule}, not {value!r}") from None
    if not is_allowed:
        raise ValueError(f"{name} must be {rule}, not {value!r}")
