"""How one socket connects, and what the system takes as its address."""

from __future__ import annotations

import _socket
import errno
import sys
from typing import TYPE_CHECKING, Any

from eventlet.hub import get_hub, sleep

from . import _lookup

if TYPE_CHECKING:
    from ._socket import GreenSocket

# What a system says when the connection is under way; Windows has a number of its own.
_UNDER_WAY = {errno.EINPROGRESS, getattr(errno, "WSAEWOULDBLOCK", errno.EINPROGRESS)}
_connect_ex = _socket.socket.connect_ex
# The numbers, which the standard properties look up enumerations for: that takes a microsecond.
family_of = _socket.socket.family.__get__
type_of = _socket.socket.type.__get__
_AF_UNIX = getattr(_socket, "AF_UNIX", None)

# A full Unix listener announces to nobody that it has room again; these are the shortest and
# longest pauses between two tries, in seconds.
_FIRST_PAUSE = 0.001
_LONGEST_PAUSE = 0.05


def connect_ex(sock: GreenSocket, address: Any) -> int:
    """Connect `sock`, and return the error number of a failure, 0 for none.

    Raises:
        TimeoutError: it took longer than the socket's timeout.
        gaierror: the name in `address` cannot be resolved.
    """
    where = resolved(sock, address)
    code = _connect_ex(sock, where)
    if not code or sock._timeout == 0:
        return code
    if code == errno.EALREADY and sock._timeout is None:
        code = errno.EINPROGRESS  # another green thread has begun it; both wait for the same end
    elif code == errno.EINPROGRESS and sys.platform == "linux":
        code = _outcome(sock, where)  # a listener on this machine has answered by now
        if not code:
            _expect_nothing(sock)
    deadline = None
    while code in _UNDER_WAY:
        deadline = sock._await_writable(deadline, tried=True)
        code = _outcome(sock, where)
    if code == errno.EAGAIN and family_of(sock) == _AF_UNIX:
        return _knock(sock, where)
    return code


def _expect_nothing(sock: GreenSocket) -> None:
    """Take it that a peer which was connected to just now has sent nothing yet.

    Should it have, the poller will say so: it reports what there is when it is asked first.
    """
    sock._watch_here().readable = False


def _outcome(sock: GreenSocket, address: Any) -> int:
    """Return what has become of a connection that was under way."""
    if sys.platform != "linux":  # pragma: no cover - what all other systems have for this
        return sock.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
    # Until it is asked by the same call, Linux counts the socket as connecting, and answers later
    # calls differently than for a socket that was connected in one go.
    code = _connect_ex(sock, address)
    if code == errno.EALREADY:
        return errno.EINPROGRESS
    return 0 if code == errno.EISCONN else code


def _knock(sock: GreenSocket, address: Any) -> int:
    """Connect to a Unix listener whose queue is full."""
    now = get_hub().time
    deadline = None if sock._timeout is None else now() + sock._timeout
    pause = _FIRST_PAUSE
    code = errno.EAGAIN
    while code == errno.EAGAIN:
        if deadline is not None:
            pause = min(pause, deadline - now())
            if pause <= 0:
                raise TimeoutError("timed out")
        sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
        code = _connect_ex(sock, address)
    return code


def resolved(sock: GreenSocket, address: Any) -> Any:
    """Return `address` with a number in place of a host name, which C code would wait for.

    Whatever isn't a host name is left for the system to judge.
    """
    if family_of(sock) not in (_socket.AF_INET, _socket.AF_INET6):
        return address
    if not isinstance(address, tuple) or not address or not _lookup.is_name(address[0]):
        return address
    found = _lookup.getaddrinfo(address[0], None, family_of(sock), _socket.SOCK_DGRAM)
    return (found[0][4][0], *address[1:])
