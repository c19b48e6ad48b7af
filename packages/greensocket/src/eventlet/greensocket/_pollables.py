"""The green twins of `select.poll`, `select.epoll` and `select.kqueue`.

Each keeps the standard object, and asks it without waiting. For epoll and kqueue, parking until
there may be an answer is simple: they have descriptors, which are ready when there is one.
"""

from __future__ import annotations

import select as _standard
import sys
from types import TracebackType
from typing import Any, Self

from eventlet.hub import get_hub, sleep, wait_readable

from ._multiplexing import Deadline, fileno

# The largest timeout of poll(2), in milliseconds: it takes a C int.
_INT_MAX = 2**31 - 1

if hasattr(_standard, "poll"):  # pragma: no branch - every POSIX system has it
    _standard_poll = _standard.poll
    _EVERYTHING = _standard.POLLIN | _standard.POLLPRI | _standard.POLLOUT

    class poll:  # noqa: N801 - the standard name
        """Wait for any of the descriptors that are registered; as `select.poll`."""

        def __init__(self) -> None:
            self._native = _standard_poll()
            self._interests: dict[int, int] = {}
            self._busy = False

        def register(self, fd: Any, eventmask: int = _EVERYTHING, /) -> None:
            """Wait for `fd` too, or for other events on it.

            Arguments:
                fd: a descriptor, or an object with a ``fileno()`` method.
                eventmask: ``POLLIN``, ``POLLPRI``, ``POLLOUT`` and so on, combined.
            """
            self._native.register(fd, eventmask)
            self._interests[fileno(fd)] = eventmask

        def modify(self, fd: Any, eventmask: int, /) -> None:
            """Wait for other events on a descriptor that is registered.

            Raises:
                OSError: it is not (ENOENT).
            """
            self._native.modify(fd, eventmask)
            self._interests[fileno(fd)] = eventmask

        def unregister(self, fd: Any, /) -> None:
            """Stop waiting for a descriptor.

            Raises:
                KeyError: it is not registered.
            """
            self._native.unregister(fd)
            self._interests.pop(fileno(fd), None)

        def poll(self, timeout: float | None = None, /) -> list[tuple[int, int]]:
            """Wait for events, and return them as pairs of descriptor and mask.

            Arguments:
                timeout: milliseconds; None, or a negative number, waits for ever.

            Raises:
                RuntimeError: somebody waits for this object already.
                OverflowError: `timeout` doesn't fit into a C int.
            """
            if timeout is not None and timeout > _INT_MAX:
                raise OverflowError(f"timeout must be at most {_INT_MAX} ms, not {timeout!r}")
            if self._busy:
                raise RuntimeError("concurrent poll() invocation")
            seconds = None if timeout is None or timeout < 0 else timeout / 1000
            self._busy = True
            try:
                events = self._native.poll(0)
                sleep(0)  # see _multiplexing
                if not events:
                    deadline = Deadline(seconds)
                    while not events and deadline.wait_any(self._interests):
                        events = self._native.poll(0)
            finally:
                self._busy = False
            return events


class _Pollable:
    """What epoll and kqueue share: a descriptor that is ready when there are events."""

    _native: Any

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return bool(self._native.closed)

    def fileno(self) -> int:
        """Return the descriptor."""
        number: int = self._native.fileno()
        return number

    def close(self) -> None:
        """Close the descriptor, and wake who waits for it with ``OSError(EBADF)``."""
        if not self.closed:
            watch = get_hub().watches.get(self.fileno())
            if watch is not None:
                watch.close()
            self._native.close()

    def _wait(self, deadline: Deadline) -> bool:
        """Park until there may be events; return False once the time has passed."""
        remaining = deadline.remaining()
        if remaining == 0:
            return False
        try:
            wait_readable(self._native, remaining)
        except TimeoutError:
            if deadline.remaining():
                raise  # somebody else's
        return True


if hasattr(_standard, "epoll"):  # pragma: no branch - Linux has it
    _standard_epoll = _standard.epoll

    class epoll(_Pollable):  # noqa: N801 - the standard name
        """Wait for any of the descriptors that are registered; as `select.epoll`.

        Arguments:
            sizehint: ignored by the system.
            flags: ignored, but checked.
        """

        def __init__(self, sizehint: int = -1, flags: int = 0) -> None:
            self._native = _standard_epoll(sizehint, flags)

        @classmethod
        def fromfd(cls, fd: int, /) -> Self:
            """Return an object on the descriptor of an epoll file."""
            self = cls.__new__(cls)
            self._native = _standard_epoll.fromfd(fd)
            return self

        def register(
            self,
            fd: Any,
            eventmask: int = _standard.EPOLLIN | _standard.EPOLLOUT | _standard.EPOLLPRI,
        ) -> None:
            """Wait for `fd` too.

            Raises:
                OSError: it is registered already, not open, or of a kind that is always ready.
            """
            self._native.register(fd, eventmask)

        def modify(self, fd: Any, eventmask: int) -> None:
            """Wait for other events on a descriptor that is registered.

            Raises:
                OSError: it is not.
            """
            self._native.modify(fd, eventmask)

        def unregister(self, fd: Any) -> None:
            """Stop waiting for a descriptor.

            Raises:
                OSError: it is not registered.
            """
            self._native.unregister(fd)

        def poll(self, timeout: float | None = None, maxevents: int = -1) -> list[tuple[int, int]]:
            """Wait for events, and return them as pairs of descriptor and mask.

            Arguments:
                timeout: seconds; None, or a negative number, waits for ever.
                maxevents: return at most so many; -1 for no limit.

            Raises:
                ValueError: this object is closed, or `maxevents` is 0 or less than -1.
                OSError: it was closed meanwhile.
            """
            events: list[tuple[int, int]] = self._native.poll(0, maxevents)
            sleep(0)  # see _multiplexing
            if not events:
                deadline = Deadline(None if timeout is None or timeout < 0 else timeout)
                while not events and self._wait(deadline):
                    events = self._native.poll(0, maxevents)
            return events

        def __enter__(self) -> Self:
            self.fileno()  # a closed one cannot be entered
            return self

        def __exit__(
            self,
            kind: type[BaseException] | None,
            value: BaseException | None,
            traceback: TracebackType | None,
        ) -> None:
            self.close()


if sys.platform != "linux" and hasattr(_standard, "kqueue"):  # pragma: no cover - BSD and macOS
    _standard_kqueue = _standard.kqueue

    class kqueue(_Pollable):  # noqa: N801 - the standard name
        """Wait for any of the events that are registered; as `select.kqueue`."""

        def __init__(self) -> None:
            self._native = _standard_kqueue()

        @classmethod
        def fromfd(cls, fd: int, /) -> Self:
            """Return an object on the descriptor of a kqueue."""
            self = cls.__new__(cls)
            self._native = _standard_kqueue.fromfd(fd)
            return self

        def control(
            self, changelist: Any, max_events: int, timeout: float | None = None, /
        ) -> list[Any]:
            """Change what is waited for, wait for events, and return up to `max_events` of them.

            Arguments:
                timeout: seconds; None waits for ever.
            """
            events: list[Any] = self._native.control(changelist, max_events, 0)
            sleep(0)  # see _multiplexing
            deadline = Deadline(timeout)
            while max_events and not events and self._wait(deadline):
                events = self._native.control(None, max_events, 0)
            return events
