"""The green `select`: the standard function for any number of descriptors."""

from __future__ import annotations

import errno
import os
import select as _standard
from collections.abc import Iterable
from typing import Any

from eventlet.hub import sleep
from eventlet.hub._portable import PORTABLE

from ._multiplexing import IN, OUT, PRI, Deadline, fileno

_POLLS = hasattr(_standard, "poll") and not PORTABLE
_standard_select = _standard.select
if _POLLS:
    _standard_poll = _standard.poll

# How select(2) counts what poll(2) reports: POLLIN_SET, POLLOUT_SET and POLLEX_SET of the kernel.
_HUP, _ERR, _NVAL = 0x010, 0x008, 0x020
_REPORTED = {IN: IN | _HUP | _ERR, OUT: OUT | _ERR, PRI: PRI}


def select(
    rlist: Iterable[Any],
    wlist: Iterable[Any],
    xlist: Iterable[Any],
    timeout: float | None = None,
    /,
) -> tuple[list[Any], list[Any], list[Any]]:
    """Wait until some of many descriptors are ready, and return those that are.

    Arguments:
        rlist: what to read from: descriptors, or objects with a ``fileno()`` method.
        wlist: what to write to.
        xlist: what to watch for exceptional conditions, out-of-band data for one.
        timeout: seconds; None waits for ever, 0 only asks.

    Raises:
        OSError: a descriptor is not open.
        TypeError: an argument is none of the above.
        ValueError: a descriptor or `timeout` is negative.
    """
    if timeout is not None and not isinstance(timeout, (int, float)):
        raise TypeError(f"timeout must be a number of seconds or None, not {timeout!r}")
    if timeout is not None and not timeout >= 0:
        raise ValueError(f"timeout must be a number of seconds >= 0, not {timeout!r}")
    question = _Question((rlist, wlist, xlist))
    answer = question.ask()
    sleep(0)  # see _multiplexing
    if not any(answer):
        deadline = Deadline(timeout)
        while not any(answer) and deadline.wait_any(question.interests):
            answer = question.ask()
    return answer


class _Question:
    """Three lists of files, and what is to be waited for."""

    def __init__(self, lists: tuple[Iterable[Any], Iterable[Any], Iterable[Any]]) -> None:
        self.interests: dict[int, int] = {}
        self._lists: list[tuple[int, list[tuple[int, Any]]]] = []
        for wanted, files in zip((IN, OUT, PRI), lists, strict=True):
            pairs = [(fileno(file), file) for file in files]
            self._lists.append((wanted, pairs))
            for fd, _ in pairs:
                self.interests[fd] = self.interests.get(fd, 0) | wanted

    def ask(self) -> tuple[list[Any], list[Any], list[Any]]:
        """Ask the system, without waiting; return the files that are ready, in three lists."""
        found = self._poll() if _POLLS else self._select()
        readable, writable, special = (
            [file for fd, file in pairs if found.get(fd, 0) & _REPORTED[wanted]]
            for wanted, pairs in self._lists
        )
        return readable, writable, special

    def _poll(self) -> dict[int, int]:
        poller = _standard_poll()
        for fd, wanted in self.interests.items():
            poller.register(fd, wanted)
        found = dict(poller.poll(0))
        if any(what & _NVAL for what in found.values()):
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return found

    def _select(self) -> dict[int, int]:
        readers, writers, others = ([fd for fd, _ in pairs] for _, pairs in self._lists)
        found: dict[int, int] = {}
        answer = _standard_select(readers, writers, others, 0)
        for what, fds in zip((IN, OUT, PRI), answer, strict=True):
            for fd in fds:
                found[fd] = found.get(fd, 0) | what
        return found
