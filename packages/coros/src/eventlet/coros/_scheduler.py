"""What this package uses of the hub beside its public names; the only place that knows them."""

from __future__ import annotations

from greenlet import getcurrent

from eventlet.hub._fiber import NEVER as NEVER
from eventlet.hub._fiber import Fiber as Fiber
from eventlet.hub._fiber import park as park
from eventlet.hub._fiber import park_until as park_until
from eventlet.hub._fiber import raise_pending as raise_pending
from eventlet.hub._greenthread import make_exception as make_exception
from eventlet.hub._native import RLock as RLock
from eventlet.hub._native import get_ident as get_ident
from eventlet.hub._registry import current_fiber as current_fiber
from eventlet.hub._registry import deadline_after as deadline_after
from eventlet.hub._seconds import check_seconds as check_seconds
from eventlet.hub._unobserved import report_unobserved as report_unobserved


def in_hub_greenlet() -> bool:
    """Whether this is the hub's own greenlet, where nothing may wait."""
    me = getcurrent()
    hub = getattr(me, "hub", None)
    return hub is not None and hub.greenlet is me
