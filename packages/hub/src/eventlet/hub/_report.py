"""Reports on the green threads of a hub: who they are, what they wait for, and where."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterable
from textwrap import indent
from traceback import StackSummary, walk_stack
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from greenlet import getcurrent

from ._fiber import Fiber, alarmed_fiber
from ._timers import Entry
from ._wording import describe_due_time, describe_fiber, describe_seconds, describe_state

if TYPE_CHECKING:
    from ._greenthread import GreenThread
    from ._hub import Hub

_OWN_FOLDER = os.path.dirname(__file__)
_INDENT = "  "

# A frame and the line it is at.
_Place = tuple[FrameType, int]


def living_threads(hub: Hub) -> list[GreenThread[Any]]:
    """Return the green threads of a hub that have not ended, the oldest first."""
    begun = [carrier.thread for carrier in list(hub.carriers)]
    every = (*begun, *hub.fresh, *hub.late)
    living = [thread for thread in every if thread is not None and not thread.dead]
    return sorted(living, key=lambda thread: thread.started)


def living_timers(hub: Hub) -> list[Entry]:
    """Return the timers of a hub, the next one first.

    Not those that belong to a green thread: that end its wait, or begin it.
    """
    beginnings = set(map(id, hub.late.values()))
    others = (timer for timer in hub.timers if alarmed_fiber(timer) is None)
    timers = [timer for timer in others if id(timer) not in beginnings]
    return sorted(timers, key=lambda timer: timer.deadline)


def running_fiber(hub: Hub) -> Fiber | None:
    """Return the fiber that has control of a hub's native thread; None if it is an unknown one."""
    fibers = (hub.main, hub.greenlet, *list(hub.carriers))
    return next((fiber for fiber in fibers if fiber and fiber.gr_frame is None), None)


def format_hub(hub: Hub) -> str:
    """Return a heading on a hub, and what `format_threads` says about it."""
    count = len(living_threads(hub))
    heading = f"{describe_hub(hub)}: {count} green thread{'' if count == 1 else 's'},"
    ready = sum(each is not hub.greenlet for each in tuple(hub.ready))
    return f"{heading} {ready} ready to run\n{format_threads(hub)}"


def describe_hub(hub: Hub) -> str:
    """Return what tells a hub from the others: its native thread and its poller."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    return f"The {hub.poller.name} hub of {names.get(hub.ident, f'native thread {hub.ident}')}"


def format_threads(hub: Hub) -> str:
    """Return a report of the main greenlet of a hub and of its green threads, the oldest first.

    Each with its age, with what it does or waits for, and with the stack that led there, the
    innermost call last. Those that are at the same place share one stack.
    """
    threads = living_threads(hub)
    fibers = [hub.main, *(thread._fiber for thread in threads if thread._fiber is not None)]
    groups: dict[tuple[tuple[CodeType, int], ...], tuple[list[Fiber], list[_Place]]] = {}
    for fiber in fibers:
        places = _places(fiber, hub)
        key = tuple((frame.f_code, line) for frame, line in places)
        groups.setdefault(key, ([], places))[0].append(fiber)
    parts = [_format_group(members, places) for members, places in groups.values()]
    parts += [format_thread(thread) for thread in threads if thread._fiber is None]
    return indent("".join(parts), _INDENT)


def format_thread(thread: GreenThread[Any]) -> str:
    """Return what `format_threads` says about one green thread."""
    fiber = thread._fiber
    if fiber is not None:
        return _format_group([fiber], _places(fiber, thread.hub))
    timer = thread.hub.late.get(thread)
    state = thread.state if timer is None else f"begins {describe_due_time(timer, thread.hub)}"
    return f"GreenThread {thread.name}, {_age(thread)} old: {state}\n"


def format_stack(frame: FrameType) -> str:
    """Return a stack, the innermost call last, without the scheduler's own calls in it."""
    return _format_places(user_places(frame))


def user_places(frame: FrameType | None) -> list[_Place]:
    """Return the places of a stack that are not the scheduler's own, the outermost first."""
    places = [] if frame is None else list(walk_stack(frame))
    return [place for place in reversed(places) if not _is_own(place[0].f_code)]


def _is_own(code: CodeType) -> bool:
    return os.path.dirname(code.co_filename) == _OWN_FOLDER


def _format_group(fibers: list[Fiber], places: list[_Place]) -> str:
    return "".join(map(_headline, fibers)) + _format_places(places)


def _headline(fiber: Fiber) -> str:
    thread = getattr(fiber, "thread", None)
    age = "" if thread is None else f", {_age(thread)} old"
    return f"{describe_fiber(fiber)}{age}: {describe_state(fiber)}\n"


def _age(thread: GreenThread[Any]) -> str:
    return describe_seconds(thread.hub.time() - thread.started)


def _format_places(places: Iterable[_Place]) -> str:
    return "".join(StackSummary.extract(places).format())


def _places(fiber: Fiber, hub: Hub) -> list[_Place]:
    frame = fiber.gr_frame
    if frame is None:
        # It runs: here, or in a native thread that is not this one.
        here = getcurrent() is fiber
        frame = sys._getframe() if here else sys._current_frames().get(hub.ident)
    return user_places(frame)
