"""The standard `ssl` module, on whose sockets only the calling green thread waits.

It has every name of the standard module. `SSLContext` differs from the standard class only in the
kind of socket it makes, and never takes its place there: so no setter of either can call itself.
"""

from __future__ import annotations

import ssl as _standard
import sys
from typing import TYPE_CHECKING
from typing import Any as _Any

from ._contexts import SSLContext as SSLContext
from ._contexts import _create_unverified_context as _create_unverified_context
from ._contexts import create_default_context as create_default_context
from ._contexts import get_server_certificate as get_server_certificate
from ._contexts import secure as secure
from ._creating import create_connection as create_connection
from ._socket import GreenSocket as _GreenSocket
from ._tls import GreenSSLSocket as GreenSSLSocket

SSLSocket = GreenSSLSocket
socket = _GreenSocket
_create_default_https_context = create_default_context
_create_stdlib_context = _create_unverified_context

__implements__ = [
    "SSLContext",
    "SSLSocket",
    "create_connection",
    "create_default_context",
    "get_server_certificate",
    "socket",
]
__extensions__ = ["GreenSSLSocket", "secure"]

if sys.version_info < (3, 12):
    from ._contexts import wrap_socket as wrap_socket

    __implements__ += ["wrap_socket"]

__imports__ = sorted(
    {name for name in dir(_standard) if not name.startswith("_")} - {*__implements__}
)
__all__ = sorted({*__implements__, *__imports__, *__extensions__})  # noqa: PLE0605 - from the version

if TYPE_CHECKING:
    from ssl import *  # type: ignore[assignment]  # noqa: F403
else:
    globals().update({_name: getattr(_standard, _name) for _name in __imports__})


def __getattr__(name: str) -> _Any:
    # Private names, which some programs use all the same.
    return getattr(_standard, name)
