"""Tools for tests of code that waits: virtual time, idleness, leftovers, disorder.

The same as pytest fixtures and options: see `eventlet.hub._pytest_plugin`, which pytest loads by
itself where the distribution is installed.
"""

from __future__ import annotations

from ._fresh_hub import fresh_hub
from ._hub import Hub
from ._leaks import LeftBehind, no_leaks
from ._registry import get_hub
from ._shuffling import shuffled
from ._virtual_time import VirtualClock, virtual_clock
from ._waiter import Waiter

__all__ = [
    "LeftBehind",
    "VirtualClock",
    "fresh_hub",
    "no_leaks",
    "shuffled",
    "virtual_clock",
    "wait_until_idle",
]


def wait_until_idle() -> None:
    """Return when every other green thread waits, and nothing has come for any of them.

    A green thread that sleeps, that waits for a descriptor on which nothing has arrived, or for a
    job in another native thread counts as waiting. With a virtual clock, this returns before the
    clock jumps. Several may wait like this at once: they don't count for each other.

    Never returns while another green thread yields for ever.

    Raises:
        HubError: called in the hub's own greenlet.
    """
    waiter: Waiter[None] = Waiter()
    get_hub().call_soon(_check_idle, get_hub(), waiter)
    waiter.wait()


def _check_idle(hub: Hub, waiter: Waiter[None]) -> None:
    # The hub polls before it makes calls, and a queue that holds but the hub was as empty before.
    if len(hub.ready) == 1 and all(call is _check_idle for call, _ in hub._soon):
        waiter.switch()
    else:
        hub.call_soon(_check_idle, hub, waiter)


# Tracebacks and docs show the name that users type.
for _name in __all__:
    globals()[_name].__module__ = __name__
del _name
