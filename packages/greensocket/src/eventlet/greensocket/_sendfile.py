"""Sending a file by the kernel, without a detour through this process."""

from __future__ import annotations

import os
import socket as _standard
from io import UnsupportedOperation
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._socket import GreenSocket

# sendfile(2) sends at most 2 GiB less a page in one call, and less where a size has 32 bits.
_MOST_AT_ONCE = 2**30
# Raised to have the standard class send the file in chunks instead.
_CannotSend: type[Exception] = _standard._GiveupOnSendfile  # type: ignore[attr-defined]


def send_by_kernel(sock: GreenSocket, file: Any, offset: int, count: int | None) -> int:
    """Send `file` as `socket.sendfile` does, and return the number of bytes sent.

    Raises:
        _GiveupOnSendfile: the kernel cannot read this file for us; nothing was sent.
        ValueError: the socket never waits.
    """
    source = _regular(file)
    if sock._timeout == 0:
        raise ValueError("non-blocking sockets are not supported")
    total = 0
    try:
        while count is None or total < count:
            most = _MOST_AT_ONCE if count is None else min(count - total, _MOST_AT_ONCE)
            sent = sock._when_writable(_sendfile, 0, source, offset + total, most, total == 0)
            if sent == 0:
                break
            total += sent
        return total
    finally:
        if total and hasattr(file, "seek"):
            file.seek(offset + total)


def _regular(file: Any) -> int:
    """Return the descriptor of a file that the kernel may be able to send."""
    if not hasattr(os, "sendfile"):
        raise _CannotSend("os.sendfile() not available on this platform")
    try:
        source: int = file.fileno()
        os.fstat(source)
    except (AttributeError, UnsupportedOperation, OSError) as error:
        raise _CannotSend(error) from error
    return source


def _sendfile(sock: GreenSocket, source: int, offset: int, most: int, first: bool) -> int:
    try:
        return os.sendfile(sock.fileno(), source, offset, most)
    except BlockingIOError:
        raise
    except OSError as error:
        if not first or sock.fileno() < 0:
            raise
        raise _CannotSend(error) from error
