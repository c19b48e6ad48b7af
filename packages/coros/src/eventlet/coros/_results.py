"""Iterators over the results of many calls that a pool runs side by side.

They are driven by whoever iterates: each ``next()`` first fills the pool from the input, as far as
there is room for the results, and then waits for one. So there is no green thread in the background
that would have to be ended when somebody drops the iterator half way, and an endless input is read
no further than needed.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

from eventlet.hub import GreenThread, getcurrent

from ._counts import check_count
from ._outcome import join
from ._queue import Queue
from .errors import Misuse

if TYPE_CHECKING:
    from ._coroutinepool import CoroutinePool

T = TypeVar("T")


class _Results(ABC, Generic[T]):
    """What the iterators in order and out of order have in common: launching calls."""

    def __init__(
        self,
        pool: CoroutinePool,
        function: Callable[..., T],
        iterable: Iterable[Iterable[Any]],
        room: int | None,
    ) -> None:
        if not callable(function):
            raise TypeError(f"there must be a function to call, not {function!r}")
        self._pool = pool
        self._function = function
        self._inputs: Iterator[Iterable[Any]] | None = iter(iterable)
        self._room = None if room is None else check_count("qsize", room)
        self._args: tuple[Any, ...] | None = None
        self._failure: BaseException | None = None
        self._iterating: object = None
        # Calls whose results have not been returned, running or ended.
        self._pending = 0

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        if self._iterating is not None:
            raise Misuse(f"{self._iterating!r} is waiting in this iterator; it takes one at a time")
        self._iterating = getcurrent()
        try:
            self._fill()
            if not self._pending:
                self._end()
            worker = self._next_worker()
            self._pending -= 1
        finally:
            self._iterating = None
        return worker.wait()

    def _fill(self) -> None:
        """Launch as many calls as there is room for, but wait for room only for the first."""
        while not self._pending or self._has_room():
            self._read()
            if self._args is None:
                return
            try:
                worker = self._pool.execute(self._function, *self._args)
            except BaseException:
                # Killed while the pool was full: the call is still to be launched. One of the
                # pool's own workers, though, has been running it in the meantime.
                if self._pool.is_worker():
                    self._args = None
                raise
            self._args = None
            self._pending += 1
            self._note(worker)

    def _read(self) -> None:
        """Have the arguments for the next call at hand, if there is another one."""
        if self._args is not None or self._inputs is None:
            return
        try:
            args = next(self._inputs)
        except StopIteration:
            self._inputs = None
        except Exception as error:
            # What has been launched comes first, so that no result is lost.
            self._inputs = None
            self._failure = error
        else:
            self._args = tuple(args)

    def _has_room(self) -> bool:
        size = self._pool.max_size
        room = size if self._room is None else self._room
        return self._pool.free() > 0 and self._pending < size + room

    def _end(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        raise StopIteration

    @abstractmethod
    def _note(self, worker: GreenThread[T]) -> None:
        """Remember a call that was launched."""

    @abstractmethod
    def _next_worker(self) -> GreenThread[T]:
        """Wait for the call whose result is next, and return it."""


class Unordered(_Results[T]):
    """Returns results in the order in which they come."""

    def __init__(
        self,
        pool: CoroutinePool,
        function: Callable[..., T],
        iterable: Iterable[Iterable[Any]],
        room: int | None,
    ) -> None:
        super().__init__(pool, function, iterable, room)
        self._ended: Queue[GreenThread[T]] = Queue()

    def _note(self, worker: GreenThread[T]) -> None:
        worker.link(self._ended.send)

    def _next_worker(self) -> GreenThread[T]:
        return self._ended.wait()


class Ordered(_Results[T]):
    """Returns results in the order of the input."""

    def __init__(
        self,
        pool: CoroutinePool,
        function: Callable[..., T],
        iterable: Iterable[Iterable[Any]],
        room: int | None,
    ) -> None:
        super().__init__(pool, function, iterable, room)
        self._launched: deque[GreenThread[T]] = deque()

    def _note(self, worker: GreenThread[T]) -> None:
        self._launched.append(worker)

    def _next_worker(self) -> GreenThread[T]:
        join(self._launched[0])
        return self._launched.popleft()
