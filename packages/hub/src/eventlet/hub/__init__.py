"""Green threads, timers, and readiness of descriptors: the scheduler under every eventlet package.

Nothing happens when this is imported. Each native thread gets a hub of its own the first time
something waits in it.
"""

from __future__ import annotations

from greenlet import GreenletExit as GreenletExit

from ._children import wait_child as wait_child
from ._greenthread import GreenThread as GreenThread
from ._greenthread import getcurrent as getcurrent
from ._greenthread import kill as kill
from ._greenthread import sleep as sleep
from ._greenthread import spawn as spawn
from ._greenthread import spawn_after as spawn_after
from ._hub import Hub as Hub
from ._hub import HubStatistics as HubStatistics
from ._registry import available_hubs as available_hubs
from ._registry import get_hub as get_hub
from ._registry import use_hub as use_hub
from ._scopes import CancelScope as CancelScope
from ._scopes import fail_after as fail_after
from ._scopes import move_on_after as move_on_after
from ._timeout import Timeout as Timeout
from ._timeout import call_after as call_after
from ._timeout import call_after_global as call_after_global
from ._timeout import exc_after as exc_after
from ._timeout import with_timeout as with_timeout
from ._timers import Timer as Timer
from ._trampoline import trampoline as trampoline
from ._trampoline import wait_readable as wait_readable
from ._trampoline import wait_writable as wait_writable
from ._unobserved import print_unobserved as print_unobserved
from ._unobserved import set_unobserved_hook as set_unobserved_hook
from ._version import __version__ as __version__
from ._waiter import Waiter as Waiter
from ._watch import Watch as Watch
from .errors import Cancelled as Cancelled
from .errors import Deadlock as Deadlock
from .errors import HubBusy as HubBusy
from .errors import HubError as HubError
from .errors import SelectLimit as SelectLimit
from .errors import UnknownPatch as UnknownPatch
from .errors import WrongThread as WrongThread

__all__ = [
    "CancelScope",
    "Cancelled",
    "Deadlock",
    "GreenThread",
    "GreenletExit",
    "Hub",
    "HubBusy",
    "HubError",
    "HubStatistics",
    "SelectLimit",
    "Timeout",
    "Timer",
    "UnknownPatch",
    "Waiter",
    "Watch",
    "WrongThread",
    "__version__",
    "available_hubs",
    "call_after",
    "call_after_global",
    "exc_after",
    "fail_after",
    "get_hub",
    "getcurrent",
    "kill",
    "move_on_after",
    "print_unobserved",
    "set_unobserved_hook",
    "sleep",
    "spawn",
    "spawn_after",
    "trampoline",
    "use_hub",
    "wait_child",
    "wait_readable",
    "wait_writable",
    "with_timeout",
]

# Tracebacks, pickles and docs show the name that users type.
for _public in [globals()[_name] for _name in __all__]:
    if getattr(_public, "__module__", "").startswith(__name__ + "."):
        _public.__module__ = __name__
