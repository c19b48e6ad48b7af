"""What a test leaves behind: green threads, timers, descriptors."""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from textwrap import indent

from ._greenthread import sleep
from ._hub import Hub
from ._open_files import hub_descriptors, open_files
from ._registry import get_hub
from ._report import format_thread, living_threads, living_timers
from ._wording import describe_timer

KINDS = ("threads", "timers", "descriptors")

# How often green threads that have been told to end may wait once more.
_LAST_ROUNDS = 10
# In which of those rounds the garbage collector runs: it is slow, and most have nothing left.
_COLLECTIONS = (0, 5)


class LeftBehind(AssertionError):
    """A block of code ended, but not all that it began.

    `leftovers` has a text on each thing.
    """

    def __init__(self, leftovers: list[str]) -> None:
        super().__init__(leftovers)
        self.leftovers = leftovers

    def __str__(self) -> str:
        things = "".join("- " + indent(text, "  ")[2:] for text in self.leftovers)
        return f"these were begun and not ended:\n{things}"


class _Guard:
    """Compares what is there with what was there before."""

    def __init__(self, allow: Collection[str]) -> None:
        self._watched = [kind for kind in KINDS if kind not in allow]
        self._threads = living_threads(get_hub())
        self._timers = living_timers(get_hub())
        self._files = open_files()
        # What was left in a hub that has been replaced since.
        self._former: list[str] = []

    def note(self, hub: Hub) -> None:
        """Remember what is left in a hub that is about to be ended by force."""
        _settle(lambda: self._in_hub(hub))
        self._former += self._in_hub(hub)

    def leftovers(self) -> list[str]:
        """Return a text on each thing that has come and not gone."""
        found = self._former + self._in_hub(get_hub())
        if "descriptors" in self._watched:
            own = hub_descriptors(get_hub())
            files = sorted(open_files() - self._files)
            found += [file.describe() for file in files if file.fd not in own]
        return found

    def _in_hub(self, hub: Hub) -> list[str]:
        found = []
        if "threads" in self._watched:
            threads = (each for each in living_threads(hub) if each not in self._threads)
            found += [format_thread(thread) for thread in threads]
        if "timers" in self._watched:
            timers = (each for each in living_timers(hub) if each not in self._timers)
            found += [f"a timer: {describe_timer(timer, hub)}\n" for timer in timers]
        return found


_guard: ContextVar[_Guard | None] = ContextVar("_guard", default=None)


@contextmanager
def no_leaks(*, allow: Collection[str] = ()) -> Iterator[None]:
    """Fail if a block leaves green threads, timers or descriptors behind that it began.

    What is about to end gets some rounds of the hub, and the garbage collector runs, before
    anything counts as left. Nothing is checked when the block raises. Descriptors are compared
    where the system lists them, which Windows does not.

    Arguments:
        allow: what doesn't matter here: any of "threads", "timers", "descriptors".

    Raises:
        LeftBehind: something was left.
        ValueError: `allow` names something else.
    """
    for kind in allow:
        if kind not in KINDS:
            raise ValueError(f"there is no kind {kind!r} to allow; there are: {', '.join(KINDS)}")
    outer = _guard.get()
    guard = _Guard(allow)
    _guard.set(guard)
    try:
        yield
    finally:
        _guard.set(outer)
    _settle(guard.leftovers)
    leftovers = guard.leftovers()
    if leftovers:
        raise LeftBehind(leftovers)


def note_leftovers(hub: Hub) -> None:
    """Tell the `no_leaks` around us, if there is one, about a hub that is about to be ended."""
    guard = _guard.get()
    if guard is not None:
        guard.note(hub)


def _settle(list_leftovers: Callable[[], list[str]]) -> None:
    for last_round in range(_LAST_ROUNDS):
        if not list_leftovers():
            return
        if last_round in _COLLECTIONS:
            gc.collect()
        sleep(0)
