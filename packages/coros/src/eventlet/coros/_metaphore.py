"""A count of things under way, to wait until all of them are done."""

from __future__ import annotations

from ._counts import check_count
from ._line import Line
from ._statistics import MetaphoreStatistics


class Metaphore:
    """A semaphore the wrong way round: anybody counts up and down, and waits end at zero.

    Typical: `inc` for every piece of work that is begun, `dec` when it ends, `wait` for all.
    """

    __slots__ = ("__weakref__", "_line", "counter")

    def __init__(self) -> None:
        self._line = Line()
        self._line.alert = True
        self.counter = 0

    def inc(self, by: int = 1) -> None:
        """Count up.

        Raises:
            TypeError, ValueError: `by` is not a whole number, or negative.
        """
        check_count("by", by)
        with self._line.guard:
            self.counter += by

    def dec(self, by: int = 1) -> None:
        """Count down, but not below zero; at zero, all who wait go on.

        Raises:
            TypeError, ValueError: `by` is not a whole number, or negative.
        """
        check_count("by", by)
        with self._line.guard:
            self.counter = max(0, self.counter - by)
        self._hand_over()

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the count is zero; return at once if it is.

        Arguments:
            timeout: seconds; None waits for ever.

        Raises:
            TimeoutError: it was not zero in time.
            TypeError, ValueError: `timeout` is negative or not a number.
        """
        if self.counter and not self._line.wait(self, timeout).done:
            raise TimeoutError(f"{self!r} has not come to zero within {timeout} seconds")

    def waiting(self) -> int:
        """Return how many green threads wait."""
        return len(self._line)

    def statistics(self) -> MetaphoreStatistics:
        """Return a snapshot of the numbers."""
        return MetaphoreStatistics(self.counter, len(self._line))

    def __repr__(self) -> str:
        return f"<Metaphore at {id(self):#x}, count {self.counter}, {len(self._line)} waiting>"

    def _hand_over(self) -> None:
        with self._line.guard:
            if not self.counter:
                self._line.settle_all()

    def _put_back(self, item: object) -> None:
        """Nothing to do: an end isn't used up."""


metaphore = Metaphore
"""The name of 2009 for `Metaphore`."""
