"""Locks with the contract of `threading.Lock` and `threading.RLock`."""

from __future__ import annotations

from _thread import TIMEOUT_MAX
from types import TracebackType
from typing import Any, Literal

from eventlet.hub import getcurrent

from ._counts import check_timeout
from ._statistics import LockStatistics
from ._store import Store
from .errors import NotAcquired

# What `threading` takes for "no timeout".
_FOREVER = -1


class Lock(Store):
    """Lets one in at a time; the others wait, and are let in in the order they came.

    With the contract of `threading.Lock`: it isn't re-entrant, and anybody may release it.
    """

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__((None,))

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        """Take the lock, and wait for it if somebody has it.

        Arguments:
            blocking: False returns at once, with or without the lock.
            timeout: seconds; None or -1 waits for ever.

        Returns:
            Whether the lock was taken. Only False without `blocking`, or when time has passed.

        Raises:
            TypeError, ValueError: `timeout` is negative or not a number, or goes with
                ``blocking=False``.
            OverflowError: `timeout` is above `threading.TIMEOUT_MAX`.
        """
        if timeout is not None:
            timeout = _translate(blocking, timeout)
        items = self._items
        if items:
            try:
                items.popleft()
            except IndexError:  # another native thread was faster
                pass
            else:
                return True
        line = self._takers
        return (line.wait(self, timeout) if blocking else line.attempt(self)).done

    def release(self) -> None:
        """Give the lock to the first who waits, or to nobody.

        Raises:
            NotAcquired: nobody has it.
        """
        guard = self._takers.guard
        guard.acquire()
        try:
            if self._items:
                raise NotAcquired(f"{self!r} cannot be released: nobody has acquired it")
            if self._takers:
                self._give()
            else:
                self._items.append(None)
        finally:
            guard.release()

    def locked(self) -> bool:
        """Whether somebody has the lock."""
        return not self._items

    def acquire_shielded(self) -> None:
        """Take the lock however long it takes; kills stay pending meanwhile."""
        self._takers.wait_shielded(self)

    def __enter__(self) -> Literal[True]:
        self.acquire()
        return True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    # The names of `_thread` for the same.
    acquire_lock = acquire
    release_lock = release
    locked_lock = locked

    def _give(self) -> None:
        self._items.append(None)
        self._hand_over()

    def _at_fork_reinit(self) -> None:
        """Make it new in a child process, where whoever had it or waited for it isn't any more."""
        Lock.__init__(self)

    def statistics(self) -> LockStatistics:
        """Return a snapshot of the numbers."""
        return LockStatistics(self.locked(), len(self._takers))

    def __repr__(self) -> str:
        state = "locked" if self.locked() else "unlocked"
        return f"<{state} {_name_of(self)} object at {id(self):#x}, {len(self._takers)} waiting>"


class RLock:
    """A lock that whoever has it may take again, and must release as often.

    With the contract of `threading.RLock`; its owner is a green thread.
    """

    __slots__ = ("__weakref__", "_count", "_lock", "_owner")

    def __init__(self) -> None:
        self._lock = Lock()
        self._owner: object = None
        self._count = 0

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        """Take the lock, once more if this green thread has it; otherwise as `Lock.acquire`."""
        me = getcurrent()
        if self._owner is me:
            if timeout is not None:
                _translate(blocking, timeout)
            self._count += 1
            return True
        if not self._lock.acquire(blocking, timeout):
            return False
        self._owner = me
        self._count = 1
        return True

    def release(self) -> None:
        """Undo one `acquire`; the last one lets the next in.

        Raises:
            NotAcquired: this green thread doesn't have the lock.
        """
        if self._owner is not getcurrent():
            raise NotAcquired(f"{self!r} cannot be released here: it isn't this green thread's")
        self._count -= 1
        if not self._count:
            self._owner = None
            self._lock.release()

    def locked(self) -> bool:
        """Whether somebody has the lock."""
        return self._lock.locked()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()

    # What conditions ask of a lock, under the names that `threading.Condition` asks for.

    def _is_owned(self) -> bool:
        return self._owner is getcurrent()

    def _recursion_count(self) -> int:
        return self._count if self._owner is getcurrent() else 0

    def _release_save(self) -> tuple[int, Any]:
        """Release it altogether, and return what `_acquire_restore` needs."""
        if not self._count:
            raise NotAcquired(f"{self!r} cannot be released: nobody has acquired it")
        state = (self._count, self._owner)
        self._count, self._owner = 0, None
        self._lock.release()
        return state

    def _acquire_restore(self, state: tuple[int, Any]) -> None:
        """Take it as often as before, through all kills: whoever had it is going to release it."""
        self._lock.acquire_shielded()
        self._count, self._owner = state

    def _at_fork_reinit(self) -> None:
        """Make it new in a child process, where whoever had it or waited for it isn't any more."""
        RLock.__init__(self)

    def statistics(self) -> LockStatistics:
        """Return a snapshot of the numbers."""
        return self._lock.statistics()

    def __repr__(self) -> str:
        state = "locked" if self.locked() else "unlocked"
        return (
            f"<{state} {_name_of(self)} object owner={self._owner!r} count={self._count}"
            f" at {id(self):#x}, {len(self._lock._takers)} waiting>"
        )


def _name_of(lock: object) -> str:
    return f"{type(lock).__module__}.{type(lock).__qualname__}"


def _translate(blocking: bool, timeout: float) -> float | None:
    """Turn a timeout as `threading` has them into one of ours."""
    if timeout == _FOREVER:
        return None
    check_timeout(blocking, timeout)
    if timeout > TIMEOUT_MAX:
        raise OverflowError(f"timeout {timeout!r} is too large, above {TIMEOUT_MAX}")
    return timeout
