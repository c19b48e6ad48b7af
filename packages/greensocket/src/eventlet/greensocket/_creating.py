"""The functions of the standard module that make sockets."""

from __future__ import annotations

import _socket
import socket as _standard
import sys
from typing import Any, cast

from eventlet.hub.patching import is_patched

from ._lookup import getaddrinfo
from ._racing import Info, race
from ._socket import GreenSocket

# Stands for the default timeout of new sockets, as it may change.
DEFAULT_TIMEOUT: Any = _standard._GLOBAL_DEFAULT_TIMEOUT  # type: ignore[attr-defined]  # not in its stubs
_standard_pair = _standard.socketpair


def create_connection(
    address: tuple[str | None, int],
    timeout: float | None = DEFAULT_TIMEOUT,
    source_address: tuple[str, int] | None = None,
    *,
    all_errors: bool = False,
) -> GreenSocket:
    """Connect to a TCP service and return the socket.

    Arguments:
        address: host and port.
        timeout: of the socket from the beginning, in seconds; None waits for ever.
        source_address: host and port to connect from; "" and 0 leave the choice to the system.
        all_errors: whether to raise all errors, in an `ExceptionGroup`, instead of the last.

    Raises:
        OSError: no address of the host could be connected to.
        gaierror: the host is unknown.
    """
    host, port = address
    infos = getaddrinfo(host, port, 0, _standard.SOCK_STREAM)
    if not infos:
        raise OSError(f"there is no address for {address!r}")
    outcome = race(infos, lambda info: _connected(info, timeout, source_address))
    if isinstance(outcome, GreenSocket):
        return outcome
    try:
        if all_errors:
            raise ExceptionGroup("create_connection failed", outcome)
        raise outcome[-1]
    finally:
        del outcome  # whose tracebacks hold this frame


def _connected(
    info: Info,
    timeout: float | None,
    source_address: tuple[str, int] | None,
) -> GreenSocket:
    from . import socket as public  # which imports this module

    family, kind, proto, _, where = info

    # The class that programs may have put in the place of ours there, to wrap or to refuse.
    module = _standard if is_patched("socket.socket") else public
    sock: GreenSocket = cast(Any, module).socket(family, kind, proto)
    try:
        if timeout is not DEFAULT_TIMEOUT:
            sock.settimeout(timeout)
        if source_address:
            sock.bind(source_address)
        sock.connect(where)
    except BaseException:
        sock.close()
        raise
    return sock


def create_server(
    address: Any,
    *,
    family: int = _standard.AF_INET,
    backlog: int | None = None,
    reuse_port: bool = False,
    dualstack_ipv6: bool = False,
) -> GreenSocket:
    """Bind a TCP socket to an address, let it listen, and return it.

    Arguments:
        address: host and port.
        family: ``AF_INET`` or ``AF_INET6``.
        backlog: how many connections may wait to be accepted; None takes the system's default.
        reuse_port: whether other sockets may listen on the same port.
        dualstack_ipv6: whether an IPv6 socket also takes IPv4 connections.

    Raises:
        ValueError: this platform lacks what was asked for.
        OSError: the address cannot be bound.
    """
    if reuse_port and not hasattr(_standard, "SO_REUSEPORT"):
        raise ValueError("SO_REUSEPORT not supported on this platform")
    if dualstack_ipv6:
        if not _standard.has_dualstack_ipv6():
            raise ValueError("dualstack_ipv6 not supported on this platform")
        if family != _standard.AF_INET6:
            raise ValueError("dualstack_ipv6 requires AF_INET6 family")
    sock = GreenSocket(family, _standard.SOCK_STREAM)
    try:
        _set_server_options(sock, reuse_port, dualstack_ipv6)
        bind(sock, address)
        sock.listen() if backlog is None else sock.listen(backlog)
    except BaseException:
        sock.close()
        raise
    return sock


def _set_server_options(sock: GreenSocket, reuse_port: bool, dualstack_ipv6: bool) -> None:
    set_reuse_addr(sock)
    if reuse_port:
        sock.setsockopt(_standard.SOL_SOCKET, _standard.SO_REUSEPORT, 1)
    if sock.family == _standard.AF_INET6:
        only = 0 if dualstack_ipv6 else 1
        sock.setsockopt(_standard.IPPROTO_IPV6, _standard.IPV6_V6ONLY, only)


def set_reuse_addr(sock: _standard.socket) -> None:
    """Let `sock` be bound to a port to which old connections linger."""
    # Windows lets it anyway; there, the option means that others may steal the port.
    if sys.platform not in ("win32", "cygwin"):
        sock.setsockopt(_standard.SOL_SOCKET, _standard.SO_REUSEADDR, 1)


def bind(sock: GreenSocket, address: Any) -> None:
    """Bind `sock`, or say which address it is that cannot be bound."""
    try:
        sock.bind(address)
    except OSError as error:
        message = f"{error.strerror} (while attempting to bind on address {address!r})"
        raise OSError(error.errno, message) from None


def socketpair(
    family: int | None = None, type: int = _standard.SOCK_STREAM, proto: int = 0
) -> tuple[GreenSocket, GreenSocket]:
    """Return two sockets that are connected with each other.

    Arguments:
        family: by default ``AF_UNIX`` where the platform has it, else ``AF_INET``.
    """
    if family is None:
        pair = _standard_pair(type=type, proto=proto)
    else:
        pair = _standard_pair(family, type, proto)
    # The families and types are known: to find them out from descriptors takes system calls.
    first, second = (GreenSocket(one.family, one.type, one.proto, one.detach()) for one in pair)
    return first, second


def fromfd(fd: int, family: int, type: int, proto: int = 0) -> GreenSocket:
    """Return a socket on a duplicate of a descriptor.

    Raises:
        OSError: the descriptor is not open.
    """
    return GreenSocket(family, type, proto, _socket.dup(fd))


if hasattr(_socket.socket, "share"):  # pragma: no cover - Windows

    def fromshare(info: bytes) -> GreenSocket:
        """Return the socket that another process has shared with this one."""
        return GreenSocket(0, 0, 0, info)  # type: ignore[arg-type]  # as the standard one does


def connect(
    addr: Any,
    family: int = _standard.AF_UNSPEC,
    bind: Any = None,
    timeout: float | None = None,
) -> GreenSocket:
    """Return a green stream socket that is connected to an address.

    Arguments:
        addr: host and port, what an IPv6 socket calls its name (with flow and scope), or the path
            of a Unix socket.
        family: ``AF_UNSPEC`` tries every address of a host, and finds out about paths.
        bind: the address to connect from.
        timeout: for connecting, in seconds; None waits for ever. The socket itself is returned
            with the default timeout of new sockets.

    Raises:
        OSError: nothing could be connected to; `TimeoutError` if it took too long.
        gaierror: the host is unknown.
        TypeError: `addr` is none of these, and `family` doesn't say what else.
    """
    if family != _standard.AF_UNSPEC:
        sock = _connected((family, _standard.SOCK_STREAM, 0, "", addr), timeout, bind)
    elif isinstance(addr, str | bytes):
        sock = _connected((_standard.AF_UNIX, _standard.SOCK_STREAM, 0, "", addr), timeout, bind)
    elif isinstance(addr, tuple) and len(addr) == 2:
        sock = create_connection(addr, timeout, bind)
    elif isinstance(addr, tuple) and len(addr) == 4:
        sock = _connected((_standard.AF_INET6, _standard.SOCK_STREAM, 0, "", addr), timeout, bind)
    else:
        raise TypeError(
            f"an address is (host, port) or the path of a Unix socket, not {addr!r};"
            " for any other, pass its family"
        )
    sock.settimeout(_standard.getdefaulttimeout())
    return sock


def connect_tcp(address: tuple[str, int], localaddr: tuple[str, int] | None = None) -> GreenSocket:
    """Return a green socket that is connected to ``(host, port)``.

    Arguments:
        localaddr: the host and port to connect from.

    Raises:
        OSError: nothing could be connected to.
        gaierror: the host is unknown.
    """
    return connect(address, bind=localaddr)
