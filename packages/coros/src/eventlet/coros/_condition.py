"""Conditions, with the contract of `threading.Condition`."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

from eventlet.hub import get_hub

from ._counts import check_whole, clamp_timeout
from ._line import Line
from ._locks import Lock, RLock
from ._statistics import ConditionStatistics
from .errors import NotAcquired

T = TypeVar("T")


class Condition:
    """Lets those who hold a lock wait until another one who holds it says that they may go on.

    Arguments:
        lock: a lock of this package, or an object with the same methods. Default: a new `RLock`.
    """

    def __init__(self, lock: Any = None) -> None:
        self._lock: Any = RLock() if lock is None else lock
        self._line = Line()
        self.acquire = self._lock.acquire
        self.release = self._lock.release

    def wait(self, timeout: float | None = None) -> bool:
        """Release the lock, wait to be notified, and take the lock again.

        However the wait ends, by a kill or a timeout too, the lock is taken again before that.

        Arguments:
            timeout: seconds; None waits for ever. Taking the lock again isn't limited by it.

        Returns:
            Whether it was notified; False when the time has passed.

        Raises:
            NotAcquired: the lock isn't held here.
            TypeError, ValueError: `timeout` is not a number.
        """
        self._check_owned("wait()")
        timeout = clamp_timeout(timeout)
        ticket = self._line.enter(self)
        try:
            state = self._let_go()
        except BaseException:  # a lock of somebody else's that cannot be released
            self._line.leave(ticket)
            raise
        try:
            return self._line.stay(ticket, timeout)
        finally:
            self._take_again(state)

    def wait_for(self, predicate: Callable[[], T], timeout: float | None = None) -> T:
        """Wait until ``predicate()`` is true, which is asked whenever there is a notification.

        Arguments:
            timeout: seconds altogether; None waits for ever.

        Returns:
            What `predicate` has returned last.

        Raises:
            NotAcquired: the lock isn't held here.
            TypeError, ValueError: `timeout` is not a number.
        """
        timeout = clamp_timeout(timeout)
        clock = get_hub().time
        end = None if timeout is None else clock() + timeout
        result = predicate()
        while not result:
            left = None if end is None else end - clock()
            if left is not None and left <= 0:
                break
            self.wait(left)
            result = predicate()
        return result

    def notify(self, n: int = 1) -> None:
        """Let the first `n` who wait go on, as soon as they get the lock.

        Raises:
            NotAcquired: the lock isn't held here.
            TypeError, ValueError: `n` is not a whole number, or negative.
        """
        self._check_owned("notify()")
        number = check_whole("n", n, least=0)
        with self._line.guard:
            for _ in range(number):
                ticket = self._line.claim()
                if ticket is None:
                    return
                ticket.settle(None)

    def notify_all(self) -> None:
        """Let all who wait go on, as soon as they get the lock.

        Raises:
            NotAcquired: the lock isn't held here.
        """
        self._check_owned("notify_all()")
        with self._line.guard:
            self._line.settle_all()

    def waiting(self) -> int:
        """Return how many wait to be notified."""
        return len(self._line)

    def __enter__(self) -> bool:
        entered: bool = self._lock.__enter__()
        return entered

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._lock.__exit__(kind, value, traceback)

    def statistics(self) -> ConditionStatistics:
        """Return a snapshot of the numbers."""
        return ConditionStatistics(len(self._line))

    def __repr__(self) -> str:
        return f"<Condition at {id(self):#x} on {self._lock!r}, {len(self._line)} waiting>"

    # Behind the scenes

    def _is_owned(self) -> bool:
        is_owned = getattr(self._lock, "_is_owned", None)
        if is_owned is not None:
            return bool(is_owned())
        if isinstance(self._lock, Lock):
            return self._lock.locked()
        if self._lock.acquire(False):
            self._lock.release()
            return False
        return True

    def _check_owned(self, call: str) -> None:
        if not self._is_owned():
            raise NotAcquired(f"{call} needs the lock of {self!r} to be acquired first")

    def _let_go(self) -> Any:
        release_save = getattr(self._lock, "_release_save", None)
        return self._lock.release() if release_save is None else release_save()

    def _take_again(self, state: Any) -> None:
        acquire_restore = getattr(self._lock, "_acquire_restore", None)
        if acquire_restore is not None:
            acquire_restore(state)
        elif isinstance(self._lock, Lock):
            self._lock.acquire_shielded()
        else:
            self._lock.acquire()

    def _at_fork_reinit(self) -> None:
        """Make it new in a child process, where whoever waited isn't any more."""
        self._lock._at_fork_reinit()
        self._line.clear()

    def _hand_over(self) -> None:
        """Nothing to do: a notification isn't kept for those who come later."""

    def _put_back(self, item: object) -> None:
        """Nothing to do: who was to be notified has gone."""
