"""The `queue` module of the standard library, for green threads.

Its names, arguments and errors are those of Python 3.13, `Queue.shutdown` included, on all
versions. `Empty`, `Full` and, where there is one, `ShutDown` are the very classes of the standard
module.

The module may also be called: ``coros.queue(max_size)`` is the function of 2009, which returns a
`eventlet.coros.Queue`, or with a `max_size` a `eventlet.coros.Channel`.
"""

from __future__ import annotations

import sys
from queue import Empty as Empty
from queue import Full as Full
from types import ModuleType
from typing import Any

from ._queue import Channel
from ._queue import Queue as Messages
from ._queue import queue as _make_queue
from ._simple_queue import SimpleQueue as SimpleQueue
from ._task_queue import LifoQueue as LifoQueue
from ._task_queue import PriorityQueue as PriorityQueue
from ._task_queue import Queue as Queue
from ._task_queue import ShutDown as ShutDown

__all__ = ["Empty", "Full", "LifoQueue", "PriorityQueue", "Queue", "ShutDown", "SimpleQueue"]

# Tracebacks, pickles and docs show the name that users type.
for _public in [globals()[_name] for _name in __all__]:
    if _public.__module__.startswith(__package__ + "._"):
        _public.__module__ = __name__


class _Module(ModuleType):
    """A module by the name of a function that was there first."""

    def __call__(self, max_size: int | None = None) -> Messages[Any] | Channel[Any]:
        """Return a `Queue`, or with a `max_size` a `Channel` of that size."""
        return _make_queue(max_size)


sys.modules[__name__].__class__ = _Module
