"""Green threads with the contract of `threading.Thread`."""

from __future__ import annotations

import atexit
from _thread import get_native_id
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from itertools import count
from threading import ExceptHookArgs
from threading import main_thread as _native_main
from typing import Any
from weakref import WeakKeyDictionary

from eventlet.hub import GreenThread, get_hub, getcurrent, spawn

from ._flag import Event
from ._scheduler import get_ident as _native_ident
from .errors import Misuse

# Those that have been started and have not ended.
_living: dict[GreenThread[Any], Thread] = {}
# What `current_thread` has made up for greenlets that were not started here.
_strangers: WeakKeyDictionary[Any, Thread] = WeakKeyDictionary()
_numbers = count(1)
_stranger_numbers = count(1)


class Thread:
    """Runs a function in a green thread; with the contract of `threading.Thread`.

    Override `run` or pass a `target`. As with native threads, the interpreter waits at its end for
    those of the main native thread that are not daemons.

    Arguments:
        group: None.
        target: called by `run`.
        name: by default made from a number and the name of `target`.
        args: for `target`.
        kwargs: for `target`.
        daemon: None takes it from the current thread.
    """

    def __init__(
        self,
        group: None = None,
        target: Callable[..., object] | None = None,
        name: str | None = None,
        args: Iterable[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        daemon: bool | None = None,
    ) -> None:
        if group is not None:
            raise TypeError(f"group must be None, not {group!r}")
        self._target = target
        self._args = args
        self._kwargs = {} if kwargs is None else kwargs
        self._name = _name_for(target) if name is None else str(name)
        self._daemonic = current_thread().daemon if daemon is None else bool(daemon)
        self._green: Any = None
        self._started = Event()
        self._ended = Event()

    def start(self) -> None:
        """Start the green thread.

        Raises:
            Misuse: it was started before.
        """
        self._check_initialized()
        if self._green is not None:
            raise Misuse("threads can only be started once")
        green = self._green = spawn(self._bootstrap)
        green.name = self._name
        _living[green] = self
        green.link(self._end)
        self._started.set()
        if not self._daemonic:
            _wait_at_exit()

    def run(self) -> None:
        """Call the target; to be overridden."""
        try:
            if self._target is not None:
                self._target(*self._args, **self._kwargs)
        finally:
            # Not to keep the arguments alive for as long as the thread object.
            del self._target, self._args, self._kwargs

    def join(self, timeout: float | None = None) -> None:
        """Wait until the thread has ended; look at `is_alive` to know whether it has.

        Arguments:
            timeout: seconds; None waits for ever.

        Raises:
            Misuse: it has not been started, or waits for itself.
        """
        self._check_initialized()
        if not self._started.is_set():
            raise Misuse("cannot join thread before it is started")
        if self._green is getcurrent():
            raise Misuse("cannot join current thread")
        self._ended.wait(timeout)

    def is_alive(self) -> bool:
        """Whether it was started and has not ended."""
        self._check_initialized()
        return self._started.is_set() and not self._ended.is_set()

    @property
    def name(self) -> str:
        """Its name; assign to change it."""
        self._check_initialized()
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        self._check_initialized()
        self._name = str(name)

    @property
    def ident(self) -> int | None:
        """A number that no other living green thread has; None before the start."""
        self._check_initialized()
        return None if self._green is None else id(self._green)

    @property
    def native_id(self) -> int | None:
        """The system's number of the native thread; None before the start."""
        self._check_initialized()
        return None if self._green is None else get_native_id()

    @property
    def daemon(self) -> bool:
        """Whether the interpreter ends without waiting for it; assign before the start."""
        self._check_initialized()
        return self._daemonic

    @daemon.setter
    def daemon(self, daemonic: bool) -> None:
        self._check_initialized()
        if self._started.is_set():
            raise Misuse("cannot set daemon status of active thread")
        self._daemonic = daemonic

    # The names of old.

    def getName(self) -> str:  # noqa: N802
        """Return the name."""
        return self.name

    def setName(self, name: str) -> None:  # noqa: N802
        """Change the name."""
        self.name = name

    def isDaemon(self) -> bool:  # noqa: N802
        """Return whether it is a daemon."""
        return self.daemon

    def setDaemon(self, daemonic: bool) -> None:  # noqa: N802
        """Make it a daemon, or not."""
        self.daemon = daemonic

    def __repr__(self) -> str:
        self._check_initialized()
        state = "stopped" if self._ended.is_set() else "started"
        if not self._started.is_set():
            state = "initial"
        daemon = " daemon" if self._daemonic else ""
        number = "" if self.ident is None else f" {self.ident}"
        return f"<{type(self).__name__}({self._name}, {state}{daemon}{number})>"

    # Behind the scenes

    def _check_initialized(self) -> None:
        if "_ended" not in self.__dict__:
            raise Misuse("Thread.__init__() was not called")

    def _bootstrap(self) -> None:
        try:
            self.run()
        except SystemExit:
            pass  # as in a native thread, it ends only this one
        except Exception as error:
            self._report(error)

    def _report(self, error: BaseException) -> None:
        from . import threading  # where people put a hook of their own

        threading.excepthook(ExceptHookArgs((type(error), error, error.__traceback__, self)))

    def _end(self, green: GreenThread[Any]) -> None:
        _living.pop(green, None)
        self._ended.set()


class Timer(Thread):
    """Calls a function after `interval` seconds, unless it is cancelled before.

    With the contract of `threading.Timer`.
    """

    def __init__(
        self,
        interval: float,
        function: Callable[..., object],
        args: Iterable[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self.interval = interval
        self.function = function
        self.args = () if args is None else args
        self.kwargs = {} if kwargs is None else kwargs
        self.finished = Event()

    def cancel(self) -> None:
        """Stop it, if it has not called the function yet."""
        self.finished.set()

    def run(self) -> None:
        """Wait, and call the function."""
        if not self.finished.wait(self.interval):
            self.function(*self.args, **self.kwargs)
        self.finished.set()


class _Stranger(Thread):
    """Stands for a green thread, or a bare greenlet, that was not started as a `Thread`."""

    def __init__(self, name: str, ident: int, *, daemon: bool) -> None:
        super().__init__(name=name, daemon=daemon)
        self._ident = ident
        self._started.set()

    def know(self, ident: int) -> None:
        """Learn the number, for the one that may be asked for before it is there."""
        self._ident = ident

    @property
    def ident(self) -> int:
        """A number that no other living green thread has."""
        return self._ident

    @property
    def native_id(self) -> int:
        """The system's number of the native thread."""
        return get_native_id()

    def join(self, timeout: float | None = None) -> None:
        """Refuse: nobody is told when it ends."""
        raise Misuse(f"cannot join {self!r}: it was not started as a Thread")


def current_thread() -> Thread:
    """Return the object for the current green thread, made up if it wasn't started as a Thread."""
    me = getcurrent()
    if isinstance(me, GreenThread):
        if me in _living:
            return _living[me]
    elif _native_ident() == _native_main().ident and me is get_hub().main:
        main = _main_stranger()
        main.know(id(me))
        return main
    found = _strangers.get(me)
    if found is None:
        name = f"Dummy-{next(_stranger_numbers)}"
        found = _strangers[me] = _Stranger(name, id(me), daemon=True)
    return found


def main_thread() -> Thread:
    """Return the object for the main greenlet of the main native thread."""
    return _main_stranger()


def enumerate() -> list[Thread]:
    """Return all threads that were started and have not ended, and the main one."""
    return [_main_stranger(), *_strangers.values(), *_living.values()]


def active_count() -> int:
    """Return the number of the threads in `enumerate`."""
    return 1 + len(_strangers) + len(_living)


def get_ident() -> int:
    """Return a number that no other living green thread has."""
    return id(getcurrent())


def _name_for(target: Callable[..., object] | None) -> str:
    name = f"Thread-{next(_numbers)}"
    function = getattr(target, "__name__", None)
    return name if function is None else f"{name} ({function})"


@cache
def _main_stranger() -> _Stranger:
    return _Stranger("MainThread", _native_main().ident or 0, daemon=False)


@cache
def _wait_at_exit() -> None:
    atexit.register(_join_all)


def _join_all() -> None:
    hub = get_hub()
    while waited := [t for t in _living.values() if not t.daemon and t._green.hub is hub]:
        waited[0].join()
