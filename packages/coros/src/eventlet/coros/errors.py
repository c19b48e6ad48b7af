"""What can go wrong with the primitives, named by who is at fault."""

from __future__ import annotations

from typing import Any

__all__ = [
    "AllFailed",
    "AlreadySent",
    "Closed",
    "CorosError",
    "FanFailed",
    "ForeignItem",
    "Misuse",
    "NotAcquired",
    "NotSent",
    "NurseryClosed",
    "Overdue",
    "SomeFailed",
]


class CorosError(RuntimeError):
    """Root of the errors that the primitives raise about their own use."""


class Misuse(CorosError):
    """A call that makes no sense in the state the object is in; the message says what would."""


class AlreadySent(Misuse, AssertionError):
    """A second value was sent to an event; `Event.reset` opens it again."""


class NotSent(Misuse, AssertionError):
    """An event was reset that nothing has been sent to."""


class NotAcquired(Misuse):
    """A lock was used that the caller has not acquired."""


class Closed(CorosError):
    """A queue was closed: nothing can be sent any more, or nothing is left to receive.

    Attributes:
        drained: whether it was raised because nothing is left to receive.
    """

    def __init__(self, message: str = "", drained: bool = False) -> None:
        super().__init__(message, drained)
        self.drained = drained

    def __str__(self) -> str:
        return str(self.args[0])


class ForeignItem(CorosError, ValueError):
    """Something was put into a pool that isn't out of it: never taken, or put back already."""


class NurseryClosed(Misuse):
    """A child was to be started in a nursery that has not been entered, or has been left."""


class Overdue(CorosError):
    """Children of a nursery go on though they have been cancelled, and the nursery still waits.

    Attributes:
        children: the green threads that have not ended.
        seconds: how long ago they were cancelled.
    """

    def __init__(self, children: list[Any], seconds: float) -> None:
        super().__init__(children, seconds)
        self.children = children
        self.seconds = seconds

    def __str__(self) -> str:
        names = ", ".join(repr(child) for child in self.children)
        return (
            f"cancelled {self.seconds} seconds ago, and still not ended: {names};"
            " something in there catches BaseException, or never waits"
        )


class FanFailed(CorosError):
    """Root of what `Pool.fan` raises when a block has failed.

    Attributes:
        results: one entry an input, in order: the result, or the exception in its place.
    """

    def __init__(self, results: list[Any]) -> None:
        super().__init__(results)
        self.results = results

    def __str__(self) -> str:
        failures = [repr(result) for result in self.results if isinstance(result, BaseException)]
        return f"{len(failures)} of {len(self.results)} blocks failed: {', '.join(failures)}"


class SomeFailed(FanFailed):
    """Some of the blocks of `Pool.fan` have failed, and some have not."""


class AllFailed(FanFailed):
    """All of the blocks of `Pool.fan` have failed."""
