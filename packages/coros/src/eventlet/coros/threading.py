"""The `threading` module of the standard library, for green threads.

Its names, arguments and errors are those of Python 3.13, on all versions. A `Thread` is a green
thread; locks and the like are those of this package, and may be shared with native threads. What
has no meaning of its own here is passed on to the standard module: `settrace` and its relatives,
`stack_size` and `get_native_id`, all of which are about native threads. `Lock` is a class, not a
function, and `BrokenBarrierError`, `ExceptHookArgs` and `ThreadError` are the very classes of the
standard module.
"""

from __future__ import annotations

from threading import TIMEOUT_MAX as TIMEOUT_MAX
from threading import BrokenBarrierError as BrokenBarrierError
from threading import ExceptHookArgs as ExceptHookArgs
from threading import ThreadError as ThreadError
from threading import excepthook as excepthook
from threading import get_native_id as get_native_id
from threading import getprofile as getprofile
from threading import gettrace as gettrace
from threading import setprofile as setprofile
from threading import settrace as settrace
from threading import stack_size as stack_size

from ._barrier import Barrier as Barrier
from ._condition import Condition as Condition
from ._flag import Event as Event
from ._local import local as local
from ._locks import Lock as Lock
from ._locks import RLock as RLock
from ._threads import Thread as Thread
from ._threads import Timer as Timer
from ._threads import active_count as active_count
from ._threads import current_thread as current_thread
from ._threads import enumerate as enumerate
from ._threads import get_ident as get_ident
from ._threads import main_thread as main_thread
from ._tracing import setprofile_all_threads as setprofile_all_threads
from ._tracing import settrace_all_threads as settrace_all_threads
from ._value_semaphores import BoundedSemaphore as BoundedSemaphore
from ._value_semaphores import Semaphore as Semaphore

__all__ = [
    "TIMEOUT_MAX",
    "Barrier",
    "BoundedSemaphore",
    "BrokenBarrierError",
    "Condition",
    "Event",
    "ExceptHookArgs",
    "Lock",
    "RLock",
    "Semaphore",
    "Thread",
    "ThreadError",
    "Timer",
    "active_count",
    "current_thread",
    "enumerate",
    "excepthook",
    "get_ident",
    "get_native_id",
    "getprofile",
    "gettrace",
    "local",
    "main_thread",
    "setprofile",
    "setprofile_all_threads",
    "settrace",
    "settrace_all_threads",
    "stack_size",
]

# The names of old.
activeCount = active_count  # noqa: N816
currentThread = current_thread  # noqa: N816

# Tracebacks, pickles and docs show the name that users type.
for _public in (BoundedSemaphore, Event, Semaphore, Thread, Timer):
    _public.__module__ = __name__
