"""A limited number of children that have the same object, and take turns in being used."""

from __future__ import annotations

from typing import Any

from ._child import Child
from ._closing_pools import ChildPool
from ._remote import RemoteObject, wrap


class RemotePool(ChildPool[RemoteObject]):
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
        super().__init__(min_size, max_size)

    # Behind the scenes

    def _start(self) -> RemoteObject:
        return wrap(self._object)

    def _child_of(self, item: RemoteObject) -> Child:
        child: Child = item._eventlet_child
        return child
