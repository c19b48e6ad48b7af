"""Containers that a `eventlet.coros._store.BoundedStore` can hold its items in, beside a deque.

They have the methods of a deque that a store uses. Those that run code of the user's (comparisons,
overridden methods) do that under the guard of the store, as one step.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from typing import Any, Protocol

from ._scheduler import RLock


class Stack(list[Any]):
    """Hands out the last item first."""

    __slots__ = ()

    popleft = list.pop
    appendleft = list.append


class Heap(list[Any]):
    """Hands out the smallest item first."""

    __slots__ = ("_guard",)

    def __init__(self, guard: RLock) -> None:
        super().__init__()
        self._guard = guard

    def append(self, item: Any) -> None:
        """Add an item.

        Raises:
            TypeError: or whatever comparing it raises; then nothing has been added.
        """
        with self._guard:
            try:
                heappush(self, item)
            except BaseException:  # it is in there by now, on its way to its place
                self._take_out(item)
                raise

    def _take_out(self, item: Any) -> None:
        rest = list(self)
        del rest[next(index for index, each in enumerate(rest) if each is item)]
        heapify(rest)
        self[:] = rest

    appendleft = append

    def popleft(self) -> Any:
        """Take the smallest item.

        Raises:
            IndexError: there is none.
            TypeError: or whatever comparing the others raises; then nothing has been taken.
        """
        with self._guard:
            if not self:
                raise IndexError("empty")
            first, last = self[0], self[-1]
            try:
                return heappop(self)
            except BaseException:  # the first is out by now, and the last on its way to a place
                self._undo_pop(first, last)
                raise

    def _undo_pop(self, first: Any, last: Any) -> None:
        """Move those back down that have moved up on the way of the last one."""
        place = next(index for index, each in enumerate(self) if each is last)
        while place:
            above = (place - 1) // 2
            self[place] = self[above]
            place = above
        self[0] = first
        super().append(last)


class Hooks(Protocol):
    """The methods of `queue.Queue` that people override in order to choose a container."""

    def _qsize(self) -> int: ...
    def _put(self, item: Any) -> None: ...
    def _get(self) -> Any: ...


class Hooked:
    """Whatever the overridden methods of a queue make of it."""

    __slots__ = ("_guard", "_hooks")

    def __init__(self, hooks: Hooks, guard: RLock) -> None:
        self._hooks = hooks
        self._guard = guard

    def __len__(self) -> int:
        return self._hooks._qsize()

    def append(self, item: Any) -> None:
        """Add an item."""
        with self._guard:
            self._hooks._put(item)

    appendleft = append

    def popleft(self) -> Any:
        """Take the next item.

        Raises:
            IndexError: there is none.
        """
        with self._guard:
            if not self._hooks._qsize():
                raise IndexError("empty")
            return self._hooks._get()
