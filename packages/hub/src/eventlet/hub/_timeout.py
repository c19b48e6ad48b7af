"""Time limits for a block of code, as an exception that is also a context manager."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

from ._fiber import Delivery, Fiber, deliver, withdraw
from ._greenthread import getcurrent, make_exception
from ._registry import current_fiber, deadline_after, get_hub
from ._timers import Timer

T = TypeVar("T")

_MISSING: Any = object()


class Timeout(BaseException):
    """Interrupts the current green thread once, when some time has passed.

    It runs from the moment it is made until `cancel`, which leaving its ``with`` block calls::

        with Timeout(5):
            connection.recv(1024)

    Nested timeouts identify themselves: ``except Timeout as caught`` and ``caught is mine``.

    Arguments:
        seconds: how long; None never interrupts.
        exception: what is raised instead of the timeout itself: an instance or a class. False
            raises the timeout, and has the ``with`` block end silently.

    Attributes:
        seconds: as given.
        pending: whether its time has not come yet.
        deadline: when it comes, on the hub's clock; unset if `seconds` is None.

    Raises:
        ValueError: `seconds` is negative or not a number.
        TypeError: `seconds` is of the wrong type, or `exception` cannot be raised.
    """

    __slots__ = (
        "_delivery",
        "_exception",
        "_fiber",
        "_scope",
        "_thread",
        "deadline",
        "pending",
        "seconds",
    )

    def __init__(
        self,
        seconds: float | None = None,
        exception: BaseException | type[BaseException] | bool | None = None,
    ) -> None:
        # Nearly every timeout is cancelled soon. So it is itself what the timer queue holds, and
        # what it takes to interrupt is made by `_interrupt`.
        self.seconds = seconds
        is_given = exception is not None and exception is not False
        self._exception = make_exception((exception,)) if is_given else exception
        me = current_fiber()
        self._fiber: Any = me
        self._thread = me.thread
        self._scope = me.scope
        self._delivery: Delivery | None = None
        deadline = deadline_after(me.hub, seconds)
        self.pending = deadline is not None
        if deadline is not None:
            self.deadline = deadline
            timers = me.hub.timers
            timers.newest.append(self)
            if deadline < timers.soonest:
                timers.soonest = deadline

    def cancel(self) -> None:
        """Stop it from interrupting, even if its time has passed and it has not done so yet."""
        if self.pending:
            self.pending = False
            self._fiber.hub.timers.discard(self)
        elif self._delivery is not None:
            if self._fiber.thread is self._thread:
                withdraw(self._fiber, self._delivery)
            self._delivery = None  # as a rule it holds this, which is a cycle
        else:
            return
        # The queue may keep this for long; it must not keep what belongs to the green thread.
        self._fiber = self._thread = self._scope = None
        if self._exception is not None and self._exception is not False:
            self._exception = None
            self.args = ()  # where every exception keeps what it was made with

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        self.cancel()
        if value is self and self._exception is False:
            self.__traceback__ = None  # it holds the frame, which as a rule holds this
            return True
        return False

    # What the timer queue asks for

    def take(self) -> tuple[Callable[..., object] | None, tuple[Any, ...]]:
        """Return what interrupts the green thread (None if cancelled), and no arguments."""
        callback = self._interrupt if self.pending else None
        self.pending = False
        return callback, ()

    @property
    def aim(self) -> tuple[Fiber, BaseException]:
        """Whom it interrupts, and with what."""
        exception = self._exception if isinstance(self._exception, BaseException) else self
        return self._fiber, exception

    def _interrupt(self) -> None:
        fiber, exception = self.aim
        self._delivery = Delivery(exception, self._scope, repeats=False)
        deliver(fiber, self._thread, self._delivery)

    def __str__(self) -> str:
        if self.seconds is None:
            return "no time limit"
        return f"{self.seconds} second{'' if self.seconds == 1 else 's'}"

    def __repr__(self) -> str:
        return f"<Timeout {self} at {id(self):#x}{', pending' if self.pending else ''}>"


def with_timeout(
    seconds: float | None,
    function: Callable[..., T],
    /,
    *args: Any,
    timeout_value: T = _MISSING,
    **kwargs: Any,
) -> T:
    """Call ``function(*args, **kwargs)``, but interrupt it when some time has passed.

    Arguments:
        seconds: how long; None never interrupts.
        timeout_value: what to return instead of raising. Only this call's own limit is
            translated, not one that `function` or its caller has set.

    Raises:
        Timeout: the time has passed and no `timeout_value` was given.
    """
    timeout = Timeout(seconds)
    try:
        return function(*args, **kwargs)
    except Timeout as caught:
        if caught is timeout and timeout_value is not _MISSING:
            return timeout_value
        raise
    finally:
        timeout.cancel()


def exc_after(seconds: float, *throw_args: Any) -> Timeout:
    """Raise an exception in the current green thread when some time has passed.

    Arguments:
        seconds: how long from now.
        throw_args: the exception, as for ``greenlet.throw``; none raises `TimeoutError`.

    Returns:
        A time limit; its ``cancel()`` drops it, even between its time and the next wait.

    Raises:
        ValueError: `seconds` is negative or not a number.
        TypeError: `seconds` is of the wrong type, or `throw_args` stand for no exception.
    """
    exception = make_exception(throw_args) if throw_args else TimeoutError(f"{seconds} seconds")
    return Timeout(seconds, exception)


def call_after(
    seconds: float, function: Callable[..., object], /, *args: Any, **kwargs: Any
) -> Timer:
    """Call a function in the hub after some time, unless the current green thread has ended.

    Arguments:
        seconds: how long from now.
        function: must not wait; called with the other arguments.

    Returns:
        A timer; its ``cancel()`` drops the call.

    Raises:
        TypeError, ValueError: `seconds` is negative or not a number.
    """
    me = getcurrent()

    def call() -> None:
        if not me.dead:
            function(*args, **kwargs)

    return get_hub().call_later(seconds, call)


def call_after_global(
    seconds: float, function: Callable[..., object], /, *args: Any, **kwargs: Any
) -> Timer:
    """Call a function in the hub after some time, whatever becomes of the current green thread.

    Arguments, result and errors as for `call_after`.
    """
    return get_hub().call_later(seconds, lambda: function(*args, **kwargs))
