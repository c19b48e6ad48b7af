"""Waiting for any of many descriptors, on behalf of `select` and its relatives.

Whatever is asked, the system is asked first, without waiting; it alone says what is ready. Only if
nothing is, the green thread parks. In between, all others get their turn: a program that asks in a
loop must not starve them, whether it gets an answer each time or never. Where the system has
epoll(7), all descriptors go into one such object, whose own descriptor then is the only one that
the hub has to watch. Elsewhere, and in portable mode, a green thread waits for each.
"""

from __future__ import annotations

import select as _standard
from collections.abc import Mapping
from typing import Any

from eventlet.hub import Waiter, get_hub, sleep, spawn, trampoline, wait_readable
from eventlet.hub._portable import PORTABLE

# What is waited for, in the numbers that poll(2) has on every system we know.
IN = 0x001
PRI = 0x002
OUT = 0x004

# Out-of-band data without interest in any other is announced by no road through the hub. There, it
# is looked for this often, in seconds.
_GLANCE = 0.05

_HAS_EPOLL = hasattr(_standard, "epoll") and not PORTABLE
if _HAS_EPOLL:
    _standard_epoll = _standard.epoll


class Deadline:
    """The end of a wait that somebody has limited.

    Arguments:
        timeout: seconds; None for never.
    """

    def __init__(self, timeout: float | None) -> None:
        self._now = get_hub().time
        self._end = None if timeout is None else self._now() + timeout

    def remaining(self) -> float | None:
        """Return how many seconds are left; None for any number."""
        return None if self._end is None else max(0.0, self._end - self._now())

    def wait_any(self, interests: Mapping[int, int]) -> bool:
        """Park until one of some descriptors may be ready; return False once the time has passed.

        Arguments:
            interests: what is waited for (`IN`, `PRI`, `OUT`), by descriptor.

        Raises:
            OSError: one of them is not open.
        """
        remaining = self.remaining()
        if remaining == 0:
            return False
        try:
            if not interests:
                sleep_for(remaining)
            elif _HAS_EPOLL:
                _wait_by_epoll(interests, remaining)
            else:
                _wait_by_green_threads(interests, remaining)
        except TimeoutError:
            if self.remaining():
                raise  # somebody else's
        return True


def sleep_for(seconds: float | None) -> None:
    """Park for some time; for ever with None."""
    if seconds is None:
        waiter: Waiter[None] = Waiter()
        waiter.wait()
    else:
        sleep(seconds)


def _wait_by_epoll(interests: Mapping[int, int], timeout: float | None) -> None:
    with _standard_epoll() as many:
        is_empty = True
        for fd, wanted in interests.items():
            try:
                many.register(fd, wanted)
            except PermissionError:
                continue  # a regular file, for which nothing of what is wanted will ever come
            is_empty = False
        if is_empty:
            sleep_for(timeout)
        else:
            wait_readable(many, timeout)


def _wait_by_green_threads(interests: Mapping[int, int], timeout: float | None) -> None:
    waiter: Waiter[None] = Waiter()
    announced = {fd: wanted for fd, wanted in interests.items() if wanted & (IN | OUT)}
    scouts = [spawn(_scout, waiter, fd, wanted) for fd, wanted in announced.items()]
    glance = None
    if len(announced) < len(interests):
        glance = get_hub().call_later(_GLANCE, waiter.switch)
    try:
        waiter.wait(timeout)
    finally:
        if glance is not None:
            glance.cancel()
        for scout in scouts:
            scout.throw()


def _scout(waiter: Waiter[None], fd: int, wanted: int) -> None:
    try:
        trampoline(fd, read=bool(wanted & IN), write=bool(wanted & OUT))
    except (OSError, ValueError) as error:
        waiter.throw(error)
    else:
        waiter.switch()


def fileno(file: Any) -> int:
    """Return the descriptor that `file` is, or has.

    Raises:
        TypeError: it is neither a number nor an object with a ``fileno()`` method.
        ValueError: the number is negative.
    """
    number = file
    if not isinstance(number, int):
        method = getattr(file, "fileno", None)
        if method is None:
            raise TypeError(f"a descriptor is an int, or has a fileno() method, not {file!r}")
        number = method()
        if not isinstance(number, int):
            raise TypeError(f"fileno() of {file!r} returned a non-integer, {number!r}")
    if number < 0:
        raise ValueError(f"file descriptor cannot be a negative integer ({number})")
    return number
