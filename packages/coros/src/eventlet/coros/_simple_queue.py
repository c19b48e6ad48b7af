"""The queue with nothing but items, with the contract of `queue.SimpleQueue`."""

from __future__ import annotations

from queue import Empty
from typing import Generic, TypeVar

from ._counts import check_timeout
from ._store import Store

T = TypeVar("T")


class SimpleQueue(Store, Generic[T]):
    """Hands items out in the order they came, any number of them; as `queue.SimpleQueue`.

    `put` may be called anywhere, in signal handlers and finalizers too.
    """

    __slots__ = ()

    def put(self, item: T, block: bool = True, timeout: float | None = None) -> None:
        """Put an item; never waits, whatever `block` and `timeout` are."""
        if self._takers and self._give_to_first(item):
            return
        self._items.append(item)
        if self._takers:
            self._hand_over()

    def put_nowait(self, item: T) -> None:
        """Put an item."""
        self.put(item)

    def get(self, block: bool = True, timeout: float | None = None) -> T:
        """Take the next item, and wait for it if there is none.

        Arguments:
            block: False doesn't wait.
            timeout: seconds; None waits for ever. Ignored without `block`.

        Raises:
            Empty: there was no item, or none in time.
            TypeError, ValueError: `timeout` is negative or not a number.
        """
        if timeout is not None and block:
            check_timeout(block, timeout)
        if self._items:
            try:
                item: T = self._items.popleft()
            except IndexError:  # another native thread was faster
                pass
            else:
                return item
        ticket = self._takers.wait(self, timeout) if block else self._takers.attempt(self)
        if not ticket.done:
            raise Empty
        taken: T = ticket.item
        return taken

    def get_nowait(self) -> T:
        """Take the next item if there is one.

        Raises:
            Empty: there is none.
        """
        return self.get(block=False)

    def empty(self) -> bool:
        """Whether there is nothing to get."""
        return not self._items

    def qsize(self) -> int:
        """Return how many items there are to get."""
        return len(self._items)

    def __repr__(self) -> str:
        return (
            f"<SimpleQueue at {id(self):#x}, {len(self._items)} items, {len(self._takers)} waiting>"
        )
