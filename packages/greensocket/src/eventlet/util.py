"""What programs of 2009 call to make the standard library green, and small things for sockets."""

from __future__ import annotations

import socket as _standard
import sys
from typing import Any

from eventlet.hub import getcurrent
from eventlet.hub.patching import patch

from .greensocket import GreenSocket
from .greensocket._creating import set_reuse_addr as set_reuse_addr

__all__ = [
    "g_log",
    "set_reuse_addr",
    "socket_bind_and_listen",
    "tcp_socket",
    "wrap_pipes_with_coroutine_pipes",
    "wrap_select_with_coroutine_select",
    "wrap_socket_with_coroutine_socket",
    "wrap_ssl",
    "wrap_threading_local_with_coro_local",
]

# The class as the interpreter has made it, whatever the standard module has been patched with.
_StandardSocket: type[_standard.socket] = GreenSocket.__mro__[1]


def wrap_socket_with_coroutine_socket(use_thread_pool: bool = True) -> None:
    """Make the sockets of the standard module green, in the whole program; harmless if they are.

    Arguments:
        use_thread_pool: whether names are looked up in a pool of native threads. If not, a lookup
            blocks all green threads, as it did in 2009.
    """
    patch("socket" if use_thread_pool else "socket_without_lookups", "ssl")


def wrap_pipes_with_coroutine_pipes() -> None:
    """Make `os.read`, `os.write` and `os.fdopen` green, in the whole program; harmless if done.

    Child processes are for ``eventlet.processes``.
    """
    patch("os")


def wrap_select_with_coroutine_select() -> None:
    """Make the `select` and `selectors` modules green, in the whole program; harmless if done."""
    patch("select")


def wrap_threading_local_with_coro_local() -> None:
    """Make `threading.local` differ from green thread to green thread; harmless if it does."""
    patch("threading_local")


def tcp_socket() -> _standard.socket:
    """Return a standard TCP socket, which blocks all green threads, patched or not."""
    return _StandardSocket(_standard.AF_INET, _standard.SOCK_STREAM)


def socket_bind_and_listen(
    sock: _standard.socket, addr: tuple[str, int] = ("", 0), backlog: int = 50
) -> _standard.socket:
    """Let `sock` listen at ``(host, port)``, and return it; by default at a port that is free.

    Raises:
        OSError: the address cannot be bound.
    """
    set_reuse_addr(sock)
    sock.bind(addr)
    sock.listen(backlog)
    return sock


def wrap_ssl(*args: Any, **kwargs: Any) -> Any:
    """Return a TLS connection on a socket; see `eventlet.greensocket.wrap_ssl`."""
    from .greensocket import wrap_ssl

    return wrap_ssl(*args, **kwargs)


def g_log(*args: Any) -> None:
    """Write the arguments to the standard error stream, after the name of the green thread."""
    me = getcurrent()
    name = getattr(me, "name", None) or f"greenlet-{id(me):x}"
    sys.stderr.write(f"[{name}] {' '.join(map(str, args))}\n")
