"""Descriptors that green sockets have given up, and that are taken to block.

Who calls `detach` on a socket without a timeout goes on with a descriptor that blocks: the pipes of
`multiprocessing` are made so. Ours can't be switched back, because a duplicate or another object
on the same descriptor may be in use. So the green functions of `os` make it look as if it did.
"""

from __future__ import annotations

import os

# What was behind each when it was given up: the number is used again some day.
_given_up: dict[int, tuple[int, int]] = {}


def note_detached(fd: int) -> None:
    """Remember a descriptor that is about to be given up."""
    try:
        status = os.fstat(fd)
    except OSError:
        return  # it was closed by its number, so nobody can go on with it
    _given_up[fd] = (status.st_dev, status.st_ino)


def is_detached(fd: int, status: os.stat_result) -> bool:
    """Whether `fd`, which has this `status`, was given up by a socket that waits."""
    return _given_up.get(fd) == (status.st_dev, status.st_ino)
