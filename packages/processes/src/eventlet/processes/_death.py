"""The end of a child process, told once."""

from __future__ import annotations

from collections.abc import Callable

from ._guard import Guard
from ._popen import Popen


class Death:
    """The end of a child, which is noticed by whoever is first, and told once."""

    def __init__(self, popen: Popen, callback: Callable[[], object] | None) -> None:
        self._popen = popen
        self._callback = callback
        self.guard: Guard | None = None
        self.is_told = False

    def await_it(self) -> None:
        """Reap the child when it ends."""
        self._popen.wait()
        if self.guard is not None:
            self.guard.stand_down()
        self.tell()

    def tell(self) -> None:
        """Call the callback, unless it has been called."""
        self.is_told = True
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()
