"""What green threads work together with: events, locks, queues, pools, actors and nurseries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._actor import Actor as Actor
from ._barrier import Barrier as Barrier
from ._condition import Condition as Condition
from ._coroutinepool import CoroutinePool as CoroutinePool
from ._coroutinepool import execute as execute
from ._event import NOT_USED as NOT_USED
from ._event import Event as Event
from ._event import event as event
from ._local import local as local
from ._locks import Lock as Lock
from ._locks import RLock as RLock
from ._map import imap_unordered as imap_unordered
from ._map import map as map
from ._metaphore import Metaphore as Metaphore
from ._metaphore import metaphore as metaphore
from ._nursery import Nursery as Nursery
from ._queue import Channel as Channel
from ._queue import Queue as Queue
from ._resources import Pool as Pool
from ._resources import Token as Token
from ._resources import TokenPool as TokenPool
from ._semaphore import BoundedSemaphore as BoundedSemaphore
from ._semaphore import Semaphore as Semaphore
from ._semaphore import semaphore as semaphore
from ._statistics import BarrierStatistics as BarrierStatistics
from ._statistics import ConditionStatistics as ConditionStatistics
from ._statistics import CoroutinePoolStatistics as CoroutinePoolStatistics
from ._statistics import EventStatistics as EventStatistics
from ._statistics import LockStatistics as LockStatistics
from ._statistics import MetaphoreStatistics as MetaphoreStatistics
from ._statistics import PoolStatistics as PoolStatistics
from ._statistics import QueueStatistics as QueueStatistics
from ._statistics import SemaphoreStatistics as SemaphoreStatistics
from ._version import __version__ as __version__
from .errors import AllFailed as AllFailed
from .errors import AlreadySent as AlreadySent
from .errors import Closed as Closed
from .errors import CorosError as CorosError
from .errors import FanFailed as FanFailed
from .errors import ForeignItem as ForeignItem
from .errors import Misuse as Misuse
from .errors import NotAcquired as NotAcquired
from .errors import NotSent as NotSent
from .errors import NurseryClosed as NurseryClosed
from .errors import Overdue as Overdue
from .errors import SomeFailed as SomeFailed

if TYPE_CHECKING:
    from ._queue import queue as queue
else:
    # The module, which whoever imports it puts here anyway; it can be called as the function.
    from . import queue

__all__ = [
    "NOT_USED",
    "Actor",
    "AllFailed",
    "AlreadySent",
    "Barrier",
    "BarrierStatistics",
    "BoundedSemaphore",
    "Channel",
    "Closed",
    "Condition",
    "ConditionStatistics",
    "CorosError",
    "CoroutinePool",
    "CoroutinePoolStatistics",
    "Event",
    "EventStatistics",
    "FanFailed",
    "ForeignItem",
    "Lock",
    "LockStatistics",
    "Metaphore",
    "MetaphoreStatistics",
    "Misuse",
    "NotAcquired",
    "NotSent",
    "Nursery",
    "NurseryClosed",
    "Overdue",
    "Pool",
    "PoolStatistics",
    "Queue",
    "QueueStatistics",
    "RLock",
    "Semaphore",
    "SemaphoreStatistics",
    "SomeFailed",
    "Token",
    "TokenPool",
    "__version__",
    "event",
    "execute",
    "imap_unordered",
    "local",
    "map",
    "metaphore",
    "queue",
    "semaphore",
]

# Tracebacks, pickles and docs show the name that users type.
for _object in [globals()[_name] for _name in __all__]:
    if callable(_object) and _object.__module__.startswith(__name__ + "._"):
        _object.__module__ = __name__
