"""The descriptors that this process has open, and what they stand for."""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Callable
from typing import NamedTuple

from ._hub import Hub
from ._wakeup import SocketWakeup

# Where a system lists them: Linux; macOS and the BSDs. Windows has no such place.
_FOLDERS = ("/proc/self/fd", "/dev/fd")

_KINDS = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFREG: "a file",
    stat.S_IFDIR: "a folder",
    stat.S_IFCHR: "a device",
}


class OpenFile(NamedTuple):
    """One descriptor. Two are equal if they have the same number and stand for the same file."""

    fd: int
    device: int
    inode: int
    kind: int

    def describe(self) -> str:
        """Return the number and what it stands for, as far as the system tells."""
        return f"descriptor {self.fd}: {_target(self.fd)} {_addresses(self)}".rstrip() + "\n"


def open_files() -> set[OpenFile]:
    """Return what is open now; nothing where the system keeps no list."""
    folder = next(filter(os.path.isdir, _FOLDERS), None)
    names = [] if folder is None else os.listdir(folder)
    return {found for name in names if (found := _look_at(int(name))) is not None}


def hub_descriptors(hub: Hub) -> set[int]:
    """Return the numbers of a hub's own descriptors."""
    numbers = {hub.poller.fileno(), hub.wakeup.fileno()}
    if isinstance(hub.wakeup, SocketWakeup):
        numbers.add(hub.wakeup.signal_fileno)
    return numbers


def _look_at(fd: int) -> OpenFile | None:
    try:
        status = os.fstat(fd)
    except OSError:
        return None  # the one that the list itself was read through
    return OpenFile(fd, status.st_dev, status.st_ino, stat.S_IFMT(status.st_mode))


def _target(fd: int) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{fd}")
    except OSError:
        kind = stat.S_IFMT(os.fstat(fd).st_mode)
        return _KINDS.get(kind, "something the system has no name for")


def _addresses(file: OpenFile) -> str:
    if file.kind != stat.S_IFSOCK:
        return ""
    with socket.socket(fileno=os.dup(file.fd)) as twin:
        return f"at {_address(twin.getsockname)}, peer: {_address(twin.getpeername)}"


def _address(ask: Callable[[], object]) -> str:
    try:
        return str(ask())
    except OSError:
        return "none"
