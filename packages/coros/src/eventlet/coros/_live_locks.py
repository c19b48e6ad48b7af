"""Native locks that live objects hold, replaced by green ones: the handlers of `logging`, for one.

A lock is found where an instance, a class or a module holds it in an attribute. It is replaced
everywhere by one green lock, and methods of it that somebody has kept (a `threading.Condition`
does) by those of the green lock. A green lock serves native threads as well, so it does no harm
where one of them uses it.

Left alone are the locks of this project, those of `threading` itself and of threads, the objects
of `eventlet.hub.patching.original`, and what hides in containers and closures. A lock that
somebody has just now can't be replaced: whoever has it is going to release the old one.
"""

from __future__ import annotations

import gc
import sys
import weakref
from _queue import SimpleQueue as _NativeQueue
from collections.abc import Iterator
from threading import Thread
from types import BuiltinMethodType, MemberDescriptorType, ModuleType
from typing import Any

from eventlet.hub._native import RLock as _NativeRLock
from eventlet.hub._native import allocate_lock
from eventlet.hub._native import local as _native_local
from eventlet.hub._originals import is_copied
from eventlet.hub.patching import Changes

from ._local import local
from ._locks import Lock, RLock

_NativeLock: type = type(allocate_lock())
_KINDS: tuple[type, ...] = (_NativeLock, _NativeRLock, _NativeQueue, _native_local)
# The import system locks with what `_thread` offers at the time, and keeps nothing.
_LEFT_ALONE = frozenset({"_frozen_importlib", "_thread", "eventlet", "importlib"})


def replace_live_locks(changes: Changes) -> None:
    """Replace the locks and thread-local data that live objects hold, and take note of it."""
    replacing = _Replacing(changes)
    for holder in _holders():
        replacing.attributes(holder)


def _holders() -> Iterator[Any]:
    """Yield modules, classes and instances that refer to a lock."""
    for name, module in list(sys.modules.items()):
        if isinstance(module, ModuleType) and name != "threading" and not _is_ours(name):
            yield module
    for found in gc.get_objects():
        if isinstance(found, (dict, ModuleType)) or not _refers_to_lock(found):
            continue
        kind = found if isinstance(found, type) else type(found)
        if not (_is_ours(kind.__module__) or issubclass(kind, Thread) or is_copied(kind)):
            yield found


def _is_ours(module: object) -> bool:
    return str(module).partition(".")[0] in _LEFT_ALONE


def _refers_to_lock(found: object) -> bool:
    for value in gc.get_referents(found):
        if type(value) in _KINDS:
            return True
        # The dictionary of an instance; the collector doesn't list one that holds only locks.
        if type(value) is dict and any(type(item) in _KINDS for item in list(value.values())):
            return True
    return False


class _Replacing:
    """Replaces what it finds, each lock by the same one everywhere."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        # With the old ones, whose numbers would be given to others otherwise.
        self._made: dict[int, tuple[Any, Any]] = {}

    def attributes(self, holder: Any) -> None:
        """Replace all that an object holds."""
        names = _attributes(holder)
        for name, value in names.items():
            if type(value) in _KINDS:
                self._replace(holder, name, value)
        for name, value in names.items():
            if isinstance(value, BuiltinMethodType) and id(value.__self__) in self._made:
                new = self._made[id(value.__self__)][1]
                self._set(holder, name, getattr(new, value.__name__), value)

    def _replace(self, holder: Any, name: str, value: Any) -> None:
        made = self._made.get(id(value))
        if made is None:
            new = _make_green(value)
            if isinstance(new, str):
                self._changes.fail(_place(holder, name), new)
                return
            made = self._made[id(value)] = (value, new)
        self._set(holder, name, made[1], value)

    def _set(self, holder: Any, name: str, new: Any, old: Any) -> None:
        set_attribute = setattr if isinstance(holder, (type, ModuleType)) else object.__setattr__
        try:
            set_attribute(holder, name, new)
        except (AttributeError, TypeError) as error:
            self._changes.fail(_place(holder, name), error)
            return
        # The record must not keep alive what it is about.
        refer = weakref.ref(holder) if type(holder).__weakrefoffset__ else lambda: holder

        def restore() -> None:
            found = refer()
            if found is not None and _attributes(found).get(name) is new:
                set_attribute(found, name, old)

        self._changes.add(_place(holder, name), restore)


def _attributes(holder: Any) -> dict[str, Any]:
    """Return what an object holds by name, without running any code of its class."""
    found: dict[str, Any] = {}
    if not isinstance(holder, (type, ModuleType)):
        for kind in type(holder).__mro__:
            for name, member in vars(kind).items():
                if isinstance(member, MemberDescriptorType):
                    try:
                        found[name] = member.__get__(holder)
                    except AttributeError:
                        pass  # a slot that is empty
    try:
        found.update(object.__getattribute__(holder, "__dict__"))
    except AttributeError:
        pass  # it has none
    return found


def _make_green(old: Any) -> Any:
    """Return what takes the place of a native object, or the reason why nothing can."""
    if isinstance(old, _native_local):
        new = local()
        vars(new).update(vars(old))
        return new
    if isinstance(old, _NativeQueue):
        return "native threads may wait in this queue; make it after patching"
    if isinstance(old, _NativeRLock) and old._is_owned():  # type: ignore[attr-defined]
        return "the lock is held by this thread"
    if not old.acquire(blocking=False):
        return "the lock is held"
    old.release()
    return RLock() if isinstance(old, _NativeRLock) else Lock()


def _place(holder: Any, name: str) -> str:
    if isinstance(holder, ModuleType):
        return f"{holder.__name__}.{name}"
    if isinstance(holder, type):
        return f"{holder.__module__}.{holder.__qualname__}.{name}"
    kind = type(holder)
    return f"{name} of a {kind.__module__}.{kind.__qualname__}"
