"""The functions of the standard module `os` that wait for pipes, terminals and sockets.

They leave a descriptor as it is, and wait before it would block. What is non-blocking already, and
what is on disk, is passed on to the standard functions at once. A descriptor that a green socket
has given up counts as blocking if the socket did.
"""

from __future__ import annotations

import os
import stat
import sys
from typing import IO, TYPE_CHECKING, Any

from eventlet.hub import wait_readable, wait_writable

from ._detached import is_detached
from ._pipes import PIPE_BUF, GreenPipe

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

# Held here, so that they stay what they are when the standard module is patched.
_read = os.read
_write = os.write
_fdopen = os.fdopen


def read(fd: int, length: int, /) -> bytes:
    """Read up to `length` bytes from a descriptor as soon as there are any; as `os.read`.

    Raises:
        OSError: `fd` is not open, or not for reading.
    """
    if length > 0 and _may_block(fd, unless=os.O_WRONLY):
        while True:
            wait_readable(fd)
            try:
                return _read(fd, length)
            except BlockingIOError:
                pass  # another reader was faster, on a descriptor that doesn't block
    return _read(fd, length)


def write(fd: int, data: ReadableBuffer, /) -> int:
    """Write all of `data` to a descriptor, and return how many bytes that is; as `os.write`.

    Raises:
        OSError: `fd` is not open, or not for writing.
    """
    if not _may_block(fd, unless=os.O_RDONLY):
        return _write(fd, data)
    with memoryview(data) as view, view.cast("B") as rest:
        written = 0
        while written < len(rest):
            wait_writable(fd)
            written += _write(fd, rest[written : written + PIPE_BUF])
        return written


def fdopen(fd: int, mode: str = "r", *args: Any, **kwargs: Any) -> IO[Any]:
    """Return a file object on a descriptor, green if it may have to wait; as `os.fdopen`."""
    if _may_block(fd) and "x" not in mode:
        return GreenPipe(fd, mode, *args, **kwargs)
    return _fdopen(fd, mode, *args, **kwargs)


def _may_block(fd: int, unless: int | None = None) -> bool:
    """Whether a call would wait; not if it is an error, with the access mode `unless`."""
    if sys.platform == "win32":  # pragma: no cover - which cannot wait for pipes
        return False
    status = os.fstat(fd)
    mode = status.st_mode
    if not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or stat.S_ISCHR(mode)):
        return False
    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
    blocks = not flags & os.O_NONBLOCK or is_detached(fd, status)
    return blocks and flags & os.O_ACCMODE != unless
