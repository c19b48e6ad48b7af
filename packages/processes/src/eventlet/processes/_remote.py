"""Objects that live in a child process, and are used from here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import MethodType, ModuleType
from typing import Any, NoReturn

from ._child import Child, Reply


class RemoteObject:
    """Stands for an object in a child process; made by `wrap`, never directly.

    Attributes, items, calls, iteration, ``len``, ``in``, ``==``, ``hash``, truth and ``str`` are
    those of the object. What they return comes as a copy if it can't change (numbers, text, bytes,
    None, and tuples of those), and as another remote object otherwise; ``copy.copy`` brings a copy
    of any object that can be pickled. What they raise is raised here, with the traceback in the
    child as the cause. Arguments are copied, except for remote objects of the same child, which
    arrive as what they stand for.

    Many green threads may use one child, which does one thing after the other. If the child dies,
    all who wait get `DeadProcess`.

    To cancel a call, have its green thread not wait any more: by a timeout, `CancelScope.cancel` or
    `GreenThread.kill`. If the child has not begun with the call, it never does. Otherwise it is
    interrupted as by Ctrl-C: `KeyboardInterrupt` is raised in it. What is written in C may have to
    return first. The child lives on, and the calls of others aren't touched.
    """

    __slots__ = (
        "__weakref__",
        "_eventlet_child",
        "_eventlet_methods",
        "_eventlet_number",
        "_eventlet_type",
    )

    def __init__(self, child: Child, number: int, type_name: str) -> None:
        set_here = super().__setattr__
        set_here("_eventlet_child", child)
        set_here("_eventlet_number", number)
        set_here("_eventlet_type", type_name)
        # What to call, by the names that are known to lead to something to be called.
        set_here("_eventlet_methods", {})

    def eventlet_reference(self) -> tuple[Child, int]:
        """Return what the pickler of a child asks for."""
        return self._eventlet_child, self._eventlet_number

    def __getattr__(self, name: str) -> Any:
        if name in _SLOTS:  # of one that could not be made
            raise AttributeError(name)
        method = self._eventlet_methods.get(name)
        if method is None:
            reply = self._eventlet_child.ask("getattr", self._eventlet_number, name)
            if reply[0] != "method":
                return _receive(self._eventlet_child, reply)
            method = self._eventlet_methods[name] = _make_method(name)
        return MethodType(method, self)

    def __setattr__(self, name: str, value: Any) -> None:
        _ask(self, "setattr", name, value)

    def __delattr__(self, name: str) -> None:
        _ask(self, "delattr", name)

    def __dir__(self) -> Iterable[str]:
        names: tuple[str, ...] = _ask(self, "dir")
        return names

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Call the object in the child."""
        return _ask(self, "call", args, tuple(kwargs.items()))

    def __getitem__(self, key: Any) -> Any:
        return _ask(self, "getitem", key)

    def __setitem__(self, key: Any, value: Any) -> None:
        _ask(self, "setitem", key, value)

    def __delitem__(self, key: Any) -> None:
        _ask(self, "delitem", key)

    def __contains__(self, item: Any) -> bool:
        return bool(_ask(self, "contains", item))

    def __len__(self) -> int:
        length: int = _ask(self, "len")
        return length

    def __iter__(self) -> RemoteObject:
        iterator: RemoteObject = _ask(self, "iter")
        return iterator

    def __next__(self) -> Any:
        return _ask(self, "next")

    def __eq__(self, other: object) -> bool:
        if isinstance(other, RemoteObject) and other._eventlet_child is not self._eventlet_child:
            return False
        return bool(_ask(self, "eq", other))

    def __hash__(self) -> int:
        value: int = _ask(self, "hash")
        return value

    def __bool__(self) -> bool:
        return bool(_ask(self, "bool"))

    def __str__(self) -> str:
        text: str = _ask(self, "str")
        return text

    def __repr__(self) -> str:
        # Without asking: reports are made where nothing may wait.
        return f"<remote {self._eventlet_type} in process {self._eventlet_child.pid}>"

    def __copy__(self) -> Any:
        return _ask(self, "copy")

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return _ask(self, "copy")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(f"{self!r} can't be pickled; copy.copy() brings a copy of the object")

    def __del__(self) -> None:
        try:
            self._eventlet_child.forget(self._eventlet_number)
        except AttributeError:
            pass  # one that could not be made


_SLOTS = frozenset(RemoteObject.__slots__)


def _make_method(name: str) -> Callable[..., Any]:
    """Return what calls a method of a remote object; the child looks it up with each call."""

    def method(self: RemoteObject, /, *args: Any, **kwargs: Any) -> Any:
        # Not by way of `_ask`: a green thread that waits pays for each frame that it stands in.
        child, number = self._eventlet_child, self._eventlet_number
        return _receive(child, child.ask("callmethod", number, name, args, tuple(kwargs.items())))

    method.__name__ = method.__qualname__ = name
    return method


def wrap(
    obj: Any,
    dead_callback: Callable[[], object] | None = None,
    *,
    beside: RemoteObject | None = None,
) -> RemoteObject:
    """Copy an object into a child process, and return what stands for it here.

    The child is a new interpreter. It ends when none of its objects is in use any more.

    Arguments:
        obj: the object, which is pickled; or a module, which the child imports by its name.
        dead_callback: called once, without arguments, when the new child has ended.
        beside: an object whose child takes this one, too, instead of a new child.

    Raises:
        ValueError: `dead_callback` and `beside` were both given.
        TypeError: `beside` is no remote object, or `dead_callback` no function.
        PicklingError, TypeError, AttributeError: the object can't be pickled.
        ImportError: the child can't import the module.
        DeadProcess: the child has died.
    """
    if isinstance(obj, ModuleType):
        return wrap_module(obj.__name__, dead_callback, beside=beside)
    return _start(dead_callback, beside, "adopt", obj)


def wrap_module(
    name: str,
    dead_callback: Callable[[], object] | None = None,
    *,
    beside: RemoteObject | None = None,
) -> RemoteObject:
    """Import a module in a child process, and return what stands for it here.

    Arguments and errors as for `wrap`; the module need not be imported here.
    """
    return _start(dead_callback, beside, "import", name)


def status(remote: RemoteObject) -> dict[str, int]:
    """Return what the child of a remote object tells about itself.

    Returns:
        "pid", the number of the process; "object_count", how many objects it holds; "next_id", the
        number that its next object will have.

    Raises:
        TypeError: `remote` is no remote object.
        DeadProcess: the child has died.
    """
    result: dict[str, int] = _child_of(remote).ask("status", 0)[1]
    return result


def getpid(remote: RemoteObject) -> int:
    """Return the number of the process that a remote object lives in.

    Raises:
        TypeError: `remote` is no remote object.
    """
    return _child_of(remote).pid


def kill(remote: RemoteObject) -> int:
    """End the child of a remote object at once, and return its exit code.

    Raises:
        TypeError: `remote` is no remote object.
    """
    child = _child_of(remote)
    child.kill()
    return child.wait()


def _start(
    dead_callback: Callable[[], object] | None,
    beside: RemoteObject | None,
    operation: str,
    arg: Any,
) -> RemoteObject:
    if beside is not None and dead_callback is not None:
        raise ValueError(f"dead_callback is for a new child, and {beside!r} has one; leave one out")
    child = Child(dead_callback) if beside is None else _child_of(beside)
    try:
        remote: RemoteObject = _receive(child, child.ask(operation, 0, arg))
    except BaseException:  # whatever it is, nobody gets to know the new child
        if beside is None:
            child.kill()
            child.wait()
        raise
    return remote


def _child_of(remote: RemoteObject) -> Child:
    if not isinstance(remote, RemoteObject):
        raise TypeError(f"only a remote object, as wrap() returns it, has a child, not {remote!r}")
    child: Child = remote._eventlet_child
    return child


def _ask(remote: RemoteObject, operation: str, *args: Any) -> Any:
    child = remote._eventlet_child
    return _receive(child, child.ask(operation, remote._eventlet_number, *args))


def _receive(child: Child, reply: Reply) -> Any:
    return reply[1] if reply[0] == "value" else RemoteObject(child, reply[1], reply[2])
