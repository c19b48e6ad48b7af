"""What the hub itself makes green in the standard library, for `eventlet.hub.patching`."""

from __future__ import annotations

from typing import SupportsFloat, SupportsIndex

from . import _signal_waits
from ._greenthread import sleep as _sleep
from ._patching import Changes, Patch


def sleep(seconds: SupportsFloat | SupportsIndex, /) -> None:
    """Delay execution of the green thread for a number of seconds; as `time.sleep`.

    Raises:
        TypeError: `seconds` is not a real number.
        ValueError: `seconds` is negative or not a number.
        HubError: called in the hub's own greenlet.
    """
    if isinstance(seconds, (str, bytes, bytearray)):  # which `float` would take
        raise TypeError(f"sleep() takes a number of seconds, not {seconds!r}")
    delay = float(seconds)
    if delay < 0:
        raise ValueError("sleep length must be non-negative")
    _sleep(delay)


def time() -> Patch:
    """Make `time.sleep` green."""
    return Patch("time", {"sleep": sleep})


def signal() -> Patch:
    """Make `pause` green, and `sigwait` and its relatives where the system has signalfd(2)."""
    green = {name: getattr(_signal_waits, name) for name in ("pause", *_signal_waits.BY_SIGNALFD)}
    if _signal_waits.has_signalfd():
        return Patch("signal", green)
    return Patch("signal", {"pause": green["pause"]}, finish=_say_what_blocks)


def _say_what_blocks(changes: Changes) -> None:
    for name in _signal_waits.BY_SIGNALFD:
        changes.fail(f"signal.{name}", "this needs signalfd(2), which the system does not have")
