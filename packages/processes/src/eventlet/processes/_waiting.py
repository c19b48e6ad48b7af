"""The functions of the standard module `os` that wait for child processes.

Nothing is reaped but by the calling green thread, after it has woken: one that is killed while it
waits takes no status with it. What waits for any of several children, or for one to stop, is a
native thread; it can't be told to give up, and ends with the next child that it could be about.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from subprocess import PIPE
from typing import Any, TypeVar

from eventlet.hub import get_hub
from eventlet.hub._children import wait_for_end

from ._ends import get_threads
from ._popen import Popen

T = TypeVar("T")

# Absent on Windows, and on macOS before Python 3.13: there a native thread makes the call itself.
_HAS_WAITID = hasattr(os, "waitid")

# Held here, so that they stay what they are when the standard module is patched.
_system = os.system
_waitpid = os.waitpid
_waitid: Callable[..., Any] = getattr(os, "waitid", None)  # type: ignore[assignment]
_wait3: Callable[..., Any] = getattr(os, "wait3", None)  # type: ignore[assignment]
_wait4: Callable[..., Any] = getattr(os, "wait4", None)  # type: ignore[assignment]


def waitpid(pid: int, options: int, /) -> tuple[int, int]:
    """Wait for a child, or for one of several, to end; as `os.waitpid`.

    Raises:
        ChildProcessError: there is no such child.
    """
    return _wait(partial(_waitpid, pid), options, partial(_await_child, pid, options))


def wait() -> tuple[int, int]:
    """Wait for any child to end; as `os.wait`.

    Raises:
        ChildProcessError: there are no children.
    """
    return waitpid(-1, 0)


def wait3(options: int) -> tuple[int, int, Any]:
    """Wait for any child to end, and return also what it has used; as `os.wait3`.

    Raises:
        ChildProcessError: there are no children.
    """
    call: Callable[[int], tuple[int, int, Any]] = _wait3
    return _wait(call, options, partial(_await_child, -1, options))


def wait4(pid: int, options: int) -> tuple[int, int, Any]:
    """Wait as `waitpid`, and return also what the child has used; as `os.wait4`.

    Raises:
        ChildProcessError: there is no such child.
    """
    call: Callable[[int], tuple[int, int, Any]] = partial(_wait4, pid)
    return _wait(call, options, partial(_await_child, pid, options))


def waitid(idtype: int, id: int, options: int, /) -> Any:
    """Wait for a child to change as `options` say; as `os.waitid`.

    Raises:
        ChildProcessError: there is no such child.
        OSError: `options` name no change to wait for (EINVAL).
    """
    changes = options & ~(os.WNOHANG | os.WNOWAIT)
    return _wait(partial(_waitid, idtype, id), options, partial(_await, idtype, id, changes))


def system(command: str | bytes | os.PathLike[str]) -> int:
    """Run a command in a shell, and return its wait status; as `os.system`.

    A green thread that is killed while it waits leaves the command running.
    """
    return get_threads().execute(_system, command)


def popen(cmd: str, mode: str = "r", buffering: int = -1) -> Any:
    """Run a command in a shell, and return a text file to read from it or write to it.

    As `os.popen`: closing the file waits for the command, and returns its wait status, or None if
    that is 0.

    Raises:
        TypeError: `cmd` is not text.
        ValueError: `mode` is neither "r" nor "w", or `buffering` is 0.
    """
    if not isinstance(cmd, str):
        raise TypeError(f"invalid cmd type ({type(cmd)}, expected string)")
    if mode not in ("r", "w"):
        raise ValueError(f"invalid mode {mode!r}: it must be 'r' or 'w'")
    if buffering == 0 or buffering is None:
        raise ValueError("popen() does not support unbuffered streams")
    stdin, stdout = (None, PIPE) if mode == "r" else (PIPE, None)
    child = Popen(cmd, bufsize=buffering, stdin=stdin, stdout=stdout, shell=True, text=True)
    close_and_wait: Callable[..., Any] = vars(os)["_wrap_close"]
    return close_and_wait(child.stdout or child.stdin, child)


def _wait(call: Callable[[int], T], options: int, look: Callable[[], object]) -> T:
    """Make a call of the system as soon as it has something to tell."""
    if not _HAS_WAITID:
        return get_threads().execute(call, options)
    while not _tells(result := call(options | os.WNOHANG)) and not options & os.WNOHANG:
        with suppress(ChildProcessError):  # somebody else was faster: the next call tells
            look()
    return result


def _tells(result: Any) -> bool:
    return result is not None and result[0] != 0


def _await_child(pid: int, options: int) -> None:
    """Wait for a change of what `os.waitpid` means by `pid`."""
    changes = os.WEXITED | options & os.WCONTINUED
    if options & os.WUNTRACED:
        changes |= os.WSTOPPED
    if pid > 0:
        _await(os.P_PID, pid, changes)
    elif pid == -1:
        _await(os.P_ALL, 0, changes)
    else:
        _await(os.P_PGID, -pid or os.getpgrp(), changes)


def _await(idtype: int, id: int, changes: int) -> None:
    if idtype == os.P_PID and changes == os.WEXITED:
        wait_for_end(get_hub(), id, None)
    else:
        get_threads().execute(_waitid, idtype, id, changes | os.WNOWAIT)
