"""The four ways to ask the system which descriptors are ready, behind one interface.

`epoll` and `kqueue` report edges: a descriptor is registered once, for both directions, and an
event means that something changed. `poll` and `select` report levels, so they emulate edges: a
direction is asked about only from the moment somebody parks on it (`Poller.arm`) until it has
been reported once. Either way an event says the same to the rest of the hub: try again.
"""

from __future__ import annotations

import errno
import os
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import ClassVar, Protocol

from ._native import select
from .errors import SelectLimit

# What an event reports; the first two are what `arm` asks for.
READ = 1
WRITE = 2
PRIORITY = 4
# The peer has closed, or the descriptor has failed: both can hide behind data, in one event.
HANGUP = 8

# A POSIX system's FD_SETSIZE (sys/select.h). Windows limits the count instead, and says so itself.
FD_SETSIZE = 1024

# Of a C int, which the system's calls take.
_MAX_FD = 2**31 - 1

Event = tuple[int, int]


class Poller(Protocol):
    """One way to wait for many descriptors at once."""

    name: ClassVar[str]
    edge_triggered: ClassVar[bool]

    def register(self, fd: int) -> bool:
        """Take charge of `fd`; return False if it is of a kind that is always ready."""

    def unregister(self, fd: int) -> None:
        """Forget `fd`; it may be closed already, or unknown."""

    def arm(self, fd: int, interest: int) -> None:
        """Report `interest` (`READ`, `WRITE`) once; edge-triggered pollers do so anyway."""

    def disarm(self, fd: int, interest: int) -> None:
        """Take back what `arm` asked for."""

    def poll(self, timeout: float | None) -> Iterable[Event]:
        """Wait up to `timeout` seconds (None: for ever) and return ``(fd, what)`` pairs."""

    def close(self) -> None:
        """Give back the poller's own descriptors."""

    def fileno(self) -> int:
        """Return the poller's own descriptor, or -1 if it has none."""


if hasattr(select, "epoll"):  # pragma: no branch - Linux has it
    _EPOLL_EVENTS = (
        select.EPOLLIN | select.EPOLLOUT | select.EPOLLRDHUP | select.EPOLLPRI | select.EPOLLET
    )
    _EPOLL_HANGUP = select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR
    _EPOLL_READ = select.EPOLLIN | _EPOLL_HANGUP
    _EPOLL_WRITE = select.EPOLLOUT | select.EPOLLHUP | select.EPOLLERR

    class EpollPoller:
        """epoll(7), edge-triggered."""

        name: ClassVar[str] = "epoll"
        edge_triggered: ClassVar[bool] = True

        def __init__(self) -> None:
            self._epoll = select.epoll()
            self._wait = self._epoll.poll

        def register(self, fd: int) -> bool:
            try:
                self._epoll.register(fd, _EPOLL_EVENTS)
            except FileExistsError:
                # Still there from before, through a duplicate that keeps the old file open.
                # Asking anew makes epoll report the present state once more.
                self._epoll.modify(fd, _EPOLL_EVENTS)
            except PermissionError:
                return False  # a regular file or folder: epoll_ctl(2), EPERM
            return True

        def unregister(self, fd: int) -> None:
            try:
                self._epoll.unregister(fd)
            except (OSError, ValueError):
                pass  # closed already: the kernel has forgotten it by itself

        def arm(self, fd: int, interest: int) -> None:
            """Do nothing: edges are reported anyway."""

        def disarm(self, fd: int, interest: int) -> None:
            """Do nothing: edges are reported anyway."""

        def poll(self, timeout: float | None) -> Iterable[Event]:
            events = self._wait(timeout)
            return [(fd, _from_epoll[mask]) for fd, mask in events] if events else ()

        def close(self) -> None:
            self._epoll.close()

        def fileno(self) -> int:
            return self._epoll.fileno()

    class _Meanings(dict[int, int]):
        """What each mask means to the hub: there are few, and each event asks."""

        def __missing__(self, mask: int) -> int:
            what = 0
            if mask & _EPOLL_READ:
                what = READ
            if mask & _EPOLL_WRITE:
                what |= WRITE
            if mask & _EPOLL_HANGUP:
                what |= HANGUP
            if mask & select.EPOLLPRI:
                what |= READ | PRIORITY
            self[mask] = what
            return what

    _from_epoll = _Meanings()


if sys.platform != "win32" and sys.platform != "linux":  # pragma: no cover - BSD and macOS

    class KqueuePoller:
        """kqueue(2), with ``EV_CLEAR``: edge-triggered."""

        name: ClassVar[str] = "kqueue"
        edge_triggered: ClassVar[bool] = True

        # kevent(2) fills a list of the length it is given; more events wait for the next call.
        _EVENTS_A_CALL = 1024

        def __init__(self) -> None:
            self._kqueue = select.kqueue()

        def register(self, fd: int) -> bool:
            flags = select.KQ_EV_ADD | select.KQ_EV_CLEAR
            try:
                self._kqueue.control([select.kevent(fd, select.KQ_FILTER_READ, flags)], 0)
            except OSError as error:
                if error.errno in (errno.EINVAL, errno.EPERM, errno.ENODEV):
                    return False  # a kind of file that kqueue does not know: always ready
                raise
            try:
                self._kqueue.control([select.kevent(fd, select.KQ_FILTER_WRITE, flags)], 0)
            except OSError as error:
                # The reading end of a pipe cannot be watched for writing, nor written to.
                if error.errno not in (errno.EINVAL, errno.EPIPE):
                    raise
            return True

        def unregister(self, fd: int) -> None:
            for kind in (select.KQ_FILTER_READ, select.KQ_FILTER_WRITE):
                try:
                    self._kqueue.control([select.kevent(fd, kind, select.KQ_EV_DELETE)], 0)
                except OSError:
                    pass  # closed already: the kernel has forgotten it by itself

        def arm(self, fd: int, interest: int) -> None:
            """Do nothing: edges are reported anyway."""

        def disarm(self, fd: int, interest: int) -> None:
            """Do nothing: edges are reported anyway."""

        def poll(self, timeout: float | None) -> Iterable[Event]:
            events = self._kqueue.control(None, self._EVENTS_A_CALL, timeout)
            return [(event.ident, self._from_kevent(event)) for event in events]

        @staticmethod
        def _from_kevent(event: select.kevent) -> int:
            what = READ if event.filter == select.KQ_FILTER_READ else WRITE
            if event.flags & select.KQ_EV_ERROR:
                what = READ | WRITE
            if event.flags & (select.KQ_EV_EOF | select.KQ_EV_ERROR):
                what |= HANGUP
            return what

        def close(self) -> None:
            self._kqueue.close()

        def fileno(self) -> int:
            return self._kqueue.fileno()


class _LevelPoller(ABC):
    """What the two level-triggered pollers share: who asked for what."""

    edge_triggered: ClassVar[bool] = False

    def __init__(self) -> None:
        self._interest: dict[int, int] = {}
        # Whose out-of-band data has been reported, and may still be there.
        self._urgent: set[int] = set()

    def register(self, fd: int) -> bool:
        if sys.platform != "win32":
            os.fstat(fd)  # a closed descriptor fails here, as it does with epoll
        return True

    def unregister(self, fd: int) -> None:
        self._urgent.discard(fd)
        if self._interest.pop(fd, 0):
            self._ask(fd, 0)

    def arm(self, fd: int, interest: int) -> None:
        wanted = self._interest.get(fd, 0) | interest
        self._ask(fd, wanted)
        self._interest[fd] = wanted

    def disarm(self, fd: int, interest: int) -> None:
        before = self._interest.get(fd, 0)
        wanted = before & ~interest
        if wanted == before:
            return
        self._ask(fd, wanted)
        if wanted:
            self._interest[fd] = wanted
        else:
            del self._interest[fd]

    def close(self) -> None:
        self._interest.clear()
        self._urgent.clear()

    def fileno(self) -> int:
        return -1

    @abstractmethod
    def _ask(self, fd: int, wanted: int) -> None:
        """Have the next `poll` ask about `wanted`, and nothing else, of `fd`."""

    def _report(self, fd: int, what: int) -> None:
        """Take note that an event is reported: the system isn't asked about it any more."""
        if what & PRIORITY:
            self._urgent.add(fd)
        self.disarm(fd, what)

    def _may_turn_urgent(self, fd: int) -> bool:
        """Whether to ask about out-of-band data.

        Not while that which was reported lies unread: whoever waits for ordinary data would be
        woken for it again and again, and with it any peer could keep the hub busy.
        """
        if fd in self._urgent and not self._is_urgent(fd):
            self._urgent.discard(fd)
        return fd not in self._urgent

    @abstractmethod
    def _is_urgent(self, fd: int) -> bool:
        """Ask the system whether there is out-of-band data now."""


if hasattr(select, "poll"):  # pragma: no branch - every POSIX system has it

    class PollPoller(_LevelPoller):
        """poll(2)."""

        name: ClassVar[str] = "poll"

        def __init__(self) -> None:
            super().__init__()
            self._poll = select.poll()

        def poll(self, timeout: float | None) -> Iterable[Event]:
            # Whole milliseconds, rounded up: a shorter wait would only be repeated.
            milliseconds = None if timeout is None else -int(-timeout * 1000 // 1)
            events = []
            for fd, mask in self._poll.poll(milliseconds):
                what = _from_poll(mask)
                self._report(fd, what)
                events.append((fd, what))
            return events

        def _ask(self, fd: int, wanted: int) -> None:
            if not wanted:
                self._poll.unregister(fd)
                return
            mask = select.POLLOUT if wanted & WRITE else 0
            if wanted & READ:
                mask |= select.POLLIN | (select.POLLPRI if self._may_turn_urgent(fd) else 0)
            self._poll.register(fd, mask)

        def _is_urgent(self, fd: int) -> bool:
            poller = select.poll()
            poller.register(fd, select.POLLPRI)
            return any(mask & select.POLLPRI for _, mask in poller.poll(0))

    def _from_poll(mask: int) -> int:
        what = 0
        if mask & ~select.POLLOUT:
            what = READ
        if mask & ~(select.POLLIN | select.POLLPRI):
            what |= WRITE
        if mask & select.POLLPRI:
            what |= PRIORITY
        return what


class SelectPoller(_LevelPoller):
    """select(2): everywhere, for descriptors below ``FD_SETSIZE``."""

    name: ClassVar[str] = "select"

    def __init__(self) -> None:
        super().__init__()
        self._readers: set[int] = set()
        self._writers: set[int] = set()
        # Windows reports a failed connect and urgent data only in the third set.
        self._special: set[int] = set()

    def register(self, fd: int) -> bool:
        if sys.platform != "win32" and fd >= FD_SETSIZE:
            raise SelectLimit(fd, FD_SETSIZE)
        return super().register(fd)

    def poll(self, timeout: float | None) -> Iterable[Event]:
        try:
            readable, writable, special = select.select(
                self._readers, self._writers, self._special, timeout
            )
        except OSError as error:
            if error.errno != errno.EBADF:
                raise
            return self._drop_closed()
        found: dict[int, int] = {}
        for fd in readable:
            found[fd] = READ
        for fd in writable:
            found[fd] = found.get(fd, 0) | WRITE
        for fd in special:
            found[fd] = READ | WRITE | PRIORITY
        for fd, what in found.items():
            self._report(fd, what)
        return found.items()

    def _drop_closed(self) -> list[Event]:
        """Find what was closed behind our back, and wake who waits for it."""
        closed = [fd for fd in self._interest if not is_open(fd)]
        for fd in closed:
            self.unregister(fd)
        return [(fd, READ | WRITE) for fd in closed]

    def _ask(self, fd: int, wanted: int) -> None:
        self._readers.discard(fd)
        self._writers.discard(fd)
        self._special.discard(fd)
        if wanted & READ:
            self._readers.add(fd)
        if wanted & WRITE:
            self._writers.add(fd)
        if wanted and self._may_turn_urgent(fd):
            self._special.add(fd)

    def _is_urgent(self, fd: int) -> bool:
        return bool(select.select((), (), (fd,), 0)[2])


def check_descriptor(fd: int) -> None:
    """Make sure that `fd` could be the number of an open descriptor.

    Raises:
        TypeError: it is no number.
        ValueError: it is negative.
        OSError: it is larger than any descriptor (EBADF).
    """
    if not isinstance(fd, int):
        raise TypeError(f"a descriptor is a whole number, not {fd!r}")
    if fd < 0:
        raise ValueError(f"a descriptor is a number >= 0, not {fd!r}; is the object closed?")
    if fd > _MAX_FD and sys.platform != "win32":
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))


def is_open(fd: int) -> bool:
    """Whether `fd` is the number of an open descriptor."""
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True


def available() -> dict[str, Callable[[], Poller]]:
    """Return the pollers of this platform by name, the best one first."""
    found: dict[str, Callable[[], Poller]] = {}
    for name in ("EpollPoller", "KqueuePoller", "PollPoller", "SelectPoller"):
        poller = globals().get(name)
        if poller is not None:
            found[poller.name] = poller
    return found
