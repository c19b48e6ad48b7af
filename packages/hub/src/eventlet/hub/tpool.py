"""Call blocking functions without blocking the other green threads.

One pool of native threads serves the whole process. It is made at first use, of the size in
``EVENTLET_THREADPOOL_SIZE`` or 20.
"""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any, ParamSpec, TypeVar

from ._threadpool import ThreadPool

__all__ = ["Proxy", "execute", "get_pool", "killall", "proxy_call", "set_num_threads"]

P = ParamSpec("P")
T = TypeVar("T")

_DEFAULT_SIZE = 20


@cache
def get_pool() -> ThreadPool:
    """Return the pool that serves the whole process.

    Raises:
        ValueError: ``EVENTLET_THREADPOOL_SIZE`` isn't a number, or less than 1.
    """
    return ThreadPool(int(os.environ.get("EVENTLET_THREADPOOL_SIZE", _DEFAULT_SIZE)), "tpool")


def execute(function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
    """Call ``function(*args, **kwargs)`` in a native thread, and wait for it to end.

    As `ThreadPool.execute` of the pool that serves the whole process.
    """
    return get_pool().execute(function, *args, **kwargs)


def set_num_threads(number: int) -> None:
    """Change how many calls may be under way at once; those that are go on.

    Raises:
        ValueError: `number` is less than 1.
    """
    get_pool().resize(number)


def killall() -> None:
    """End the threads of the pool, once they have finished what they do; later calls start others.

    Raises:
        HubBusy: called in a thread of the pool.
    """
    get_pool().killall()


def proxy_call(
    autowrap: type | tuple[type, ...],
    function: Callable[..., Any],
    /,
    *args: Any,
    **kwargs: Any,
) -> Any:
    """Call a function in a native thread; wrap a result of certain types in a `Proxy`.

    Arguments:
        autowrap: the types.
        function: what to call. A keyword argument ``nonblocking=True`` is taken off, and says to
            make the call on the spot, because it doesn't block.
    """
    if kwargs.pop("nonblocking", False):
        result = function(*args, **kwargs)
    else:
        result = execute(function, *args, **kwargs)
    return Proxy(result, autowrap) if isinstance(result, autowrap) else result


class Proxy:
    """Stands for an object whose methods block, and calls them in native threads.

    Calls of methods and of the object itself, its items, its iteration and its ``with`` block go to
    the pool. Attributes that can't be called, comparison, hash, truth, length and texts are taken
    from the object on the spot.

    Arguments:
        obj: the object.
        autowrap: a type or a tuple of types; results of them come back as proxies too.
        autowrap_names: names of methods and attributes whose results come back as proxies.
    """

    _obj: Any
    _autowrap: tuple[type, ...]
    _autowrap_names: frozenset[str]

    def __init__(
        self,
        obj: Any,
        autowrap: type | Iterable[type] = (),
        autowrap_names: Iterable[str] = (),
    ) -> None:
        types = (autowrap,) if isinstance(autowrap, type) else tuple(autowrap)
        own = {"_obj": obj, "_autowrap": types, "_autowrap_names": frozenset(autowrap_names)}
        self.__dict__.update(own)

    def __getattr__(self, name: str) -> Any:
        if name in ("_obj", "_autowrap", "_autowrap_names"):  # of a proxy that is being unpickled
            raise AttributeError(name)
        value = getattr(self._obj, name)
        if not callable(value):
            return self._wrap(value, name)

        def method(*args: Any, **kwargs: Any) -> Any:
            return self._wrap(proxy_call(self._autowrap, value, *args, **kwargs), name)

        method.__name__ = method.__qualname__ = name
        method.__doc__ = value.__doc__
        return method

    def _wrap(self, result: Any, name: str) -> Any:
        if isinstance(result, Proxy):
            return result
        if name in self._autowrap_names or isinstance(result, self._autowrap):
            return Proxy(result, self._autowrap, self._autowrap_names)
        return result

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._obj, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._obj, name)

    def __dir__(self) -> Iterable[str]:
        return dir(self._obj)

    # What may block

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Call the object in a native thread."""
        return self._wrap(proxy_call(self._autowrap, self._obj, *args, **kwargs), "__call__")

    def __getitem__(self, key: Any) -> Any:
        return self._wrap(execute(lambda: self._obj[key]), "__getitem__")

    def __setitem__(self, key: Any, value: Any) -> None:
        execute(self._obj.__setitem__, key, value)

    def __delitem__(self, key: Any) -> None:
        execute(self._obj.__delitem__, key)

    def __contains__(self, item: Any) -> bool:
        return bool(execute(lambda: item in self._obj))

    def __iter__(self) -> Iterator[Any]:
        iterator = execute(iter, self._obj)
        return self if iterator is self._obj else Proxy(iterator, self._autowrap)

    def __next__(self) -> Any:
        return self._wrap(execute(next, self._obj), "__next__")

    def __enter__(self) -> Any:
        entered = execute(self._obj.__enter__)
        return self if entered is self._obj else self._wrap(entered, "__enter__")

    def __exit__(self, *exc_info: object) -> Any:
        return execute(self._obj.__exit__, *exc_info)

    def __copy__(self) -> Proxy:
        return Proxy(execute(copy.copy, self._obj), self._autowrap, self._autowrap_names)

    def __deepcopy__(self, memo: dict[int, Any]) -> Proxy:
        twin = execute(copy.deepcopy, self._obj, memo)
        return Proxy(twin, self._autowrap, self._autowrap_names)

    # What does not

    def __eq__(self, other: object) -> bool:
        return bool(self._obj == (other._obj if isinstance(other, Proxy) else other))

    def __hash__(self) -> int:
        return hash(self._obj)

    def __bool__(self) -> bool:
        return bool(self._obj)

    def __len__(self) -> int:
        return len(self._obj)

    def __str__(self) -> str:
        return str(self._obj)

    def __repr__(self) -> str:
        return repr(self._obj)
