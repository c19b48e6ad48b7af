"""A report on every hub of the process when a signal comes."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from os import write
from types import FrameType
from typing import Any, TextIO

from . import _signals
from ._registry import all_hubs
from ._report import format_hub
from ._unobserved import report_unobserved

_DEFAULT_SIGNALS = ("SIGUSR1", "SIGBREAK")  # the second one is for Windows


def dump_on_signal(signum: int | None = None, file: TextIO | None = None) -> Callable[[], None]:
    """Write a report on every green thread of the process whenever a signal comes.

    What `format_threads` returns, for the hubs of all native threads. It works while the program
    computes as well as while it waits, and changes nothing in it: the report is no reason for
    a green thread to run, nor one to expect that somebody will be woken (see `Deadlock`).

    Arguments:
        signum: None takes ``SIGUSR1``, or ``SIGBREAK`` on Windows.
        file: where to; None takes what `sys.stderr` is at the time.

    Returns:
        A function that puts back what the signal did before.

    Raises:
        ValueError: not called in the main native thread, or there is no such signal.
    """
    if signum is None:
        names = (name for name in _DEFAULT_SIGNALS if hasattr(signal, name))
        signum = getattr(signal, next(names))
    number = signum

    def dump(_signum: int, _frame: FrameType | None) -> None:
        try:
            _emit("\n".join(map(format_hub, all_hubs())), file or sys.stderr)
        except Exception as error:
            # Raising here would hit whatever the program is in the middle of.
            report_unobserved(error, dump_on_signal)

    def restore() -> None:
        if signal.getsignal(number) is dump:
            signal.signal(number, previous)
        _signals.lookers.discard(dump)

    previous: Any = signal.signal(number, dump)
    _signals.lookers.add(dump)
    return restore


def _emit(text: str, file: TextIO) -> None:
    """Write to the descriptor itself: the signal may have come in the middle of another write."""
    try:
        fd = file.fileno()
    except (AttributeError, OSError, ValueError):
        file.write(text)
        return
    data = text.encode(errors="backslashreplace")
    while data:
        data = data[write(fd, data) :]
