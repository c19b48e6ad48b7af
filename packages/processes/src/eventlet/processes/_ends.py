"""Our ends of the pipes to a child, on which only the calling green thread waits.

Where the system tells when a pipe is ready, our end doesn't block and a watch waits for it.
Elsewhere (Windows, portable mode) a native thread makes each call. Nobody can interrupt that
thread: when a green thread stops waiting for it, what it has read is kept for the next one who
reads, and a pipe that is closed meanwhile is closed for the system when the call has ended.
"""

from __future__ import annotations

import errno
import os
import select
from collections.abc import Callable
from functools import cache
from io import FileIO
from typing import Protocol

from eventlet.hub import Waiter, Watch, get_hub, sleep, spawn, trampoline
from eventlet.hub._native import get_ident
from eventlet.hub._pollers import READ, WRITE
from eventlet.hub._portable import PORTABLE
from eventlet.hub._threadpool import ThreadPool

# The capacity of a pipe on Linux, in bytes: more never comes at once.
CHUNK = 65536
# The least that a pipe which is ready takes at once, in bytes.
_PIPE_BUF = getattr(select, "PIPE_BUF", 512)
# A child that is never slower than we are must not keep the others waiting: after so many calls
# in a row that didn't wait, they get their turn.
_MAX_STREAK = 16
# Each pipe that is waited for occupies a native thread; a process can hardly have more.
_MAX_THREADS = 4096

Note = Callable[[int], object]


class End(Protocol):
    """What both kinds of ends can do."""

    def receive(self, size: int) -> bytes:
        """Wait until there is something to read, and return at most `size` bytes; b"" at the end.

        Raises:
            OSError: the pipe was closed meanwhile (EBADF), or the system says so.
        """

    def send(self, data: memoryview, note: Note | None = None) -> int:
        """Wait until there is room, write what fits in, and return how many bytes that were.

        Arguments:
            note: called with that number as soon as they will be written, whatever comes: when
                the wait is interrupted, a native thread writes on.

        Raises:
            BrokenPipeError: nobody can read it any more.
            OSError: as for `receive`.
        """

    def send_nowait(self, data: bytes) -> int:
        """Write what fits in at once, and return how many bytes that were, possibly none.

        Raises:
            BrokenPipeError: nobody can read it any more.
        """

    def lend(self) -> int:
        """Return the descriptor, for others to use as well, who expect that it blocks."""

    def close(self) -> None:
        """Close the pipe, and wake who waits for it with ``OSError(EBADF)``."""


def make_end(file: FileIO) -> End:
    """Return the kind of end that this platform takes; it owns `file` from now on."""
    return ThreadedEnd(file) if PORTABLE else WatchedEnd(file)


@cache
def get_threads() -> ThreadPool:
    """Return the native threads that wait for pipes and children, where nothing else can."""
    return ThreadPool(_MAX_THREADS, "processes")


class WatchedEnd:
    """An end that doesn't block.

    Not to block is not a property of the descriptor, but of what is behind it, which a child shares
    that is given the descriptor. So one that was handed out blocks, and is used only when it is
    ready. Where others read it too, they may be faster: then all green threads wait.
    """

    __slots__ = ("_file", "_is_lent", "_is_prepared", "_streak", "_watches")

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self._is_prepared = False
        self._is_lent = False
        self._streak = 0
        # One for each native thread whose hub has waited for this end.
        self._watches: list[Watch] = []

    def receive(self, size: int) -> bytes:
        """See `End.receive`."""
        self._take_turns()
        watch = self._watch_here()
        while True:
            self._prepare(READ)
            if watch.readable or self._is_lent:
                data = self._file.read(size)
                if data is not None:
                    # A pipe from which less came than was asked for is empty; see epoll(7).
                    watch.readable = len(data) == size or not (data and watch.drains)
                    return data
                watch.readable = False
            self._streak = 0
            watch.until_readable(None)
            self._check_open()

    def send(self, data: memoryview, note: Note | None = None) -> int:
        """See `End.send`."""
        self._take_turns()
        while True:
            self._prepare(WRITE)
            # What a pipe that is ready takes without blocking; see pipe(7).
            sent = self._file.write(data[:_PIPE_BUF] if self._is_lent else data)
            if sent is not None:
                break
            watch = self._watch_here()
            watch.writable = False
            self._streak = 0
            watch.until_writable(None)
            self._check_open()
        if note is not None:
            note(sent)
        return sent

    def send_nowait(self, data: bytes) -> int:
        """See `End.send_nowait`; not for an end that was lent."""
        self._prepare(WRITE)
        return self._file.write(data) or 0

    def lend(self) -> int:
        """See `End.lend`."""
        fd = self._file.fileno()
        if not self._is_lent:
            self._is_lent = True
            os.set_blocking(fd, True)
        return fd

    def close(self) -> None:
        """See `End.close`."""
        watches, self._watches = self._watches, []
        for watch in watches:
            if watch.hub.ident == get_ident():
                watch.close()
            else:
                watch.hub.call_soon_threadsafe(watch.close)
        self._file.close()

    def _prepare(self, what: int) -> None:
        if self._is_lent:
            # Whoever closes this end closes the watch, and `trampoline` waits for it then.
            trampoline(self._watch_here().fd, read=what == READ, write=what == WRITE)
            self._check_open()
        elif not self._is_prepared:
            self._is_prepared = True
            os.set_blocking(self._file.fileno(), False)

    def _take_turns(self) -> None:
        self._streak += 1
        if self._streak > _MAX_STREAK:
            self._streak = 0
            sleep(0)

    def _check_open(self) -> None:
        # Closed by another native thread, and it was the poller that has noticed it first.
        if self._file.closed:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    def _watch_here(self) -> Watch:
        hub = get_hub()
        for watch in self._watches:
            if watch.hub is hub and not watch.closed:
                return watch
        self._watches = [watch for watch in self._watches if not watch.closed]
        watch = hub.watch(self._file.fileno())
        watch.drains = True
        self._watches.append(watch)
        return watch


class _Errand:
    """One call that is made in a native thread."""

    __slots__ = ("error", "is_done")

    def __init__(self) -> None:
        self.is_done = False
        self.error: Exception | None = None

    def check(self) -> None:
        """Raise what the call has raised."""
        error = self.error
        if isinstance(error, OSError) and error.errno == errno.EINVAL:
            # What Windows says when nobody is left to read.
            error = BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))
        if error is not None:
            raise error


class ThreadedEnd:
    """An end that blocks, in a native thread."""

    __slots__ = ("_data", "_errand", "_file", "_is_closed", "_waiters")

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self._data: bytes | None = None
        self._errand: _Errand | None = None
        self._is_closed = False
        self._waiters: list[Waiter[None]] = []

    def receive(self, size: int) -> bytes:
        """See `End.receive`."""
        while self._data is None:
            errand = self._errand or self._begin(self._read, size)
            self._await(errand)
            errand.check()
        data, self._data = self._data, None
        if len(data) > size:
            self._data = data[size:]
        return data[:size]

    def send(self, data: memoryview, note: Note | None = None) -> int:
        """See `End.send`."""
        while self._errand is not None:
            self._await(self._errand)
        chunk = bytes(data[:CHUNK])
        errand = self._begin(self._file.write, chunk)
        try:
            self._await(errand)
        finally:
            if note is not None and errand.error is None:
                note(len(chunk))
        errand.check()
        return len(chunk)

    def send_nowait(self, data: bytes) -> int:
        """See `End.send_nowait`: a call that blocks may always have to wait."""
        return 0

    def lend(self) -> int:
        """See `End.lend`."""
        return self._file.fileno()

    def close(self) -> None:
        """See `End.close`."""
        if self._is_closed:
            return
        self._is_closed = True
        for waiter in self._waiters:
            waiter.switch()
        if self._errand is None:
            self._file.close()

    def _read(self, size: int) -> None:
        self._data = self._file.read(size)

    def _begin(self, call: Callable[..., object], *args: object) -> _Errand:
        # In a green thread of its own, which outlives whoever waits for it.
        self._errand = errand = _Errand()
        spawn(self._run, errand, call, *args)
        return errand

    def _run(self, errand: _Errand, call: Callable[..., object], *args: object) -> None:
        try:
            if not self._is_closed:
                get_threads().execute(call, *args)
        except Exception as error:  # whoever waits is the one to deal with it
            errand.error = error.with_traceback(None)
        finally:
            errand.is_done = True
            self._errand = None
            if self._is_closed:
                self._file.close()
            for waiter in self._waiters:
                waiter.switch()

    def _await(self, errand: _Errand) -> None:
        while not errand.is_done:
            waiter: Waiter[None] = Waiter()
            self._waiters.append(waiter)
            try:
                waiter.wait()
            finally:
                self._waiters.remove(waiter)
            if self._is_closed:
                raise OSError(errno.EBADF, os.strerror(errno.EBADF))
