"""Finds code that holds a hub: that computes, or blocks in a system call, and lets nobody else run.

A native thread looks at every hub of the process a few times in each period. A hub counts its
turns, and says when it polls; so one whose count stands still, though it doesn't poll, is held. A
look costs the watched threads nothing but the moment in which the watching one has the
interpreter. Only when a count stands still does the watchdog look closer, at the stack of the
hub's native thread.

What it cannot see: an extension that computes for long without releasing the interpreter lock, for
the watchdog doesn't run then either.
"""

from __future__ import annotations

import logging
import os
import sys
from _thread import LockType
from collections import Counter
from collections.abc import Callable
from time import monotonic
from types import FrameType, TracebackType
from typing import NamedTuple, Self
from weakref import WeakKeyDictionary

from . import _native
from ._fork import run_in_child, watch_forks
from ._hub import Hub
from ._registry import all_hubs
from ._report import describe_hub, format_stack, living_threads, running_fiber, user_places
from ._unobserved import report_unobserved
from ._wording import describe_fiber, describe_seconds

Report = Callable[["Blockage"], object]

# How often it looks in the time that it allows.
_LOOKS = 4

_STANDARD_LIBRARY = os.path.dirname(os.__file__)
_INSTALLED = os.path.join(_STANDARD_LIBRARY, "site-packages")

_Place = tuple[str, str, int]

_log = logging.getLogger("eventlet.hub")


class Blockage(NamedTuple):
    """Something held a hub for too long; reported when it is noticed, and again when it ends.

    Attributes:
        hub: which hub, in words.
        holder: the green thread that held it, in words. Many may have held it together, each for
            a short while, if that many were ready at once; then the one seen most often is named.
        function: where: the innermost function that isn't the standard library's.
        file: where that function was written.
        line: the line it was at.
        seconds: for how long, until now; up to a look too short.
        stack: the whole stack, formatted; empty when it has ended.
        ended: whether the hub goes on. If it was held in several places, the one that was seen
            most often is given.
    """

    hub: str
    holder: str
    function: str
    file: str
    line: int
    seconds: float
    stack: str
    ended: bool

    def __str__(self) -> str:
        culprit = f"{self.holder}, in {self.function} ({self.file}:{self.line})"
        seconds = describe_seconds(self.seconds)
        if self.ended:
            return f"{self.hub} goes on. It was held for {seconds} by {culprit}"
        return f"{self.hub} has been held for {seconds} by {culprit}\n{self.stack}".rstrip()


def log_blockage(blockage: Blockage) -> None:
    """Log a blockage as a warning of the logger ``eventlet.hub``."""
    _log.warning("%s", blockage)


class Watchdog:
    """Watches the hubs of the process until it is stopped; made by `detect_blocking`."""

    def __init__(self, seconds: float, report: Report) -> None:
        self._seconds = seconds
        self._report = report
        self._owner = _native.get_ident()
        self._looks: WeakKeyDictionary[Hub, _Look] = WeakKeyDictionary()
        self._stopped = False
        self._start()
        watch_forks()
        run_in_child(self, Watchdog._restart)

    def stop(self) -> None:
        """Stop watching; harmless if it has been stopped. Nothing is reported from now on."""
        if not self._stopped:
            self._stopped = True
            self._running.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        state = "stopped" if self._stopped else "watching"
        return f"<Watchdog {state}, {describe_seconds(self._seconds)}>"

    def _start(self) -> None:
        # Held for as long as the thread is to run.
        self._running = _native.allocate_lock()
        self._running.acquire()
        _native.bystanders.add(self)
        _native.start_new_thread(self._watch, (self._running,))

    def _restart(self) -> None:
        """Go on in a forked child, where the thread does not exist."""
        _native.bystanders.discard(self)
        self._looks.clear()
        if not self._stopped:
            self._start()

    def _watch(self, running: LockType) -> None:
        try:
            while not running.acquire(timeout=self._seconds / _LOOKS):
                self._look()
        finally:
            _native.bystanders.discard(self)

    def _look(self) -> None:
        now = monotonic()
        for hub in all_hubs():
            look = self._looks.get(hub)
            if look is None:
                self._looks[hub] = _Look(hub.turns, now)
            elif hub.polling or hub.turns != look.turns:
                if look.reported:
                    self._tell(look.end(hub, now))
                self._looks[hub] = _Look(hub.turns, now)
            elif self._matters(hub):
                self._look_closer(hub, look, now)

    def _matters(self, hub: Hub) -> bool:
        """Whether somebody waits for the hub, as far as can be known; its maker's always counts."""
        if hub.ident == self._owner:
            return True
        # A report that waits, for a lock say, makes a hub for this native thread too.
        return hub.ident != _native.get_ident() and bool(living_threads(hub) or len(hub.timers))

    def _look_closer(self, hub: Hub, look: _Look, now: float) -> None:
        frame = sys._current_frames().get(hub.ident)
        if frame is not None:  # else its native thread has just ended
            look.add(hub, frame)
            if not look.reported and look.count >= _LOOKS and now - look.since >= self._seconds:
                self._tell(look.begin(hub, frame, now))

    def _tell(self, blockage: Blockage) -> None:
        try:
            if not self._stopped:
                self._report(blockage)
        except Exception as error:
            report_unobserved(error, self._report)


class _Look:
    """What has been seen of one hub since its count of turns last changed."""

    def __init__(self, turns: int, since: float) -> None:
        self.turns = turns
        self.since = since
        self.count = 0
        self.reported = False
        self._holders: Counter[str] = Counter()
        self._places: Counter[_Place] = Counter()

    def add(self, hub: Hub, frame: FrameType) -> None:
        """Note that the hub is held, by whom, and where."""
        fiber = running_fiber(hub)
        self.count += 1
        self._holders["a greenlet made by hand" if fiber is None else describe_fiber(fiber)] += 1
        self._places[_find_place(frame)] += 1

    def begin(self, hub: Hub, frame: FrameType, now: float) -> Blockage:
        """Return the report of a blockage that goes on."""
        self.reported = True
        return self._report(hub, _find_place(frame), now, stack=format_stack(frame), ended=False)

    def end(self, hub: Hub, now: float) -> Blockage:
        """Return the report of a blockage that is over."""
        [(place, _)] = self._places.most_common(1)
        return self._report(hub, place, now, stack="", ended=True)

    def _report(self, hub: Hub, place: _Place, now: float, *, stack: str, ended: bool) -> Blockage:
        [(holder, _)] = self._holders.most_common(1)
        others = len(self._holders) - 1
        if others:
            holder += f" and {others} other{'s' if others > 1 else ''}"
        return Blockage(describe_hub(hub), holder, *place, now - self.since, stack, ended)


def _find_place(frame: FrameType) -> _Place:
    places = user_places(frame) or [(frame, frame.f_lineno)]
    users = [place for place in places if not _is_standard(place[0].f_code.co_filename)]
    innermost, line = (users or places)[-1]
    return innermost.f_code.co_qualname, innermost.f_code.co_filename, line


def _is_standard(file: str) -> bool:
    return file.startswith("<frozen ") or (
        file.startswith(_STANDARD_LIBRARY) and not file.startswith(_INSTALLED)
    )
