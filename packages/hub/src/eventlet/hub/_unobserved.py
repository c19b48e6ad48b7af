"""Failures that nobody waits for are reported once, through one hook."""

from __future__ import annotations

import sys
from collections.abc import Callable

from ._wording import describe_callable

UnobservedHook = Callable[[BaseException, object], object]


def print_unobserved(exception: BaseException, source: object) -> None:
    """Print an exception that nobody waited for to standard error, with its traceback.

    The default hook for `set_unobserved_hook`.

    Arguments:
        exception: what was raised.
        source: the callback that failed, or an object that is named like the green thread.
    """
    if sys.stderr is None:
        return  # a program without a console, or one that is shutting down
    name = describe_callable(source) if callable(source) else repr(source)
    try:
        sys.stderr.write(f"{name} failed, and nobody waited for it:\n")
        # Not `traceback.print_exception`, which fails while the interpreter shuts down.
        sys.__excepthook__(type(exception), exception, exception.__traceback__)
    except (OSError, ValueError):
        pass  # it has been closed: there is nobody left to tell


_hook: UnobservedHook = print_unobserved


def set_unobserved_hook(hook: UnobservedHook | None) -> UnobservedHook:
    """Choose what is done with an exception that nobody waits for.

    Arguments:
        hook: called with the exception and its source, which are as for `print_unobserved`, at
            any time and in any greenlet: it must not wait. A `SystemExit` that it raises about a
            callback reaches the main greenlet. None restores the default, `print_unobserved`.

    Returns:
        The hook that was in force until now.
    """
    global _hook  # noqa: PLW0603 - as `sys.excepthook`, one for the process
    previous = _hook
    _hook = print_unobserved if hook is None else hook
    return previous


def report_unobserved(exception: BaseException, source: object) -> None:
    """Give a failure to the hook; a hook that fails is reported by the default one."""
    try:
        _hook(exception, source)
    except Exception as error:
        print_unobserved(exception, source)
        print_unobserved(error, _hook)


class Unobserved:
    """Reports a green thread's failure when the thread is dropped and nobody has looked at it."""

    __slots__ = ("exception", "name")

    def __init__(self, exception: BaseException, name: str) -> None:
        self.exception: BaseException | None = exception
        self.name = name

    def observe(self) -> None:
        """Say that somebody has seen the failure."""
        self.exception = None

    def __del__(self) -> None:
        if self.exception is not None:
            report_unobserved(self.exception, self)

    def __repr__(self) -> str:
        return self.name
