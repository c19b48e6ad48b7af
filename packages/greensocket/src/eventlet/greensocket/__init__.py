"""Sockets, TLS, name lookups and pipes on which only the calling green thread waits."""

from typing import TYPE_CHECKING
from typing import Any as _Any

from ._creating import connect as connect
from ._creating import connect_tcp as connect_tcp
from ._pipes import GreenPipe as GreenPipe
from ._serving import StopServe as StopServe
from ._serving import listen as listen
from ._serving import serve as serve
from ._serving import tcp_listener as tcp_listener
from ._serving import tcp_server as tcp_server
from ._socket import GreenSocket as GreenSocket
from ._tls import GreenSSLSocket as GreenSSLSocket
from ._version import __version__ as __version__

if TYPE_CHECKING:
    from ._wrapping import ssl_listener as ssl_listener
    from ._wrapping import wrap_ssl as wrap_ssl

__all__ = [
    "GreenPipe",
    "GreenSSLSocket",
    "GreenSocket",
    "StopServe",
    "__version__",
    "connect",
    "connect_tcp",
    "listen",
    "serve",
    "ssl_listener",
    "tcp_listener",
    "tcp_server",
    "wrap_ssl",
]

_LATE = ("ssl_listener", "wrap_ssl")

# Tracebacks, pickles and docs show the name that users type.
for _name in __all__:
    if getattr(globals().get(_name), "__module__", "").startswith(__name__ + "._"):
        globals()[_name].__module__ = __name__
del _name


def __getattr__(name: str) -> _Any:
    # pyOpenSSL takes longer to import than all the rest, and few programs use it.
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import _wrapping

    value = getattr(_wrapping, name)
    value.__module__ = __name__
    globals()[name] = value
    return value
