"""The slots of a pool: a semaphore whose size can change while permits are out."""

from __future__ import annotations

from ._line import Line
from ._semaphore import Semaphore


class Slots(Semaphore):
    """A semaphore that knows how many of its permits are out, and when the last one is back.

    Arguments:
        size: how many may be out at a time.
    """

    __slots__ = ("_debt", "_idle", "size")

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size
        # Permits that are out, but above a size that has been made smaller meanwhile.
        self._debt = 0
        self._idle = Line()
        self._idle.alert = True

    @property
    def out(self) -> int:
        """How many permits are out."""
        return self.size - len(self._items) - self._reserve + self._debt

    def release(self, blocking: bool = True) -> bool:
        """Give a permit back; it is torn up if there are too many."""
        if self._takers and not self._debt and self._give_to_first(None):
            return True
        if not self._debt or not self._pay():
            self._items.append(None)
            if self._takers:
                self._hand_over()
        if self._idle:
            self._tell_idle()
        return True

    def resize(self, size: int) -> None:
        """Let `size` be out at a time; those that are out above it stay out until released."""
        with self._takers.guard:
            grown = size - self.size
            self.size = size
            while grown < 0 and self._take_back():
                grown += 1
            if grown < 0:
                self._debt -= grown
                return
            paid = min(grown, self._debt)
            self._debt -= paid
            self._reserve += grown - paid
            self._takers.alert = self._reserve > 0
        self._hand_over()

    def wait_idle(self, owner: object, timeout: float | None) -> None:
        """Wait until no permit is out.

        Raises:
            TimeoutError: some were still out when the time had passed.
        """
        if self.out and not self._idle.wait(_Idle(self, owner), timeout).done:
            raise TimeoutError(f"{owner!r} was still at work after {timeout} seconds")

    def _tell_idle(self) -> None:
        with self._idle.guard:
            if not self.out:
                self._idle.settle_all()

    def _pay(self) -> bool:
        with self._takers.guard:
            owes = self._debt > 0
            self._debt -= owes
            return owes

    def _take_back(self) -> bool:
        if self._reserve:
            self._reserve -= 1
            return True
        try:
            self._items.popleft()
        except IndexError:
            return False
        return True


class _Idle:
    """What those wait for who wait for the last permit; its owner in reports."""

    def __init__(self, slots: Slots, owner: object) -> None:
        self._slots = slots
        self._owner = owner

    def _hand_over(self) -> None:
        self._slots._tell_idle()

    def _put_back(self, item: object) -> None:
        """Nothing to do: being idle isn't used up."""

    def __repr__(self) -> str:
        return f"the end of all in {self._owner!r}"
