"""Pipes, FIFOs, terminals and files as green file objects.

There are three roads to a descriptor:

- one that is ours alone is made non-blocking, and watched by the hub like a socket;
- one that other processes may share stays as it is, because ``O_NONBLOCK`` belongs to what they
  share. Before each operation the system is asked whether it would block, and no more is written
  at once than a pipe takes then;
- regular files, which are always "ready" and still make one wait for the disk, are left to native
  threads; and so is everything where the system cannot watch pipes.
"""

from __future__ import annotations

import errno
import io
import os
import select
import stat
import sys
from typing import IO, TYPE_CHECKING, Any, Protocol

from eventlet.hub import Waiter, get_hub, spawn, tpool, wait_readable, wait_writable
from eventlet.hub._portable import PORTABLE

from ._multiplexing import fileno
from ._readiness import UNWATCHED, unwatch, watch_here

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

    from eventlet.hub import Watch

# Held here, so that they stay what they are when the standard module is patched.
_read = os.read
_write = os.write

# What a pipe takes without blocking once it says that it is writable; POSIX asks for 512 bytes.
PIPE_BUF: int = getattr(select, "PIPE_BUF", 512)
# Standard input, output and error: whoever started this process has them too.
_LAST_STANDARD_STREAM = 2


class _Road(Protocol):
    """One way to read and write a descriptor while only the calling green thread waits."""

    def read_into(self, fd: int, buffer: memoryview) -> int:
        """Read some bytes; 0 at the end."""

    def write(self, fd: int, data: memoryview) -> int:
        """Write some bytes, and return how many."""

    def close(self, fd: int) -> None:
        """Wake who waits, before `fd` is closed."""


class _WatchedRoad:
    """The road for descriptors that are ours alone."""

    _timeout: float | None = None
    _drains = False

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._watch: Watch = UNWATCHED
        self._watches: tuple[Watch, ...] = ()
        os.set_blocking(fd, False)

    def fileno(self) -> int:
        return self._fd

    def read_into(self, fd: int, buffer: memoryview) -> int:
        again = False
        while True:
            try:
                return os.readv(fd, [buffer])
            except BlockingIOError:
                watch = watch_here(self)
                watch.readable = False
            watch.until_readable(None, first=again)
            again = True

    def write(self, fd: int, data: memoryview) -> int:
        again = False
        while True:
            try:
                return _write(fd, data)
            except BlockingIOError:
                watch = watch_here(self)
                watch.writable = False
            watch.until_writable(None, first=again)
            again = True

    def close(self, fd: int) -> None:
        unwatch(self)
        self._fd = -1


class _PoliteRoad:
    """The road for descriptors that others share."""

    def read_into(self, fd: int, buffer: memoryview) -> int:
        wait_readable(fd)
        return os.readv(fd, [buffer])

    def write(self, fd: int, data: memoryview) -> int:
        wait_writable(fd)
        return _write(fd, data[:PIPE_BUF])

    def close(self, fd: int) -> None:
        watch = get_hub().watches.get(fd)
        if watch is not None:
            watch.close()


class _ThreadedRoad:
    """The road through native threads, which cannot be called back once they read or write.

    So there is one read under way at most, whoever waits for it; and what it brings is kept for
    the next reader if the one that asked has gone.
    """

    def __init__(self, fd: int) -> None:
        if sys.platform != "win32":
            os.set_blocking(fd, True)  # a native thread has nothing else to wait with
        self._writers: set[Waiter[int]] = set()
        self._readers: set[Waiter[int]] = set()
        self._is_reading = False
        self._left = b""

    def read_into(self, fd: int, buffer: memoryview) -> int:
        while not self._left:
            if not self._is_reading:
                self._is_reading = True
                spawn(self._fetch, fd, len(buffer))
            if not self._wait_among(self._readers, Waiter()):
                return 0
        size = min(len(self._left), len(buffer))
        buffer[:size] = self._left[:size]
        self._left = self._left[size:]
        return size

    def write(self, fd: int, data: memoryview) -> int:
        waiter: Waiter[int] = Waiter()
        spawn(self._hand_over, waiter, fd, bytes(data))
        return self._wait_among(self._writers, waiter)

    def close(self, fd: int) -> None:
        for waiter in [*self._writers, *self._readers]:
            waiter.throw(OSError(errno.EBADF, os.strerror(errno.EBADF)))

    def _wait_among(self, others: set[Waiter[int]], waiter: Waiter[int]) -> int:
        others.add(waiter)
        try:
            return waiter.wait()
        finally:
            others.discard(waiter)

    def _fetch(self, fd: int, size: int) -> None:
        try:
            data = tpool.execute(_read, fd, size)
        except OSError as error:
            for waiter in self._readers:
                waiter.throw(error)
        else:
            self._left += data
            for waiter in self._readers:
                waiter.switch(len(data))
        finally:
            self._is_reading = False

    def _hand_over(self, waiter: Waiter[int], fd: int, data: bytes) -> None:
        try:
            written = tpool.execute(_write, fd, data)
        except OSError as error:
            waiter.throw(error)
        else:
            waiter.switch(written)


def _road_to(fd: int) -> _Road:
    if _is_on_disk(fd) or PORTABLE:
        return _ThreadedRoad(fd)
    if not os.get_blocking(fd) or not _may_be_shared(fd):
        return _WatchedRoad(fd)
    return _PoliteRoad()


def _is_on_disk(fd: int) -> bool:
    mode = os.fstat(fd).st_mode
    return stat.S_ISREG(mode) or stat.S_ISBLK(mode) or stat.S_ISDIR(mode)


def _may_be_shared(fd: int) -> bool:
    return fd <= _LAST_STANDARD_STREAM or os.get_inheritable(fd) or os.isatty(fd)


class RawPipe(io.RawIOBase):
    """An unbuffered green file on a descriptor.

    Arguments:
        fd: the descriptor.
        reading: whether it is read from.
        writing: whether it is written to.
        owner: a file object to close instead of the descriptor; None if there is none.
        closefd: whether closing this closes the descriptor.
    """

    def __init__(
        self, fd: int, reading: bool, writing: bool, owner: Any = None, closefd: bool = True
    ) -> None:
        super().__init__()
        self._fd = -1  # so that an object that wasn't finished closes nothing
        self._road = _road_to(fd)
        self._fd = fd
        self._reading = reading
        self._writing = writing
        self._owner = owner
        self._closefd = closefd
        self.name = fd

    def readable(self) -> bool:
        """Whether it is read from."""
        return self._reading

    def writable(self) -> bool:
        """Whether it is written to."""
        return self._writing

    def fileno(self) -> int:
        """Return the descriptor.

        Raises:
            ValueError: this file is closed.
        """
        self._check_open()
        return self._fd

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return os.isatty(self.fileno())

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read into `buffer` as soon as there are bytes; return how many, 0 at the end."""
        self._check_open()
        if not self._reading:
            raise io.UnsupportedOperation("this file is not open for reading")
        with memoryview(buffer) as view, view.cast("B") as target:
            return self._road.read_into(self._fd, target) if target else 0

    def write(self, data: ReadableBuffer, /) -> int:
        """Write as much of `data` as there is room for, and return how much."""
        self._check_open()
        if not self._writing:
            raise io.UnsupportedOperation("this file is not open for writing")
        with memoryview(data) as view, view.cast("B") as source:
            return self._road.write(self._fd, source) if source else 0

    def close(self) -> None:
        """Close the file, and wake who waits for it with ``OSError(EBADF)``."""
        if self.closed:
            return
        super().close()
        fd, self._fd = self._fd, -1
        if fd < 0:
            return
        self._road.close(fd)
        if self._owner is not None:
            self._owner.close()
        elif self._closefd:
            os.close(fd)

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file")


def GreenPipe(  # noqa: N802 - it was a class in 2009
    fd_or_file: Any,
    mode: str = "r",
    buffering: int = -1,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
    closefd: bool = True,
) -> IO[Any]:
    """Return a file object on which only the calling green thread waits.

    One green thread at a time may read from it, and one write to it.

    Arguments:
        fd_or_file: the descriptor of a pipe, FIFO, terminal or file; or an object with a
            ``fileno()`` method, which is closed with the file that is returned.
        mode: "r", "w", "a", "r+" or "rw", with "b" for bytes; text otherwise.
        buffering: size of the buffer in bytes; 0 for none, 1 for lines of text, -1 for the usual.
        encoding, errors, newline: of text, as for `open`.
        closefd: whether closing the file closes the descriptor.

    Raises:
        OSError: the descriptor is not open.
        TypeError: `fd_or_file` is neither a descriptor nor an object that has one.
        ValueError: there is no such mode, or the arguments don't go together.
    """
    letters = set(mode)
    reading = bool(letters & {"r", "+"})
    writing = bool(letters & {"w", "a", "+"})
    binary = "b" in letters
    if letters - set("rwabt+") or not (reading or writing) or letters >= {"b", "t"}:
        raise ValueError(f"invalid mode {mode!r}: 'r', 'w', 'a', 'r+' or 'rw', with 'b' or not")
    if binary and not (encoding is errors is newline is None):
        raise ValueError("encoding, errors and newline are for text; leave out the 'b' in the mode")
    if not binary and buffering == 0:
        raise ValueError("can't have unbuffered text I/O; add 'b' to the mode")
    owner = None if isinstance(fd_or_file, int) else fd_or_file
    fd = fd_or_file if owner is None else fileno(owner)
    raw = RawPipe(fd, reading, writing, owner, closefd)
    if buffering == 0:
        return raw  # type: ignore[return-value]  # which typeshed does not count among the files
    buffered = _buffered(raw, buffering)
    if binary:
        file: IO[bytes] = buffered
        return file
    by_lines = buffering == 1 or (buffering < 0 and raw.isatty())
    return io.TextIOWrapper(buffered, encoding, errors, newline, line_buffering=by_lines)


def _buffered(raw: RawPipe, buffering: int) -> Any:
    size = buffering if buffering > 1 else io.DEFAULT_BUFFER_SIZE
    if raw.readable() and raw.writable():
        return io.BufferedRWPair(raw, raw, size)
    return io.BufferedReader(raw, size) if raw.readable() else io.BufferedWriter(raw, size)
