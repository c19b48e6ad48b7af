"""The one primitive that every blocking object is built on."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from ._fiber import Fiber, park_until, raise_pending
from ._native import get_ident
from ._registry import current_fiber, deadline_after, get_hub
from .errors import HubBusy, HubError, WrongThread

T = TypeVar("T")


class Waiter(Generic[T]):
    """A rendezvous of one green thread that waits with the first caller that wakes it.

    A waiter belongs to the hub of the native thread that makes it, and is waited on there; it may
    be woken from anywhere, before, during or after the wait. The first `switch` or `throw` counts,
    all later ones are ignored. A waiter whose wait has failed is spent: make a new one.

    Attributes:
        expired: whether a wait has run out of time.
    """

    __slots__ = ("_exception", "_fiber", "_hub", "_settled", "_spent", "_value", "expired")

    def __init__(self) -> None:
        self._hub = get_hub()
        self._fiber: Fiber | None = None
        self._settled = False
        self._spent = False
        self.expired = False
        self._value: Any = None
        self._exception: BaseException | None = None

    def wait(self, timeout: float | None = None) -> T:
        """Park until somebody wakes this waiter; return or raise what they sent.

        Arguments:
            timeout: seconds; None waits for ever.

        Raises:
            TimeoutError: the time has passed; nothing that is sent later is received.
            HubBusy: another green thread waits here already.
            HubError: an earlier wait has failed; or this is the hub's own greenlet.
            WrongThread: this is another native thread than the one that made the waiter.
        """
        if not self._settled:
            self._park(timeout)
        exception = self._exception
        if exception is None:
            return self._value  # type: ignore[no-any-return]  # what `switch` was given
        try:
            # As it came: it may have been thrown to many, whose frames are none of our business.
            raise exception.with_traceback(self._value)
        finally:
            del exception, self  # the traceback would keep them alive in a cycle

    def switch(self, value: T | None = None) -> bool:
        """Wake the green thread that waits, or will wait, and let `wait` return `value`.

        Returns:
            False if the waiter is past receiving it: woken before, timed out or killed. From
            another native thread the answer isn't known yet, and is True.
        """
        if self._hub.ident != get_ident():
            self._hub.call_soon_threadsafe(self._settle, value, None)
            return True
        return self._settle(value, None)

    def throw(self, exception: BaseException) -> bool:
        """Wake the green thread that waits, or will wait, and let `wait` raise `exception`.

        Returns:
            As `switch`.
        """
        if self._hub.ident != get_ident():
            self._hub.call_soon_threadsafe(self._settle, exception.__traceback__, exception)
            return True
        return self._settle(exception.__traceback__, exception)

    def _settle(self, value: object, exception: BaseException | None) -> bool:
        if self._settled or self._spent:
            return False
        fiber = self._fiber
        if fiber is not None and fiber.parked is not self:
            return False
        self._settled = True
        self._value = value
        self._exception = exception
        if fiber is not None:
            fiber.parked = None
            fiber.ready.append(fiber)
        return True

    def _park(self, timeout: float | None) -> None:
        me = current_fiber()
        hub = self._hub
        if me.hub is not hub:
            raise WrongThread(
                f"{self!r} belongs to the hub of native thread {hub.ident}; wait there"
            )
        if self._fiber is not None:
            raise HubBusy(f"{self._fiber.thread or self._fiber!r} waits on {self!r} already")
        if self._spent:
            raise HubError(f"an earlier wait on {self!r} has failed; make a new waiter")
        deadline = deadline_after(hub, timeout)
        try:
            if me.pending:
                raise_pending(me)
            self._fiber = me
            while not self._settled:
                if deadline is None:
                    # As `park`, written out: a greenlet that is parked pays for each frame that it
                    # stands in, in memory and in time, and most of them are parked here.
                    me.parked = self
                    try:
                        while me.parked is self:
                            me.ready.popleft().switch()
                    except BaseException:  # what was thrown past the hub
                        hub.mend()
                        raise
                elif park_until(me, self, deadline):
                    self.expired = True
                    raise TimeoutError(f"nobody answered within {timeout} seconds")
                if not self._settled:
                    raise_pending(me)
        finally:
            me.parked = self._fiber = None
            self._spent = not self._settled

    def __repr__(self) -> str:
        if self._settled:
            state = "settled"
        elif self._spent:
            state = "spent"
        else:
            state = "open" if self._fiber is None else "waited on"
        return f"<Waiter at {id(self):#x}, {state}>"
