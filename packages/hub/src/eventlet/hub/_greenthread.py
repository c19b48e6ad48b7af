"""Green threads: a function that runs beside others, its outcome, and what can be done to it.

The handle, `spawn`, `kill` and `sleep` are one piece because they call each other: a green thread
that is killed before it began spawns one for its links, and whoever kills yields.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import Context, copy_context
from types import TracebackType
from typing import Any, Generic, ParamSpec, TypeVar, cast

from greenlet import GreenletExit, greenlet
from greenlet import getcurrent as _current_greenlet

from ._fiber import Delivery, Fiber, deliver, park_until, raise_pending, running
from ._hub import Hub
from ._native import get_ident
from ._registry import current_fiber, get_hub
from ._seconds import refusal
from ._unobserved import Unobserved
from ._waiter import Waiter
from .errors import HubError

P = ParamSpec("P")
T = TypeVar("T")

_NO_KWARGS: dict[str, Any] = {}
_SLEEP = "sleeps"
# What ``switch()`` returns in the greenlet that somebody else's ``switch()`` resumes.
_IN_TURN = ()


class GreenThread(Generic[T]):
    """A function that runs beside others; made by `spawn`, never directly.

    A green thread is true while it is alive: from `spawn` until its function has ended.

    Attributes:
        context: the `contextvars.Context` that the function runs in, a copy of its spawner's.
        started: when it was spawned, in seconds on the hub's clock, to the last turn of the hub.
    """

    __slots__ = (
        "__weakref__",
        "_done",
        "_exception",
        "_fiber",
        "_listeners",
        "_name",
        "_traceback",
        "_unobserved",
        "_value",
        "args",
        "context",
        "function",
        "hub",
        "kwargs",
        "started",
    )

    def __init__(
        self,
        hub: Hub,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        self.hub = hub
        self.function = function
        self.args = args
        # As a rule there are none, and each call brings another empty dictionary.
        self.kwargs = kwargs or _NO_KWARGS
        self.context: Context = copy_context()
        self.started = hub.now
        self._done = False
        self._fiber: Fiber | None = None
        self._value: Any = None
        self._exception: BaseException | None = None
        # Links and waiters. Always there, because other native threads may append at any time.
        self._listeners: list[Any] = []
        self._name: str | None = None

    # The outcome

    def wait(self, timeout: float | None = None) -> T:
        """Wait until the function has ended; return its result or raise its exception.

        An exception keeps the traceback it was raised with. A green thread that was killed
        raises what it was killed with, as a rule `GreenletExit`.

        Arguments:
            timeout: seconds; None waits for ever.

        Raises:
            TimeoutError: the function has not ended in time; it runs on.
            HubError: a green thread waits for itself.
        """
        if not self._done:
            self._await(timeout)
        if self._exception is None:
            value: T = self._value
            return value
        self._observe()
        try:
            # Raising it again must not add to the traceback that the next one sees.
            raise self._exception.with_traceback(self._traceback)
        finally:
            del self  # the traceback would keep it alive in a cycle

    @property
    def dead(self) -> bool:
        """Whether the function has ended, in whatever way."""
        return self._done

    @property
    def ready(self) -> bool:
        """Whether `wait` would return at once; the same as `dead`."""
        return self._done

    @property
    def successful(self) -> bool:
        """Whether the function has ended without an exception."""
        return self._done and self._exception is None

    @property
    def value(self) -> T | None:
        """The result of the function; None as long as there is none."""
        return cast("T | None", self._value)

    @property
    def exception(self) -> BaseException | None:
        """What the function raised; None as long as it has not. Looking counts as observing."""
        if self._exception is not None:
            self._observe()
        return self._exception

    def __bool__(self) -> bool:
        return not self._done

    # What others can do to it

    def kill(self, *throw_args: Any) -> None:
        """Raise `GreenletExit` in the green thread where it waits, and yield to let it happen.

        One that has not begun never runs; one that is dead is left alone; in the current one the
        exception is raised here and now. A shield (see `CancelScope.shield`) puts it off.

        Arguments:
            throw_args: another exception, as for ``greenlet.throw``: an instance, or a class
                optionally followed by a value and a traceback.
        """
        self.throw(*throw_args)
        me = _current_greenlet()
        if me is not self.hub.greenlet and self.hub.ident == get_ident():
            sleep(0)

    def throw(self, *throw_args: Any) -> None:
        """As `kill`, but without yielding."""
        exception = make_exception(throw_args)
        if self.hub.ident == get_ident():
            self._throw(exception)
        else:
            self.hub.call_soon_threadsafe(self._throw, exception)

    def cancel(self, *throw_args: Any) -> bool:
        """Kill the green thread only if it has not begun; return whether it is dead now."""
        if self._fiber is None:
            self.throw(*throw_args)
        return self._done

    def link(self, function: Callable[..., object], *args: Any, **kwargs: Any) -> None:
        """Call ``function(self, *args, **kwargs)`` when the green thread ends, or now if it has.

        It is called in the ending green thread, and may wait; for one that is killed before it
        has begun, in a green thread of its own. What it raises is reported through the hook for
        unobserved failures, and stops neither the other links nor those that wait.

        Raises:
            TypeError: `function` is not callable.
        """
        if not callable(function):
            raise TypeError(f"link() takes a function, not {function!r}")
        link = (function, args, kwargs)
        self._listeners.append(link)
        if self._done and self._forget(link):
            self._tell(link)

    def unlink(self, function: Callable[..., object], *args: Any, **kwargs: Any) -> bool:
        """Take back a `link` made with equal arguments; return whether there was one."""
        return self._forget((function, args, kwargs))

    # How it looks

    @property
    def name(self) -> str:
        """A name for reports; by default made from the function's. Assign to choose another."""
        if self._name is not None:
            return self._name
        function = self.function
        if function is _ended:
            return f"GreenThread-{id(self):x}"
        try:
            label = function.__qualname__
        except Exception:  # a proxy may raise anything; this is asked when a failure is reported
            label = type(function).__name__
        return f"{label}-{id(self):x}"

    @name.setter
    def name(self, name: str) -> None:
        self._name = name

    @property
    def state(self) -> str:
        """One of "not begun", "waiting", "ready", "running", "finished", "failed", "killed"."""
        if self._done:
            if self._exception is None:
                return "finished"
            return "killed" if isinstance(self._exception, GreenletExit) else "failed"
        fiber = self._fiber
        if fiber is None:
            return "not begun"
        if fiber.parked is not None:
            return "waiting"
        return "running" if fiber is _current_greenlet() else "ready"

    def __repr__(self) -> str:
        return f"<GreenThread {self.name} {self.state}>"

    # What carriers call

    def begin(self, fiber: Fiber) -> bool:
        """Move onto `fiber`, the running carrier; return False if there is nothing to run."""
        if self._done:
            return False
        self._fiber = fiber
        fiber.thread = self
        fiber.gr_context = self.context
        return True

    def succeed(self, value: T) -> None:
        """Take the function's result, and tell those who wait."""
        self._value = value
        self._finish()

    def fail(self, exception: BaseException) -> None:
        """Take the function's exception, and tell those who wait."""
        self._exception = exception
        traceback = exception.__traceback__
        # Without the carrier's own frame, which would tie the exception to later green threads.
        self._traceback: TracebackType | None = traceback and (traceback.tb_next or traceback)
        exception.__traceback__ = self._traceback
        self._unobserved: Unobserved | None = None
        if isinstance(exception, (KeyboardInterrupt, SystemExit)):
            self.hub.interrupt(exception)
        elif not isinstance(exception, GreenletExit):
            self._unobserved = Unobserved(exception, f"GreenThread {self.name}")
        self._finish()

    def finish_anyway(self, shock: BaseException) -> None:
        """End, although a signal handler has raised `shock` outside of the function."""
        if self._done:
            self.hub.interrupt(shock)
            self._finish()
        else:
            self.fail(shock)

    def _finish(self) -> None:
        fiber = self._fiber
        self._done = True
        self._fiber = None
        self.function = _ended
        self.args, self.kwargs = (), _NO_KWARGS
        if fiber is None:
            self._forgo_beginning()
        else:
            fiber.scope = None
            if fiber.pending:
                fiber.pending.clear()
        listeners = self._listeners
        if listeners:
            # One by one: while a link waits, others may come, and give up waiting.
            listeners.reverse()
            while listeners:
                listener = listeners[-1]
                del listeners[-1]  # not `pop`: after a call, a signal handler might raise
                try:
                    self._tell(listener, has_begun=fiber is not None)
                except BaseException:  # what a signal handler has raised: it has yet to be told
                    listeners.append(listener)
                    raise

    # Behind the scenes

    def _throw(self, exception: BaseException) -> None:
        fiber = self._fiber
        if self._done:
            return
        if fiber is None:
            self.fail(exception)
        elif fiber is _current_greenlet():
            raise exception
        else:
            deliver(fiber, self, Delivery(exception, None, repeats=False))

    def _await(self, timeout: float | None) -> None:
        if getcurrent() is self:
            raise HubError(f"{self!r} cannot wait for itself to end")
        waiter: Waiter[None] = Waiter()
        self._listeners.append(waiter)
        try:
            if not self._done:
                waiter.wait(timeout)
        except TimeoutError:
            if not waiter.expired:
                raise  # thrown in by somebody
            raise TimeoutError(f"{self!r} has not ended within {timeout} seconds") from None
        finally:
            self._forget(waiter)

    def _forget(self, listener: object) -> bool:
        """Take a listener back; return whether it was there."""
        try:
            self._listeners.remove(listener)
        except ValueError:
            return False
        return True

    def _tell(self, listener: Any, *, has_begun: bool = True) -> None:
        if isinstance(listener, Waiter):
            listener.switch()
        elif has_begun:
            self._call_link(*listener)
        else:
            spawn(self._call_link, *listener)

    def _call_link(
        self, function: Callable[..., object], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        try:
            function(self, *args, **kwargs)
        except BaseException as error:
            # Where the hub has ended, whoever ended it has interrupted this.
            if not self.hub.destroyed:
                self.hub.take_failure(error, function)

    def _forgo_beginning(self) -> None:
        timer = self.hub.late.pop(self, None)
        if timer is not None:
            timer.cancel()

    def _observe(self) -> None:
        if self._unobserved is not None:
            self._unobserved.observe()


def _ended() -> None:
    """Stand where the function of a green thread stood, so that the handle keeps nothing alive."""


def spawn(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> GreenThread[T]:
    """Start a green thread that calls ``function(*args, **kwargs)``.

    It runs no earlier than the caller next gives up control, in a copy of the caller's
    `contextvars` context.

    Raises:
        TypeError: `function` is not callable.
    """
    if not callable(function):
        raise TypeError(
            f"spawn() takes a function and its arguments, not {function!r};"
            " pass the function itself, not its result"
        )
    hub = _current_hub()
    thread: GreenThread[T] = GreenThread(hub, function, args, kwargs)
    hub.fresh.append(thread)
    hub.ready.append(hub.starter)
    return thread


def spawn_after(
    seconds: float, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
) -> GreenThread[T]:
    """Start a green thread that calls ``function(*args, **kwargs)`` after some time.

    Until then `GreenThread.cancel` stops it from ever running.

    Arguments:
        seconds: how long from now.

    Raises:
        TypeError: `function` is not callable.
        TypeError, ValueError: `seconds` is negative or not a number.
    """
    if not callable(function):
        raise TypeError(f"spawn_after() takes seconds and a function, not {function!r}")
    hub = get_hub()
    thread: GreenThread[T] = GreenThread(hub, function, args, kwargs)
    hub.late[thread] = hub.call_later(seconds, begin_late, thread)
    return thread


def begin_late(thread: GreenThread[Any]) -> None:
    """Queue a green thread made by `spawn_after`."""
    hub = thread.hub
    del hub.late[thread]
    hub.fresh.append(thread)
    hub.ready.append(hub.starter)


def kill(thread: GreenThread[Any] | greenlet, *throw_args: Any) -> None:
    """Raise `GreenletExit`, or another exception, in a green thread, and yield.

    Arguments:
        thread: a green thread, or a bare greenlet that waits in a hub.
        throw_args: as for `GreenThread.kill`.

    Raises:
        TypeError: `thread` is neither.
    """
    if isinstance(thread, GreenThread):
        thread.kill(*throw_args)
    elif isinstance(thread, greenlet):
        _kill_greenlet(thread, throw_args)
    else:
        raise TypeError(f"kill() takes a green thread, not {thread!r}")


def _kill_greenlet(victim: greenlet, throw_args: tuple[Any, ...]) -> None:
    exception = make_exception(throw_args)
    if victim is _current_greenlet():
        raise exception
    if victim.dead:
        return
    fiber = cast(Fiber, victim)
    hub: Hub | None = getattr(fiber, "hub", None)
    if hub is None:
        raise TypeError(f"{victim!r} has never waited in a hub; use its own throw()")
    delivery = Delivery(exception, None, repeats=False)
    if hub.ident != get_ident():
        hub.call_soon_threadsafe(deliver, fiber, None, delivery)
        return
    deliver(fiber, None, delivery)
    if _current_greenlet() is not hub.greenlet:
        sleep(0)


def getcurrent() -> GreenThread[Any] | greenlet:
    """Return the running green thread, or the bare greenlet where the caller isn't in one."""
    me = _current_greenlet()
    thread: GreenThread[Any] | None = getattr(me, "thread", None)
    return me if thread is None else thread  # one that has just ended is false, but still here


def sleep(seconds: float = 0) -> None:
    """Give up control for some time; with 0, until all that are ready have run once.

    Raises:
        TypeError, ValueError: `seconds` is negative or not a number.
        HubError: called in the hub's own greenlet.
    """
    me = running()
    try:
        ready = me.ready
    except AttributeError:
        ready = (me := current_fiber()).ready
    if seconds == 0:
        try:
            ready.append(me)
            while ready.popleft().switch() is not _IN_TURN:
                pass  # a greenlet made by hand has ended, and resumes its parent
        except BaseException:
            if me in ready:  # it has failed, and the turn is still to come
                ready.remove(me)
            me.hub.mend()
            raise
        if me.pending:
            raise_pending(me)
    else:
        deadline = None
        now = me.hub.time()
        try:
            if seconds > 0:
                deadline = now + seconds
        except (TypeError, OverflowError):
            pass
        if deadline is None:
            raise refusal("sleep() takes a number of seconds >= 0", seconds)
        if me.pending:
            raise_pending(me)
        while not park_until(me, _SLEEP, deadline):
            raise_pending(me)


def make_exception(throw_args: tuple[Any, ...]) -> BaseException:
    """Return the exception that the arguments of a ``throw`` stand for; none: `GreenletExit`.

    Raises:
        TypeError: they stand for none.
    """
    kind, value, traceback = (*throw_args, None, None, None)[:3]
    if kind is None:
        return GreenletExit()
    if isinstance(kind, BaseException):
        exception = kind
    elif isinstance(kind, type) and issubclass(kind, BaseException):
        exception = value if isinstance(value, kind) else _instantiate(kind, value)
    else:
        raise TypeError(f"only exceptions can be thrown, not {kind!r}")
    return exception if traceback is None else exception.with_traceback(traceback)


def _instantiate(kind: type[BaseException], value: object) -> BaseException:
    if value is None:
        return kind()
    return kind(*value) if isinstance(value, tuple) else kind(value)


def _current_hub() -> Hub:
    try:
        return running().hub
    except AttributeError:
        return get_hub()
