"""How a hub goes on after its descriptors are no longer its own.

After ``os.fork()`` the child shares them with its parent, and must give back its copies untouched:
what it changes in an epoll object, the parent's hub would miss. What forked goes on, and is the
main thing in the child from then on. Nothing else of the parent's runs there: its green threads are
set aside, parked on nothing, so that an event or queue which still knows them passes them over.
They are kept, because a greenlet that is dropped runs its ``finally`` blocks, and those are the
parent's to run.

A program may also close all descriptors that it finds, as daemons do. Then nobody knows whether the
numbers have become somebody else's, so nothing is closed here; all that the hub still needs is
registered anew.

Nor does it know what the poller has reported when a signal handler raised something on the way. It
asks about everything once more. And where one raised between the moment in which somebody took the
head of the ready queue and the one in which he switched to it, the head is in no queue any more.
Who is missing can be told by its stack: it ends in a switch of ours, and nothing keeps it there.
Likewise, whoever waits for some time has an alarm among the timers.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, cast

from greenlet import GreenletExit

from . import _signals
from ._carrier import Carrier
from ._fiber import Fiber, alarmed_fiber, running, set_alarm
from ._native import get_ident
from ._pollers import READ, Poller, is_open
from ._scopes import CancelScope
from ._timeout import Timeout
from ._timers import NEVER, Entry, Timer
from ._wakeup import LOST

if TYPE_CHECKING:
    from ._greenthread import GreenThread
    from ._hub import Hub
    from ._watch import Watch


class _LostPoller:
    """Stands where no poller could be made, until the hub asks for another: in its next poll."""

    def __init__(self, lost: Poller) -> None:
        self.make = _maker(lost)
        self.name = lost.name
        self.edge_triggered = lost.edge_triggered

    def poll(self, timeout: float | None) -> NoReturn:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    def register(self, fd: int) -> bool:
        """Put it off: all watches are registered with the poller that comes next."""
        return True

    def unregister(self, fd: int) -> None: ...

    def arm(self, fd: int, interest: int) -> None: ...

    def disarm(self, fd: int, interest: int) -> None: ...

    def close(self) -> None: ...

    def fileno(self) -> int:
        return -1


def _maker(poller: Poller) -> Callable[[], Poller]:
    return poller.make if isinstance(poller, _LostPoller) else type(poller)


# Where the code is that switches on behalf of whoever waits.
_NAMESPACE = "eventlet."

# What must live as long as the process although nobody needs it.
_kept: list[object] = []


def is_lost(hub: Hub, error: OSError) -> bool:
    """Whether a failed poll means that the hub's own descriptors were closed by somebody else."""
    # To poll(2), EINVAL means too many descriptors; to epoll_wait(2), that this is no epoll.
    return error.errno in LOST or (error.errno == errno.EINVAL and hub.poller.fileno() >= 0)


def replace_lost(hub: Hub) -> None:
    """Give a hub new descriptors after somebody has closed the old ones.

    Raises:
        OSError: there are no descriptors left; the hub's next poll tries again.
        ValueError: what is left is too large for the poller; as before.
    """
    _signals.detach(hub)
    _kept.append(hub.poller)
    hub.wakeup.abandon()
    gone = _closed_watches(hub)
    _open(hub, gone)
    for watch in list(hub.watches.values()):
        watch.register_anew()


def ask_again(hub: Hub) -> None:
    """Have the poller report once more what it had found when the hub was interrupted."""
    try:
        hub.poller.register(hub.wakeup.fileno())
        hub.poller.arm(hub.wakeup.fileno(), READ)
    except OSError:
        return  # the next poll fails too, and has all descriptors replaced
    for watch in list(hub.watches.values()):
        watch.register_anew()


def find_lost(hub: Hub) -> None:
    """Queue who is about to run and in no queue; to be called in the hub's greenlet."""
    ready = hub.ready
    while hub.greenlet in ready:
        ready.remove(hub.greenlet)  # it runs
    placed = {*ready, *hub.free}
    armed = {*map(id, hub.timers), *map(id, hub._due)}
    for fiber in [hub.main, *hub.carriers, *hub.guests]:
        if fiber.parked is not None:
            if fiber.deadline != NEVER and id(fiber.alarm) not in armed:
                set_alarm(fiber)
        elif fiber not in placed and _has_switched(fiber):
            if isinstance(fiber, Carrier) and fiber.thread is None:
                hub.free.append(fiber)
            else:
                ready.append(fiber)
    hub.replace_starters()


def _has_switched(fiber: Fiber) -> bool:
    """Whether it was the scheduler that switched away from a fiber, not somebody by hand."""
    frame = fiber.gr_frame
    return frame is not None and str(frame.f_globals.get("__name__")).startswith(_NAMESPACE)


def begin_in_child(hub: Hub) -> None:
    """Make a hub of the parent fit for the child that has just been forked."""
    if hub.destroyed:
        return
    if hub.ident != get_ident():
        _end_foreign(hub)
        return
    me = running()
    _signals.forget_parent()
    _set_aside(hub, me)
    gone = _closed_watches(hub)
    hub.poller.close()
    hub.wakeup.close_in_child()
    try:
        _open(hub, gone)
    except (OSError, ValueError):
        pass  # the first poll tries again, where somebody can be told
    for watch in list(hub.watches.values()):
        watch.begin_in_child()
    if me is not hub.greenlet and me is not hub.main:
        _promote(hub, me)


def _end_foreign(hub: Hub) -> None:
    """End the hub of a native thread that does not exist in this process."""
    _kept.append(hub)
    _signals.detach(hub)
    hub.destroyed = True
    hub.ident = 0  # no native thread's: a new one may get the number of the one that is missing
    hub.poller.close()
    hub.wakeup.close_in_child()
    for watch in hub.watches.values():
        watch.closed = True
    hub.watches.clear()


def _set_aside(hub: Hub, me: Fiber) -> None:
    idle = set(hub.free)
    lost = [carrier for carrier in hub.carriers if carrier is not me and carrier not in idle]
    for carrier in lost:
        carrier.parked = None
        hub.carriers.discard(carrier)
    _kept.extend([lost, *hub.fresh, *hub.late])
    hub.fresh.clear()
    hub.late.clear()
    hub.outside = 0
    # Whom a callback that forks has interrupted goes on.
    goes_on = me is hub.greenlet and hub.main in hub.ready
    hub.ready.clear()
    hub.ready.extend([hub.greenlet, hub.main] if goes_on else [hub.greenlet])
    for timer in [*hub.timers, *hub._due]:
        if not _belongs_to(timer, me):
            timer.cancel()
    if me is not hub.greenlet:
        # Otherwise the hub is just making these calls. What they would wake is set aside anyway.
        hub._soon.clear()


def _belongs_to(timer: Entry, fiber: Fiber) -> bool:
    if isinstance(timer, Timeout):
        return timer.aim[0] is fiber
    if alarmed_fiber(timer) is fiber:
        return True
    scope = getattr(timer.callback, "__self__", None) if isinstance(timer, Timer) else None
    return isinstance(scope, CancelScope) and scope.belongs_to(fiber)


def _closed_watches(hub: Hub) -> list[Watch]:
    """Return the watches of what is closed, whose numbers the hub may be given next."""
    return [watch for watch in hub.watches.values() if not is_open(watch.fd)]


def _open(hub: Hub, gone: list[Watch]) -> None:
    lost = _LostPoller(hub.poller)
    try:
        hub.poller = lost.make()
        for watch in gone:
            watch.close()
        hub.open_wakeup()
    except (OSError, ValueError):
        hub.poller = cast(Poller, lost)
        raise
    _signals.attach(hub)


def _promote(hub: Hub, me: Fiber) -> None:
    """Put the fiber that forked in the place of the main greenlet, which stays in the parent."""
    hub.main.parked = None
    _kept.append(hub.main)
    hub.main = me
    if me.thread is not None:
        me.thread.link(_end_process)


def _end_process(thread: GreenThread[Any]) -> None:
    """End the child as the interpreter would if its main program had ended like `thread`."""
    error = thread.exception
    code = 1
    if error is None or isinstance(error, GreenletExit):
        code = 0
    elif isinstance(error, SystemExit):
        code = _exit_code(error)
    else:
        sys.excepthook(type(error), error, error.__traceback__)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            try:
                stream.flush()
            except (OSError, ValueError):
                pass  # nobody reads it, or it was closed: the interpreter doesn't mind either
    os._exit(code)


def _exit_code(error: SystemExit) -> int:
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code & 0xFF
    print(error.code, file=sys.stderr)  # noqa: T201 - what the interpreter does
    return 1
