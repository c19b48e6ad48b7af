"""Native locks that live objects keep, replaced by green ones: the handlers of `logging`, for one.

A lock is found where an instance, a class or a module keeps it in an attribute, in dictionaries,
in lists and in closures. It is replaced everywhere by one green lock, and methods of it that
somebody has kept (a `threading.Condition` does) by those of the green lock. A green lock serves
native threads as well, so it does no harm where one of them uses it.

Everywhere or nowhere: two locks in the place of one would let two in. So a lock stays if it is kept
also where nothing can be replaced, in a tuple or by a running function; and if somebody has it just
now, because whoever has it is going to release the old one. The report names these.

Left alone are the locks of this project, those that `threading` itself and threads are built on,
and the objects of `eventlet.hub.patching.original`.
"""

from __future__ import annotations

import gc
import sys
import weakref
from _queue import SimpleQueue as _NativeQueue
from collections import deque
from collections.abc import Callable, Collection, Iterator
from functools import partial
from threading import Thread
from types import (
    BuiltinMethodType,
    CellType,
    FrameType,
    FunctionType,
    MemberDescriptorType,
    ModuleType,
)
from typing import Any, NamedTuple

from eventlet.hub import _originals
from eventlet.hub._native import RLock as _NativeRLock
from eventlet.hub._native import allocate_lock, are_others_active
from eventlet.hub._native import local as _native_local
from eventlet.hub.patching import Changes

from ._local import local
from ._locks import Lock, RLock
from ._simple_queue import SimpleQueue

_NativeLock: type = type(allocate_lock())
_KINDS = frozenset({_NativeLock, _NativeRLock, _NativeQueue, _native_local})
_WANTED = _KINDS | {BuiltinMethodType}
_NEITHER = (_WANTED | {dict}).isdisjoint
# The import system locks with what `_thread` offers at the time, and keeps nothing.
_LEFT_ALONE = frozenset({"_frozen_importlib", "_thread", "eventlet", "importlib"})


class _Place(NamedTuple):
    """Where a lock is kept, or a method of one.

    Attributes:
        where: in words.
        kept: the lock or the method.
        get: returns what is there now.
        put: puts something else there; None where nothing can be replaced.
    """

    where: str
    kept: Any
    get: Callable[[], Any]
    put: Callable[[Any], object] | None


def replace_live_locks(changes: Changes) -> None:
    """Replace the locks and thread-local data that live objects keep, and take note of it."""
    finding = _Finding()
    finding.search(gc.get_objects())
    for key, (lock, places) in finding.found.items():
        if key not in finding.private:
            _replace(changes, lock, places)


def _replace(changes: Changes, lock: Any, places: list[_Place]) -> None:
    fixed = next((place.where for place in places if place.put is None), None)
    if fixed is not None:
        changes.fail(fixed, "nothing can be replaced there, so this lock stays native everywhere")
        return
    new = _make_green(lock)
    if isinstance(new, str):
        changes.fail(places[0].where, new)
        return
    done: list[tuple[str, Callable[[], object]]] = []
    for where, kept, get, put in places:
        instead = new if kept is lock else getattr(new, kept.__name__)
        try:
            put(instead)  # type: ignore[misc]  # none of them is None
        except (AttributeError, TypeError) as error:
            for _, restore in done:
                restore()
            changes.fail(where, error)
            return
        done.append((where, _undo(get, put, instead, kept)))
    if isinstance(lock, _NativeQueue):
        _move_items(lock, new)
        changes.add(f"the items of {places[0].where}", partial(_move_items, new, lock))
    for where, restore in done:
        changes.add(where, restore)


def _move_items(old: Any, new: Any) -> None:
    while not old.empty():
        new.put(old.get())


def _undo(get: Any, put: Any, new: Any, old: Any) -> Callable[[], object]:
    return lambda: put(old) if get() is new else None


class _Finding:
    """Finds out who keeps locks.

    Attributes:
        found: by the number of a lock, the lock and where it is kept.
        private: the numbers of locks that must stay as they are.
    """

    def __init__(self) -> None:
        self.found: dict[int, tuple[Any, list[_Place]]] = {}
        self.private: set[int] = set()
        # Dictionaries that keep locks and, as far as is known, are no namespaces.
        self._dictionaries: dict[int, dict[Any, Any]] = {}

    def search(self, objects: list[Any]) -> None:
        """Look into some objects, and into the variables of all functions that run."""
        for found in objects:
            if type(found) is dict and _keeps_lock(found.values()):
                self._dictionaries[id(found)] = found
        for found in objects:
            if type(found) is not dict and not isinstance(found, (BuiltinMethodType, FrameType)):
                self._look_into(found)
        for names in _originals.replaced.values():
            self._keep(self._dictionaries.pop(id(names), {}).values())
        for found in self._dictionaries.values():
            for key, value in list(found.items()):
                self._note(f"a dictionary, at {key!r}", value, *_item(found, key))
        for frame in _running_frames():
            for name, value in frame.f_locals.items():
                where = f"the variable {name} of {frame.f_code.co_qualname}"
                self._note(where, value, lambda: None, None)

    def _look_into(self, holder: Any) -> None:
        values = gc.get_referents(holder)
        if _NEITHER(map(type, values)):
            return  # found out in C, because of most objects that is true
        if not (_keeps_lock(values) or self._has_namespace(holder, values)):
            return
        names = _attributes(holder)
        self._dictionaries.pop(id(_namespace(holder)), None)
        if _is_left_alone(holder):
            self._keep([*values, *names.values()])
        elif isinstance(holder, (list, deque)):
            for index, value in enumerate(list(holder)):
                self._note(_in(holder), value, *_item(holder, index))
        elif isinstance(holder, CellType):
            self._note("a closure", holder.cell_contents, *_attribute(holder, "cell_contents"))
        else:
            self._note_attributes(holder, names)
            self._note_rest(holder, values, names)

    def _has_namespace(self, holder: Any, values: list[Any]) -> bool:
        """Whether an object has attributes in a dictionary that keeps locks."""
        is_elsewhere = self._dictionaries.keys().isdisjoint(map(id, values))
        return not is_elsewhere and _namespace(holder) is not None

    def _note_attributes(self, holder: Any, names: dict[str, Any]) -> None:
        for name, value in names.items():
            if isinstance(holder, Thread) and name == "_tstate_lock":
                self._keep([value])  # which the interpreter releases when a native thread ends
            else:
                self._note(_place(holder, name), value, *_attribute(holder, name))

    def _note_rest(self, holder: Any, values: list[Any], names: dict[str, Any]) -> None:
        known = set(map(id, names.values()))
        for value in values:
            if id(value) not in known:
                self._note(_in(holder), value, lambda: None, None)

    def _note(self, where: str, kept: Any, get: Any, put: Any) -> None:
        lock = _lock_in(kept)
        if lock is not None:
            place = _Place(where, kept, get, put)
            self.found.setdefault(id(lock), (lock, []))[1].append(place)

    def _keep(self, values: Any) -> None:
        self.private.update(id(lock) for lock in map(_lock_in, values) if lock is not None)


def _lock_in(value: Any) -> Any:
    """Return a lock, or the lock that a method is of; None for anything else."""
    if type(value) is BuiltinMethodType:
        value = value.__self__
    return value if type(value) in _KINDS else None


def _keeps_lock(values: Collection[Any]) -> bool:
    return not _WANTED.isdisjoint(map(type, values)) and any(map(_lock_in, values))


def _is_left_alone(holder: Any) -> bool:
    if isinstance(holder, ModuleType):
        name = holder.__name__
        return _is_ours(name) or name == "threading" or sys.modules.get(name) is not holder
    if isinstance(holder, FunctionType):
        return _is_ours(holder.__module__)
    kind = holder if isinstance(holder, type) else type(holder)
    return _is_ours(kind.__module__) or _originals.is_copied(kind)


def _is_ours(module: object) -> bool:
    return str(module).partition(".")[0] in _LEFT_ALONE


def _running_frames() -> Iterator[FrameType]:
    """Yield the frames of functions that run in any native thread."""
    for innermost in sys._current_frames().values():
        frame: FrameType | None = innermost
        while frame is not None:
            if frame.f_locals is not frame.f_globals and not _is_ours(
                frame.f_globals.get("__name__")
            ):
                yield frame
            frame = frame.f_back


def _namespace(holder: Any) -> Any:
    try:
        return object.__getattribute__(holder, "__dict__")
    except (AttributeError, TypeError):
        return None


def _attributes(holder: Any) -> dict[str, Any]:
    """Return what an object keeps by name, without running any code of its class."""
    found: dict[str, Any] = {}
    if not isinstance(holder, (type, ModuleType)):
        # Members of classes in C are not for everybody to set.
        for kind in (kind for kind in type(holder).__mro__ if "__slots__" in vars(kind)):
            for name, member in vars(kind).items():
                if isinstance(member, MemberDescriptorType):
                    try:
                        found[name] = member.__get__(holder)
                    except AttributeError:
                        pass  # a slot that is empty
    found.update(_namespace(holder) or {})
    return found


def _attribute(holder: Any, name: str) -> tuple[Callable[[], Any], Callable[[Any], object]]:
    """Return what gets and what sets an attribute of an object, as long as the object lives."""
    set_attribute = setattr if isinstance(holder, (type, ModuleType)) else object.__setattr__
    # The record must not keep alive what it is about.
    refer = weakref.ref(holder) if type(holder).__weakrefoffset__ else lambda: holder

    def get() -> Any:
        found = refer()
        return None if found is None else getattr(found, name, None)

    return get, lambda value: set_attribute(refer(), name, value)


def _item(holder: Any, key: Any) -> tuple[Callable[[], Any], Callable[[Any], object]]:
    """Return what gets and what sets an item of a list or dictionary."""

    def get() -> Any:
        try:
            return holder[key]
        except LookupError:
            return None  # it has been taken out

    return get, lambda value: holder.__setitem__(key, value)


def _make_green(old: Any) -> Any:
    """Return what takes the place of a native object, or the reason why nothing can."""
    if isinstance(old, _native_local):
        new = local()
        vars(new).update(vars(old))
        return new
    if isinstance(old, _NativeQueue):
        if not are_others_active():
            return SimpleQueue()
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
    return f"{name} of {_kind_name(type(holder))}"


def _kind_name(kind: type) -> str:
    return f"a {kind.__module__}.{kind.__qualname__}"


def _in(container: Any) -> str:
    """Name a container, by a module that it is a variable of, if there is one."""
    for name, module in list(sys.modules.items()):
        if isinstance(module, ModuleType):
            for variable, value in list(vars(module).items()):
                if value is container:
                    return f"{name}.{variable}"
    kind = type(container)
    return f"a {kind.__name__}" if kind.__module__ == "builtins" else _kind_name(kind)
