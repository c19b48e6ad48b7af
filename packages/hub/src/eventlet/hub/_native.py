"""The interpreter's own primitives, bound before anything can be patched.

What must stay native in a patched process takes its locks, threads and clocks from here, or from
`eventlet.hub.patching.original`.
"""

from __future__ import annotations

from _thread import TIMEOUT_MAX, RLock, allocate_lock, get_ident, start_new_thread
from _thread import _count as count_threads
from _thread import _local as local
from threading import main_thread
from time import sleep
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import select
else:
    import select as _select

    select = ModuleType("select")
    select.__dict__.update(vars(_select))

__all__ = [
    "TIMEOUT_MAX",
    "RLock",
    "allocate_lock",
    "are_others_active",
    "bystanders",
    "count_others",
    "count_threads",
    "forget_others",
    "get_ident",
    "in_main_thread",
    "is_program_ending",
    "let_others_run",
    "local",
    "select",
    "start_new_thread",
]

# Native threads that wait for orders, and wake nobody by themselves. Whoever runs such a thread
# adds any object that stands for it, and takes it out while the thread works.
bystanders: set[object] = set()

# In a forked child, where `threading` may take a green thread for the main one.
_main_ident: int | None = None

# One entry for each native thread that is counted, but was left behind in a parent process.
_gone: list[None] = []

# Seconds. However short, it puts this thread to sleep for as long as another takes to wake up.
_MOMENT = 1e-6


def in_main_thread() -> bool:
    """Whether this is the native thread in which Python runs signal handlers."""
    # Not `current_thread`, which makes an entry for every native thread that asks.
    return get_ident() == (_main_ident or main_thread().ident)


def is_program_ending() -> bool:
    """Whether the main program has ended, and only its exit handlers are still to run."""
    return not main_thread().is_alive()


def are_others_active() -> bool:
    """Whether another native thread of Python's could send something to this one."""
    return not in_main_thread() or count_others() > 0


def count_others() -> int:
    """Return how many native threads of Python's there are beside the main one and bystanders."""
    return count_threads() - len(_gone) - len(bystanders)


def let_others_run() -> None:
    """Let the other native threads have the interpreter lock, if any of them is active.

    A thread that wants the lock demands it after `sys.getswitchinterval`, in vain if it was free
    meanwhile. Each poll of a busy hub frees it, for less time than the other takes to wake up.
    """
    if are_others_active():
        sleep(_MOMENT)


def forget_others() -> None:
    """Take note that this is a forked child, which has but one native thread."""
    global _main_ident  # noqa: PLW0603 - a process has one main thread
    _main_ident = get_ident()
    bystanders.clear()
    # The interpreter goes on counting those that only the parent has.
    _gone[:] = [None] * count_threads()
