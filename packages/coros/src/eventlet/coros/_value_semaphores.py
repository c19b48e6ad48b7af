"""Semaphores, with the contract of those in `threading`."""

from __future__ import annotations

from ._counts import check_whole, clamp_timeout
from ._semaphore import Semaphore as Permits


class Semaphore(Permits):
    """Lets `value` in at a time; with the contract of `threading.Semaphore`.

    Raises:
        TypeError, ValueError: `value` is not a whole number, or negative.
    """

    __slots__ = ()

    def __init__(self, value: int = 1) -> None:
        super().__init__(check_whole("value", value, least=0))

    def release(self, n: int = 1) -> None:  # type: ignore[override]  # as in `threading`
        """Give `n` permits back, or new ones.

        Raises:
            TypeError, ValueError: `n` is not a whole number, or less than 1.
        """
        for _ in range(check_whole("n", n, least=1)):
            super().release()

    @staticmethod
    def _check(blocking: bool, timeout: float | None) -> float | None:
        return clamp_timeout(timeout, blocking=blocking)


class BoundedSemaphore(Semaphore):
    """A semaphore that refuses to be released more often than it was acquired.

    With the contract of `threading.BoundedSemaphore`.

    Raises:
        TypeError, ValueError: `value` is not a whole number, or negative.
    """

    __slots__ = ("_initial",)

    def __init__(self, value: int = 1) -> None:
        super().__init__(value)
        self._initial = len(self._items) + self._reserve

    def release(self, n: int = 1) -> None:  # type: ignore[override]  # as in `threading`
        """Give `n` permits back.

        Raises:
            TypeError, ValueError: `n` is not a whole number, or less than 1, or there would be more
                permits than at first.
        """
        with self._takers.guard:
            out = self._initial - len(self._items) - self._reserve
            if check_whole("n", n, least=1) > out:
                raise ValueError(
                    f"Semaphore released too many times: {n} permits given back, {out} are out"
                )
            super().release(n)
