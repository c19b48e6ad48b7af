"""What the standard `threading` module is built on, the functions of `_thread`, for green threads.

With these in the place of the native ones, its own classes become green: those of the program that
inherit from them, too, and the threads that were made before and start later.
"""

from __future__ import annotations

import _thread
import os
import sys
import threading
import weakref
from collections.abc import Callable
from contextvars import Context
from functools import partial
from typing import Any

from eventlet.hub import GreenThread, get_hub, getcurrent, spawn
from eventlet.hub._native import count_others

from ._flag import Event
from ._locks import Lock
from ._scheduler import in_hub_greenlet

_native_ident = _thread.get_ident
_native_shutdown: Callable[[], None] = getattr(_thread, "_shutdown", lambda: None)
_native_sentinel: Callable[[], Any] = getattr(_thread, "_set_sentinel", Lock)

# Those that were started here and have not ended.
_running: set[GreenThread[Any]] = set()


def get_ident() -> int:
    """Return a number that no other living green thread has.

    Outside of green threads it is the number of the native thread, under which `threading` knows
    the main thread.
    """
    me = getcurrent()
    if isinstance(me, GreenThread):
        return id(me)
    return _native_ident() if me.parent is None or in_hub_greenlet() else id(me)


def current_thread() -> threading.Thread:
    """Return the `threading.Thread` of the current green thread.

    One is made up if it was not started as a Thread, and forgotten when the green thread ends, or
    when the bare greenlet is gone.
    """
    known: dict[int, threading.Thread] = threading._active  # type: ignore[attr-defined]
    ident = get_ident()
    found = known.get(ident)
    if found is None:
        found = threading._DummyThread()
        me = getcurrent()
        if isinstance(me, GreenThread):
            me.link(lambda _: _forget(ident, found))
        elif ident == id(me):
            weakref.finalize(me, _forget, ident, found).atexit = False
    return found


def _forget(ident: int, dummy: threading.Thread) -> None:
    known: dict[int, threading.Thread] = threading._active  # type: ignore[attr-defined]
    if known.get(ident) is dummy:
        del known[ident]


def start_new_thread(
    function: Callable[..., object], args: tuple[Any, ...], kwargs: dict[str, Any] | None = None, /
) -> int:
    """Start a green thread that calls the function; return its number, as `get_ident` in there.

    What the function raises goes to `sys.unraisablehook`; `SystemExit` ends only this thread.

    Raises:
        TypeError: an argument is of the wrong type.
    """
    if not callable(function):
        raise TypeError(f"first arg must be callable, not {function!r}")
    if not isinstance(args, tuple):
        raise TypeError(f"2nd arg must be a tuple, not {args!r}")
    if kwargs is not None and not isinstance(kwargs, dict):
        raise TypeError(f"optional 3rd arg must be a dictionary, not {kwargs!r}")
    return id(_start(function, args, kwargs or {}))


def _start(
    function: Callable[..., object], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> GreenThread[None]:
    owner = getattr(function, "__self__", None)
    if isinstance(owner, threading.Thread):
        owner._invoke_excepthook = partial(_report, owner._invoke_excepthook)  # type: ignore[attr-defined]
    # Like a native thread it begins in an empty context, not in a copy of its maker's.
    thread = Context().run(spawn, _call, function, args, kwargs)
    thread.name = getattr(function, "__qualname__", repr(function))
    _running.add(thread)
    thread.link(_running.discard)
    return thread


def _report(hook: Callable[[threading.Thread], None], thread: threading.Thread) -> None:
    """Do what a Thread does about an exception, but for Ctrl-C, which is for the main one."""
    error = sys.exc_info()[1]
    if isinstance(error, KeyboardInterrupt):
        get_hub().interrupt(error)
    else:
        hook(thread)


def count() -> int:
    """Return how many threads run beside the main one, native ones of the program included."""
    # Not those of the hub that wait for orders: programs wait until nobody is left of their own.
    return max(count_others(), 0) + len(_running)


def _call(function: Callable[..., object], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    try:
        function(*args, **kwargs)
    except SystemExit:
        pass  # as in a native thread, it ends only this one
    except Exception as error:  # whatever it is, nobody waits for it
        _report_unraisable(error, function)


def _report_unraisable(error: Exception, function: object) -> None:
    # The only class that the interpreter's own hook takes has no public name.
    kind: Any = next(k for k in tuple.__subclasses__() if k.__name__ == "UnraisableHookArgs")
    message, source = "Exception ignored in thread started by", function
    if sys.version_info >= (3, 13):
        message, source = f"{message} {function!r}", None
    traceback = error.__traceback__ and error.__traceback__.tb_next  # without our own frame
    sys.unraisablehook(kind((type(error), error, traceback, message, source)))


def set_sentinel() -> Any:
    """Return a lock that is released when the current green thread ends; until Python 3.12."""
    me = getcurrent()
    if not isinstance(me, GreenThread):
        return _native_sentinel()
    lock = Lock()
    me.link(_release, lock)
    return lock


def _release(_: GreenThread[Any], lock: Lock) -> None:
    if lock.locked():
        lock.release()


class ThreadHandle:
    """One start of a green thread, and its end; since Python 3.13.

    Attributes:
        ident: the number of the green thread; 0 before the start.
    """

    __slots__ = ("__weakref__", "_ended", "_pid", "ident")

    def __init__(self, ident: int = 0) -> None:
        self.ident = ident
        self._ended = Event()
        self._pid = os.getpid()

    def is_done(self) -> bool:
        """Whether the green thread has ended, or was left behind in a parent process."""
        is_left_behind = self._pid != os.getpid() and bool(self.ident) and self.ident != get_ident()
        return self._ended.is_set() or is_left_behind

    def join(self, timeout: float | None = None) -> None:
        """Wait until the green thread has ended.

        Arguments:
            timeout: seconds; None, or less than 0, waits for ever.

        Raises:
            RuntimeError: it has not been started, or waits for itself.
        """
        if not self.ident:
            raise RuntimeError("thread not started")
        if self.ident == get_ident() and not self.is_done():
            raise RuntimeError("Cannot join current thread")
        if not self.is_done():
            self._ended.wait(None if timeout is None or timeout < 0 else timeout)

    def _set_done(self) -> None:
        if not self.ident:
            raise RuntimeError("thread not started")
        self._ended.set()

    def __repr__(self) -> str:
        state = "done" if self.is_done() else "running" if self.ident else "not started"
        return f"<ThreadHandle {self.ident}, {state}>"


# Those of threads that the program waits for before it ends.
_awaited: set[ThreadHandle] = set()


def start_joinable_thread(
    function: Callable[[], object], handle: Any = None, daemon: bool = True
) -> Any:
    """Start a green thread that calls the function; return its handle.

    Arguments:
        handle: the one to return; None makes one.
        daemon: whether the program may end before the thread does.

    Raises:
        TypeError: `function` is not callable.
        RuntimeError: the handle is another thread's.
    """
    if not callable(function):
        raise TypeError(f"thread function must be callable, not {function!r}")
    if handle is None:
        handle = ThreadHandle()
    elif not isinstance(handle, ThreadHandle):
        # Of a `threading.Thread` that was made before it was patched.
        handle = function.__self__._handle = ThreadHandle()  # type: ignore[attr-defined]
    if handle.ident:
        raise RuntimeError("thread already started")
    thread = _start(function, (), {})
    handle.ident = id(thread)
    handle._pid = os.getpid()
    if not daemon:
        _awaited.add(handle)
    thread.link(_end, handle)
    return handle


def _end(_: GreenThread[Any], handle: ThreadHandle) -> None:
    _awaited.discard(handle)
    handle._set_done()


def shutdown() -> None:
    """Wait for all threads that are no daemons, green ones and native ones; since Python 3.13."""
    while waiting := [handle for handle in _awaited if not handle.is_done()]:
        waiting[0].join()
    _native_shutdown()
