"""The functions of the standard module that look up names and addresses."""

from __future__ import annotations

import _socket
import socket as _standard
from collections.abc import Callable
from typing import Any, TypeVar

from eventlet.hub import tpool

from ._choice import get_resolver
from ._resolvers import Host, Infos, Port, ThreadPoolResolver

T = TypeVar("T")

# Held here, so that they stay what they are when the standard module is patched.
_getaddrinfo = _standard.getaddrinfo
_gethostbyname = _socket.gethostbyname
_gethostbyname_ex = _socket.gethostbyname_ex
_gethostbyaddr = _socket.gethostbyaddr
_getnameinfo = _socket.getnameinfo


def _ask(function: Callable[..., T], *args: Any) -> T:
    resolver = get_resolver()
    if isinstance(resolver, ThreadPoolResolver):
        return resolver.ask(function, *args)
    return tpool.execute(function, *args)


def is_name(host: object) -> bool:
    """Whether the resolver would have to be asked for `host`, the first part of an address."""
    if isinstance(host, (bytes, bytearray)):
        try:
            host = host.decode("ascii")
        except UnicodeDecodeError:
            return True
    if not isinstance(host, str) or host in ("", "<broadcast>") or "\0" in host:
        return False
    # With a scope (RFC 4007, "fe80::1%eth0") or all in figures it is an address in any case.
    return not is_address(host.partition("%")[0])


def is_address(host: str) -> bool:
    """Whether `host` is an IPv4 or IPv6 address in figures."""
    family = _standard.AF_INET6 if ":" in host else _standard.AF_INET
    try:
        _standard.inet_pton(family, host)
    except (OSError, UnicodeEncodeError):
        return False
    return True


def getaddrinfo(
    host: Host, port: Port, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
) -> Infos:
    """Resolve host and port, as `socket.getaddrinfo` does.

    Raises:
        gaierror: the host or the port is unknown.
    """
    if is_name(host):
        return get_resolver().getaddrinfo(host, port, family, type, proto, flags)
    return _getaddrinfo(host, port, family, type, proto, flags)


def gethostbyname(hostname: str) -> str:
    """Return an IPv4 address of a host.

    Raises:
        gaierror: the host is unknown.
    """
    if not is_name(hostname):
        return _gethostbyname(hostname)
    infos = getaddrinfo(hostname, None, _standard.AF_INET, _standard.SOCK_DGRAM)
    address: str = infos[0][4][0]
    return address


def gethostbyname_ex(hostname: str) -> tuple[str, list[str], list[str]]:
    """Return the name, aliases and IPv4 addresses of a host.

    Raises:
        gaierror: the host is unknown.
    """
    return _ask(_gethostbyname_ex, hostname)


def gethostbyaddr(ip_address: str) -> tuple[str, list[str], list[str]]:
    """Return the name, aliases and addresses of the host with an address.

    Raises:
        herror, gaierror: no such host is known.
    """
    return _ask(_gethostbyaddr, ip_address)


def getnameinfo(sockaddr: Any, flags: int) -> tuple[str, str]:
    """Return the host and the port of a socket's address, as names where `flags` allow.

    Raises:
        gaierror: there is no name, and `flags` demand one.
    """
    if flags & _socket.NI_NUMERICHOST or not isinstance(sockaddr, tuple):
        return _getnameinfo(sockaddr, flags)
    return _ask(_getnameinfo, sockaddr, flags)


def getfqdn(name: str = "") -> str:
    """Return the fully qualified name of a host; by default of this one."""
    name = name.strip()
    if name in ("", "0.0.0.0", "::"):
        name = _socket.gethostname()
    try:
        hostname, aliases, _ = gethostbyaddr(name)
    except OSError:
        return name
    return next((known for known in (hostname, *aliases) if "." in known), hostname)
