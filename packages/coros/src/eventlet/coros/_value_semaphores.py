"""Semaphores, with the contract of those in `threading`."""

from __future__ import annotations

from ._semaphore import Semaphore as Permits


class Semaphore(Permits):
    """Lets `value` in at a time; with the contract of `threading.Semaphore`.

    Raises:
        TypeError, ValueError: `value` is not a whole number, or negative.
    """

    __slots__ = ()

    def __init__(self, value: int = 1) -> None:
        super().__init__(value)

    def release(self, n: int = 1) -> None:  # type: ignore[override]  # as in `threading`
        """Give `n` permits back, or new ones.

        Raises:
            ValueError: `n` is less than 1.
        """
        if n < 1:
            raise ValueError(f"n must be one or more, not {n!r}")
        for _ in range(n):
            super().release()


class BoundedSemaphore(Semaphore):
    """A semaphore that refuses to be released more often than it was acquired.

    With the contract of `threading.BoundedSemaphore`.

    Raises:
        TypeError, ValueError: `value` is not a whole number, or negative.
    """

    __slots__ = ("_initial",)

    def __init__(self, value: int = 1) -> None:
        super().__init__(value)
        self._initial = value

    def release(self, n: int = 1) -> None:  # type: ignore[override]  # as in `threading`
        """Give `n` permits back.

        Raises:
            ValueError: `n` is less than 1, or there would be more permits than at first.
        """
        with self._takers.guard:
            if n > self._initial - len(self._items) - self._reserve:
                raise ValueError("Semaphore released too many times")
            super().release(n)
