"""What this distribution makes green in the standard library, for `eventlet.hub.patching`."""

from __future__ import annotations

import importlib
import ssl as _standard_ssl
from dataclasses import replace
from types import ModuleType

from eventlet.hub.patching import Changes, Patch

from . import _lookup, _system
from ._earlier_sockets import make_earlier_sockets_green


def socket() -> Patch:
    """Make the sockets of the standard module green, and its lookups of names."""
    return replace(_whole("socket"), finish=make_earlier_sockets_green)


def socket_without_lookups() -> Patch:
    """Make the sockets of the standard module green, and leave its lookups of names blocking."""
    green = _green("socket")
    names = [name for name in green.__implements__ if not hasattr(_lookup, name)]
    changed = {name: getattr(green, name) for name in names}
    return Patch("socket", changed, finish=make_earlier_sockets_green)


def ssl() -> Patch:
    """Make the sockets green that contexts of the standard module wrap.

    Its classes keep their names: methods in them find themselves by those.
    """
    names = ["create_connection"]
    green = _green("ssl")
    return Patch("ssl", {name: getattr(green, name) for name in names}, finish=_attach)


def _attach(changes: Changes) -> None:
    where = "ssl.SSLContext.sslsocket_class"
    changes.set(_standard_ssl.SSLContext, "sslsocket_class", _green("ssl").SSLSocket, where)


def select() -> list[Patch]:
    """Make the modules `select` and `selectors` green."""
    return [_whole("select"), _whole("selectors")]


def os() -> Patch:
    """Make those functions of `os` green that wait for pipes, terminals and sockets."""
    return Patch("os", {name: getattr(_system, name) for name in ("fdopen", "read", "write")})


def _whole(name: str) -> Patch:
    green = _green(name)
    return Patch(name, {known: getattr(green, known) for known in green.__implements__})


def _green(name: str) -> ModuleType:
    return importlib.import_module(f"{__package__}.{name}")
