"""Waiting for the end of child processes, without polling and without ``SIGCHLD``.

A descriptor that turns readable when the child ends is the best way: a pidfd of Linux, or a kqueue
that watches the process. Where there is none, or none left, a native thread waits. It leaves the
child for the green thread to reap where the system can do that, and keeps the status otherwise. So
whoever is killed or timed out can wait once more.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from os import waitpid, waitstatus_to_exitcode
from typing import TYPE_CHECKING, Any

from ._native import bystanders, select, start_new_thread
from ._pollers import READ
from ._portable import PORTABLE
from ._registry import current_fiber, deadline_after
from ._waiter import Waiter

if TYPE_CHECKING:
    from ._hub import Hub

# Absent on Windows, where a process can only be waited for.
_NOHANG: int | None = getattr(os, "WNOHANG", None)
# Absent on Windows and on macOS before Python 3.13. Held here, like `waitpid`: the green one, which
# a patch puts into its place, waits for the very thread that is to call it.
_waitid: Any = getattr(os, "waitid", None)
_HAS_WAITID = _waitid is not None

_Key = tuple[int, int]  # of this process and of its child: a forked process has other children


def wait_child(pid: int, timeout: float | None = None) -> int:
    """Wait until a child process has ended, reap it, and return its exit code.

    The signals of the program are left alone. A child whose wait was killed or timed out can be
    waited for again.

    Arguments:
        pid: of the child; on Windows its handle, as for `os.waitpid`.
        timeout: seconds; None waits for ever.

    Returns:
        What `os.waitstatus_to_exitcode` makes of the status: the negative number of the signal
        that ended the child, if one has.

    Raises:
        TimeoutError: the child has not ended in time.
        ChildProcessError: there is no such child: it was reaped by somebody else, maybe.
        ValueError: `pid` does not stand for one process, or `timeout` is negative.
    """
    if pid <= 0:
        raise ValueError(f"the number of a process is positive, not {pid!r}")
    hub = current_fiber().hub
    deadline = deadline_after(hub, timeout)
    try:
        while (status := _reap(pid)) is None:
            wait_for_end(hub, pid, deadline)
    except TimeoutError:
        raise TimeoutError(f"child {pid} has not ended within {timeout} seconds") from None
    except ChildProcessError as error:
        raise ChildProcessError(
            error.errno,
            f"process {pid} is not a child of this one, or somebody else has reaped it"
            " (os.wait() does, and the system itself while SIGCHLD is ignored)",
        ) from None
    return waitstatus_to_exitcode(status)


def _reap(pid: int) -> int | None:
    """Return the status of a child that has ended, or None; never waits."""
    key = (os.getpid(), pid)
    if not _HAS_WAITID and key in _vigils:
        return None  # about to reap it
    if _NOHANG is None:
        return _statuses.pop(key, None)
    try:
        ended, status = waitpid(pid, _NOHANG)
    except ChildProcessError:
        if key in _statuses:
            return _statuses.pop(key)
        raise
    _statuses.pop(key, None)  # of an older process with the same number
    return status if ended else None


def wait_for_end(hub: Hub, pid: int, deadline: float | None) -> None:
    """Park until the child has ended, or may have."""
    try:
        fd, close = _open_exit_watch(pid)
    except OSError:
        _watch_with_thread(hub, pid, deadline)  # no descriptors left, or forbidden in a sandbox
        return
    watch = None
    try:
        watch = hub.watch(fd)
        watch.wait_event(READ, deadline)
    except (OSError, ValueError):
        if watch is not None:
            raise
        _watch_with_thread(hub, pid, deadline)  # too many or too large for the poller
    finally:
        if watch is not None:
            watch.close()
        close()


def _open_exit_watch(pid: int) -> tuple[int, Callable[[], None]]:
    """Return a descriptor that turns readable when the process ends, and what closes it.

    Raises:
        OSError: there is no such thing here.
    """
    if PORTABLE:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    if hasattr(os, "pidfd_open"):
        fd = os.pidfd_open(pid)
        return fd, lambda: os.close(fd)
    if sys.platform != "linux" and hasattr(select, "kqueue"):  # pragma: no cover - BSD and macOS
        queue = select.kqueue()
        note = select.kevent(pid, select.KQ_FILTER_PROC, select.KQ_EV_ADD, select.KQ_NOTE_EXIT)
        try:
            queue.control([note], 0)
        except OSError:
            queue.close()
            raise
        return queue.fileno(), queue.close
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))  # pragma: no cover - an old Linux


class _Vigil:
    """A native thread that waits for the end of one child."""

    def __init__(self, key: _Key) -> None:
        self._key = key
        self._waiters: list[Waiter[None]] = []
        self._error: ChildProcessError | None = None
        self._is_over = False

    def wait(self, timeout: float | None) -> None:
        """Wait until the child has ended; in a green thread."""
        waiter: Waiter[None] = Waiter()
        self._waiters.append(waiter)
        try:
            if not self._is_over:
                waiter.wait(timeout)
        finally:
            self._waiters.remove(waiter)
        if self._error is not None and self._key not in _statuses:
            raise self._error.with_traceback(None)

    def run(self) -> None:
        """Wait until the child has ended; in the native thread."""
        # Those who wait are counted by their hubs; when they have gone, this wakes nobody.
        bystanders.add(self)
        try:
            self._await_end(self._key[1])
        except ChildProcessError as error:
            self._error = error
        finally:
            del _vigils[self._key]
            self._is_over = True
            for waiter in list(self._waiters):
                waiter.switch()
            bystanders.discard(self)

    def _await_end(self, pid: int) -> None:
        if _HAS_WAITID:
            _waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        else:
            _statuses[self._key] = waitpid(pid, 0)[1]


_vigils: dict[_Key, _Vigil] = {}
# Of children that a vigil had to reap, until somebody asks.
_statuses: dict[_Key, int] = {}


def _watch_with_thread(hub: Hub, pid: int, deadline: float | None) -> None:
    key = (os.getpid(), pid)
    new = _Vigil(key)
    vigil = _vigils.setdefault(key, new)
    if vigil is new:
        try:
            start_new_thread(vigil.run, ())
        except RuntimeError:
            del _vigils[key]
            raise
    hub.outside += 1
    try:
        vigil.wait(None if deadline is None else max(0.0, deadline - hub.time()))
    finally:
        hub.outside -= 1
