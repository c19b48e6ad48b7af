"""The resolver that this process uses."""

from __future__ import annotations

from typing import Any

from ._nameservers import DnspythonResolver
from ._resolvers import Resolver, ThreadPoolResolver

_KINDS = {"threadpool": ThreadPoolResolver, "dnspython": DnspythonResolver}

_chosen: list[Resolver] = []


def get_resolver() -> Resolver:
    """Return the resolver that this process uses."""
    if not _chosen:
        _chosen.append(ThreadPoolResolver())
    return _chosen[0]


def use(resolver: str | Resolver = "threadpool", **options: Any) -> Resolver:
    """Choose the resolver for all later lookups of this process, and return it.

    Arguments:
        resolver: "threadpool", "dnspython", or an object of your own.
        options: of `ThreadPoolResolver` or `DnspythonResolver`, where a name was given.

    Raises:
        ValueError: there is no resolver of that name.
        ImportError: dnspython isn't installed.
        TypeError: an object was given, and options too; or it cannot resolve anything.
    """
    if isinstance(resolver, str):
        if resolver not in _KINDS:
            raise ValueError(f"no resolver {resolver!r}; there are: {', '.join(_KINDS)}")
        chosen: Resolver = _KINDS[resolver](**options)
    elif options:
        raise TypeError(f"options belong to a resolver chosen by name, not to {resolver!r}")
    elif not hasattr(resolver, "getaddrinfo"):
        raise TypeError(f"a resolver has a method getaddrinfo, which {resolver!r} lacks")
    else:
        chosen = resolver
    _chosen[:] = [chosen]
    return chosen
