"""Happy Eyeballs: connecting to whichever address of a host answers first (RFC 8305).

The addresses are tried in an order that alternates between the families. Each has a head start
before the next is tried as well; one that fails hands on at once. The first connection wins, and
all other attempts are given up.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain, zip_longest
from typing import Any

from eventlet.coros import Semaphore
from eventlet.hub import GreenThread, spawn

from ._socket import GreenSocket

Info = tuple[int, int, int, str, Any]

# The "Connection Attempt Delay" of RFC 8305, section 5, in seconds.
_HEAD_START = 0.25


def race(
    infos: Sequence[Info], connect: Callable[[Info], GreenSocket]
) -> GreenSocket | list[Exception]:
    """Return the first connection, or all errors in the order of the attempts.

    Arguments:
        infos: what `getaddrinfo` has returned; at least one.
        connect: makes a connection to one of them, or closes what it has begun and raises.
    """
    if len(infos) == 1:
        try:
            return connect(infos[0])
        except OSError as error:
            return [error]
    attempts = _Race([partial(connect, info) for info in alternating(infos)])
    try:
        return attempts.run()
    finally:
        attempts.end()


def alternating(infos: Sequence[Info]) -> list[Info]:
    """Return addresses such that families take turns, the one that came first beginning."""
    by_family: dict[int, list[Info]] = {}
    for info in infos:
        by_family.setdefault(info[0], []).append(info)
    rounds = zip_longest(*by_family.values())
    return [info for info in chain.from_iterable(rounds) if info is not None]


class _Race:
    def __init__(self, attempts: Sequence[Callable[[], GreenSocket]]) -> None:
        self._waiting = deque(attempts)
        self._started: list[GreenThread[GreenSocket]] = []
        self._finished = Semaphore(0)
        self._winner: GreenThread[GreenSocket] | None = None

    def run(self) -> GreenSocket | list[Exception]:
        self._start()
        while any(self._started) or self._waiting:
            self._finished.acquire(timeout=_HEAD_START if self._waiting else None)
            winner = next((thread for thread in self._started if thread.successful), None)
            if winner is not None:
                self._winner = winner
                return winner.wait()
            if self._waiting:
                self._start()  # the head start is over, or whoever had it has failed
        failures = (thread.exception for thread in self._started)
        return [error for error in failures if isinstance(error, Exception)]

    def end(self) -> None:
        """Give up all attempts but the one that has won."""
        for thread in self._started:
            if thread is not self._winner:
                # A connection may still be made on the way to the end: it is closed then.
                thread.link(_close)
                thread.throw()

    def _start(self) -> None:
        thread = spawn(self._waiting.popleft())
        thread.link(lambda _: self._finished.release())
        self._started.append(thread)


def _close(thread: GreenThread[GreenSocket]) -> None:
    if thread.successful:
        thread.wait().close()
    else:
        thread.exception  # noqa: B018 - which is expected, and not to be reported
