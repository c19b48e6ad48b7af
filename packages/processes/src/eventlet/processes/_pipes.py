"""File objects over pipes, on which only the calling green thread waits.

Not the buffered files of `io`: those refuse to be used by a second green thread while the first one
waits, and lose what they have read when that one is killed. Here the calls take turns, first come,
first served, and whatever was read stays in the buffer until somebody gets it.
"""

from __future__ import annotations

import io
from typing import Any

from eventlet.coros import Semaphore

from ._ends import CHUNK, End, make_end


class RawPipe(io.RawIOBase):
    """Our end of a pipe as a file without a buffer.

    Each read returns what is there; a write returns when all has been written.

    Arguments:
        file: what holds the descriptor; it belongs to this object from now on.
    """

    def __init__(self, file: io.FileIO) -> None:
        self._file = file
        self.end: End = make_end(file)
        self.mode = file.mode
        self.name = file.name

    def fileno(self) -> int:
        """Return the descriptor; from now on it blocks, for the sake of whoever is given it."""
        self._check_open()
        return self.end.lend()

    def isatty(self) -> bool:
        """Whether this is a terminal."""
        self._check_open()
        return self._file.isatty()

    def readable(self) -> bool:
        """Whether this end is for reading."""
        return "r" in self.mode

    def writable(self) -> bool:
        """Whether this end is for writing."""
        return "w" in self.mode

    def receive(self, size: int) -> bytes:
        """Return at most `size` bytes, as soon as there are some; b"" at the end."""
        self._check(self.readable(), "read from")
        return self.end.receive(size) if size else b""

    def readinto(self, buffer: Any, /) -> int:
        """Read as much as there is and as fits into `buffer`; return how many bytes that were."""
        with memoryview(buffer).cast("B") as view:
            data = self.receive(len(view))
            view[: len(data)] = data
        return len(data)

    def write(self, data: Any, /) -> int:
        """Write all of `data`, and return how many bytes that were."""
        self._check(self.writable(), "written to")
        with memoryview(data).cast("B") as view:
            sent = 0
            while sent < len(view):
                with view[sent:] as rest:
                    sent += self.end.send(rest)
        return sent

    def close(self) -> None:
        """Close the pipe; whoever waits for it gets ``OSError(EBADF)``."""
        if not self.closed:
            super().close()
            self.end.close()

    def _check(self, is_possible: bool, what: str) -> None:
        self._check_open()
        if not is_possible:
            raise io.UnsupportedOperation(f"this end of the pipe can't be {what}")

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed pipe")


class _Pipe(io.BufferedIOBase):
    """What the buffered files have in common."""

    raw: RawPipe

    def __init__(self, raw: RawPipe) -> None:
        self.raw = raw
        self._buffer = bytearray()
        self._turn = Semaphore(1)

    @property
    def mode(self) -> str:
        """As `open` takes it, "rb" or "wb"."""
        return self.raw.mode

    @property
    def name(self) -> Any:
        """The number of the descriptor."""
        return self.raw.name

    def fileno(self) -> int:
        """Return the descriptor; from now on it blocks, for the sake of whoever is given it."""
        return self.raw.fileno()

    def isatty(self) -> bool:
        """Whether this is a terminal."""
        return self.raw.isatty()

    def readable(self) -> bool:
        """Whether this end is for reading."""
        return self.raw.readable()

    def writable(self) -> bool:
        """Whether this end is for writing."""
        return self.raw.writable()

    def close(self) -> None:
        """Flush and close the file."""
        if not self.closed:
            try:
                super().close()
            finally:
                self.raw.close()

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("I/O operation on closed file")


class PipeReader(_Pipe):
    """What a child writes, as a buffered file.

    Several green threads may read; each call gets what belongs together. A call that was killed
    or timed out loses nothing: what it has read is there for the next one.

    Attributes:
        is_at_end: whether the end was read, or is all that is left to be read.
    """

    is_at_end = False

    def __init__(self, raw: RawPipe) -> None:
        super().__init__(raw)
        # What a read of all has collected so far: to join it once is faster than a buffer.
        self._parts: list[bytes] = []

    def read(self, size: int | None = -1, /) -> bytes:
        """Read `size` bytes, or less if the end comes first; by default, all up to the end."""
        if size is None or size < 0:
            return self._read_all()
        with self._turn:
            self._check_open()
            while len(self._buffer) < size and self._fill(CHUNK):
                pass
            return self._take(size)

    def read1(self, size: int = -1, /) -> bytes:
        """Return what is there, at most `size` bytes; wait only if that is nothing."""
        with self._turn:
            self._check_open()
            if size and not self._buffer:
                self._fill(CHUNK)
            return self._take(len(self._buffer) if size < 0 else size)

    def peek(self, size: int = 0, /) -> bytes:
        """Return what is there without taking it out; wait only if that is nothing."""
        with self._turn:
            self._check_open()
            if not self._buffer:
                self._fill(CHUNK)
            return bytes(self._buffer)

    def readline(self, size: int | None = -1, /) -> bytes:
        """Read a line with its end, or at most `size` bytes of it."""
        with self._turn:
            self._check_open()
            return self._take(self._find_line(-1 if size is None else size))

    def pending(self) -> bytes:
        """Return what was read from the pipe but not from here, without taking it out."""
        return bytes(self._buffer) + b"".join(self._parts)

    def _read_all(self) -> bytes:
        with self._turn:
            self._check_open()
            parts = self._parts = [self._take(len(self._buffer))]
            try:
                while data := self.raw.receive(CHUNK):
                    parts.append(data)
            except BaseException:  # whatever it is, the next one gets what there is
                self._parts = []
                self._buffer += b"".join(parts)
                raise
            self.is_at_end = True
            self._parts = []
            return b"".join(parts)

    def _find_line(self, limit: int) -> int:
        """Fill the buffer until it holds a line; return how long that is."""
        buffer, searched = self._buffer, 0
        while (end := buffer.find(b"\n", searched) + 1) == 0:
            searched = len(buffer)
            if 0 <= limit <= searched or not self._fill(CHUNK):
                end = len(buffer)
                break
        return min(limit, end) if limit >= 0 else end

    def _fill(self, size: int) -> bool:
        """Put at most `size` bytes into the buffer; return False if there are no more."""
        data = self.raw.receive(size)
        self._buffer += data
        self.is_at_end = size > 0 and not data
        return bool(data)

    def _take(self, size: int) -> bytes:
        with memoryview(self._buffer) as view, view[:size] as part:
            data = bytes(part)
        del self._buffer[:size]
        return data


class PipeWriter(_Pipe):
    """What a child reads, as a buffered file.

    Several green threads may write; what one call writes stays together. A call that was killed or
    timed out may have written a part.

    Arguments:
        size: how many bytes it keeps back at most.
    """

    def __init__(self, raw: RawPipe, size: int = io.DEFAULT_BUFFER_SIZE) -> None:
        super().__init__(raw)
        self._size = size
        self._is_abandoned = False

    def write(self, data: Any, /) -> int:
        """Write `data`, now or when the buffer is full; return how many bytes that are.

        Raises:
            BrokenPipeError: the child doesn't read any more.
            TypeError: `data` is text, or something else but bytes.
        """
        with memoryview(data).cast("B") as view, self._turn:
            self._check_open()
            if len(self._buffer) + len(view) <= self._size:
                self._buffer += view
            else:
                self._drain()
                self.raw.write(view)
            return len(view)

    def flush(self) -> None:
        """Write what is in the buffer.

        Raises:
            BrokenPipeError: the child doesn't read any more.
        """
        if self._is_abandoned:
            return
        with self._turn:
            self._check_open()
            self._drain()

    def abandon(self) -> None:
        """Close the file at once, and drop what is in the buffer."""
        self._is_abandoned = True
        self.close()

    def __del__(self) -> None:
        # Not what the base class does: a finalizer that flushes might wait.
        self.abandon()

    def _drain(self) -> None:
        while self._buffer:
            # A copy, because what has been sent is taken out meanwhile.
            with memoryview(self._buffer) as view, view[:CHUNK] as part:
                chunk = bytes(part)
            self.raw.end.send(memoryview(chunk), self._note_sent)

    def _note_sent(self, size: int) -> None:
        del self._buffer[:size]
