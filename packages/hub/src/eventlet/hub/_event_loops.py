"""Event loops of asyncio: each green thread may run one of its own.

asyncio notes the loop that runs once for each native thread, in C. So the note has to change
whenever another green thread goes on, wherever a loop's callbacks may wait. greenlet(3) can report
each switch; that makes each take longer, but only while a loop runs in that native thread.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from greenlet import gettrace, greenlet, settrace

_Tracer = Callable[[Any, Any], object]


def keep_loops_apart() -> None:
    """Let the event loop that runs here be no other green thread's; to be called as it waits."""
    events: Any = sys.modules.get("asyncio.events")
    if events is None or events._get_running_loop() is None:
        return
    before = gettrace()
    if getattr(before, "__qualname__", None) != _QUALNAME:
        settrace(_make_tracer(events, before))


def _make_tracer(events: Any, before: _Tracer | None) -> _Tracer:
    """Return what gives back to each green thread of a native thread the loop that it runs."""
    get, put = events._get_running_loop, events._set_running_loop
    left: dict[greenlet, Any] = {}

    def trace(  # pragma: no cover - Python traces nothing while greenlet calls this
        event: str, switch: tuple[greenlet, greenlet]
    ) -> None:
        if before is not None:
            before(event, switch)
        old = get()
        if old is not None:
            left[switch[0]] = old
            put(left.pop(switch[1], None))
        elif switch[1] in left:
            put(left.pop(switch[1]))
        elif not left:
            settrace(before)

    return trace


_QUALNAME = f"{_make_tracer.__qualname__}.<locals>.trace"
