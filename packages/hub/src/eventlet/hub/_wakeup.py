"""A descriptor that makes a hub's poll return, written to by other native threads and signals."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Protocol

from ._native import RLock
from ._originals import original
from ._portable import PORTABLE

if TYPE_CHECKING:
    from socket import socket


# What system calls report when a descriptor was closed, or has become something else meanwhile.
LOST = (errno.EBADF, errno.ENOTSOCK)


class Wakeup(Protocol):
    """Something pollable that any native thread may set."""

    def fileno(self) -> int:
        """Return the descriptor to poll for reading."""

    def set(self) -> None:
        """Make it readable; safe from any native thread and from signal handlers.

        Harmless once it is closed: whoever was late has nobody to wake any more.
        """

    def clear(self) -> bool:
        """Make it unreadable until the next `set`; return whether a signal has written to it."""

    def close(self) -> None:
        """Give back the descriptors, when nobody writes to them just now."""

    def close_in_child(self) -> None:
        """Give back the copies of a forked process, in which no other native thread runs."""

    def abandon(self) -> None:
        """Forget the descriptors, which somebody else has closed."""


class EventFdWakeup:
    """eventfd(2): one descriptor, a counter in the kernel."""

    def __init__(self) -> None:
        self._fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        # Between a look at `_fd` and the write, the number must not become somebody else's.
        self._lock = RLock()

    def fileno(self) -> int:
        return self._fd

    def set(self) -> None:
        with self._lock:
            try:
                if self._fd >= 0:
                    os.eventfd_write(self._fd, 1)
            except OSError as error:
                _forgive_lost(error)

    def clear(self) -> bool:
        try:
            os.eventfd_read(self._fd)
        except BlockingIOError:
            pass  # the poller reports room for writing too
        return False

    def close(self) -> None:
        with self._lock:
            self.close_in_child()

    def close_in_child(self) -> None:
        os.close(self._fd)
        self._fd = -1

    def abandon(self) -> None:
        self._fd = -1


class SocketWakeup:
    """A socket pair: works on every platform, and takes the single bytes that signals write."""

    # More than all the wake-ups that can pile up between two polls is only read in more calls.
    _CHUNK = 4096

    def __init__(self) -> None:
        pair: tuple[socket, socket] = original("socket").socketpair()
        self._receiver, self._sender = pair
        self._lock = RLock()
        self._receiver.setblocking(False)
        self._sender.setblocking(False)

    def fileno(self) -> int:
        return self._receiver.fileno()

    @property
    def signal_fileno(self) -> int:
        """The descriptor for `signal.set_wakeup_fd`."""
        return self._sender.fileno()

    def set(self) -> None:
        with self._lock:
            try:
                if self._sender.fileno() >= 0:
                    self._sender.send(b"\0")
            except BlockingIOError:
                pass  # so many wake-ups are under way that one more says nothing new
            except OSError as error:
                _forgive_lost(error)

    def clear(self) -> bool:
        is_signal = False
        try:
            while chunk := self._receiver.recv(self._CHUNK):
                # `set` writes zeros, the interpreter the numbers of signals.
                is_signal = is_signal or any(chunk)
        except BlockingIOError:
            pass  # drained
        return is_signal

    def close(self) -> None:
        with self._lock:
            self.close_in_child()

    def close_in_child(self) -> None:
        self._receiver.close()
        self._sender.close()

    def abandon(self) -> None:
        self._receiver.detach()
        self._sender.detach()


def _forgive_lost(error: OSError) -> None:
    # Somebody has closed all descriptors. The hub will find out in its next poll, and then look
    # at what this wake-up was for.
    if error.errno not in LOST:
        raise error


def make_wakeup(*, for_signals: bool) -> Wakeup:
    """Return the cheapest kind that does; signals write one byte, which an eventfd refuses."""
    if for_signals or PORTABLE or not hasattr(os, "eventfd"):
        return SocketWakeup()
    return EventFdWakeup()
