"""Queues and channels: messages from those who send to those who wait."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Generic, Self, TypeVar

from eventlet.hub import HubError

from ._counts import check_count
from ._line import Ticket
from ._outcome import Failure, failure_of
from ._scheduler import Fiber, get_ident, in_hub_greenlet
from ._statistics import QueueStatistics
from ._store import BoundedStore, Store
from .errors import Closed

T = TypeVar("T")

_CLOSED = object()
"""What those are handed who wait when a queue is closed."""


class _Messages(Store, Generic[T]):
    """What queues and channels have in common: all about receiving and closing.

    That the takers are on the alert means that it is closed.
    """

    __slots__ = ()

    def _received(self, ticket: Ticket, timeout: float | None) -> Any:
        """Return what somebody was handed who has waited; not in the frame in which they wait."""
        if not ticket.done:
            raise TimeoutError(f"nothing came through {self!r} within {timeout} seconds")
        if ticket.item is _CLOSED:
            raise Closed(f"{self!r} has been closed, and nothing is left in it", drained=True)
        return ticket.item

    def _notify(self, item: Any) -> None:
        """Look who is to be told of `item`, which has been sent just now."""
        if self.closed:
            with self._takers.guard:
                if self._retract(item):
                    raise self._refusal()
        self._hand_over()

    def _refusal(self) -> Closed:
        return Closed(f"{self!r} has been closed; nothing can be sent through it any more")

    def close(self) -> None:
        """Let nothing more in. What is there can still be received; then waits raise `Closed`.

        Who waits to receive gets `Closed` now. Closing again changes nothing.
        """
        self._takers.alert = True
        self._hand_over()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._takers.alert

    @abstractmethod
    def send(self, result: T | None = None, exc: Any = None, timeout: float | None = None) -> None:
        """Send a message."""

    @abstractmethod
    def wait(self, timeout: float | None = None) -> T:
        """Wait for the next message and return it, or raise it if it is an exception."""

    def send_exception(self, *throw_args: Any) -> None:
        """Send an exception, which the receiver raises; otherwise as `send`.

        Arguments:
            throw_args: as for ``greenlet.throw``: an exception, or a class optionally followed by
                a value and a traceback; none stand for `GreenletExit`.

        Raises:
            Closed, TypeError: as `send`.
        """
        self.send(exc=throw_args)

    def waiting(self) -> int:
        """Return how many green threads wait to receive."""
        return len(self._takers)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        try:
            return self.wait()
        except Closed as closed:
            if closed.drained:
                raise StopIteration from None
            raise  # somebody has sent it

    def __repr__(self) -> str:
        closed = ", closed" if self.closed else ""
        waiting = len(self._takers)
        name = f"{type(self).__name__} at {id(self):#x}"
        return f"<{name}, {len(self)} items, {waiting} waiting{closed}>"

    def __len__(self) -> int:
        return len(self._items)


class Queue(_Messages[T]):
    """Takes any number of messages without waiting, and hands them out in order.

    Those who wait are served in the order they came. Senders and receivers may be in different
    native threads. The length is the number of messages that nobody has taken, and the queue is
    true if there are any. Iterating receives until the queue is closed and empty.
    """

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__()

    def send(self, result: T | None = None, exc: Any = None, timeout: float | None = None) -> None:
        """Send a message; never waits, so that `timeout` has no meaning.

        Arguments:
            exc: let the receiver raise this instead: an exception, a class, or a tuple of the
                arguments of ``greenlet.throw``.

        Raises:
            Closed: the queue has been closed.
            TypeError: `exc` cannot be raised.
        """
        item = result if exc is None else failure_of(exc)
        takers = self._takers
        if takers and self._give_to_first(item):
            return
        self._items.append(item)
        if takers or takers.alert:
            self._notify(item)

    def wait(self, timeout: float | None = None) -> T:
        """Wait for the next message and return it, or raise it if it is an exception.

        Arguments:
            timeout: seconds; None waits for ever.

        Raises:
            TimeoutError: nothing came in time.
            Closed: the queue has been closed, and nothing is left in it.
            TypeError, ValueError: `timeout` is negative or not a number.
        """
        if self._items:
            try:
                item = self._items.popleft()
            except IndexError:  # another native thread was faster
                item = self._received(self._takers.wait(self, timeout), timeout)
        else:
            # As `Line.wait`, written out; see `Line.begin`.
            line = self._takers
            ticket = line.begin(self, timeout)
            me: Fiber = ticket.fiber  # type: ignore[assignment]  # `begin` has set it
            try:
                while me.parked is ticket:
                    me.ready.popleft().switch()
            except BaseException:  # what was thrown past the hub
                line.abandon(ticket)
                raise
            if not ticket.done and timeout is None:  # something else has woken it
                line.stay(ticket, None)
            item = self._received(ticket, timeout)
        if type(item) is Failure:
            item.throw()
        message: T = item
        return message

    def statistics(self) -> QueueStatistics:
        """Return a snapshot of the numbers."""
        return QueueStatistics(len(self._items), len(self._takers), 0, self.closed)

    def ready(self) -> bool:
        """Whether `wait` would return or raise at once."""
        return bool(self._items) or self.closed

    def full(self) -> bool:
        """Whether `send` would wait: never."""
        return False

    def _on_alert(self) -> None:
        self._takers.settle_all(_CLOSED)


class Channel(BoundedStore, _Messages[T]):
    """A queue that makes senders wait while more than `max_size` messages are in it.

    With a `max_size` of 0, the default, each message passes straight from a sender to a receiver.
    A send that is interrupted or runs out of time leaves nothing behind. Called in the hub's own
    greenlet, where nothing may wait, `send` queues the message in any case.

    Arguments:
        max_size: how many messages there is room for.

    Raises:
        TypeError, ValueError: `max_size` is not a whole number, or negative.
    """

    __slots__ = ("max_size",)

    def __init__(self, max_size: int = 0) -> None:
        super().__init__(check_count("max_size", max_size))
        self.max_size = max_size

    def send(self, result: T | None = None, exc: Any = None, timeout: float | None = None) -> None:
        """Send a message, and wait for room first if there is none.

        Arguments:
            exc: let the receiver raise this instead: an exception, a class, or a tuple of the
                arguments of ``greenlet.throw``.
            timeout: seconds; None waits for ever.

        Raises:
            TimeoutError: there was no room in time; the message isn't sent.
            Closed: the channel has been closed.
            TypeError: `exc` cannot be raised.
            TypeError, ValueError: `timeout` is negative or not a number.
        """
        if exc is not None:
            result = failure_of(exc)  # type: ignore[assignment]  # `wait` tells it from a message
        # Put, then counted: the other way round another native thread may put one in between.
        items = self._items
        items.append(result)
        if len(items) <= self._room:
            if self._takers and not self._serve_first():
                self._hand_over()
        else:
            self._send_when_full(result, timeout)

    def wait(self, timeout: float | None = None) -> T:
        """Wait for the next message and return it, or raise it if it is an exception.

        Arguments:
            timeout: seconds; None waits for ever.

        Raises:
            TimeoutError: nothing came in time.
            Closed: the channel has been closed, and nothing is left in it.
            TypeError, ValueError: `timeout` is negative or not a number.
        """
        # Tried, not tested first: most of the time there is something.
        try:
            item = self._items.popleft()
        except IndexError:
            pass
        else:
            if self._givers and not self._let_first_in():
                self._hand_over()
            if type(item) is Failure:
                item.throw()
            return item  # type: ignore[no-any-return]  # what was sent
        giver = self._givers.claim_here() if self._givers and not self._room else None
        if giver is None:
            item = self._received(self._takers.wait(self, timeout), timeout)
        else:
            item = giver.item
            giver.settle(None)
        if type(item) is Failure:
            item.throw()
        message: T = item
        return message

    def statistics(self) -> QueueStatistics:
        """Return a snapshot of the numbers."""
        receiving, sending = len(self._takers), len(self._givers)
        return QueueStatistics(len(self._items), receiving, sending, self.closed)

    def ready(self) -> bool:
        """Whether `wait` would return or raise at once."""
        return bool(self._items or self._givers) or self.closed

    def full(self) -> bool:
        """Whether `send` would wait."""
        return len(self._items) >= self.max_size and not self._takers

    def sending(self) -> int:
        """Return how many messages wait to get in."""
        return len(self._givers)

    def __len__(self) -> int:
        return len(self._items) + len(self._givers)

    def close(self) -> None:
        """Let nothing more in, as `Queue.close`; who waits to send gets `Closed` too."""
        self._room = -1
        super().close()

    def _on_alert(self) -> None:
        self._turn_away(_CLOSED)
        if not self._items:
            self._takers.settle_all(_CLOSED)

    def _serve_first(self) -> bool:
        """Hand the first item to the first taker, if that is as simple as it mostly is."""
        takers = self._takers
        # As `Line.claim_here` and `Ticket.settle`, written out, which would take twice as long.
        try:
            ticket = takers[0]
            fiber = ticket.fiber
            if fiber is None or fiber.parked is not ticket or fiber.hub.ident != get_ident():
                return False
            takers.remove(ticket)
        except (IndexError, ValueError):  # another native thread was faster
            return False
        try:
            ticket.item = self._items.popleft()
        except IndexError:  # another native thread was faster
            takers.appendleft(ticket)
            return False
        ticket.done = True
        fiber.parked = None
        fiber.ready.append(fiber)
        return True

    def _let_first_in(self) -> bool:
        """Let the first giver in, if that is as simple as it mostly is, and all there is to do."""
        items, givers = self._items, self._givers
        if len(items) >= self._room:
            return False
        # Written out as in `_serve_first`.
        try:
            ticket = givers[0]
            fiber = ticket.fiber
            if fiber is None or fiber.parked is not ticket or fiber.hub.ident != get_ident():
                return False
            givers.remove(ticket)
        except (IndexError, ValueError):  # another native thread was faster
            return False
        items.append(ticket.item)
        if len(items) > self._room:  # another native thread has filled the channel, or closed it
            with givers.guard:
                if self._retract(ticket.item):
                    givers.appendleft(ticket)
                    return False
        ticket.item = None
        ticket.done = True
        fiber.parked = None
        fiber.ready.append(fiber)
        return not self._takers

    def _send_when_full(self, item: Any, timeout: float | None) -> None:
        """Send a message that has been put, but for which there may be no room."""
        if not self._is_too_much(item):
            self._notify(item)
            return
        if self._givers or self._takers:
            if not self._givers and self._give_to_first(item):
                return
            self._hand_over()  # there may be room again, for those who have waited longer
        try:
            ticket = self._givers.wait(self, timeout, item)
        except HubError:
            if not in_hub_greenlet():
                raise
            self._send_from_hub(item)
            return
        if not ticket.done:
            raise TimeoutError(f"there was no room in {self!r} within {timeout} seconds")
        if ticket.item is _CLOSED:
            raise self._refusal()

    def _send_from_hub(self, item: Any) -> None:
        if self.closed:
            raise self._refusal()
        self._force(item)


def queue(max_size: int | None = None) -> Queue[Any] | Channel[Any]:
    """Return a `Queue`, or with a `max_size` a `Channel` of that size.

    Raises:
        TypeError, ValueError: `max_size` is neither None nor a whole number, or negative.
    """
    return Queue() if max_size is None else Channel(max_size)
