"""A limited number of children that have the same object, and take turns in being used."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from eventlet.coros import Pool

from ._child import Child
from ._remote import RemoteObject, wrap
from .errors import PoolClosed


class RemotePool(Pool[RemoteObject]):
    """Lends out remote objects, each in a child of its own, which begin as copies of one object.

    So several green threads can use it at the same time, on several cores. A child is started when
    none is free; one that has died is replaced. Leaving a ``with`` block closes the pool.

    Arguments:
        obj: the object, or the module, as for `wrap`.
        min_size: how many children to start now.
        max_size: how many there can be.

    Raises:
        TypeError: a size is not a whole number.
        ValueError: a size is negative, or `min_size` above `max_size`.
        Exception: as `wrap` does.
    """

    def __init__(self, obj: Any, min_size: int = 0, max_size: int = 4) -> None:
        self._object = obj
        self._is_closed = False
        self._children: set[Child] = set()
        try:
            super().__init__(min_size, max_size)
        except BaseException:  # nobody gets to know those that were started
            self._kill_all()
            raise

    def create(self) -> RemoteObject:
        """Start a child with a copy of the object.

        Raises:
            PoolClosed: the pool was closed.
            Exception: as `wrap` does.
        """
        if self._is_closed:
            raise PoolClosed(f"{self!r} was closed")
        remote = wrap(self._object)
        self._children.add(remote._eventlet_child)
        if self._is_closed:  # meanwhile
            self._kill_all()
            raise PoolClosed(f"{self!r} was closed")
        return remote

    def get(self, timeout: float | None = None) -> RemoteObject:
        """Take an object; start a child if none is free, or wait if there are enough.

        Arguments:
            timeout: seconds to wait for one; None waits for ever.

        Raises:
            TimeoutError: none was put back in time.
            PoolClosed: the pool was closed.
            Exception: as `wrap` does; the next to call `get` tries again.
        """
        while _is_dead(remote := super().get(timeout)):
            self.discard(remote)
        return remote

    def put(self, item: RemoteObject) -> None:
        """Put back an object that `get` has returned; one that is dead or too many is ended.

        Raises:
            ForeignItem: it wasn't taken from here, or has been put back already.
        """
        if _is_dead(item) or self._is_closed or self.current_size > self.max_size:
            self.discard(item)
        else:
            super().put(item)

    def discard(self, item: RemoteObject) -> None:
        """Kill the child of an object that `get` has returned, instead of putting it back.

        Raises:
            ForeignItem: it wasn't taken from here, or has been put back already.
        """
        super().discard(item)
        child: Child = item._eventlet_child
        self._children.discard(child)
        child.kill()
        child.wait()

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

    # Behind the scenes

    def _kill_all(self) -> None:
        children, self._children = self._children, set()
        for child in children:
            child.kill()
        for child in children:
            child.wait()


def _is_dead(remote: RemoteObject) -> bool:
    child: Child = remote._eventlet_child
    return child.is_dead
