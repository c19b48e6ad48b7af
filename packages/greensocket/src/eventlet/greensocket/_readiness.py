"""What a socket or pipe knows about its descriptor, in the hub of each thread that uses it."""

from __future__ import annotations

import errno
import os
from typing import Final, Protocol, cast

from eventlet.hub import Hub, Watch, get_hub
from eventlet.hub._fork import run_in_child
from eventlet.hub._native import RLock, get_ident


class Watched(Protocol):
    """What has a descriptor of its own, and may be used in any native thread.

    Attributes:
        _watch: the watch that is asked first, or `UNWATCHED`.
        _watches: all of them, one for each hub that has registered the descriptor.
        _timeout: seconds, as `socket.gettimeout` returns it.
        _drains: whether a short read proves that nothing is left; see `Watch.drains`.
    """

    _watch: Watch
    _watches: tuple[Watch, ...]
    _timeout: float | None

    @property
    def _drains(self) -> bool: ...

    def fileno(self) -> int:
        """Return the descriptor; -1 once it is closed."""


class _NoHub:
    """Stands where a hub would be; belongs to no native thread."""

    ident = 0


class _Unwatched:
    """Stands in for the watch of a socket that no hub has registered: every operation is tried."""

    __slots__ = ()

    hub: Final = _NoHub()
    readable: Final = True
    writable: Final = True
    drains: Final = False
    closed: Final = True


UNWATCHED = cast(Watch, _Unwatched())

# What `_watches` is once the descriptor is given up: another native thread may come between that
# and the end of the descriptor itself, and must not register it again.
GONE = (UNWATCHED,)

# Two native threads may register one socket, or register and close it, at the same moment. Nothing
# waits under this lock, but the garbage collector may end other sockets and pipes meanwhile.
_registering = RLock()
run_in_child(_registering, RLock._at_fork_reinit)  # type: ignore[attr-defined]  # not in the stubs


def watch_here(owner: Watched) -> Watch:
    """Return the watch of `owner` in this native thread's hub, registered now if need be.

    Raises:
        OSError: it is closed (EBADF), or the poller has run out of room.
    """
    hub = get_hub()
    with _registering:
        watch = _find(owner, hub) or _register(owner, hub)
        # A socket in non-blocking mode never asks its watch.
        if owner._watch.closed and owner._timeout != 0:
            owner._watch = watch
        return watch


def _find(owner: Watched, hub: Hub) -> Watch | None:
    for watch in owner._watches:
        if watch.hub is hub and not watch.closed:
            return watch
    return None


def _register(owner: Watched, hub: Hub) -> Watch:
    fd = owner.fileno()
    if fd < 0 or owner._watches is GONE:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    watch = None
    others = owner._watches
    if others:
        if any(old.hub is hub for old in others):
            # Another object with the same descriptor has registered it after this one had: both
            # live on with the younger watch, rather than close each other's for ever.
            watch = hub.watches.get(fd)
        others = tuple(old for old in others if not old.closed)
    if watch is None:
        watch = hub.watch(fd)
        watch.drains = owner._drains
    owner._watches = (*others, watch)
    return watch


def unwatch(owner: Watched) -> None:
    """Forget what the hubs know about `owner`; wake who waits for it, with ``OSError(EBADF)``."""
    with _registering:
        watches, owner._watches, owner._watch = owner._watches, GONE, UNWATCHED
    for watch in watches:
        if watch.closed:
            continue
        if watch.hub.ident == get_ident():
            watch.close()
        else:
            watch.hub.call_soon_threadsafe(watch.close)
