"""Functions that run in child processes, on all cores."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable, Iterable, Iterator
from typing import ParamSpec, TypeVar

from eventlet import coros
from eventlet.hub._native import local

from ._child import Child
from ._closing_pools import ChildPool

P = ParamSpec("P")
T = TypeVar("T")
A = TypeVar("A")


class WorkerPool(ChildPool[Child]):
    """Runs functions in child processes, as many at once as there are cores; more wait.

    Functions, arguments and results are pickled, so a function must be one that can be imported:
    not a lambda, and not one defined in another. The program itself is imported by the children
    for functions that are defined there. Leaving a ``with`` block closes the pool.

    Arguments:
        max_size: how many functions may run at once; None: as many as there are cores.

    Raises:
        TypeError, ValueError: `max_size` is not a whole number, or negative.
    """

    def __init__(self, max_size: int | None = None) -> None:
        super().__init__(0, (os.cpu_count() or 1) if max_size is None else max_size)

    def run(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call ``function(*args, **kwargs)`` in a child process, and wait for it to end.

        When the waiting green thread is killed or timed out, the child is killed too.

        Returns:
            A copy of what the function returns. What it raises is raised here, with the traceback
            in the child as the cause.

        Raises:
            DeadProcess: the child has died meanwhile; the function may have crashed it.
            PicklingError, TypeError, AttributeError: function or arguments can't be pickled.
            TypeError: `function` can't be called.
            PoolClosed: the pool was closed.
        """
        if not callable(function):
            raise TypeError(f"pass the function, not its result: {function!r} can't be called")
        child = self.get()
        try:
            result: T = child.ask("apply", 0, function, args, tuple(kwargs.items()))[1]
        finally:
            if child.is_idle:
                self.put(child)
            else:
                self.discard(child)
        return result

    def map(self, function: Callable[[A], T], iterable: Iterable[A]) -> Iterator[T]:
        """Yield the results of `run` with each item, in order; take items only as fast as that."""
        return coros.map(lambda item: self.run(function, item), iterable, max(1, self.max_size))

    def _start(self) -> Child:
        return Child()

    def _child_of(self, item: Child) -> Child:
        return item


class _Here(local):
    """The pool of a native thread, and the process that it belongs to: a fork has copies."""

    pool: WorkerPool | None = None
    pid = 0


_here = _Here()


def run_in_process(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call ``function(*args, **kwargs)`` in a child process, and wait for it to end.

    As `WorkerPool.run` of a pool that lives as long as the program.
    """
    return _get_pool().run(function, *args, **kwargs)


def map_in_processes(function: Callable[[A], T], iterable: Iterable[A]) -> Iterator[T]:
    """Yield ``function(item)`` for each item, in order, computed by child processes.

    As `WorkerPool.map` of a pool that lives as long as the program.
    """
    return _get_pool().map(function, iterable)


def _get_pool() -> WorkerPool:
    pool = _here.pool
    if pool is None or pool._is_closed or _here.pid != os.getpid():
        pool = _here.pool = WorkerPool()
        _here.pid = os.getpid()
        atexit.register(_end, pool, os.getpid())
    return pool


def _end(pool: WorkerPool, pid: int) -> None:
    if os.getpid() == pid:
        pool.close()
