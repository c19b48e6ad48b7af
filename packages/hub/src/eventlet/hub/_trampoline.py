"""Waiting for descriptors that somebody else owns.

A database driver hands out the number of its socket, and may close it and get the same number
again between two calls. So nothing is remembered here: each call asks the system whether the
descriptor is ready now, and only if not registers it for as long as it waits.
"""

from __future__ import annotations

import errno
import os
import sys
from typing import TYPE_CHECKING, Any

from ._fiber import raise_pending
from ._greenthread import make_exception
from ._native import select
from ._pollers import FD_SETSIZE, READ, WRITE, check_descriptor
from ._portable import PORTABLE
from ._registry import current_fiber, deadline_after
from .errors import SelectLimit

if TYPE_CHECKING:
    from ._hub import Hub
    from ._watch import Watch


def trampoline(
    fd: Any,
    read: bool | None = None,
    write: bool | None = None,
    timeout: float | None = None,
    timeout_exc: type[BaseException] | BaseException = TimeoutError,
) -> None:
    """Wait until a descriptor is ready; return at once if it is now.

    Arguments:
        fd: a descriptor, or an object with a ``fileno()`` method.
        read: wait until a read would not block.
        write: wait until a write would not block; with `read` too, until either would not.
        timeout: seconds; None waits for ever.
        timeout_exc: what is raised when the time has passed: a class or an instance.

    Raises:
        TypeError: `fd` is neither a number nor has it a ``fileno()`` that returns one.
        ValueError: neither `read` nor `write` was asked for, `fd` is negative, or `timeout` is.
        OSError: `fd` is not open, or was closed by its green owner meanwhile (EBADF).
    """
    what = (READ if read else 0) | (WRITE if write else 0)
    if not what:
        raise ValueError("trampoline() waits for read, write or both; neither was asked for")
    number = fd if isinstance(fd, int) else _fileno(fd)
    me = current_fiber()
    deadline = deadline_after(me.hub, timeout)
    if me.pending:
        raise_pending(me)
    try:
        _wait(me.hub, number, what, deadline)
    except TimeoutError:
        is_ours = deadline is not None and me.hub.time() >= deadline
        if timeout_exc is TimeoutError or not is_ours:
            raise
        raise make_exception((timeout_exc,)) from None


def wait_readable(fd: Any, timeout: float | None = None) -> None:
    """Wait until a read of `fd`, a descriptor or an object with ``fileno()``, would not block.

    Arguments:
        timeout: seconds; None waits for ever.

    Raises:
        TimeoutError: the time has passed.
        OSError, ValueError: as for `trampoline`.
    """
    trampoline(fd, read=True, timeout=timeout)


def wait_writable(fd: Any, timeout: float | None = None) -> None:
    """Wait until a write to `fd` would not block; otherwise as `wait_readable`."""
    trampoline(fd, write=True, timeout=timeout)


def _fileno(thing: Any) -> int:
    try:
        number: int = thing.fileno()
    except AttributeError:
        raise TypeError(f"{thing!r} is neither a descriptor nor has it a fileno() method") from None
    return number


def _wait(hub: Hub, fd: int, what: int, deadline: float | None) -> None:
    watch = None
    try:
        while not is_ready(fd, what):
            is_back = watch is not None  # from a false alarm, or somebody else was faster
            watch = _watch_of(hub, fd)
            watch.wait_event(what, deadline, first=is_back)
    finally:
        if watch is not None:
            watch.pass_on(what)
            if watch.is_borrowed and not watch.has_waiters:
                watch.close()


def _watch_of(hub: Hub, fd: int) -> Watch:
    watch = hub.watches.get(fd)
    if watch is None:
        watch = hub.watch(fd)
        watch.is_borrowed = True
    else:
        # The number may have come to mean another file, which the poller doesn't know yet.
        hub.poller.register(fd)
    return watch


def is_ready(fd: int, what: int) -> bool:
    """Ask the system, without waiting, whether `fd` can be read or written (`READ`, `WRITE`).

    Raises:
        OSError: `fd` is not open.
        ValueError: `fd` is negative, or too large for ``select``.
    """
    check_descriptor(fd)
    if PORTABLE or not hasattr(select, "poll"):
        return _is_ready_by_select(fd, what)
    poller = select.poll()
    poller.register(
        fd, (select.POLLIN if what & READ else 0) | (select.POLLOUT if what & WRITE else 0)
    )
    events = poller.poll(0)
    if events and events[0][1] & select.POLLNVAL:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    return bool(events)


def _is_ready_by_select(fd: int, what: int) -> bool:
    if sys.platform != "win32" and fd >= FD_SETSIZE:
        raise SelectLimit(fd, FD_SETSIZE)
    reading = [fd] if what & READ else []
    writing = [fd] if what & WRITE else []
    return any(select.select(reading, writing, [fd], 0))
