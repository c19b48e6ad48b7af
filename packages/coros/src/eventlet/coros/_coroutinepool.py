"""A limited number of green threads that run what they are given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

from eventlet.hub import GreenletExit, GreenThread, getcurrent, sleep, spawn

from ._counts import check_count
from ._event import Event
from ._queue import Queue
from ._results import Unordered
from ._scheduler import in_hub_greenlet
from ._slots import Slots
from ._statistics import CoroutinePoolStatistics
from .errors import Misuse

P = ParamSpec("P")
T = TypeVar("T")


class CoroutinePool:
    """Runs functions in green threads, at most `max_size` at a time.

    As a context manager it waits at the end of the block for all that it runs; if the block is left
    by an exception, or that wait is interrupted by one, it kills them.

    Arguments:
        min_size: has no effect, as green threads cost nothing to start; kept for old callers.
        max_size: how many may run at a time.
        track_events: collect the results for `wait`.

    Raises:
        TypeError: a size is not a whole number.
        ValueError: a size is negative, or `min_size` above `max_size`.
    """

    def __init__(self, min_size: int = 0, max_size: int = 4, track_events: bool = False) -> None:
        if check_count("min_size", min_size) > check_count("max_size", max_size):
            raise ValueError(f"min_size {min_size} is above max_size {max_size}")
        self._slots = Slots(max_size)
        self._workers: set[GreenThread[Any]] = set()
        self._ended: Queue[GreenThread[Any]] | None = Queue() if track_events else None

    # Giving it work

    def execute(
        self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> GreenThread[T]:
        """Run ``function(*args, **kwargs)`` in a green thread of the pool.

        Waits while the pool is full. Only one of the pool's own workers does not: called by one in
        a full pool, the function runs at once, outside of the limit, and has ended on return.

        Returns:
            The green thread; its ``wait()`` returns the result, or raises the exception.

        Raises:
            TypeError: `function` is not callable.
        """
        if not callable(function):
            raise TypeError(
                f"execute() takes a function and its arguments, not {function!r};"
                " pass the function itself, not its result"
            )
        slots = self._slots
        if not slots.acquire(False):
            if self.is_worker():
                return self._execute_inside(function, *args, **kwargs)
            slots.acquire()
        try:
            worker = spawn(function, *args, **kwargs)
        except BaseException:  # no hub to be had: the slot must not be lost with it
            slots.release()
            raise
        self._workers.add(worker)
        worker.link(self._finish)
        return worker

    execute_async = execute
    """The same as `execute`, which does not wait for the result either."""

    def launch_all(
        self, function: Callable[..., object], iterable: Iterable[Iterable[Any]]
    ) -> None:
        """Call `execute` with `function` and the arguments in each tuple of `iterable`."""
        for args in iterable:
            self.execute(function, *args)

    def process_all(
        self, function: Callable[..., object], iterable: Iterable[Iterable[Any]]
    ) -> None:
        """Call `launch_all`, then wait until all have ended."""
        self.launch_all(function, iterable)
        self.wait_all()

    def generate_results(
        self,
        function: Callable[..., T],
        iterable: Iterable[Iterable[Any]],
        qsize: int | None = None,
    ) -> Iterator[T]:
        """Return an iterator of the results of `function`, in the order in which they come.

        It takes an endless `iterable`: the pool is filled whenever a result is asked for, but never
        further ahead than there is room for the results.

        Arguments:
            iterable: one tuple of arguments a call.
            qsize: how many results to keep that nobody has asked for; None stands for the size
                of the pool.

        Raises:
            TypeError, ValueError: `qsize` is not a whole number, or negative.
            Exception: from ``next()``, what a call has raised; then one can go on.
        """
        return Unordered(self, function, iterable, qsize)

    # Waiting for it

    def wait(self, timeout: float | None = None) -> Any:
        """Wait for the next function to end, and return its result or raise its exception.

        Arguments:
            timeout: seconds; None waits for ever.

        Raises:
            Misuse: the pool was made without `track_events`.
            TimeoutError: none has ended in time.
            TypeError, ValueError: `timeout` is negative or not a number.
        """
        if self._ended is None:
            raise Misuse("this pool keeps no results; make it with track_events=True")
        return self._ended.wait(timeout).wait()

    def wait_all(self, timeout: float | None = None) -> None:
        """Wait until the pool is idle. What the functions raise isn't raised here.

        Arguments:
            timeout: seconds; None waits for ever.

        Raises:
            TimeoutError: the pool was not idle in time.
            Misuse: one of the pool's own workers waits, so it never could be.
            TypeError, ValueError: `timeout` is negative or not a number.
        """
        if self.is_worker():
            raise Misuse(f"a worker of {self!r} cannot wait for all of its workers to end")
        self._slots.wait_idle(self, timeout)

    waitall = wait_all
    """The same as `wait_all`."""

    def killall(self, *throw_args: Any) -> None:
        """Kill all that the pool runs, and yield to let it happen.

        A worker that calls this is the last to die, at once. Calls of `execute` that wait for room
        get it.

        Arguments:
            throw_args: another exception than `GreenletExit`, as for ``greenlet.throw``.
        """
        me = getcurrent()
        for worker in list(self._workers):
            if worker is not me:
                worker.throw(*throw_args)
        if isinstance(me, GreenThread) and me in self._workers:
            me.throw(*throw_args)
        elif not in_hub_greenlet():
            sleep(0)

    # Its size

    def resize(self, new_max_size: int) -> None:
        """Change how many may run at a time. What runs above a smaller number runs on.

        Raises:
            TypeError, ValueError: `new_max_size` is not a whole number, or negative.
        """
        self._slots.resize(check_count("new_max_size", new_max_size))

    @property
    def max_size(self) -> int:
        """How many may run at a time."""
        return self._slots.size

    @property
    def current_size(self) -> int:
        """How many run, including those that workers have started outside of the limit."""
        return len(self._workers)

    def running(self) -> int:
        """Return how many run, including those outside of the limit."""
        return len(self._workers)

    def is_worker(self) -> bool:
        """Return whether the pool runs what is asking."""
        return getcurrent() in self._workers

    def free(self) -> int:
        """Return how many more may run; negative after `resize` to less than what runs."""
        return self._slots.size - self._slots.out

    def waiting(self) -> int:
        """Return how many calls of `execute` wait for room."""
        return self._slots.waiting()

    def statistics(self) -> CoroutinePoolStatistics:
        """Return a snapshot of the numbers."""
        return CoroutinePoolStatistics(self.max_size, self.running(), self.waiting())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.killall()
        try:
            self.wait_all()
        except BaseException:  # interrupted: what was left running would outlive the block
            if not self.is_worker():
                self.killall()
            raise

    def __repr__(self) -> str:
        return (
            f"<CoroutinePool at {id(self):#x}, {len(self._workers)} of {self.max_size} running,"
            f" {self.waiting()} waiting>"
        )

    # Behind the scenes

    def _finish(self, worker: GreenThread[Any]) -> None:
        self._workers.discard(worker)
        self._slots.release()
        if self._ended is not None:
            self._ended.send(worker)

    def _execute_inside(
        self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> GreenThread[T]:
        """Run a function to its end for one of the workers, who must not wait for a slot."""
        ended: Event[None] = Event()
        worker = spawn(function, *args, **kwargs)
        self._workers.add(worker)
        worker.link(self._finish_inside, ended)
        try:
            ended.wait()
        except BaseException:  # as if the function had run in the worker that is interrupted
            worker.throw(GreenletExit)
            raise
        return worker

    def _finish_inside(self, worker: GreenThread[Any], ended: Event[None]) -> None:
        self._workers.discard(worker)
        if self._ended is not None:
            self._ended.send(worker)
        ended.send()


def execute(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> GreenThread[T]:
    """Run ``function(*args, **kwargs)`` in a green thread of its own.

    Returns:
        The green thread; its ``wait()`` returns the result, or raises the exception.

    Raises:
        TypeError: `function` is not callable.
    """
    return spawn(function, *args, **kwargs)
