"""Cancel scopes: a deadline or a cancellation for a block of code, nested, with shields.

A scope that was cancelled, or whose deadline has passed, raises `Cancelled` at every point inside
its block where the green thread would wait, until the block is left; the scope catches it there.
That differs from `Timeout`, which interrupts once. A scope with ``shield`` set holds back
everything that was set up outside of it (cancellation, timeouts and kills) until its block has
been left.
"""

from __future__ import annotations

import math
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

from ._fiber import Delivery, Fiber, deliver, wake_if_pending, withdraw
from ._native import get_ident
from ._registry import current_fiber
from ._seconds import check_moment, check_seconds
from ._timers import Timer
from .errors import Cancelled, HubBusy

if TYPE_CHECKING:
    from ._greenthread import GreenThread


class CancelScope:
    """A block of code that can be cancelled; made by `move_on_after` and `fail_after`.

    Arguments:
        seconds: how long the block may take from its beginning; `math.inf` for ever.
        shield: hold back what comes from outside until the block has been left.

    Attributes:
        cancel_called: whether the scope was cancelled, or its deadline has passed.
        cancelled_caught: whether the block was cut short; known after it was left.
        shield: may be changed at any time.
        outer: the scope around this one in the same green thread.

    Raises:
        TypeError, ValueError: `seconds` is negative or not a number.
    """

    def __init__(self, seconds: float = math.inf, *, shield: bool = False) -> None:
        self._shield = shield
        self.cancel_called = False
        self.cancelled_caught = False
        self.outer: CancelScope | None = None
        self._seconds = check_seconds("a scope takes a number of seconds >= 0", seconds)
        self._deadline = math.inf
        self._fiber: Fiber | None = None
        self._thread: GreenThread[Any] | None = None
        self._timer: Timer | None = None
        # Its exception is made when it is needed, and dropped with the block: a traceback would
        # keep the frame alive that holds the scope.
        self._delivery: Delivery | None = None
        self._is_new = True

    def belongs_to(self, fiber: Fiber) -> bool:
        """Whether `fiber` is in the block."""
        return self._fiber is fiber

    @property
    def deadline(self) -> float:
        """When the block is cut short, on the hub's clock; assign to move it, infinity for never.

        Before the block is entered, the deadline is not known yet and reads as infinity.
        """
        return self._deadline

    @deadline.setter
    def deadline(self, when: float) -> None:
        self._deadline = check_moment("a deadline must be a number of seconds", when)
        self._seconds = math.inf  # whatever it was, this counts
        self._set_timer()

    @property
    def shield(self) -> bool:
        """Whether what comes from outside is held back; assign to change that."""
        return self._shield

    @shield.setter
    def shield(self, shield: bool) -> None:
        self._shield = shield
        fiber = self._fiber
        if fiber is not None and fiber.thread is self._thread:
            wake_if_pending(fiber)

    def cancel(self) -> None:
        """Raise `Cancelled` inside the block wherever it waits, now and until it has been left.

        Cancelling twice, or after the end, changes nothing. Before the beginning, it cuts the
        block short at its first wait.
        """
        fiber = self._fiber
        if self.cancel_called:
            return
        if fiber is not None and fiber.hub.ident != get_ident():
            fiber.hub.call_soon_threadsafe(self.cancel)
            return
        self.cancel_called = True
        if fiber is not None:
            self._delivery = self._make_delivery()
            deliver(fiber, self._thread, self._delivery)

    def __enter__(self) -> Self:
        if not self._is_new:
            raise HubBusy("a cancel scope is entered once; make a new one for another block")
        me = current_fiber()
        self._is_new = False
        self._fiber = me
        self._thread = me.thread
        self.outer = me.scope
        me.scope = self
        if self._seconds != math.inf:
            self._deadline = me.hub.time() + self._seconds
        self._set_timer()
        if self.cancel_called:
            self._delivery = self._make_delivery()
            me.pending.append(self._delivery)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        fiber = self._fiber
        if fiber is not None and fiber.thread is not self._thread:
            fiber = None  # a generator held the block open, and its green thread has ended
        elif fiber is None or fiber.scope is not self:
            raise HubBusy("cancel scopes must be left in the order opposite to entering them")
        delivery, self._delivery = self._delivery, None
        self._fiber = self._thread = None
        self._set_timer()
        if fiber is not None:
            fiber.scope = self.outer
        if fiber is not None and delivery is not None:
            withdraw(fiber, delivery)
        self.cancelled_caught = delivery is not None and value is delivery.exception
        return self.cancelled_caught

    def _make_delivery(self) -> Delivery:
        return Delivery(Cancelled("the scope was cancelled"), self, repeats=True)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._fiber is not None and self._deadline != math.inf and not self.cancel_called:
            self._timer = self._fiber.hub.call_at(self._deadline, self.cancel)

    def __repr__(self) -> str:
        state = "cancelled" if self.cancel_called else "open" if self._fiber else "not entered"
        return f"<{type(self).__name__} {state}{', shielded' if self.shield else ''}>"


class _FailScope(CancelScope):
    """A scope that turns its deadline into an error."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> Literal[False]:
        if super().__exit__(kind, value, traceback):
            limit = "it had" if self._seconds == math.inf else f"{self._seconds} seconds"
            raise TimeoutError(f"the block was cut short: it took more than {limit}") from value
        return False


def move_on_after(seconds: float, *, shield: bool = False) -> CancelScope:
    """Return a scope that leaves its block silently when the time has passed.

    Arguments:
        seconds: from the beginning of the block; `math.inf` for a scope that only `cancel` ends.
        shield: hold back what comes from outside until the block has been left.

    Raises:
        TypeError, ValueError: `seconds` is negative or not a number.
    """
    return CancelScope(seconds, shield=shield)


def fail_after(seconds: float, *, shield: bool = False) -> CancelScope:
    """Return a scope that leaves its block with `TimeoutError` when the time has passed.

    Arguments and errors as for `move_on_after`.
    """
    return _FailScope(seconds, shield=shield)
