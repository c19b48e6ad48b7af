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
        ValueError: one is negative or not a number.
    """

    connect: float | None = 10.0
    read: float | None = 60.0
    write: float | None = 60.0
    pool: float | None = None
    total: float | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None and not value >= 0:
                raise ValueError(f"{field.name} must be seconds >= 0 or None, not {value!r}")

    @classmethod
    def of(cls, value: TimeoutTypes) -> Timeouts:
        """Return the limits that `value` stands for: a number is the total, None is no limit.

        Raises:
            TypeError: it stands for none.
            ValueError: it is negative or not a number.
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
        ValueError: a limit is too small to make any request, or not a number.
    """

    max_connections: int = 1000
    max_per_host: int = 100
    keepalive: int = 200
    keepalive_expiry: float = 15.0

    def __post_init__(self) -> None:
        for name, least in (("max_connections", 1), ("max_per_host", 1), ("keepalive", 0)):
            value = getattr(self, name)
            if not value >= least:
                raise ValueError(f"{name} must be at least {least}, not {value!r}")
        if not self.keepalive_expiry >= 0:
            raise ValueError(f"keepalive_expiry must be >= 0, not {self.keepalive_expiry!r}")
