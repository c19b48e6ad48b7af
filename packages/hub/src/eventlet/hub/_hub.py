"""The hub: one scheduler a native thread, which runs in a greenlet of its own.

A turn of the hub polls descriptors, fires the timers that are due and makes the calls that were
asked for with `Hub.call_soon`; all three only *queue* fibers. Then it goes to the end of the ready
queue and switches to the head. Fibers hand control on among themselves, straight from one to the
next, until the hub comes up again: that is one round, and nothing that became ready after the
round began is part of it. So no fiber, timer or descriptor can be starved by those that never
wait.

All this is one class, because the steps of a turn share its books, and each turn would pay for the
calls from one object to another. What keeps books of its own stands elsewhere (`_carrier`,
`_timers`, `_watch`, `_wakeup`), and so does what a hub does once in its life, if ever (`_renewal`).
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, NoReturn, cast
from weakref import WeakSet

from greenlet import getcurrent

from . import _signals
from ._carrier import MAKE, Carrier, Starter, make_carriers
from ._fiber import (
    Delivery,
    Fiber,
    Switchable,
    deliver,
    forget,
    is_idle_alarm,
    prepare,
    raise_pending,
    ring,
)
from ._native import are_others_active, get_ident, in_main_thread, let_others_run
from ._pollers import READ, Poller, check_descriptor
from ._registry import current_fiber
from ._report import format_threads
from ._seconds import check_moment, refusal
from ._timers import NEVER, Entry, Timer, TimerQueue, set_timer
from ._unobserved import report_unobserved
from ._wakeup import Wakeup, make_wakeup
from ._watch import Watch
from .errors import Deadlock, HubBusy, HubError, WrongThread

if TYPE_CHECKING:
    from ._greenthread import GreenThread
    from ._threadpool import ThreadPool

# Idle carriers that are kept for the next green threads at most; each holds a small stack.
_MAX_FREE_CARRIERS = 1024
# What is left of them when the hub has had nothing to do, and how often it looks, in seconds.
_MIN_FREE_CARRIERS = 16
_SHRINK_INTERVAL = 1.0
# The pollers take 32 bits of milliseconds at most; a wait that is longer, or endless, asks again.
_MAX_IDLE = 86400.0
# While nobody but other native threads could wake the hub, it asks after so many seconds whether
# they are still there: one may end without having done so.
_RECHECK_INTERVAL = 1.0
# While green threads are ready, the system is asked about descriptors again when so many seconds
# have passed since it last answered: a system call in each of many short rounds would cost more
# than what the rounds do.
_POLL_INTERVAL = 50e-6
# And other native threads get a turn this often, in seconds: the interpreter's own default.
_SHARE_INTERVAL = 5e-3


class HubStatistics(NamedTuple):
    """A snapshot of what a hub has in hand; see `Hub.stats`."""

    poller: str
    green_threads: int
    ready: int
    timers: int
    watches: int
    idle_carriers: int
    turns: int


class _HubGreenlet(Fiber):
    """The greenlet that the hub's loop runs in; nothing else may wait in it."""

    __slots__ = ()

    @property
    def ready(self) -> deque[Switchable]:  # type: ignore[override]  # an error instead of a value
        raise HubError(
            "this would wait in the hub's own greenlet, which no callback may do;"
            " spawn a green thread for it: hub.call_soon(spawn, function)"
        )

    def run(self) -> None:
        hub = self.hub
        shocks: list[BaseException] = []
        while True:
            try:
                while shocks:
                    hub.ready.appendleft(self)  # the way back, as in `_run`
                    hub._get_over(shocks[0])
                    del shocks[0]
                hub._run()
            except BaseException as error:  # whatever a signal handler has raised
                if hub.destroyed:
                    raise
                shocks += [error]  # not `append`: after a call, the next handler might raise


class _Destroyed:
    """What is left in the ready queue of a hub that is no more."""

    def __init__(self, ready: deque[Switchable]) -> None:
        self._ready = ready

    def switch(self) -> NoReturn:
        # Whoever else is in there (`sleep` queues before it switches) will never run again.
        self._ready.clear()
        self._ready.append(self)
        raise HubError("this hub has been destroyed; nothing can wait in it any more")


class Hub:
    """Schedules the green threads of one native thread.

    Use `get_hub` to have the one of the current thread; make one yourself only to give it another
    clock or poller, with `use_hub`.

    Arguments:
        poller: what waits for descriptors; an object as described in `eventlet.hub._pollers`.
        clock: returns the time in seconds, never going backwards; default `time.monotonic`.
    """

    # What hubs begin with as `reorder`; for `eventlet.hub.testing.shuffled`.
    initial_reorder: ClassVar[Callable[[Hub], None] | None] = None

    def __init__(self, poller: Poller, clock: Callable[[], float] = time.monotonic) -> None:
        self.ident = get_ident()
        self.ready: deque[Switchable] = deque()
        self.time = clock
        self.now = clock()
        self.turns = 0
        # Called at the beginning of each round, to change the order in `ready` and in `fresh`.
        self.reorder: Callable[[Hub], None] | None = type(self).initial_reorder
        self.polling = False
        self.destroyed = False
        # Green threads that have not begun: those that may, and those that `spawn_after` keeps.
        self.fresh: deque[GreenThread[Any]] = deque()
        self.late: dict[GreenThread[Any], Timer] = {}
        self.free: list[Carrier] = []
        self.carriers: set[Carrier] = set()
        self.guests: WeakSet[Fiber] = WeakSet()  # greenlets made by hand that have waited here
        self.timers = TimerQueue()
        self.watches: dict[int, Watch] = {}
        self.poller = poller
        self.outside = 0
        self._soon: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._due: deque[Entry] = deque()
        self._witness: Watch | None = None
        self.main = _main_greenlet()
        self.greenlet = _HubGreenlet(parent=self.main)
        self.greenlet.hub = self
        self.starter = Starter(self)
        self.ready.append(self.greenlet)
        self.open_wakeup()

    def open_wakeup(self) -> None:
        """Have the poller look at a new wake-up; also when the old one is gone."""
        self.wakeup = self._make_wakeup()
        self._wakeup_fd = self.wakeup.fileno()

    def _make_wakeup(self) -> Wakeup:
        wakeup = None
        try:
            wakeup = make_wakeup(for_signals=in_main_thread())
            self.poller.register(wakeup.fileno())
            self.poller.arm(wakeup.fileno(), READ)
        except BaseException:
            # There are no descriptors left, or none that the poller takes: give back what we have.
            if wakeup is not None:
                wakeup.close()
            self.poller.close()
            raise
        return wakeup

    def check_usable(self) -> None:
        """Make sure that this native thread can have this hub.

        Raises:
            WrongThread: the hub was made in another native thread.
            HubError: the hub has been destroyed.
        """
        if self.ident != get_ident():
            raise WrongThread(f"{self!r} was made in another native thread; make one here")
        if self.destroyed:
            raise HubError(f"{self!r} cannot be used again; make a new one")

    def take_over(self) -> None:
        """Become the hub of this native thread; called by `use_hub`."""
        prepare(self.main, self)
        _signals.attach(self)

    # What green threads and callbacks ask for

    def switch(self) -> object:
        """Give up control until somebody switches to this greenlet by hand, and return the value.

        The low-level road of 2009: ``hub.call_soon(getcurrent_greenlet.switch, value)`` comes back.
        `Waiter` is the safe one.

        What `kill` or a timeout sends is raised here.

        Raises:
            HubError: called in the hub's own greenlet.
            WrongThread: this is another native thread than the hub's.
        """
        me = current_fiber()
        if me.hub is not self:
            raise WrongThread(f"{self!r} cannot be waited for in another native thread")
        if me.pending:
            raise_pending(me)
        me.parked = self
        try:
            value = self.ready.popleft().switch()
        except BaseException:  # what was thrown past the hub
            self.mend()
            raise
        finally:
            me.parked = None
        if me.pending:
            raise_pending(me)
        return value

    def call_soon(self, function: Callable[..., object], *args: Any) -> None:
        """Call ``function(*args)`` in the hub's greenlet, in its next turn; it must not wait."""
        self._soon.append((function, args))
        if self.polling:
            self.wakeup.set()

    # Appending to a deque is atomic, and `polling` is set before the queue is looked at for the
    # last time: so the same code is right in any native thread and in signal handlers.
    call_soon_threadsafe = call_soon

    def call_later(self, seconds: float, function: Callable[..., object], *args: Any) -> Timer:
        """Call ``function(*args)`` in the hub's greenlet once `seconds` have passed.

        Returns:
            A timer; its ``cancel()`` drops the call.

        Raises:
            TypeError, ValueError: `seconds` is negative or not a number.
        """
        now = self.time()
        try:
            if seconds >= 0:
                return set_timer(self.timers, now + seconds, function, args)
        except (TypeError, OverflowError):
            pass
        raise refusal("a delay must be a number of seconds >= 0", seconds)

    def call_at(self, when: float, function: Callable[..., object], *args: Any) -> Timer:
        """Call ``function(*args)`` in the hub's greenlet when its clock shows `when`.

        Returns:
            A timer; its ``cancel()`` drops the call.

        Raises:
            TypeError, ValueError: `when` is not a number.
        """
        deadline = check_moment("a point in time must be a number of seconds", when)
        return set_timer(self.timers, deadline, function, args)

    def watch(self, fd: int) -> Watch:
        """Register `fd`, which the caller owns, and return its watch; the caller closes it.

        An older watch of the same number is closed: its descriptor must be gone.

        Raises:
            OSError: `fd` is not an open descriptor, or the poller has run out of room.
            ValueError: `fd` is negative or too large for the poller.
            TypeError: `fd` is no number.
        """
        check_descriptor(fd)
        stale = self.watches.get(fd)
        if stale is not None:
            stale.close()
        watch = Watch(self, fd)
        self.watches[fd] = watch
        return watch

    @property
    def threadpool(self) -> ThreadPool:
        """The native threads that make blocking calls for all hubs; see `eventlet.hub.tpool`."""
        from .tpool import get_pool  # which uses this module

        return get_pool()

    def stats(self) -> HubStatistics:
        """Return a snapshot of what the hub has in hand."""
        return HubStatistics(
            poller=self.poller.name,
            green_threads=len(self.late)
            + sum(not thread.dead for thread in self.fresh)
            + sum(carrier.thread is not None for carrier in self.carriers),
            ready=len(self.ready),
            timers=len(self.timers),
            watches=len(self.watches),
            idle_carriers=len(self.free),
            turns=self.turns,
        )

    def destroy(self) -> None:
        """End an idle hub: close its descriptors and drop its timers.

        Raises:
            HubBusy: green threads still live in it.
        """
        if not self.destroyed:
            self.check_idle()
            self.close()

    def check_idle(self) -> None:
        """Make sure that nobody misses the hub.

        Raises:
            HubBusy: green threads still live in it, the main greenlet waits in it, or it is what
                runs just now.
        """
        if getcurrent() is self.greenlet:
            raise HubBusy("a hub cannot end itself; call this from a green thread or the main one")
        if getattr(self.main, "parked", None) is not None or self.main in self.ready:
            raise HubBusy("cannot end a hub while the main greenlet waits in it")
        living = 0 if self.destroyed else self.stats().green_threads
        if living:
            raise HubBusy(f"cannot end a hub with {living} living green threads in it")

    def close(self) -> None:
        """Give everything back, whatever still lives here; for the end of a native thread."""
        self.destroyed = True
        _signals.detach(self)
        for watch in list(self.watches.values()):
            watch.close()
        for thread in [*self.fresh, *self.late]:
            thread.throw()
        self.fresh.clear()
        self.timers.clear()
        self._due.clear()
        self.ready.clear()
        self.ready.append(_Destroyed(self.ready))
        for carrier in list(self.carriers):
            carrier.end()
        self.greenlet.parent = getcurrent()
        self.greenlet.throw()
        self.poller.close()
        self.wakeup.close()
        if getattr(self.main, "hub", None) is self and self.main.parked is None:
            forget(self.main)  # so that it finds the next hub when it waits again

    def __repr__(self) -> str:
        state = "destroyed" if self.destroyed else f"{len(self.ready)} ready"
        return f"<Hub {self.poller.name} of native thread {self.ident}, {state}>"

    # The loop

    def interrupt(self, exception: BaseException) -> None:
        """Raise `exception` in the main greenlet, even through a shield."""
        main, here = self.main, getcurrent()
        if main.parked is not None or main is here or main in self.ready:
            deliver(main, main.thread, Delivery(exception, main.scope, repeats=False))
        elif here is self.greenlet:
            main.throw(exception)  # it has switched by hand to a greenlet that waits
        else:
            self.call_soon(self.interrupt, exception)

    def mend(self) -> None:
        """Complete the ready queue after an exception out of a switch.

        A signal handler may have raised it when the head of the queue had been taken out, and
        nobody had switched to it yet.
        """
        if self.destroyed:
            return
        if self.greenlet not in self.ready:
            self.ready.appendleft(self.greenlet)
        self.call_soon(self._find_lost)

    def _find_lost(self) -> None:
        from ._renewal import find_lost  # which uses this module

        find_lost(self)

    def take_failure(self, error: BaseException, source: object) -> None:
        """Deal with what a call has raised that nobody waits for.

        Arguments:
            source: the function that was called, for the report.
        """
        if self.destroyed:
            raise error  # as a rule what ends the hub's greenlet, which a callback had suspended
        if source is self.greenlet or source is ring:
            self.call_soon(self._find_lost)  # as `mend`
        if not isinstance(error, (KeyboardInterrupt, SystemExit)):
            try:
                report_unobserved(error, source)
            except BaseException as from_hook:
                error = from_hook  # as a rule a SystemExit: the program wants to end
            else:
                return
        self.interrupt(error)

    def _run(self) -> None:  # noqa: C901, PLR0912 - one call less in each turn
        me, ready, soon, timers = self.greenlet, self.ready, self._soon, self.timers
        monotonic, polled, shared = time.monotonic, 0.0, 0.0
        while True:
            self.turns += 1
            # A greenlet that was made by hand in a callback resumes the hub out of turn when it
            # ends; then the hub is still in the queue.
            while ready and ready[0] is me:
                ready.popleft()
            must_poll = True
            if ready:
                now = monotonic()
                must_poll = now - polled > _POLL_INTERVAL
                if must_poll and now - shared > _SHARE_INTERVAL:
                    shared = now
                    self.replace_starters()
                    let_others_run()
            if must_poll or soon or timers.soonest < NEVER or self._due:
                # A callback may switch away by hand: the way back must be in the queue meanwhile,
                # and again for the next one.
                ready.appendleft(me)
                try:
                    if must_poll:
                        self._poll()
                        polled = monotonic()
                    if timers.soonest < NEVER or self._due:
                        self._fire_timers()
                    if soon:
                        self._make_calls()
                except BaseException as error:
                    if self.destroyed:
                        raise
                    self._get_over(error)
                if ready and ready[0] is me:
                    ready.popleft()
            if ready:
                if self.reorder is not None:
                    self.reorder(self)
                ready.append(me)
                try:
                    if ready.popleft().switch() is MAKE:
                        make_carriers(self)
                except BaseException as error:
                    self.take_failure(error, me)

    def _get_over(self, shock: BaseException) -> None:
        """Go on after what a signal handler has raised, or the system while the hub polled."""
        from ._renewal import ask_again  # which uses this module

        self.interrupt(shock)
        self.call_soon(self._find_lost)
        ask_again(self)

    def _poll(self) -> None:
        timeout: float | None = 0
        if self.fresh and len(self.ready) == 1:
            self.replace_starters()
        if len(self.ready) == 1 and not self._soon:
            # From here on `call_soon` wakes the poll; what came just before is seen now.
            self.polling = True
            timeout = 0 if self._soon else self._idle_time()
        try:
            events = self.poller.poll(timeout)
        except OSError as error:
            events = self._replace_lost(error)
        finally:
            self.polling = False
        self.now = self.time()
        is_awoken = False
        for fd, what in events:
            watch = self.watches.get(fd)
            if watch is not None:
                watch.notice(what)
            elif fd == self._wakeup_fd:
                is_awoken = True
        # Last, because if it fails no event may be lost.
        if is_awoken:
            try:
                if self.wakeup.clear():
                    # After what the handlers have asked for: they have run by now.
                    self.call_soon(_signals.end_pauses)
                self.poller.arm(self._wakeup_fd, READ)
            except OSError as error:
                self._replace_lost(error)
        if timeout and not events:
            self._end_idle_carriers(max(_MIN_FREE_CARRIERS, len(self.free) // 2))
        elif len(self.free) > _MAX_FREE_CARRIERS:
            self._end_idle_carriers(_MAX_FREE_CARRIERS)

    def _replace_lost(self, error: OSError) -> tuple[()]:
        from ._renewal import is_lost, replace_lost  # which use this module

        if not is_lost(self, error):
            raise error
        replace_lost(self)
        return ()

    def replace_starters(self) -> None:
        """Queue starters anew that were taken out in vain, by who stood at the recursion limit."""
        missing = len(self.fresh) - self.ready.count(self.starter)
        self.ready.extend([self.starter] * missing)

    def _end_idle_carriers(self, keep: int) -> None:
        while len(self.free) > keep:
            self.free.pop().end()

    def _idle_time(self) -> float | None:
        """Return how long there is nothing to do, in seconds; None for ever."""
        deadline = self._next_deadline() if self.timers.soonest < NEVER else None
        longest = _SHRINK_INTERVAL if len(self.free) > _MIN_FREE_CARRIERS else _MAX_IDLE
        if deadline is not None:
            return min(longest, max(0.0, deadline - self.time()))
        if not self._can_be_woken():
            if are_others_active():
                return _RECHECK_INTERVAL
            self.interrupt(Deadlock(format_threads(self)))
            return 0
        return None if longest == _MAX_IDLE else longest

    def _next_deadline(self) -> float | None:
        """Return when the next timer matters, dropping alarms whose fiber has stopped caring."""
        while (timer := self.timers.first()) is not None:
            if not is_idle_alarm(timer):
                return timer.deadline
            timer.cancel()
        return None

    def _can_be_woken(self) -> bool:
        """Whether anything in this native thread, or started by it, could make somebody ready."""
        if self.outside:
            return True
        witness = self._witness
        if witness is None or not witness.has_waiters:
            waited_for = (watch for watch in self.watches.values() if watch.has_waiters)
            self._witness = witness = next(waited_for, None)
        # Last, because asking about each signal takes a hundred times as long as the rest.
        return witness is not None or _signals.is_anything_handled()

    def _fire_timers(self) -> None:
        now = self.now = self.time()
        due, ready, me = self._due, self.ready, self.greenlet
        # All at once, or a timer that sets itself anew for a time that has passed would be due for
        # ever. Kept on the hub, so that none is lost if this is interrupted.
        if self.timers.soonest <= now:
            due.extend(self.timers.take_due(now))
        while due:
            entry = due.popleft()
            if type(entry) is Timer:  # as `take`, written out like `_call`: there may be thousands
                callback, args = entry.callback, entry.args
                entry.pending = False
                entry.callback = None
                entry.args = ()
            else:
                callback, args = entry.take()
            if callback is not None:
                try:
                    callback(*args)
                except BaseException as error:
                    self.take_failure(error, callback)
                if not ready or ready[0] is not me:
                    ready.appendleft(me)

    def _make_calls(self) -> None:
        soon = self._soon
        for _ in range(len(soon)):
            function, args = soon[0]
            del soon[0]  # not `popleft`: after a call, a signal handler might raise
            self._call(function, args)

    def _call(self, function: Callable[..., object], args: tuple[Any, ...]) -> None:
        """Make a call of somebody's, after which the way back to the hub is in the queue again."""
        try:
            function(*args)
        except BaseException as error:
            self.take_failure(error, function)
        if not self.ready or self.ready[0] is not self.greenlet:
            self.ready.appendleft(self.greenlet)


def _main_greenlet() -> Fiber:
    """Return the greenlet that the current native thread began with."""
    main = getcurrent()
    while main.parent is not None:
        main = main.parent
    return cast(Fiber, main)
