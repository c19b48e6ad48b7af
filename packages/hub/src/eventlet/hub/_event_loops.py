"""Event loops of asyncio: each green thread may run one of its own.

asyncio notes the loop that runs once for each native thread, in C. So the note has to change
whenever another green thread goes on, wherever a loop's callbacks may wait. greenlet(3) can report
each switch; that costs each a fraction of a microsecond, and lasts only while some loop runs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from greenlet import gettrace, greenlet, settrace

_Tracer = Callable[[Any, Any], object]


def keep_loops_apart() -> None:
    """Let the event loop that runs here be no other green thread's; to be called as it waits."""
    events: Any = sys.modules.get("asyncio.events")
    if events is None or events._get_running_loop() is None:
        return
    before = gettrace()
    if not isinstance(before, _RunningLoops):
        settrace(_RunningLoops(events, before))


class _RunningLoops:
    """Gives back to each green thread of a native thread the loop that it runs."""

    def __init__(self, events: Any, before: _Tracer | None) -> None:
        self._get = events._get_running_loop
        self._set = events._set_running_loop
        self._before = before
        self._left: WeakKeyDictionary[greenlet, Any] = WeakKeyDictionary()

    def __call__(  # pragma: no cover - Python traces nothing while greenlet calls this
        self, event: str, switch: tuple[greenlet, greenlet]
    ) -> None:
        if self._before is not None:
            self._before(event, switch)
        origin, target = switch
        old = self._get()
        if old is not None:
            self._left[origin] = old
        new = self._left.pop(target, None)
        if new is not old:
            self._set(new)
        if new is None and not self._left:
            settrace(self._before)
