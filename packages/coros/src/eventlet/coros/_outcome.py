"""Exceptions on their way from one who sends to those who receive."""

from __future__ import annotations

from typing import Any, NoReturn

from eventlet.hub import GreenThread

from ._scheduler import make_exception


class Failure:
    """An exception in the place of a value."""

    __slots__ = ("_traceback", "exception")

    def __init__(self, exception: BaseException) -> None:
        self.exception = exception
        self._traceback = exception.__traceback__

    def throw(self) -> NoReturn:
        """Raise the exception as it was sent, without what another receiver's stack has added."""
        raise self.exception.with_traceback(self._traceback)


def failure_of(exc: Any) -> Failure:
    """Return the failure that `exc` stands for: an exception, its class, or a tuple for ``throw``.

    Raises:
        TypeError: it stands for none.
    """
    return Failure(make_exception(exc if isinstance(exc, tuple) else (exc,)))


def join(thread: GreenThread[Any]) -> None:
    """Wait until a green thread has ended, whatever its outcome; whoever calls looks at that."""
    try:
        thread.wait()
    except BaseException as error:
        if error is not thread.exception:
            raise  # it isn't the thread that has failed: somebody interrupts us
