"""Attributes that each green thread has values of its own for."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from eventlet.hub import GreenThread, getcurrent

Values = dict[str, Any]

_MISSING: Any = object()


class _Keeper:
    """The values of one `local`, by green thread."""

    __slots__ = ("__weakref__", "_by_greenlet", "_by_thread", "args", "kwargs")

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.args = args
        self.kwargs = kwargs
        self._by_thread: dict[GreenThread[Any], Values] = {}
        # Nobody tells us when a bare greenlet ends.
        self._by_greenlet: WeakKeyDictionary[Any, Values] = WeakKeyDictionary()

    def find(self) -> Values | None:
        """Return the values of the current green thread, or None if it has none yet."""
        me = getcurrent()
        if isinstance(me, GreenThread):
            return self._by_thread.get(me)
        return self._by_greenlet.get(me)

    def begin(self) -> Values:
        """Make the current green thread a new set of values."""
        me = getcurrent()
        values: Values = {}
        if not isinstance(me, GreenThread):
            self._by_greenlet[me] = values
            return values
        self._by_thread[me] = values
        keepers = _keepers.get(me)
        if keepers is None:
            keepers = _keepers[me] = WeakSet()
            me.link(_forget)
        keepers.add(self)
        return values

    def drop(self, thread: GreenThread[Any] | None = None) -> None:
        """Drop the values of a green thread; None for the current one."""
        me = getcurrent() if thread is None else thread
        if isinstance(me, GreenThread):
            self._by_thread.pop(me, None)
        else:
            self._by_greenlet.pop(me, None)


# Those that hold values of a green thread, so that they can be told when it ends. One link does for
# all of them, and none of them is kept alive by it.
_keepers: dict[GreenThread[Any], WeakSet[_Keeper]] = {}


def _forget(thread: GreenThread[Any]) -> None:
    for keeper in _keepers.pop(thread):
        keeper.drop(thread)


class local:  # noqa: N801 - the name that it has in `threading`
    """An object whose attributes each green thread sees with its own values.

    As `threading.local`: to begin with, a green thread sees no values, except what the
    ``__init__`` of a subclass sets, which runs once in each green thread with the arguments that
    the object was made with. Attributes in the ``__slots__`` of a subclass are shared. The values
    go when the green thread ends.

    Raises:
        TypeError: there are arguments, but no ``__init__`` to take them.
    """

    __slots__ = ("__weakref__", "_local__keeper")

    def __new__(cls, /, *args: Any, **kwargs: Any) -> Any:
        if (args or kwargs) and cls.__init__ is object.__init__:
            raise TypeError(f"{cls.__name__}() takes no arguments, unless it has an __init__()")
        self = object.__new__(cls)
        keeper = _Keeper(args, kwargs)
        object.__setattr__(self, "_local__keeper", keeper)
        # Python itself calls ``__init__`` now, here.
        keeper.begin()
        return self

    def __getattribute__(self, name: str) -> Any:
        values = _values(self)
        if name == "__dict__":
            return values
        if name in values and not _is_governed(type(self), name):
            return values[name]
        return object.__getattribute__(self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        _refuse_dict(self, name)
        if _is_governed(type(self), name):
            object.__setattr__(self, name, value)
        else:
            _values(self)[name] = value

    def __delattr__(self, name: str) -> None:
        _refuse_dict(self, name)
        if _is_governed(type(self), name):
            object.__delattr__(self, name)
        elif _values(self).pop(name, _MISSING) is _MISSING:
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {name!r} in this green thread",
                name=name,
                obj=self,
            )


def _values(self: local) -> Values:
    keeper: _Keeper = object.__getattribute__(self, "_local__keeper")
    values = keeper.find()
    if values is None:
        values = keeper.begin()
        try:
            type(self).__init__(self, *keeper.args, **keeper.kwargs)
        except BaseException:  # the next access tries again
            keeper.drop()
            raise
    return values


def _is_governed(cls: type, name: str) -> bool:
    """Whether a data descriptor of the class (a property, a slot) rules over this name."""
    for base in cls.__mro__:
        attribute = base.__dict__.get(name, _MISSING)
        if attribute is not _MISSING:
            kind = type(attribute)
            return hasattr(kind, "__set__") or hasattr(kind, "__delete__")
    return False


def _refuse_dict(self: local, name: str) -> None:
    if name == "__dict__":
        raise AttributeError(
            f"{type(self).__name__!r} object attribute '__dict__' is read-only", name=name, obj=self
        )
