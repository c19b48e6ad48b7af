"""A limited number of things that take turns in being used: connections, for one."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from eventlet.hub import spawn

from ._counts import check_count, check_timeout
from ._line import Line
from ._outcome import join
from ._statistics import PoolStatistics
from .errors import AllFailed, ForeignItem, SomeFailed

T = TypeVar("T")
R = TypeVar("R")
S = TypeVar("S")

_NEW: Any = object()
"""Stands for the right to create an item."""


class Pool(Generic[T]):
    """Lends items out, makes those wait who find none left, and creates items when needed.

    Override `create`. Several native threads may share a pool, if they may share its items.

    Arguments:
        min_size: how many items to create now.
        max_size: how many items there can be.
        order_as_stack: lend the item that was put back last, instead of first.

    Attributes:
        free_items: the items that can be lent.
        current_size: how many items there are, lent or not.

    Raises:
        TypeError: a size is not a whole number.
        ValueError: a size is negative, or `min_size` above `max_size`.
    """

    def __init__(self, min_size: int = 0, max_size: int = 4, order_as_stack: bool = False) -> None:
        if check_count("min_size", min_size) > check_count("max_size", max_size):
            raise ValueError(f"min_size {min_size} is above max_size {max_size}")
        self.min_size = min_size
        self.max_size = max_size
        self.order_as_stack = order_as_stack
        self.current_size = 0
        self.free_items: deque[T] = deque()
        # By identity, as items need not be hashable: each lent item, and how many times over.
        self._lent: dict[int, tuple[T, int]] = {}
        self._line = Line(returns=True)
        self._line.alert = True
        for _ in range(min_size):
            self.current_size += 1
            self.free_items.append(self.create())

    def create(self) -> T:
        """Return a new item; to be overridden. It may wait, and it may fail."""
        raise NotImplementedError(f"{type(self).__name__} must override create()")

    def get(self, timeout: float | None = None) -> T:
        """Take an item; create one if none is free, or wait for one if there are enough.

        Arguments:
            timeout: seconds to wait for an item; None waits for ever. Creating one isn't limited.

        Raises:
            TimeoutError: none was put back in time.
            TypeError, ValueError: `timeout` is negative or not a number.
            Exception: what `create` raises; the next to call `get` tries again.
        """
        check_timeout(True, timeout)
        item = self._pick(first=not self._line)
        if item is None:
            ticket = self._line.wait(self, timeout)
            if not ticket.done:
                raise TimeoutError(f"nothing was put back into {self!r} within {timeout} seconds")
            item = ticket.item
        return self._create() if item[0] is _NEW else item[0]

    def put(self, item: T) -> None:
        """Put back an item that `get` has returned. It is dropped if there are too many.

        Raises:
            ForeignItem: the item wasn't taken from here, or has been put back already.
        """
        with self._line.guard:
            self._return(item)
            if self.current_size > self.max_size:
                self.current_size -= 1
            else:
                self._free(item)
        self._hand_over()

    def discard(self, item: T) -> None:
        """Forget an item that `get` has returned, instead of putting it back: it is broken.

        Its place is free at once; whoever is next has a new item created.

        Raises:
            ForeignItem: the item wasn't taken from here, or has been put back already.
        """
        with self._line.guard:
            self._return(item)
            self.current_size -= 1
        self._hand_over()

    @contextmanager
    def item(self, timeout: float | None = None) -> Iterator[T]:
        """Take an item for a ``with`` block, and put it back at the end, unless it was discarded.

        Arguments and errors as for `get`.
        """
        item = self.get(timeout)
        try:
            yield item
        finally:
            if id(item) in self._lent:
                self.put(item)

    def resize(self, new_size: int) -> None:
        """Change how many items there can be.

        If there are more, free ones are dropped now, and others as they are put back.

        Raises:
            TypeError, ValueError: `new_size` is not a whole number, or negative.
        """
        check_count("new_size", new_size)
        with self._line.guard:
            self.max_size = new_size
            while self.current_size > new_size and self.free_items:
                self.current_size -= 1
                self.free_items.pop()
        self._hand_over()

    def free(self) -> int:
        """Return how many more items can be taken without waiting."""
        return len(self.free_items) + self.max_size - self.current_size

    def waiting(self) -> int:
        """Return how many wait for an item."""
        return len(self._line)

    def fan(self, block: Callable[[T, S], R], input_list: Iterable[S]) -> list[R]:
        """Call ``block(item, input)`` for each input, side by side, each with an item of its own.

        Returns:
            The results, in the order of the inputs.

        Raises:
            SomeFailed: some calls have failed; its `results` hold the exceptions in their places.
            AllFailed: all calls have failed.
        """
        threads = [spawn(self._fan_one, block, input) for input in input_list]
        try:
            for thread in threads:
                join(thread)
        except BaseException:  # we are killed: so are they, as nobody wants their results
            for thread in threads:
                thread.throw()
            raise
        results: list[Any] = [t.value if t.successful else t.exception for t in threads]
        failures = sum(not thread.successful for thread in threads)
        if not failures:
            return results
        raise SomeFailed(results) if failures < len(results) else AllFailed(results)

    def statistics(self) -> PoolStatistics:
        """Return a snapshot of the numbers."""
        free = len(self.free_items)
        return PoolStatistics(self.max_size, self.current_size, free, len(self._line))

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} at {id(self):#x}, {len(self.free_items)} of"
            f" {self.current_size} free, {self.max_size} at most, {len(self._line)} waiting>"
        )

    # Behind the scenes

    def _fan_one(self, block: Callable[[T, S], R], input: S) -> R:
        with self.item() as item:
            return block(item, input)

    def _create(self) -> T:
        try:
            item = self.create()
        except BaseException:  # whatever it is, the place is for the next one to try
            self._put_back((_NEW,))
            raise
        with self._line.guard:
            self._lend(item)
        return item

    def _pick(self, *, first: bool = True) -> tuple[T] | None:
        """Take out what can be had without waiting, for the one who is first in line."""
        with self._line.guard:
            if not first:
                return None
            if self.free_items:
                item = self.free_items.popleft()
                self._lend(item)
                return (item,)
            if self.current_size < self.max_size:
                self.current_size += 1
                return (_NEW,)
            return None

    def _hand_over(self) -> None:
        line = self._line
        with line.guard:
            while line and (self.free_items or self.current_size < self.max_size):
                ticket = line.claim()
                if ticket is not None:
                    ticket.settle(self._pick())

    def _put_back(self, item: tuple[T]) -> None:
        if item[0] is not _NEW:
            self.put(item[0])
            return
        with self._line.guard:
            self.current_size -= 1
        self._hand_over()

    def _free(self, item: T) -> None:
        if self.order_as_stack:
            self.free_items.appendleft(item)
        else:
            self.free_items.append(item)

    def _lend(self, item: T) -> None:
        _, times = self._lent.get(id(item), (item, 0))
        self._lent[id(item)] = (item, times + 1)

    def _return(self, item: T) -> None:
        found = self._lent.get(id(item))
        if found is None:
            raise ForeignItem(
                f"{item!r} is not out of {self!r}: it was never taken, or was put back already"
            )
        if found[1] > 1:
            self._lent[id(item)] = (item, found[1] - 1)
        else:
            del self._lent[id(item)]


class Token:
    """Something to hold that is good for nothing else; see `TokenPool`."""


class TokenPool(Pool[Token]):
    """Lends tokens, to limit how many do something at a time."""

    def create(self) -> Token:
        """Return a new token."""
        return Token()
