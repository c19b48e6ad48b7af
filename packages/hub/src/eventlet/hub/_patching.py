"""Which names of which modules have been replaced, where else they were found, and how to undo it.

A patch replaces names in one standard module. Modules that were imported before hold references of
their own to the same objects (``from time import sleep``): they are found and re-pointed, in module
namespaces, class bodies and default arguments. So it doesn't matter whether patching comes first.

Left alone are the modules of this namespace, which say themselves what they need; modules that are
targets of patches, whose patches say what is replaced; and modules that aren't written in Python,
which have no use for the names but to hand them on.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from ._native import RLock
from ._originals import SHARED, replaced
from .errors import HubBusy, UnknownPatch

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "eventlet.patches"

_ABSENT = object()


@dataclass(frozen=True)
class Patch:
    """What one distribution can make green in one standard module.

    An entry point of the group ``eventlet.patches`` names a function without arguments that
    returns one of these, or several; it's called when the patch is wanted. The entry point's name
    is what users give to `eventlet.hub.patching.patch`.

    Arguments:
        module: the module whose names are replaced.
        replacements: the green objects by name. Names that the module lacks on this platform are
            passed over.
        keep: modules whose references to the old objects are left as they are.
        rebase: names of classes whose subclasses, if made earlier, get the green class as a base.
            Instances of them live on, so the green class must cope with what it didn't construct.
        finish: called after all that, with the `Changes` to record its own in: for live objects.
    """

    module: str
    replacements: Mapping[str, object]
    keep: Collection[str] = ()
    rebase: Collection[str] = ()
    finish: Callable[[Changes], object] | None = None


@dataclass
class _Change:
    where: str
    restore: Callable[[], object]


@dataclass
class Changes:
    """A record of what patching has changed, to report it and to undo it."""

    made: list[_Change] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def set(self, holder: Any, name: str, value: object, where: str) -> None:
        """Set an attribute, until everything is undone.

        Arguments:
            holder: what has the attribute.
            name: of the attribute.
            value: the new one.
            where: what this is, for the report.
        """
        old = vars(holder).get(name, _ABSENT) if hasattr(holder, "__dict__") else _ABSENT
        if old is _ABSENT:
            old = getattr(holder, name, _ABSENT)
        setattr(holder, name, value)
        self.add(where, lambda: _restore(holder, name, old))

    def add(self, where: str, restore: Callable[[], object]) -> None:
        """Note a change that was made, and how to take it back."""
        self.made.append(_Change(where, restore))

    def fail(self, where: str, why: object) -> None:
        """Note what could not be made green, and why."""
        self.failed.append(f"{where}: {why}")

    def undo(self) -> None:
        """Take all changes back, the last one first."""
        while self.made:
            self.made.pop().restore()
        self.failed.clear()


def _restore(holder: Any, name: str, old: object) -> None:
    if old is _ABSENT:
        delattr(holder, name)
    else:
        setattr(holder, name, old)


# Each module that is a target of patches now, with its green objects by name; the old ones are in
# `eventlet.hub._originals.replaced`.
_targets: dict[str, dict[str, object]] = {}
_applied: set[str] = set()
_known_modules: set[str] = set()
_changes = Changes()
_lock = RLock()


def available() -> list[str]:
    """Return the names of what can be patched with what is installed."""
    return sorted(_entry_points())


def patch(*what: str) -> None:
    """Replace blocking parts of the standard library by green ones, wherever they are in use.

    It doesn't matter whether the modules that use them have been imported already. What is patched
    already stays as it is.

    Arguments:
        what: names from `available`; none stands for all.

    Raises:
        UnknownPatch: no installed distribution can patch one of these; nothing has been changed.
    """
    with _lock:
        known = _entry_points()
        unknown = [name for name in what if name not in known]
        if unknown:
            raise UnknownPatch(unknown, sorted(known))
        wanted = [name for name in what or known if name not in _applied]
        # All are loaded before the first is applied: an import that fails leaves nothing half done.
        patches = [item for name in wanted for point in known[name] for item in _load(point)]
        left_alone = {*known, *_targets, *(item.module for item in patches)}
        _applied.update(wanted)
        for item in patches:
            _replace(item)
        _known_modules.update(sys.modules)
        for item in patches:
            _re_point(item, left_alone)
        for item in patches:
            if item.finish is not None:
                item.finish(_changes)


def unpatch() -> None:
    """Restore everything that `patch` has changed.

    In modules that were imported meanwhile, each reference to what was patched in is taken for one
    that an import from the standard module has made, and restored too.
    """
    with _lock:
        later = sys.modules.keys() - _known_modules
        back = {
            id(new): (new, replaced[module][name])
            for module, names in _targets.items()
            for name, new in names.items()
        }
        _changes.undo()
        for name, module in _modules_to_search(_targets):
            if name in later:
                _Search(back, Changes(), name).module(module)
        for books in (_targets, _applied, _known_modules, replaced):
            books.clear()


@contextmanager
def patched(*what: str) -> Iterator[None]:
    """Patch for the length of a block, as `patch` and `unpatch`.

    Raises:
        HubBusy: something is patched already, and would not be afterwards.
        UnknownPatch: as for `patch`.
    """
    with _lock:
        if _applied:
            raise HubBusy(f"patched already, for longer than this block: {', '.join(_applied)}")
        patch(*what)
    try:
        yield
    finally:
        unpatch()


def is_patched(name: str) -> bool:
    """Whether a module (``"socket"``) or one of its names (``"socket.socket"``) is patched now."""
    module, _, attribute = name.rpartition(".")
    return name in _applied or name in _targets or attribute in _targets.get(module, ())


def report() -> str:
    """Return what is patched, in which places, and what could not be and why, in words."""
    lines = [f"patched: {', '.join(sorted(_applied)) or 'nothing'}"]
    lines += (f"  {change.where}" for change in _changes.made)
    if _changes.failed:
        lines.append("could not be made green:")
        lines += (f"  {failure}" for failure in _changes.failed)
    return "\n".join(lines)


def _entry_points() -> dict[str, list[EntryPoint]]:
    from importlib.metadata import entry_points  # takes longer to import than the whole hub

    found: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=GROUP):
        points = found.setdefault(point.name, [])
        if point.value not in [known.value for known in points]:  # found twice on the path
            points.append(point)
    return found


def _load(point: EntryPoint) -> list[Patch]:
    declared = point.load()()
    return [declared] if isinstance(declared, Patch) else list(declared)


def _replace(item: Patch) -> None:
    module = importlib.import_module(item.module)
    old_values = replaced.setdefault(item.module, {})
    new_values = _targets.setdefault(item.module, {})
    for name, new in item.replacements.items():
        old = module.__dict__.get(name, _ABSENT)
        if old is not _ABSENT and old is not new_values.get(name):
            old_values.setdefault(name, old)
            new_values[name] = new
            _changes.set(module, name, new, f"{item.module}.{name}")


def _re_point(item: Patch, left_alone: Collection[str]) -> None:
    old_values = replaced[item.module]
    news = {name: new for name, new in item.replacements.items() if name in old_values}
    swap = {id(old_values[name]): (old_values[name], new) for name, new in news.items()}
    for name, module in _modules_to_search({*left_alone, *item.keep}):
        _Search(swap, _changes, name).module(module)
    for name in item.rebase:
        if name in news:
            _rebase(old_values[name], news[name])


def _modules_to_search(left_alone: Collection[str]) -> Iterator[tuple[str, ModuleType]]:
    for name, module in list(sys.modules.items()):
        if name in left_alone or name in SHARED or name.startswith("eventlet."):
            continue
        if isinstance(module, ModuleType) and _is_python(module):
            yield name, module


def _is_python(module: ModuleType) -> bool:
    # The main module may have no file; what was built in or frozen with the interpreter has none.
    file = module.__dict__.get("__file__")
    is_source = isinstance(file, str) and file.endswith((".py", ".pyc"))
    return is_source or module.__name__ == "__main__"


class _Search:
    """Looks for references to certain objects in one module, and re-points them."""

    def __init__(self, swap: Mapping[int, tuple[Any, Any]], record: Changes, name: str) -> None:
        self._swap = swap
        self._record = record
        self._name = name

    def module(self, module: ModuleType) -> None:
        self._namespace(module, vars(module), self._name)
        for value in list(vars(module).values()):
            if isinstance(value, FunctionType):
                if value.__module__ == self._name:
                    self._defaults(value)
            elif isinstance(value, type) and value.__module__ == self._name:
                self._body(value, set())

    def _body(self, cls: type, seen: set[type]) -> None:
        seen.add(cls)
        self._namespace(cls, vars(cls), f"{self._name}.{cls.__qualname__}")
        for value in list(vars(cls).values()):
            # Only of these: to ask any object for an attribute may run code, an import even.
            wraps = isinstance(value, (classmethod, staticmethod))
            function = value.__func__ if wraps else value
            if isinstance(function, FunctionType):
                self._defaults(function)
            elif isinstance(value, type) and value.__module__ == self._name and value not in seen:
                self._body(value, seen)

    def _namespace(self, holder: Any, names: Mapping[str, Any], where: str) -> None:
        for name, value in list(names.items()):
            is_static = isinstance(value, staticmethod)
            new = self._instead_of(value.__func__ if is_static else value)
            if new is not _ABSENT:
                self._set(holder, name, staticmethod(new) if is_static else new, f"{where}.{name}")

    def _defaults(self, function: FunctionType) -> None:
        where = f"a default of {self._name}.{function.__qualname__}"
        defaults = function.__defaults__ or ()
        if any(self._instead_of(value) is not _ABSENT for value in defaults):
            new = tuple(self._swapped(value) for value in defaults)
            self._set(function, "__defaults__", new, where)
        by_name = function.__kwdefaults__ or {}
        if any(self._instead_of(value) is not _ABSENT for value in by_name.values()):
            swapped = {name: self._swapped(value) for name, value in by_name.items()}
            self._set(function, "__kwdefaults__", swapped, where)

    def _set(self, holder: Any, name: str, new: object, where: str) -> None:
        try:
            self._record.set(holder, name, new, where)
        except (AttributeError, TypeError) as error:
            self._record.fail(where, error)  # an object that forbids it, an enumeration for one

    def _instead_of(self, value: object) -> Any:
        old, new = self._swap.get(id(value), (_ABSENT, _ABSENT))
        return new if old is value else _ABSENT

    def _swapped(self, value: object) -> object:
        new = self._instead_of(value)
        return value if new is _ABSENT else new


def _rebase(old: Any, new: Any) -> None:
    for subclass in list(old.__subclasses__()):
        if subclass is new or subclass.__module__.startswith("eventlet."):
            continue
        before = subclass.__bases__
        after = tuple(new if base is old else base for base in before)
        where = f"the base of {subclass.__module__}.{subclass.__qualname__}"
        try:
            _changes.set(subclass, "__bases__", after, where)
        except TypeError as error:
            _changes.fail(where, error)
