"""The standard `socket` module, on whose sockets only the calling green thread waits.

It has every name of the standard module. Those in `__implements__` are made anew here; all others
are the standard ones, so constants, exceptions and enumerations are the same objects.
"""

from __future__ import annotations

import socket as _standard
from typing import TYPE_CHECKING
from typing import Any as _Any

from ._creating import create_connection as create_connection
from ._creating import create_server as create_server
from ._creating import fromfd as fromfd
from ._creating import socketpair as socketpair
from ._lookup import getaddrinfo as getaddrinfo
from ._lookup import getfqdn as getfqdn
from ._lookup import gethostbyaddr as gethostbyaddr
from ._lookup import gethostbyname as gethostbyname
from ._lookup import gethostbyname_ex as gethostbyname_ex
from ._lookup import getnameinfo as getnameinfo
from ._socket import GreenSocket as GreenSocket

socket = GreenSocket

__implements__ = [
    "create_connection",
    "create_server",
    "fromfd",
    "getaddrinfo",
    "getfqdn",
    "gethostbyaddr",
    "gethostbyname",
    "gethostbyname_ex",
    "getnameinfo",
    "socket",
    "socketpair",
]
__extensions__ = ["GreenSocket"]

if hasattr(_standard.socket, "share"):  # pragma: no cover - Windows
    from ._creating import fromshare as fromshare

    __implements__ += ["fromshare"]

# Public names that the standard module does not list.
_UNLISTED = {"AddressInfo", "EAGAIN", "EBADF", "EWOULDBLOCK", "MsgFlag", "SocketIO"}
__imports__ = sorted({*_standard.__all__, *_UNLISTED} - {*__implements__})
__all__ = sorted({*__implements__, *__imports__, *__extensions__})  # noqa: PLE0605 - from the platform

if TYPE_CHECKING:
    from socket import *  # type: ignore[assignment]  # noqa: F403
    from socket import AddressInfo as AddressInfo
    from socket import MsgFlag as MsgFlag
    from socket import SocketIO as SocketIO
else:
    globals().update({_name: getattr(_standard, _name) for _name in __imports__})


def __getattr__(name: str) -> _Any:
    # Private names, which some programs use all the same.
    return getattr(_standard, name)
