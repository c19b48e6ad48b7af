"""One hub a native thread, made at first use."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from . import _pollers
from ._fiber import Fiber, prepare, running
from ._fork import run_in_child, watch_forks
from ._native import get_ident, local
from ._portable import PORTABLE
from ._seconds import refusal

if TYPE_CHECKING:
    from ._hub import Hub


class _Ending:
    """Closes the hub of a native thread when the thread ends and drops its locals."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def __del__(
        self,
        is_finalizing: Callable[[], bool] = sys.is_finalizing,
        get_ident: Callable[[], int] = get_ident,
    ) -> None:
        # At the end of the interpreter, what closing needs may be gone; so may this module. And
        # in a forked child the locals of all other threads are dropped in the one that is left.
        if not (self._hub.destroyed or is_finalizing()) and self._hub.ident == get_ident():
            self._hub.close()


_this_thread = local()

# By native thread, for what concerns all of them: reports, and `eventlet.hub.testing.shuffled`.
_hubs: WeakValueDictionary[int, Hub] = WeakValueDictionary()


def get_hub() -> Hub:
    """Return the hub of the current native thread, made now if there is none yet.

    Raises:
        OSError: there are no descriptors left for a new hub.
        ValueError: ``EVENTLET_HUB`` names no poller of this platform.
    """
    try:
        hub: Hub = _this_thread.hub
    except AttributeError:
        return use_hub()
    return use_hub() if hub.destroyed else hub


def use_hub(poller: str | type[_pollers.Poller] | Hub | None = None) -> Hub:
    """Give the current native thread a new hub, and end its old one.

    Arguments:
        poller: the name of one from `available_hubs`, a class with the interface of a poller, or
            a hub ready made. None takes the name in ``EVENTLET_HUB``, else the best there is.

    Returns:
        The new hub.

    Raises:
        HubBusy: green threads still live in the old hub.
        WrongThread: the hub given was made in another native thread.
        HubError: the hub given has been destroyed.
        ValueError: no poller of that name on this platform.
        OSError: there are no descriptors left for a new hub.
    """
    from ._hub import Hub  # the hub's own modules use this one
    from ._renewal import begin_in_child

    old: Hub | None = getattr(_this_thread, "hub", None)
    if old is not None and old is poller:
        return old
    if old is not None:
        old.check_idle()
    hub = poller if isinstance(poller, Hub) else Hub(make_poller(poller))
    hub.check_usable()
    if old is not None:
        old.destroy()
    hub.take_over()
    watch_forks()
    run_in_child(hub, begin_in_child)
    _this_thread.hub = _hubs[hub.ident] = hub
    _this_thread.ending = _Ending(hub)
    return hub


def all_hubs() -> list[Hub]:
    """Return the hubs of all native threads; may be called in any of them."""
    # A list of references is made at once, while other threads make and end their hubs.
    hubs = (reference() for reference in _hubs.valuerefs())
    return [hub for hub in hubs if hub is not None and not hub.destroyed]


def available_hubs() -> list[str]:
    """Return the names of the pollers that this platform has, the best one first."""
    return list(_pollers.available())


def current_fiber() -> Fiber:
    """Return the running greenlet with the scheduler's notes on it.

    Raises:
        HubError: this is the hub's own greenlet, where nothing may wait.
    """
    me = running()
    try:
        me.ready  # noqa: B018 - asks whether there are notes
    except AttributeError:
        hub = get_hub()
        prepare(me, hub)
        hub.guests.add(me)
    return me


def deadline_after(hub: Hub, timeout: float | None) -> float | None:
    """Return the point on the hub's clock that is `timeout` seconds from now; None for never.

    Raises:
        TypeError, ValueError, OverflowError: as `refusal` says.
    """
    if timeout is None:
        return None
    now = hub.time()
    try:
        if timeout >= 0:
            return now + timeout
    except (TypeError, OverflowError):
        pass
    raise refusal("a timeout must be a number of seconds >= 0 or None", timeout)


def make_poller(choice: str | type[_pollers.Poller] | None) -> _pollers.Poller:
    """Return a new poller; arguments and errors as for `use_hub`."""
    if isinstance(choice, type):
        return choice()
    pollers = _pollers.available()
    name = (
        choice or os.environ.get("EVENTLET_HUB") or ("select" if PORTABLE else next(iter(pollers)))
    )
    if name not in pollers:
        raise ValueError(f"no poller {name!r} on this platform; there are: {', '.join(pollers)}")
    return pollers[name]()
