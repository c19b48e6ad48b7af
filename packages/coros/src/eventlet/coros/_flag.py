"""Flags, with the contract of `threading.Event`."""

from __future__ import annotations

from ._counts import clamp_timeout
from ._line import Line


class Event:
    """A flag, and those who wait until it is set; with the contract of `threading.Event`."""

    __slots__ = ("__weakref__", "_line")

    def __init__(self) -> None:
        # On the alert means that it is set.
        self._line = Line()

    def is_set(self) -> bool:
        """Whether the flag is set."""
        return self._line.alert

    isSet = is_set  # noqa: N815 - the old name in `threading`

    def set(self) -> None:
        """Set the flag; all who wait go on."""
        self._line.alert = True
        if self._line:
            self._hand_over()

    def clear(self) -> None:
        """Take the flag down again."""
        self._line.alert = False

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the flag is set.

        Arguments:
            timeout: seconds; None waits for ever.

        Returns:
            True; or False when time has passed.

        Raises:
            TypeError, ValueError: `timeout` is not a number.
        """
        if self._line.alert:
            return True
        return self._line.wait(self, clamp_timeout(timeout)).done

    def __repr__(self) -> str:
        state = "set" if self.is_set() else "unset"
        return f"<{type(self).__name__} at {id(self):#x}: {state}>"

    def _hand_over(self) -> None:
        with self._line.guard:
            if self._line.alert:
                self._line.settle_all()

    def _put_back(self, item: object) -> None:
        """Nothing to do: a set flag isn't used up."""

    def _at_fork_reinit(self) -> None:
        """Make it new in a child process, where whoever waited isn't any more."""
        was_set = self.is_set()
        self._line = Line()
        self._line.alert = was_set
