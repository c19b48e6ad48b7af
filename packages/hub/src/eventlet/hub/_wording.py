"""Waits, timers and functions in words, for the reports.

Whoever parks leaves no more than one object in `Fiber.parked`; that costs nothing. What a person
wants to know beyond that is read off the stack of the one that waits: a `Waiter` is anonymous, but
one of the frames below it belongs to a method of the green thread, queue or event in question.
"""

from __future__ import annotations

import math
import reprlib
from collections.abc import Callable, Iterator
from itertools import dropwhile
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, Any, cast

from greenlet import greenlet

from ._fiber import Fiber
from ._pollers import READ, WRITE
from ._timers import Entry, Timer
from ._waiter import Waiter
from ._watch import Watch

if TYPE_CHECKING:
    from ._hub import Hub

_NAMESPACE = "eventlet."
_READINESS = {0: "ready", READ: "readable", WRITE: "writable", READ | WRITE: "ready"}

# Shortens what is long, and survives a `__repr__` that raises.
_reprs = reprlib.Repr()
_reprs.maxother = 200


def describe_seconds(seconds: float) -> str:
    """Return a duration with three digits, more only for whole seconds."""
    if seconds >= 100:
        return f"{seconds:.0f} s"
    return f"{seconds:.3g} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"


def describe_fiber(fiber: Fiber) -> str:
    """Return the name of the green thread that a fiber runs, or of the bare greenlet it is."""
    if fiber.parent is None:
        return "the main greenlet"
    thread = getattr(fiber, "thread", None)
    if thread is not None:
        return f"GreenThread {thread.name}"
    return "a callback of the hub" if fiber is fiber.hub.greenlet else f"the bare {fiber!r}"


def describe_state(fiber: Fiber) -> str:
    """Return what a fiber is doing: whether it runs, is going to, or what it waits for."""
    on = getattr(fiber, "parked", None)  # the main greenlet has no notes once its hub has ended
    if on is not None:
        return _describe_wait(fiber, on)
    if fiber.gr_frame is None:
        return "running"
    return "ready to run"


def _describe_wait(fiber: Fiber, on: object) -> str:
    left = fiber.deadline - fiber.hub.time()
    limit = "" if math.isinf(left) else f"{describe_seconds(max(0.0, left))} more"
    if on is fiber.hub:
        return "has switched away by hand"
    if isinstance(on, str):
        return f"{on} for {limit}" if limit else on
    what = _describe_awaited(fiber, on)
    return f"waits for {what}, {limit} at most" if limit else f"waits for {what}"


def _describe_awaited(fiber: Fiber, on: object) -> str:
    if isinstance(on, Watch):
        return f"descriptor {on.fd} to be {_READINESS[on.awaited_by(fiber)]}"
    if isinstance(on, Waiter):
        owner = _find_owner(on, fiber.gr_frame)
        return "somebody to wake it" if owner is None else _reprs.repr(owner)
    return _reprs.repr(on)


def _find_owner(waiter: Waiter[Any], frame: FrameType | None) -> object:
    """Return the object whose method waits on `waiter`, if it is one of the library's."""
    callers = dropwhile(lambda caller: _self(caller) is not waiter, _library_frames(frame))
    for caller in callers:
        owner = _self(caller)
        if owner is not waiter and not (owner is None or isinstance(owner, greenlet)):
            return owner
    return None


def _self(frame: FrameType) -> object:
    return frame.f_locals.get("self")


def _library_frames(frame: FrameType | None) -> Iterator[FrameType]:
    """Yield the innermost frames up to the first that is the user's."""
    while frame is not None and frame.f_globals.get("__name__", "").startswith(_NAMESPACE):
        yield frame
        frame = frame.f_back


def describe_timer(timer: Entry, hub: Hub) -> str:
    """Return when a timer is due and what it does then."""
    return f"{describe_due_time(timer, hub)}, {_describe_purpose(timer)}"


def describe_due_time(timer: Entry, hub: Hub) -> str:
    """Return when a timer is due, seen from now."""
    left = timer.deadline - hub.time()
    return f"in {describe_seconds(left)}" if left > 0 else "now"


def _describe_purpose(timer: Entry) -> str:
    from ._timeout import Timeout  # which is built on all this

    if isinstance(timer, Timeout):
        chosen = timer._exception
        raised = chosen if isinstance(chosen, BaseException) else timer
        return f"raises {raised!r} in {describe_fiber(timer._fiber)}"
    callback = cast(Timer, timer).callback
    return "does nothing any more" if callback is None else f"calls {describe_callable(callback)}"


def describe_callable(function: Callable[..., object]) -> str:
    """Return the name of a function or method, and where it was written."""
    inner = _wrapped(function)
    if inner is not None:
        return describe_callable(inner)
    owner = getattr(function, "__self__", None)
    code = getattr(function, "__code__", None)
    name = getattr(function, "__qualname__", None)
    if name is None:
        return _reprs.repr(function)
    if owner is not None and not isinstance(owner, ModuleType):
        name = f"{name} of {_reprs.repr(owner)}"
    return f"{name} ({code.co_filename}:{code.co_firstlineno})" if code else name


def _wrapped(function: Callable[..., object]) -> Callable[..., object] | None:
    """Return the user's function that one of our own closures calls."""
    code = getattr(function, "__code__", None)
    if code is None or not (getattr(function, "__module__", None) or "").startswith(_NAMESPACE):
        return None
    cells = dict(zip(code.co_freevars, getattr(function, "__closure__", None) or (), strict=True))
    return cells["function"].cell_contents if "function" in cells else None
