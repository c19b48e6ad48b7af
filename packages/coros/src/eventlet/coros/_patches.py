"""What this distribution makes green in the standard library, for `eventlet.hub.patching`."""

from __future__ import annotations

import sys
import threading as _standard

from eventlet.hub.patching import Changes, Patch

from . import _lowlevel
from ._live_locks import replace_live_locks
from ._local import local
from ._locks import Lock, RLock
from ._simple_queue import SimpleQueue

# By the names that they have in `_thread`; a version that lacks one of them is passed over.
_THREAD = {
    "LockType": Lock,
    "RLock": RLock,
    "_count": _lowlevel.count,
    "_ThreadHandle": _lowlevel.ThreadHandle,
    # Asked by whoever becomes the main thread, in a forked child.
    "_get_main_thread_ident": _lowlevel.get_ident,
    "_local": local,
    "_make_thread_handle": _lowlevel.ThreadHandle,
    "_set_sentinel": _lowlevel.set_sentinel,
    "_shutdown": _lowlevel.shutdown,
    "allocate": Lock,
    "allocate_lock": Lock,
    "get_ident": _lowlevel.get_ident,
    "lock": Lock,
    "start_joinable_thread": _lowlevel.start_joinable_thread,
    "start_new": _lowlevel.start_new_thread,
    "start_new_thread": _lowlevel.start_new_thread,
}
# Where `threading` has those under another name.
_RENAMED = {
    "Lock": "lock",
    "_CRLock": "RLock",
    "_LockType": "LockType",
    "_allocate_lock": "allocate_lock",
    "_start_joinable_thread": "start_joinable_thread",
    "_start_new_thread": "start_new_thread",
    "_thread_shutdown": "_shutdown",
    "local": "_local",
}
_SAME = (
    "_ThreadHandle",
    "_get_main_thread_ident",
    "_make_thread_handle",
    "_set_sentinel",
    "get_ident",
)


def thread() -> Patch:
    """Make `_thread` green: its threads, its locks and its local data."""
    return Patch("_thread", _THREAD)


def threading() -> Patch:
    """Make what the classes of `threading` are built on green, and locks that are in use."""
    replacements = {
        **{name: _THREAD[name] for name in _SAME},
        **{name: _THREAD[low] for name, low in _RENAMED.items()},
        "current_thread": _lowlevel.current_thread,
    }
    if sys.version_info >= (3, 13):
        # What forgets the threads that `current_thread` makes up, when theirs end.
        replacements["_thread_local_info"] = local()
    return Patch("threading", replacements, finish=_finish)


def _finish(changes: Changes) -> None:
    replace_live_locks(changes)
    for thread in set(_standard.enumerate()) - {
        _standard.main_thread(),
        _standard.current_thread(),
    }:
        why = (
            "it stays native, as it has begun; threads that it starts run only while it waits green"
        )
        changes.fail(f"the thread {thread.name}", why)


def threading_local() -> list[Patch]:
    """Make `threading.local` differ from green thread to green thread."""
    return [Patch("threading", {"local": local}), Patch("_threading_local", {"local": local})]


def queue() -> list[Patch]:
    """Make `queue.SimpleQueue` green; the others are as green as the locks of `threading`."""
    return [Patch(name, {"SimpleQueue": SimpleQueue}) for name in ("queue", "_queue")]
