"""Writes over TLS take turns: OpenSSL must see the rest of an unfinished one before any other."""

from __future__ import annotations

import errno
import os

from eventlet.coros import Semaphore

from ._socket import GreenSocket


def await_turn(sock: GreenSocket, unfinished: Semaphore) -> bool:
    """Wait for the end of a write; return False if `sock` never waits.

    Arguments:
        unfinished: released when that write has ended, in whatever way.

    Raises:
        TimeoutError: it took longer than the socket's timeout.
        OSError: the socket was closed meanwhile (EBADF).
    """
    if unfinished.acquire(timeout=sock._timeout):
        unfinished.release()
        if sock.fileno() < 0:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))
        return True
    if sock._timeout == 0:
        return False
    raise TimeoutError("timed out")
