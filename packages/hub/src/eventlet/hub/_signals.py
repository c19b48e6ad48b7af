"""Signals reach Python code promptly, also while the hub of the main thread polls.

The interpreter only notes a signal, and runs its handler between two instructions of the main
thread. `signal.set_wakeup_fd` makes a poll return for it, whichever native thread the system
interrupted. Handlers stay as the program set them, but for one: where the interpreter's own
handler for Ctrl-C would raise `KeyboardInterrupt` in the middle of the scheduler's work, ours
passes it to the main greenlet instead.
"""

from __future__ import annotations

import signal
from types import FrameType
from typing import TYPE_CHECKING

from ._native import in_main_thread
from ._wakeup import SocketWakeup

if TYPE_CHECKING:
    from ._hub import Hub
    from ._waiter import Waiter

# Code in these modules keeps books that an exception at any instruction would spoil.
_PROTECTED = "eventlet."

# Handlers written in Python that only look, and make nobody go on.
lookers: set[object] = set()

# Who waits for any handler to run; see `eventlet.hub._signal_waits.pause`.
pauses: set[Waiter[None]] = set()

_main_hub: Hub | None = None


def attach(hub: Hub) -> None:
    """Let signals wake a new hub, if it is the main thread's."""
    global _main_hub  # noqa: PLW0603 - a process has one main thread
    if not in_main_thread():
        return
    _main_hub = hub
    if isinstance(hub.wakeup, SocketWakeup):
        previous = signal.set_wakeup_fd(hub.wakeup.signal_fileno, warn_on_full_buffer=False)
        if previous != -1:
            # Somebody else's loop runs in this thread. It keeps its wake-ups; a signal then
            # interrupts our poll only if the system delivers it to this very thread.
            signal.set_wakeup_fd(previous)
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)


def detach(hub: Hub) -> None:
    """Undo `attach`, as far as nobody has changed it since."""
    global _main_hub  # noqa: PLW0603 - a process has one main thread
    if _main_hub is not hub:
        return
    _main_hub = None
    if isinstance(hub.wakeup, SocketWakeup):
        current = signal.set_wakeup_fd(-1)
        if current not in (-1, hub.wakeup.signal_fileno):
            signal.set_wakeup_fd(current)
    if signal.getsignal(signal.SIGINT) is _interrupt:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def forget_parent() -> None:
    """Undo `attach` for whichever hub, in a child that was forked."""
    pauses.clear()
    if _main_hub is not None:
        detach(_main_hub)


def wakes(hub: Hub) -> bool:
    """Whether signals write to the hub's wake-up, and to nobody else's descriptor."""
    if _main_hub is not hub or not in_main_thread() or not isinstance(hub.wakeup, SocketWakeup):
        return False
    # There is no other way to ask.
    current = signal.set_wakeup_fd(hub.wakeup.signal_fileno, warn_on_full_buffer=False)
    if current != hub.wakeup.signal_fileno:
        signal.set_wakeup_fd(current)
    return current == hub.wakeup.signal_fileno


def end_pauses() -> None:
    """Wake all who wait for a handler to run."""
    for waiter in [*pauses]:
        waiter.switch()


def is_anything_handled() -> bool:
    """Whether a signal could make the program go on: one has a handler written in Python."""
    usual = (signal.default_int_handler, _interrupt, *lookers)
    handlers = (signal.getsignal(number) for number in signal.valid_signals())
    return any(callable(handler) and handler not in usual for handler in handlers)


def _interrupt(signum: int, frame: FrameType | None) -> None:
    """Raise `KeyboardInterrupt` here, or in the main greenlet if here is the scheduler."""
    name = "" if frame is None else str(frame.f_globals.get("__name__"))
    if _main_hub is not None and name.startswith(_PROTECTED):
        # In the hub's next turn: the main greenlet may be about to park just now.
        _main_hub.call_soon(_main_hub.interrupt, KeyboardInterrupt())
    else:
        signal.default_int_handler(signum, frame)
