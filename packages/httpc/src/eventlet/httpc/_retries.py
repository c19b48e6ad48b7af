"""When a request is tried again, and after how long."""

from __future__ import annotations

import random
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from ._dates import from_http_time
from ._options import check_number
from ._request import IDEMPOTENT
from .errors import ConnectError, HTTPError, ReadError, TLSError, WriteError

# The longest pause that we make of our own accord, in seconds.
_LONGEST_PAUSE = 60.0


@dataclass(frozen=True, slots=True)
class Retries:
    """When a request is tried again.

    That a kept connection turns out to be dead does not count: it is replaced in any case.

    A connection that could not be made is tried again whatever the method, because nothing was
    sent. A connection that broke, and an answer with one of `statuses`, only for `methods`.

    Arguments:
        total: how often, after the first time.
        backoff: the pause before the first new try is up to this many seconds, and doubles each
            time; how much of it is left to chance, so that a crowd does not come back at once.
        statuses: answers that are worth another try.
        methods: that may be repeated.
        respect_retry_after: wait for as long as the server asks; but if that is more than a
            minute, return its answer instead.

    Raises:
        ValueError: a number is negative, or NaN.
        TypeError: one is no number.
    """

    total: int = 0
    backoff: float = 0.5
    statuses: Collection[int] = frozenset({429, 502, 503, 504})
    methods: Collection[str] = IDEMPOTENT
    respect_retry_after: bool = True

    def __post_init__(self) -> None:
        check_number("total", self.total, 0, ">= 0")
        check_number("backoff", self.backoff, 0, ">= 0")

    @classmethod
    def of(cls, value: RetryTypes) -> Retries:
        """Return the policy that `value` stands for: a number is the total, None is none.

        Raises:
            TypeError: it stands for none.
            ValueError: it is negative.
        """
        if isinstance(value, cls):
            return value
        if value is None:
            return cls()
        if isinstance(value, int):
            return cls(total=value)
        raise TypeError(f"retries are a number, a Retries or None, not {value!r}")

    def after_error(self, tried: int, method: str, error: HTTPError) -> float | None:
        """Return how long to wait before trying again after an error, or None not to.

        Arguments:
            tried: how often it has been tried again already.
        """
        if tried >= self.total or isinstance(error, TLSError):
            return None
        is_repeatable = isinstance(error, (ReadError, WriteError)) and method in self.methods
        if isinstance(error, ConnectError) or is_repeatable:
            return self._pause(tried)
        return None

    def after_answer(
        self, tried: int, method: str, status: int, headers: Mapping[str, str]
    ) -> float | None:
        """Return how long to wait before trying again after an answer, or None to take it.

        Arguments:
            tried: how often it has been tried again already.
        """
        if tried >= self.total or status not in self.statuses or method not in self.methods:
            return None
        asked = _retry_after(headers.get("retry-after")) if self.respect_retry_after else None
        if asked is None:
            return self._pause(tried)
        return asked if asked <= _LONGEST_PAUSE else None

    def _pause(self, tried: int) -> float:
        limit = min(_LONGEST_PAUSE, self.backoff * 2 ** min(tried, 30))
        return random.uniform(0, limit)


RetryTypes: TypeAlias = Retries | int | None


def _retry_after(value: str | None) -> float | None:
    """Read a ``Retry-After`` header: seconds, or a date (RFC 9110, section 10.2.3)."""
    if value is None:
        return None
    if value.isascii() and value.isdigit():
        return float(value)
    date = from_http_time(value)
    return None if date is None else max(0.0, date - time.time())
