"""Sockets that are there when the standard module is patched, and classes derived from theirs.

The standard class itself is left as it is: what must stay native makes sockets of it. Its instances
are given another class, and its subclasses another base, with the methods of green sockets. Python
allows that between classes whose objects are laid out alike, so the new one has no slots; what a
green socket has in its slots is kept beside.
"""

from __future__ import annotations

import _socket
import gc
import socket as _standard
import ssl as _standard_ssl
import weakref
from types import FunctionType
from typing import Any

from eventlet.hub._registry import all_hubs
from eventlet.hub.patching import Changes

from ._readiness import UNWATCHED, unwatch
from ._socket import GreenSocket

_Standard = _standard.socket
_Base = _socket.socket

# By the number of the object: it must be found in finalizers, too.
_kept: dict[int, dict[str, Any]] = {}


def _kept_beside(name: str) -> property:
    def get(self: object) -> Any:
        try:
            return _kept[id(self)][name]
        except KeyError:
            raise AttributeError(name) from None

    def set(self: object, value: object) -> None:
        _kept.setdefault(id(self), {})[name] = value

    return property(get, set)


class EarlierSocket(_Standard):
    """A green socket as far as anybody can tell, which was made, or whose class was, before."""

    __slots__ = ()

    @property  # type: ignore[misc]  # assigned past it, below
    def __class__(self) -> type:  # for `isinstance`, and for `dup`, which makes one more
        kind = type(self)
        return GreenSocket if kind is EarlierSocket else kind

    def __del__(self) -> None:
        GreenSocket.__del__(self)  # type: ignore[arg-type]  # see below
        _kept.pop(id(self), None)


for _name, _value in vars(GreenSocket).items():
    if isinstance(_value, (FunctionType, property)) and _name != "__del__":
        setattr(EarlierSocket, _name, _value)
for _name in ("_timeout", "_watch", "_watches"):
    setattr(EarlierSocket, _name, _kept_beside(_name))


def make_earlier_sockets_green(changes: Changes) -> None:
    """Make sockets and classes of sockets green that were made before, and take note of it."""
    for kind in _Standard.__subclasses__():
        if not (_is_ours(kind) or issubclass(kind, _standard_ssl.SSLSocket)):
            _rebase(kind, changes)
    private = {id(each) for hub in all_hubs() for each in vars(hub.wakeup).values()}
    for found in gc.get_objects():
        kind = type(found)
        if not issubclass(kind, _Standard) or _is_ours(kind) or id(found) in private:
            continue
        if found.fileno() < 0 or id(found) in _kept:
            continue  # closed, or green by now
        if kind is _Standard or issubclass(kind, EarlierSocket):
            _convert(found, changes)
        else:
            changes.fail(_describe(found), "it was made before, and blocks all green threads")


def _is_ours(kind: type) -> bool:
    return kind.__module__.startswith("eventlet.")


def _rebase(kind: type, changes: Changes) -> None:
    bases = tuple(EarlierSocket if base is _Standard else base for base in kind.__bases__)
    name = f"{kind.__module__}.{kind.__qualname__}"
    where = f"the base of {name}"
    try:
        changes.set(kind, "__bases__", bases, where)
    except TypeError as error:
        changes.fail(where, error)
    else:
        changes.add(f"what is made of {name} from now on", _restore_late_ones)


def _restore_late_ones() -> None:
    """Make those native again that were made of earlier classes while patched."""
    for found in gc.get_objects():
        if issubclass(type(found), EarlierSocket) and id(found) in _kept:
            _restore(found, type(found))


def _convert(sock: Any, changes: Changes) -> None:
    where = _describe(sock)
    standard = type(sock)
    if standard is _Standard:
        sock.__class__ = EarlierSocket
    sock._watch, sock._watches = UNWATCHED, ()
    sock._timeout = _Base.gettimeout(sock)
    _Base.setblocking(sock, False)
    refer = weakref.ref(sock)

    def restore() -> None:
        found = refer()
        if found is not None:
            _restore(found, standard)

    changes.add(where, restore)


def _restore(sock: Any, standard: type) -> None:
    timeout = sock._timeout
    if sock.fileno() >= 0:
        unwatch(sock)
        _Base.settimeout(sock, timeout)
    object.__dict__["__class__"].__set__(sock, standard)
    _kept.pop(id(sock), None)


def _describe(sock: Any) -> str:
    kind = type(sock)
    return f"a {kind.__module__}.{kind.__qualname__} on descriptor {sock.fileno()}"
