"""Pools whose items live in child processes, and which can be closed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self, TypeVar

from eventlet.coros import Pool

from ._child import Child
from .errors import PoolClosed

T = TypeVar("T")


class ClosingPool(Pool[T], ABC):
    """A pool that has no children left once it is closed, as by leaving a ``with`` block.

    Arguments:
        min_size: how many items to create now.
        max_size: how many there can be.
    """

    def __init__(self, min_size: int, max_size: int) -> None:
        self._is_closed = False
        try:
            super().__init__(min_size, max_size)
        except BaseException:  # nobody gets to know those that were started
            self._kill_all()
            raise

    def put(self, item: T) -> None:
        """Put back an item that `get` has returned; one that is dead or one too many is ended.

        Raises:
            ForeignItem: it wasn't taken from here, or has been put back already.
        """
        is_too_many = self._is_closed or self.current_size > self.max_size
        if id(item) in self._lent and (is_too_many or self._is_dead(item)):
            self.discard(item)
        else:
            super().put(item)

    def discard(self, item: T) -> None:
        """Kill the child of an item that `get` has returned, instead of putting it back.

        Raises:
            ForeignItem: it wasn't taken from here, or has been put back already.
        """
        super().discard(item)
        self._end(item)

    def resize(self, new_size: int) -> None:
        """Change how many items there can be.

        If there are more, free ones are ended now, and others as they are put back.

        Raises:
            TypeError, ValueError: `new_size` is not a whole number, or negative.
        """
        free = list(self.free_items)
        super().resize(new_size)
        kept = {id(item) for item in self.free_items} | self._lent.keys()
        for item in free:
            if id(item) not in kept:
                self._end(item)

    def close(self) -> None:
        """Kill all children, also those in use; whoever waits gets `DeadProcess` or `PoolClosed`.

        Closing twice is harmless.
        """
        self._is_closed = True
        self._kill_all()
        # Each of those who wait goes to have a child started, and is told that there are none.
        self.resize(self.max_size + self.waiting())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _check_open(self) -> None:
        if self._is_closed:
            raise PoolClosed(f"{self!r} was closed")

    @abstractmethod
    def _is_dead(self, item: T) -> bool:
        """Whether the child of an item is of no use any more."""

    @abstractmethod
    def _end(self, item: T) -> None:
        """Kill and reap the child of an item."""

    @abstractmethod
    def _kill_all(self) -> None:
        """Kill and reap all children."""


class ChildPool(ClosingPool[T]):
    """A pool of what answers from a `Child` of its own."""

    def __init__(self, min_size: int, max_size: int) -> None:
        self._children: set[Child] = set()
        super().__init__(min_size, max_size)

    def create(self) -> T:
        """Start a child.

        Raises:
            PoolClosed: the pool was closed.
            Exception: what starting it raises.
        """
        self._check_open()
        item = self._start()
        self._children.add(self._child_of(item))
        if self._is_closed:  # meanwhile
            self._kill_all()
        self._check_open()
        return item

    def get(self, timeout: float | None = None) -> T:
        """Take an item; start a child if none is free, or wait if there are enough.

        Arguments:
            timeout: seconds to wait for one; None waits for ever.

        Raises:
            TimeoutError: none was put back in time.
            PoolClosed: the pool was closed.
            Exception: as `create` does; the next to call `get` tries again.
        """
        while self._is_dead(item := super().get(timeout)):
            self.discard(item)
        return item

    def _is_dead(self, item: T) -> bool:
        return self._child_of(item).is_dead

    def _end(self, item: T) -> None:
        child = self._child_of(item)
        self._children.discard(child)
        child.kill()
        child.wait()

    def _kill_all(self) -> None:
        children, self._children = self._children, set()
        for child in children:
            child.kill()
        for child in children:
            child.wait()

    @abstractmethod
    def _start(self) -> T:
        """Start a child, and return what stands for it."""

    @abstractmethod
    def _child_of(self, item: T) -> Child:
        """Return the child that an item answers from."""
