"""Queues with the contract of `queue.Queue` and its relatives."""

from __future__ import annotations

import sys
from collections import deque
from queue import Empty, Full
from typing import Any, Generic, TypeVar

from ._containers import Heap, Hooked, Stack
from ._counts import check_size, check_timeout
from ._line import Line
from ._outcome import Failure
from ._store import BoundedStore

if sys.version_info >= (3, 13):
    from queue import ShutDown as ShutDown
else:

    class ShutDown(Exception):
        """A queue has been shut down: nothing can be put, and nothing is left to get."""


T = TypeVar("T")

_SHUT = object()
"""What those are handed who wait when a queue is shut down."""


class Queue(BoundedStore, Generic[T]):
    """Hands items out in the order they came; with the contract of `queue.Queue`.

    Those who wait are served in the order they came. As with `queue.Queue`, a subclass may override
    ``_init``, ``_qsize``, ``_put`` and ``_get`` to keep the items in another way. There is no
    ``mutex`` and no conditions, though, as there is nothing that they would be good for.

    Arguments:
        maxsize: how many items there is room for, any number; 0 or less for no limit.

    Attributes:
        maxsize: as given.
        queue: the container of the items, to look at.
        unfinished_tasks: how many items were put and have not been followed by `task_done`.
        is_shutdown: whether `shutdown` was called.

    Raises:
        TypeError: `maxsize` is not a number; True and False are none.
        ValueError: `maxsize` is NaN.
    """

    # Without slots, as `queue.Queue`, so that subclasses can inherit from other classes too.

    def __init__(self, maxsize: int = 0) -> None:
        limit = check_size("maxsize", maxsize)
        self.maxsize = maxsize
        self.unfinished_tasks = 0
        self.is_shutdown = False
        super().__init__(limit)
        self._joiners = _Joiners(self, self._takers.guard)
        self._init(maxsize)
        if self._is_hooked():
            self._items = self._takers.store = Hooked(self, self._takers.guard)  # type: ignore[assignment]

    # Putting

    def put(self, item: T, block: bool = True, timeout: float | None = None) -> None:
        """Put an item, and wait for room if there is none.

        Arguments:
            block: False doesn't wait.
            timeout: seconds; None waits for ever. Ignored without `block`.

        Raises:
            Full: there was no room, or none in time.
            ShutDown: the queue has been shut down.
            TypeError, ValueError: `timeout` is negative or not a number.
        """
        if timeout is not None and block:
            check_timeout(block, timeout)
        if len(self._items) >= self._room or not self._put_at_once(item):
            self._wait_to_put(item, block, timeout)

    def put_nowait(self, item: T) -> None:
        """Put an item if there is room.

        Raises:
            Full: there is none.
            ShutDown: the queue has been shut down.
        """
        self.put(item, block=False)

    def full(self) -> bool:
        """Whether `put` would wait."""
        return len(self._items) >= self._limit

    # Getting

    def get(self, block: bool = True, timeout: float | None = None) -> T:
        """Take the next item, and wait for it if there is none.

        Arguments:
            block: False doesn't wait.
            timeout: seconds; None waits for ever. Ignored without `block`.

        Raises:
            Empty: there was no item, or none in time.
            ShutDown: the queue has been shut down, and nothing is left in it.
            TypeError, ValueError: `timeout` is negative or not a number.
        """
        if timeout is not None and block:
            check_timeout(block, timeout)
        if self._items:
            try:
                item: T = self._items.popleft()
            except IndexError:  # another native thread was faster
                return self._wait_to_get(block, timeout)
            if self._givers:
                self._hand_over()
            return item
        return self._wait_to_get(block, timeout)

    def get_nowait(self) -> T:
        """Take the next item if there is one.

        Raises:
            Empty: there is none.
            ShutDown: the queue has been shut down, and nothing is left in it.
        """
        return self.get(block=False)

    def empty(self) -> bool:
        """Whether `get` would wait."""
        return not len(self._items)

    def qsize(self) -> int:
        """Return how many items there are to get."""
        return len(self._items)

    # Tasks

    def task_done(self) -> None:
        """Say that the work on an item that `get` has returned is done; see `join`.

        Raises:
            ValueError: it was said more often than there were items.
        """
        with self._takers.guard:
            if not self.unfinished_tasks:
                raise ValueError("task_done() called too many times")
            self._finish(1)

    def join(self, timeout: float | None = None) -> None:
        """Wait until `task_done` has been called for every item.

        Arguments:
            timeout: seconds; None waits for ever.

        Raises:
            TimeoutError: that has not happened in time.
            TypeError, ValueError: `timeout` is negative or not a number.
        """
        if self.unfinished_tasks and not self._joiners.line.wait(self._joiners, timeout).done:
            raise TimeoutError(f"{self!r} was not done within {timeout} seconds")

    def shutdown(self, immediate: bool = False) -> None:
        """Let nothing more in. What is there can still be got; then `get` raises `ShutDown`.

        Who waits to put or get, and has to, gets `ShutDown` now.

        Arguments:
            immediate: drop what is there, as if it had been got and done.
        """
        with self._takers.guard:
            self._room = -1
            self.is_shutdown = self._takers.alert = True
            if immediate:
                self._turn_away(_SHUT)
                self._drop_all()
        self._hand_over()

    # What people override

    def _init(self, maxsize: int) -> None:
        """Make the container."""
        self.queue: Any = self._items

    def _qsize(self) -> int:
        return len(self.queue)

    def _put(self, item: T) -> None:
        self.queue.append(item)

    def _get(self) -> T:
        item: T = self.queue.popleft()
        return item

    # Behind the scenes

    def _is_hooked(self) -> bool:
        names = ("_init", "_qsize", "_put", "_get")
        plain = next(base for base in type(self).__mro__ if base in _PLAIN)
        return any(getattr(type(self), name) is not getattr(plain, name) for name in names)

    def _put_at_once(self, item: Any) -> bool:
        """Put an item if there is still room for it; return whether there was."""
        items = self._items
        if type(items) is deque:
            # As `_let_in`, written out.
            self.unfinished_tasks += 1
            items.append(item)
        elif not self._put_guarded(item):
            return False
        if len(items) <= self._room:
            if self._takers:
                self._hand_over()
            return True
        if self._is_too_much(item):
            return False
        self._notify(item)
        return True

    def _put_guarded(self, item: Any) -> bool:
        """Put an item into a container that runs the user's code, and may have no order."""
        with self._takers.guard:
            if len(self._items) >= self._room:
                return False
            self._let_in(item)
            return True

    def _let_in(self, item: Any) -> None:
        # Counted first, because whoever gets it may be done with it before we go on. The count
        # changes in steps without a call, where no other native thread can come in between.
        self.unfinished_tasks += 1
        try:
            super()._let_in(item)
        except BaseException:  # whatever it is, nothing has been put
            self._finish(1)
            raise

    def _retract(self, item: Any) -> bool:
        was_there = super()._retract(item)
        if was_there:
            self._finish(1)
        return was_there

    def _put_in_front(self, item: Any) -> None:
        # It is going to be counted again; nobody is told, as nothing has been done.
        self.unfinished_tasks -= 1
        super()._put_in_front(item)

    def _notify(self, item: Any) -> None:
        with self._takers.guard:
            # Put while another native thread shut the queue down?
            if self.is_shutdown and self._retract(item):
                raise ShutDown
        self._hand_over()

    def _wait_to_put(self, item: Any, block: bool, timeout: float | None) -> None:
        ticket = self._givers.attempt(self, item)
        if not ticket.done and block:
            ticket = self._givers.wait(self, timeout, item)
        if not ticket.done:
            raise Full
        if ticket.item is _SHUT:
            raise ShutDown
        if type(ticket.item) is Failure:
            ticket.item.throw()

    def _wait_to_get(self, block: bool, timeout: float | None) -> T:
        ticket = self._takers.attempt(self)
        if not ticket.done and block:
            ticket = self._takers.wait(self, timeout)
        if not ticket.done:
            raise Empty
        if ticket.item is _SHUT:
            raise ShutDown
        if type(ticket.item) is Failure:
            ticket.item.throw()
        item: T = ticket.item
        return item

    def _finish(self, tasks: int) -> None:
        self.unfinished_tasks -= tasks
        self._joiners._hand_over()

    def _drop_all(self) -> None:
        dropped = 0
        while self._items:
            self._items.popleft()
            dropped += 1
        self._finish(min(dropped, self.unfinished_tasks))

    def _on_alert(self) -> None:
        self._turn_away(_SHUT)
        if not self._items:
            self._takers.settle_all(_SHUT)

    def __repr__(self) -> str:
        name = f"{type(self).__name__} at {id(self):#x}"
        shut = ", shut down" if self.is_shutdown else ""
        return f"<{name}, {len(self._items)} items, {len(self._takers)} waiting{shut}>"


class LifoQueue(Queue[T]):
    """Hands the last item out first; otherwise as `Queue`."""

    def _init(self, maxsize: int) -> None:
        self._items = self._takers.store = self.queue = Stack()  # type: ignore[assignment]

    def _get(self) -> T:
        item: T = self.queue.pop()
        return item


class PriorityQueue(Queue[T]):
    """Hands the smallest item out first; otherwise as `Queue`."""

    def _init(self, maxsize: int) -> None:
        heap = Heap(self._takers.guard)
        self._items = self._takers.store = self.queue = heap  # type: ignore[assignment]


_PLAIN = (Queue, LifoQueue, PriorityQueue)


class _Joiners:
    """Those who wait for the tasks of a queue to be done."""

    __slots__ = ("_queue", "line")

    def __init__(self, queue: Queue[Any], guard: Any) -> None:
        self._queue = queue
        self.line = Line(guard=guard)
        self.line.alert = True

    def _hand_over(self) -> None:
        with self.line.guard:
            if not self._queue.unfinished_tasks:
                self.line.settle_all()

    def _put_back(self, item: object) -> None:
        """Nothing to do: an end isn't used up."""

    def __repr__(self) -> str:
        return f"the tasks of {self._queue!r}"
