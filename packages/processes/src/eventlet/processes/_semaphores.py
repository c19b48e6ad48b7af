"""What the locks and semaphores of `multiprocessing` are built on, for green threads.

A semaphore that processes share has no descriptor to wait for. So it is asked again and again, less
and less often, as CPython itself does on systems without sem_timedwait(3). Only where no other
green thread would miss its turn, the system waits: the idle workers of a pool are such processes.
"""

from __future__ import annotations

import _multiprocessing  # type: ignore[import-not-found]  # not in the stubs
import gc
import sys
from types import TracebackType
from typing import Any

from eventlet.hub import get_hub, getcurrent, sleep
from eventlet.hub.patching import Changes

# The shortest and longest pauses between two attempts, in seconds. The latter is CPython's.
_FIRST_PAUSE = 0.001
_LONGEST_PAUSE = 0.02

# The kind of what its owner may take again; the others are semaphores.
_RECURSIVE = 0


class SemLock(_multiprocessing.SemLock):  # type: ignore[misc]  # for the same reason
    """A semaphore of the system, on which only the calling green thread waits."""

    _owner: object = None

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """Take it; wait for it at most `timeout` seconds, or for ever.

        Returns:
            Whether it was taken.
        """
        if self._take_nowait():
            return True
        if not block:
            return False
        if self._owner is None and _is_alone():
            return self._note_owner(super().acquire(True, timeout))
        time = get_hub().time
        deadline = None if timeout is None else time() + timeout
        pause = _FIRST_PAUSE
        while not self._take_nowait():
            left = pause if deadline is None else deadline - time()
            if left <= 0:
                return False
            sleep(min(pause, left))
            pause = min(2 * pause, _LONGEST_PAUSE)
        return True

    def _take_nowait(self) -> bool:
        # The system knows native threads only: to it, all green threads are one owner.
        is_others = self.kind == _RECURSIVE and self._owner not in (None, getcurrent())
        return not is_others and self._note_owner(super().acquire(False))

    def _note_owner(self, taken: bool) -> bool:
        if taken:
            self._owner = getcurrent() if self.kind == _RECURSIVE else None
        return taken

    def release(self) -> None:
        """Give it back.

        Raises:
            AssertionError: it is a recursive lock of another green thread.
            ValueError: it has been released too often.
        """
        if self.kind == _RECURSIVE and self._owner is not getcurrent():
            raise AssertionError("attempt to release a recursive lock of another green thread")
        super().release()
        if self._count() == 0:
            self._owner = None

    def _is_mine(self) -> bool:
        is_ours = self.kind != _RECURSIVE or self._owner is getcurrent()
        return is_ours and bool(super()._is_mine())

    def _after_fork(self) -> None:
        self._owner = None
        super()._after_fork()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.release()


def report_earlier(changes: Changes) -> None:
    """Take note of locks and semaphores that stay as they were, because they were made before."""
    synchronize: Any = sys.modules.get("multiprocessing.synchronize")
    if synchronize is not None:
        count = sum(issubclass(type(it), synchronize.SemLock) for it in gc.get_objects())
        if count:
            where = f"{count} of multiprocessing's locks and semaphores"
            changes.fail(where, "they were made before, and block all green threads")


def _is_alone() -> bool:
    """Whether this is the main greenlet of a native thread, and there is nothing to do but that."""
    hub = get_hub()
    stats = hub.stats()
    is_idle = not (stats.green_threads or stats.timers or hub.outside)
    return getcurrent() is hub.main and is_idle
