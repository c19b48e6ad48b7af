"""Native threads that make blocking calls for green threads.

Not `concurrent.futures`: its queue, futures and conditions cost more than the hand-over itself
(docs/design/threadpool.md has the numbers), and they turn green in a patched process.

A worker that has nothing to do stands on a stack, and waits for its own lock. So the one that
worked last works next, and those that a burst of calls brought end when their time is up. There is
no lock around the books: each step is one operation on a list or deque, which the interpreter makes
atomic, and who publishes something looks once more at what the other side may have missed. So the
garbage collector and signal handlers may come in anywhere, and start calls of their own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from typing import Any, NamedTuple, ParamSpec, TypeVar, cast

from ._fiber import raise_pending
from ._fork import run_in_child
from ._native import (
    TIMEOUT_MAX,
    allocate_lock,
    bystanders,
    is_program_ending,
    local,
    start_new_thread,
)
from ._registry import current_fiber
from ._waiter import Waiter
from .errors import HubBusy

P = ParamSpec("P")
T = TypeVar("T")

# After so many seconds without work a worker ends.
_IDLE_TIMEOUT = 30.0


class ThreadPoolStatistics(NamedTuple):
    """A snapshot of a thread pool; see `ThreadPool.statistics`."""

    max_workers: int
    workers: int
    idle: int
    queued: int


class _Here(local):
    """What a native thread knows about itself."""

    is_worker = False


_here = _Here()


class _Job:
    """One call, on its way through a worker and back to the hub of the one who waits for it."""

    __slots__ = (
        "_args",
        "_context",
        "_error",
        "_function",
        "_hub",
        "_kwargs",
        "_result",
        "_waiter",
    )

    def __init__(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        self._waiter: Waiter[None] | None = Waiter()
        self._hub = current_fiber().hub
        self._context = copy_context()
        self._function: Callable[..., Any] | None = function
        self._args = args
        self._kwargs = kwargs
        self._result: Any = None
        self._error: BaseException | None = None
        self._hub.outside += 1

    def wait(self) -> Any:
        """Wait for the outcome; one that comes after a kill or timeout is dropped."""
        try:
            cast("Waiter[None]", self._waiter).wait()
        finally:
            self._waiter = None
        result, error = self._result, self._error
        self._result = self._error = None
        if error is None:
            return result
        try:
            raise error
        finally:
            del error  # the traceback would keep it alive in a cycle

    def run(self) -> None:
        """Make the call, unless nobody waits any more; in a worker."""
        function, args, kwargs = self._function, self._args, self._kwargs
        self._function, self._args, self._kwargs = None, (), {}
        try:
            if function is not None and self._waiter is not None:
                self._result = self._context.run(function, *args, **kwargs)
        except BaseException as error:  # it is the outcome
            # Without this frame, which would tie the exception to the job.
            self._error = error.with_traceback(error.__traceback__ and error.__traceback__.tb_next)

    def deliver(self) -> None:
        """Bring the outcome home; in the worker."""
        self._hub.call_soon_threadsafe(self.close)

    def close(self) -> None:
        """Wake who waits, if anybody still does; in the hub's own native thread."""
        self._hub.outside -= 1
        waiter = self._waiter
        if waiter is None:
            self._result = self._error = None
        else:
            waiter.switch()


class _Worker:
    """One native thread of a pool.

    Attributes:
        job: what to run next; None says to look for a job in the queue.
    """

    __slots__ = ("_order", "_pool", "job")

    def __init__(self, pool: ThreadPool, job: _Job | None) -> None:
        self._pool = pool
        self.job = job
        self._order = allocate_lock()
        self._order.acquire()

    def give(self, job: _Job | None) -> None:
        """Wake a worker that was taken off the stack."""
        self.job = job
        self._order.release()

    def wait(self, timeout: float | None) -> bool:
        """Wait for an order, for some seconds or for ever; return whether there was one."""
        return self._order.acquire(timeout=-1 if timeout is None else timeout)

    def run(self) -> None:
        """Work until the pool has no more use for this thread."""
        _here.is_worker = True
        while True:
            job, self.job = self.job, None
            if job is not None:
                job.run()
                # First, so that a hub that has the outcome knows that nothing more will come.
                bystanders.add(self)
                job.deliver()
                del job  # so that an idle worker keeps nothing alive
            has_work = self._pool.find_work(self)
            bystanders.discard(self)
            if not has_work:
                return


class ThreadPool:
    """Makes blocking calls in native threads while only the calling green thread waits.

    Threads are started when they are needed, and end when they have been idle for a while. They
    never hold up the end of the program. Any number of hubs may use one pool.

    Arguments:
        max_workers: how many calls may be under way at once; more wait for their turn.
        name: for reports.
        idle_timeout: after how many seconds without work a thread ends; None: never.

    Raises:
        ValueError: `max_workers` is less than 1, or `idle_timeout` is negative, too large for the
            system or not a number.
    """

    def __init__(
        self, max_workers: int, name: str = "pool", idle_timeout: float | None = _IDLE_TIMEOUT
    ) -> None:
        if idle_timeout is not None and not 0 <= idle_timeout <= TIMEOUT_MAX:
            raise ValueError(
                f"idle_timeout must be None or from 0 to {TIMEOUT_MAX:.0f} s, not {idle_timeout!r}"
            )
        self.name = name
        self._size = _checked_size(max_workers)
        self._idle_timeout = idle_timeout
        self._workers: set[_Worker] = set()
        self._idle: list[_Worker] = []
        self._queue: deque[_Job] = deque()
        # One entry for each thread that may still be started, and for each that is one too many.
        self._slots: deque[None] = deque([None] * max_workers)
        self._surplus: deque[None] = deque()
        self._mourners: list[Waiter[None]] = []
        run_in_child(self, ThreadPool._begin_anew)

    def execute(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Call ``function(*args, **kwargs)`` in a native thread, and wait for it to end.

        The call sees a copy of the caller's `contextvars` context. In a thread of any pool, it is
        made on the spot.

        When the waiting green thread is killed or timed out, a call that has not begun is never
        made, and the outcome of one that is under way is dropped when it comes. In an exit handler
        of the program, when no thread can be started any more, the call is made on the spot.

        Returns:
            What the function returns. What it raises is raised here, with its traceback.

        Raises:
            TypeError: `function` is not callable.
            RuntimeError: the system has no room for a first native thread.
            HubError: called in the hub's own greenlet, where nothing may wait.
        """
        if not callable(function):
            raise TypeError(
                f"execute() takes a function and its arguments, not {function!r};"
                " pass the function itself, not its result"
            )
        if _here.is_worker:
            return function(*args, **kwargs)
        me = current_fiber()
        if me.pending:
            raise_pending(me)
        job = _Job(function, args, kwargs)
        try:
            self._submit(job)
        except RuntimeError:
            job.close()
            if is_program_ending():
                return function(*args, **kwargs)
            raise
        return cast(T, job.wait())

    @property
    def size(self) -> int:
        """How many calls may be under way at once."""
        return self._size

    def resize(self, max_workers: int) -> None:
        """Change how many calls may be under way at once; those that are go on.

        Raises:
            TypeError, ValueError: `max_workers` is not a whole number, or less than 1.
        """
        growth = _checked_size(max_workers) - self._size
        self._size = max_workers
        if growth > 0:
            self._add_slots(growth)
        else:
            self._remove_slots(-growth)

    def killall(self) -> None:
        """End all threads, and wait for them to do so; the calls that are under way finish first.

        Calls that have not begun are made afterwards, by new threads: the pool stays usable.

        Raises:
            HubBusy: called in a thread of a pool, which cannot wait for itself to end.
        """
        if _here.is_worker:
            raise HubBusy(f"a thread of {self!r} cannot wait for the threads of a pool to end")
        hub = current_fiber().hub
        size = self._size
        self._remove_slots(size)
        hub.outside += 1
        try:
            while self._workers:
                self._await_an_end()
        finally:
            hub.outside -= 1
            self._add_slots(size)

    def statistics(self) -> ThreadPoolStatistics:
        """Return a snapshot of the pool."""
        return ThreadPoolStatistics(
            self._size, len(self._workers), len(self._idle), len(self._queue)
        )

    def __repr__(self) -> str:
        return f"<ThreadPool {self.name!r}: {len(self._workers)} of {self._size} threads>"

    # In the native thread of somebody who wants a call made

    def _submit(self, job: _Job) -> None:
        try:
            worker = self._idle.pop()
        except IndexError:
            if not self._start(job):
                self._queue.append(job)
                self._serve_queue()
        else:
            worker.give(job)

    def _start(self, job: _Job | None) -> bool:
        """Start a worker; return whether that was possible."""
        try:
            self._slots.pop()
        except IndexError:
            return False
        worker = _Worker(self, job)
        self._workers.add(worker)
        try:
            start_new_thread(worker.run, ())
        except RuntimeError:
            self._workers.discard(worker)
            self._slots.append(None)
            if self._workers:
                return False  # the system has no room, but those that are here will do it
            raise
        return True

    def _serve_queue(self) -> None:
        """Let somebody look at the queue who may have gone to sleep before it was filled."""
        try:
            self._idle.pop().give(None)
        except IndexError:
            self._start(None)

    def _add_slots(self, number: int) -> None:
        for _ in range(number):
            try:
                self._surplus.pop()
            except IndexError:
                self._slots.append(None)
        for _ in range(min(number, len(self._queue))):
            self._serve_queue()

    def _remove_slots(self, number: int) -> None:
        for _ in range(number):
            try:
                self._slots.pop()
            except IndexError:
                self._surplus.append(None)
        while self._surplus and self._idle:
            try:
                self._idle.pop().give(None)
            except IndexError:
                return  # somebody else has just taken the last one

    def _await_an_end(self) -> None:
        waiter: Waiter[None] = Waiter()
        self._mourners.append(waiter)
        try:
            if self._workers:
                waiter.wait()
        finally:
            self._mourners.remove(waiter)

    def _begin_anew(self) -> None:
        """Forget the threads that a forked child hasn't got."""
        self._workers.clear()
        self._idle.clear()
        self._queue.clear()
        self._surplus.clear()
        self._mourners.clear()
        self._slots = deque([None] * self._size)

    # In a worker

    def find_work(self, worker: _Worker) -> bool:
        """Wait for the next job; return False if the worker is to end, and is off the books."""
        while not self._ends_as_surplus(worker):
            try:
                worker.job = self._queue.popleft()
            except IndexError:
                self._idle.append(worker)
            else:
                return True
            # Who came after that look and found nobody on the stack has woken nobody.
            if (self._queue or self._surplus) and self._is_taken_off(worker):
                continue
            if worker.wait(self._idle_timeout):
                if worker.job is not None:
                    return True
            elif self._is_taken_off(worker):
                if self._ends_as_idle(worker):
                    return False
            else:
                worker.wait(None)  # somebody has just taken it off, and is about to say what for
                if worker.job is not None:
                    return True
        return False

    def _is_taken_off(self, worker: _Worker) -> bool:
        """Take a worker off the stack; return False if somebody else has just done so."""
        try:
            self._idle.remove(worker)
        except ValueError:
            return False
        return True

    def _ends_as_surplus(self, worker: _Worker) -> bool:
        try:
            self._surplus.pop()
        except IndexError:
            return False
        self._strike_off(worker)
        return True

    def _ends_as_idle(self, worker: _Worker) -> bool:
        self._slots.append(None)
        if self._queue or self._surplus:
            # Somebody has come after all, and found neither an idle worker nor a slot.
            try:
                self._slots.pop()
            except IndexError:
                pass  # and has seen the slot now
            else:
                return False
        self._strike_off(worker)
        return True

    def _strike_off(self, worker: _Worker) -> None:
        self._workers.discard(worker)
        for mourner in list(self._mourners):
            mourner.switch()


def _checked_size(max_workers: int) -> int:
    if not isinstance(max_workers, int) or isinstance(max_workers, bool):
        raise TypeError(f"a thread pool has a whole number of threads, not {max_workers!r}")
    if max_workers < 1:
        raise ValueError(f"a thread pool needs at least one thread, not {max_workers!r}")
    return max_workers
