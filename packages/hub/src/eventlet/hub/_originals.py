"""Copies of standard modules that no patch reaches.

A module that is written in C, or whose classes everybody must share (`socket.socket`, for one), is
copied by name: the objects are the same, patched names get their old values, and functions written
in Python look up their globals in the copy. Any other module is executed once more, with imports
of its own that find copies instead of the modules that could be patched, then and later. So a
thread made by the copy of `threading` is a native one for as long as it lives.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.util
import sys
import threading
from collections.abc import Mapping, Sequence
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, cast

from ._native import RLock

if TYPE_CHECKING:
    from importlib.abc import Loader
    from importlib.machinery import ModuleSpec

# Modules that are copied by name although they are written in Python.
SHARED = frozenset({"os", "signal", "socket", "ssl"})

# What a copied module must not share with the program: all that patches are made for.
_SEPARATE = frozenset({
    "_queue", "_thread", "_threading_local", "concurrent.futures", "os", "queue", "select",
    "selectors", "signal", "socket", "socketserver", "ssl", "subprocess", "threading", "time",
})  # fmt: skip

# The old values of the names that are patched now, by module.
replaced: dict[str, dict[str, object]] = {}

_lock = RLock()
_copies: dict[str, ModuleType] = {}


def original(name: str) -> ModuleType:
    """Return a copy of a module that no patch ever reaches; the same one each time.

    What the copy uses is unpatched too: a `threading.Thread` of the copy is a native one.

    Arguments:
        name: of the module, with the dots of its package.

    Raises:
        ModuleNotFoundError: there is no such module.
    """
    with _lock:
        copy = _copies.get(name)
        if copy is None:
            module = importlib.import_module(name)
            is_shared = name in SHARED or not _has_source(module)
            copy = _copy_by_name(module) if is_shared else _execute_again(module)
            package, _, short_name = name.rpartition(".")
            if package in _copies:
                setattr(_copies[package], short_name, copy)
        return copy


def is_copied(kind: type) -> bool:
    """Whether a class belongs to a module that `original` has executed once more."""
    copy = _copies.get(kind.__module__)
    return copy is not None and vars(copy).get(kind.__name__) is kind is not vars(
        sys.modules[kind.__module__]
    ).get(kind.__name__)


def _has_source(module: ModuleType) -> bool:
    spec = module.__spec__
    return spec is not None and bool(spec.origin) and str(spec.origin).endswith(".py")


def _copy_by_name(module: ModuleType) -> ModuleType:
    copy = ModuleType(module.__name__, module.__doc__)
    names = copy.__dict__
    names.update(module.__dict__)
    names.update(replaced.get(module.__name__, {}))
    names["__builtins__"] = _builtins()
    for name, value in list(names.items()):
        if isinstance(value, FunctionType) and value.__globals__ is module.__dict__:
            names[name] = _rebind(value, names)
    _copies[module.__name__] = copy
    return copy


def _rebind(function: FunctionType, names: dict[str, Any]) -> FunctionType:
    twin = FunctionType(
        function.__code__, names, function.__name__, function.__defaults__, function.__closure__
    )
    twin.__kwdefaults__ = function.__kwdefaults__
    twin.__dict__.update(function.__dict__)
    twin.__doc__ = function.__doc__
    twin.__module__ = function.__module__
    return twin


def _builtins() -> dict[str, object]:
    return {**vars(builtins), "__import__": _import}


def _execute_again(module: ModuleType) -> ModuleType:
    name = module.__name__
    spec = cast("ModuleSpec", module.__spec__)
    copy = importlib.util.module_from_spec(spec)
    copy.__dict__["__builtins__"] = _builtins()
    _copies[name] = copy
    try:
        cast("Loader", spec.loader).exec_module(copy)
    except BaseException:
        # Whatever went wrong, half a module is of no use to anybody.
        del _copies[name]
        raise
    if name == "threading":
        # Its threads are waited for at the end of the program, like those of the module itself.
        threading._register_atexit(copy._shutdown)  # type: ignore[attr-defined]
    return copy


def _import(
    name: str,
    globals: Mapping[str, Any] | None = None,
    locals: Mapping[str, Any] | None = None,
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> ModuleType:
    """Do what ``import`` does, in a copy: find copies of what could be patched."""
    package = (globals or {}).get("__package__")
    absolute = importlib.util.resolve_name("." * level + name, package) if level else name
    if not _is_separate(absolute):
        return builtins.__import__(name, globals, locals, fromlist or (), level)
    copy = original(absolute)
    for attribute in fromlist or ():
        if not hasattr(copy, attribute) and _is_separate(f"{absolute}.{attribute}"):
            original(f"{absolute}.{attribute}")  # which the copy has from then on
    if fromlist or "." not in name:
        return copy
    # ``import a.b`` binds a, which must lead to the copy of b.
    top = ModuleType(absolute.partition(".")[0])
    top.__dict__.update(vars(importlib.import_module(top.__name__)))
    setattr(top, absolute.split(".")[1], copy)
    return top


def _is_separate(name: str) -> bool:
    return name in _SEPARATE or name.startswith("concurrent.futures.")
