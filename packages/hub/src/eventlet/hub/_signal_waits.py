"""The functions of `signal` that wait, for green threads.

`pause` waits for the byte that the interpreter writes for each signal that has a handler. A signal
that is blocked has none: signalfd(2) makes such ones readable, and `sigtimedwait` with no time at
all takes them. Both look at what is pending for this very native thread too, which a helper thread
could not see; nor could one be called off without a signal being lost.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from signal import Signals
from typing import TYPE_CHECKING, Any

from . import _signals
from ._native import in_main_thread
from ._originals import original
from ._portable import PORTABLE
from ._registry import get_hub
from ._seconds import check_seconds
from ._trampoline import trampoline
from ._waiter import Waiter

if TYPE_CHECKING:
    from signal import struct_siginfo

# What cannot be made green without signalfd(2).
BY_SIGNALFD = ("sigwait", "sigwaitinfo", "sigtimedwait")

# At least the size of a `sigset_t` in every C library, in bytes.
_SIGSET_SIZE = 128


class _TimeIsUp(Exception):
    pass


def pause() -> None:
    """Wait until a signal handler has run; as `signal.pause`, which is that of POSIX.

    What a handler raises reaches the main greenlet, unless a green thread was running just then. In
    another native thread than the main one, and where somebody else's descriptor is the one of
    `signal.set_wakeup_fd`, this blocks as the original does.

    Raises:
        HubError: called in the hub's own greenlet.
    """
    hub = get_hub() if in_main_thread() else None
    if hub is None or not _signals.wakes(hub):
        original("signal").pause()
        return
    hub.wakeup.clear()  # what came before doesn't count
    waiter = Waiter[None]()
    _signals.pauses.add(waiter)
    hub.outside += 1  # a signal without a handler may end the program, so this is no deadlock
    try:
        waiter.wait()
    finally:
        hub.outside -= 1
        _signals.pauses.discard(waiter)


def sigwait(sigset: Iterable[int], /) -> int:
    """Wait for one of the signals, which must be blocked, and take it; as `signal.sigwait`.

    Returns:
        Its number, one of `signal.Signals` if it has a name.

    Raises:
        ValueError: one of these is no signal's number.
        HubError: called in the hub's own greenlet.
    """
    number: int = sigwaitinfo(sigset).si_signo
    try:
        return Signals(number)
    except ValueError:  # most real-time signals have no name
        return number


def sigwaitinfo(sigset: Iterable[int], /) -> struct_siginfo:
    """Wait for one of the signals, which must be blocked, and take it; as `signal.sigwaitinfo`.

    Raises:
        As `sigwait`.
    """
    found = _take(tuple(sigset), None)
    assert found is not None  # it has waited for ever
    return found


def sigtimedwait(sigset: Iterable[int], timeout: float, /) -> struct_siginfo | None:
    """Wait for one of the signals for some time at most; as `signal.sigtimedwait`.

    Arguments:
        sigset: the signals, which must be blocked.
        timeout: seconds.

    Returns:
        None if none has come.

    Raises:
        TypeError, ValueError: `timeout` is negative or not a number, or as `sigwait`.
        HubError: as `sigwait`.
    """
    check_seconds("the timeout must be a number of seconds >= 0", timeout)
    return _take(tuple(sigset), timeout)


def has_signalfd() -> bool:
    """Whether blocked signals can be waited for as a descriptor is."""
    return not PORTABLE and hasattr(original("signal"), "sigtimedwait") and _has_signalfd()


def _has_signalfd() -> bool:
    try:
        from ctypes import CDLL
    except ImportError:
        return False
    return hasattr(CDLL(None), "signalfd")


def _take(signals: Collection[int], timeout: float | None) -> struct_siginfo | None:
    take = original("signal").sigtimedwait
    found: struct_siginfo | None = take(signals, 0)
    if found is not None or timeout == 0:
        return found
    hub = get_hub()
    deadline = None if timeout is None else hub.time() + timeout
    fd = _signalfd(signals)
    try:
        while found is None:  # for others may be faster
            left = None if deadline is None else max(0.0, deadline - hub.time())
            trampoline(fd, read=True, timeout=left, timeout_exc=_TimeIsUp)
            found = take(signals, 0)
    except _TimeIsUp:
        return None
    finally:
        os.close(fd)
    return found


def _signalfd(signals: Collection[int]) -> int:
    import ctypes

    libc: Any = ctypes.CDLL(None, use_errno=True)
    sigset = ctypes.create_string_buffer(_SIGSET_SIZE)
    libc.sigemptyset(sigset)
    for number in signals:
        libc.sigaddset(sigset, number)
    fd: int = libc.signalfd(-1, sigset, os.O_NONBLOCK | os.O_CLOEXEC)
    if fd < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return fd
