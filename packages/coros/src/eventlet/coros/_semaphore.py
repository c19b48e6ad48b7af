"""Semaphores: a number of permits, taken and given back."""

from __future__ import annotations

from itertools import repeat
from types import TracebackType
from typing import Literal

from ._counts import check_count, check_timeout
from ._scheduler import Fiber
from ._statistics import SemaphoreStatistics
from ._store import BoundedStore, Store

# Permits are tokens in a deque, because taking one from there is atomic. They are made in portions
# of this many, so that a count of a billion costs nothing until it is needed.
_PORTION = 1024


class Semaphore(Store):
    """Lets `count` in at a time; the others wait, and are let in in the order they came.

    It may be shared by several native threads.

    Arguments:
        count: the permits that there are at first.

    Raises:
        TypeError, ValueError: `count` is not a whole number, or negative.
    """

    __slots__ = ("_reserve",)

    def __init__(self, count: int = 0) -> None:
        self._reserve = check_count("count", count)
        super().__init__()
        self._portion_out()

    def __init_subclass__(cls) -> None:
        """Let ``with`` blocks call what a subclass overrides; the short cuts below don't."""
        super().__init_subclass__()
        if "acquire" in vars(cls):
            cls.__enter__ = _enter  # type: ignore[method-assign]
        if "release" in vars(cls):
            cls.__exit__ = _exit  # type: ignore[method-assign]

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        """Take a permit, and wait for one if there is none.

        Arguments:
            blocking: False returns at once, with or without a permit.
            timeout: seconds; None waits for ever.

        Returns:
            Whether a permit was taken. Only False without `blocking`, or when time has passed.

        Raises:
            TypeError, ValueError: `timeout` is negative or not a number, or goes with
                ``blocking=False``.
        """
        if timeout is not None:
            timeout = self._check(blocking, timeout)
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

    def release(self, blocking: bool = True) -> bool:
        """Give a permit back, or a new one; the first who waits gets it.

        Arguments:
            blocking: has no meaning here; see `BoundedSemaphore.release`.

        Returns:
            True.
        """
        if self._takers and self._give_to_first(None):
            return True
        self._items.append(None)
        if self._takers:
            self._hand_over()
        return True

    def locked(self) -> bool:
        """Whether there is no permit left, so that `acquire` would wait."""
        return not self._items and not self._reserve

    def bounded(self) -> bool:
        """Whether `release` would wait: never."""
        return False

    @property
    def balance(self) -> int:
        """How many permits there are; if there are none, minus how many wait for one."""
        return len(self._items) + self._reserve - len(self._takers)

    def waiting(self) -> int:
        """Return how many wait for a permit."""
        return len(self._takers)

    def __enter__(self) -> Literal[True]:
        if self._items:
            self.acquire()
            return True
        # As `Line.wait`, written out; see `Line.begin`.
        line = self._takers
        ticket = line.begin(self)
        me: Fiber = ticket.fiber  # type: ignore[assignment]  # `begin` has set it
        try:
            while me.parked is ticket:
                me.ready.popleft().switch()
        except BaseException:  # what was thrown past the hub
            line.abandon(ticket)
            raise
        if not ticket.done:  # something else has woken it
            line.stay(ticket, None)
        return True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._takers or not self._give_to_first(None):
            self.release()

    def statistics(self) -> SemaphoreStatistics:
        """Return a snapshot of the numbers."""
        return SemaphoreStatistics(len(self._items) + self._reserve, len(self._takers), 0)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {id(self):#x}, balance {self.balance}>"

    # Behind the scenes

    _check = staticmethod(check_timeout)
    """Return a timeout as `Line.wait` takes it."""

    def _on_alert(self) -> None:
        self._portion_out()

    def _portion_out(self) -> None:
        portion = min(self._reserve, _PORTION)
        self._reserve -= portion
        self._takers.alert = self._reserve > 0
        self._items.extend(repeat(None, portion))


class BoundedSemaphore(BoundedStore):
    """A semaphore with a limit, at which `release` waits too, until somebody takes a permit.

    With a limit of 0, each `release` waits for an `acquire`, and the other way round.

    Arguments:
        count: the permits that there are at first.
        limit: the permits that there can be.

    Raises:
        TypeError: one of them is not a whole number.
        ValueError: one of them is negative, or `count` above `limit`.
    """

    __slots__ = ()

    def __init__(self, count: int, limit: int) -> None:
        check_count("limit", limit)
        if check_count("count", count) > limit:
            raise ValueError(f"count {count} is above the limit {limit}")
        super().__init__(limit, repeat(None, count))

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        """Take a permit, and wait for one if there is none; as `Semaphore.acquire`."""
        check_timeout(blocking, timeout)
        if self._takers.attempt(self).done:
            return True
        return blocking and self._takers.wait(self, timeout).done

    def release(self, blocking: bool = True, timeout: float | None = None) -> bool:
        """Give a permit back, or a new one, and wait for room if there are `limit` of them.

        Arguments:
            blocking: False returns at once, whether there was room or not.
            timeout: seconds; None waits for ever.

        Returns:
            Whether the permit was given. Only False without `blocking`, or when time has passed.

        Raises:
            TypeError, ValueError: `timeout` is negative or not a number, or goes with
                ``blocking=False``.
        """
        check_timeout(blocking, timeout)
        if self._givers.attempt(self).done:
            return True
        return blocking and self._givers.wait(self, timeout).done

    def locked(self) -> bool:
        """Whether `acquire` would wait."""
        return not self._items and not self._givers

    def bounded(self) -> bool:
        """Whether `release` would wait."""
        return len(self._items) >= self._limit and not self._takers

    @property
    def balance(self) -> int:
        """How many permits there are, with those on offer, minus how many wait for one."""
        return len(self._items) + len(self._givers) - len(self._takers)

    def waiting(self) -> int:
        """Return how many wait for a permit."""
        return len(self._takers)

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

    def statistics(self) -> SemaphoreStatistics:
        """Return a snapshot of the numbers."""
        return SemaphoreStatistics(len(self._items), len(self._takers), len(self._givers))

    def __repr__(self) -> str:
        return f"<BoundedSemaphore at {id(self):#x}, balance {self.balance}, limit {self._limit}>"


def semaphore(count: int = 0, limit: int | None = None) -> Semaphore | BoundedSemaphore:
    """Return a `Semaphore`, or with a `limit` a `BoundedSemaphore`.

    Raises:
        TypeError, ValueError: as they do.
    """
    return Semaphore(count) if limit is None else BoundedSemaphore(count, limit)


def _enter(semaphore: Semaphore) -> Literal[True]:
    semaphore.acquire()
    return True


def _exit(semaphore: Semaphore, *error: object) -> None:
    semaphore.release()
