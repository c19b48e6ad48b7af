"""Look into a running program: who waits for what, who holds the hub, which lines run."""

from __future__ import annotations

from . import _report
from ._dump import dump_on_signal
from ._hub import Hub
from ._native import TIMEOUT_MAX
from ._registry import get_hub
from ._seconds import check_seconds
from ._spew import Spew, spew, unspew
from ._watchdog import Blockage, Report, Watchdog, log_blockage

__all__ = [
    "Blockage",
    "Spew",
    "Watchdog",
    "detect_blocking",
    "dump_on_signal",
    "format_threads",
    "log_blockage",
    "spew",
    "unspew",
]


def format_threads(hub: Hub | None = None) -> str:
    """Return a report on every green thread of a hub, and on its main greenlet.

    Each with its age, with what it does or waits for, and with the stack that led there. Those
    that are at the same place share one stack. Safe to call from any native thread.

    Arguments:
        hub: None takes the one of this native thread.
    """
    return _report.format_hub(get_hub() if hub is None else hub)


def detect_blocking(seconds: float = 0.1, report: Report = log_blockage) -> Watchdog:
    """Report, from a native thread, what holds a hub for longer than `seconds`.

    Each blockage is reported when it is noticed, with its stack, and once more when it ends, with
    its whole duration. All hubs of the process are watched, the ones made later too; those in
    which nobody waits are passed over, but for the one of the native thread that calls this.

    It costs little enough to be left on. What it cannot see is an extension that computes without
    releasing the interpreter lock.

    Arguments:
        seconds: how long a green thread may run before it has to give up control.
        report: called with a `Blockage` in the watching native thread; it must not wait. The
            default logs it as a warning of the logger ``eventlet.hub``.

    Returns:
        What watches; its ``stop()``, or leaving its ``with`` block, ends that.

    Raises:
        ValueError: `seconds` is not above 0, or more than a lock can wait for.
        TypeError: `seconds` is no number, or `report` is not callable.
    """
    rule = "a hub may be held for a number of seconds > 0"
    if not 0 < check_seconds(rule, seconds) <= TIMEOUT_MAX:
        raise ValueError(f"{rule}, not {seconds!r}")
    if not callable(report):
        raise TypeError(f"report must be a function that takes a Blockage, not {report!r}")
    return Watchdog(seconds, report)


# Tracebacks and docs show the name that users type.
for _name in __all__:
    globals()[_name].__module__ = __name__
del _name
