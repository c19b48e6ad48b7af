"""Asking a proxy for a connection through it: CONNECT (RFC 9110) and SOCKS 5 (RFC 1928, 1929)."""

from __future__ import annotations

import ipaddress
from collections.abc import Generator
from socket import socket

from ._parser import ResponseParser
from ._proxy import Proxy
from ._url import Origin, authority, is_address
from .errors import ProtocolError, ProxyError, ReadError

_RECEIVE = 4096

_VERSION = 5
_NO_AUTHENTICATION = 0
_PASSWORD = 2
_NO_METHOD = 0xFF
_CONNECT = 1
_IPV4, _NAME, _IPV6 = 1, 3, 4
_ADDRESS_LENGTHS = {_IPV4: 4, _IPV6: 16}
_MAX_FIELD = 255

_SOCKS_REASONS = {
    1: "general failure",
    2: "not allowed by its rules",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "time to live expired",
    7: "command not supported",
    8: "kind of address not supported",
}


def open_tunnel(sock: socket, proxy: Proxy, origin: Origin, address: str | None) -> None:
    """Have the proxy at the other end of `sock` connect it on.

    Arguments:
        sock: connected to the proxy.
        origin: where to.
        address: the address of the origin's host, if we are to resolve it; else None.

    Raises:
        ProxyError: the proxy refused, or spoke nonsense.
    """
    try:
        if proxy.is_socks:
            _run(sock, socks_dialogue(proxy, address or origin.host, origin.port))
        else:
            _connect(sock, proxy, origin)
    except (ProtocolError, ReadError) as error:
        raise ProxyError(proxy.peer, error.reason) from error
    except OSError as error:
        raise ProxyError(proxy.peer, error.strerror or str(error)) from error


def _connect(sock: socket, proxy: Proxy, origin: Origin) -> None:
    where = authority(origin.host, origin.port, "")
    request = f"CONNECT {where} HTTP/1.1\r\nHost: {where}\r\n".encode("ascii")
    sock.sendall(request + proxy.authorization + b"\r\n")
    parser = ResponseParser(proxy.peer)
    try:
        parser.begin("CONNECT")
        while not parser.has_head:
            data = sock.recv(_RECEIVE)
            if data:
                parser.feed(data)
            else:
                parser.end()
        if parser.status >= 300:
            reason = parser.reason.decode("latin-1")
            raise ProxyError(proxy.peer, f"it answered {parser.status} {reason}")
        if parser.surplus:
            raise ProxyError(proxy.peer, "it sent something before the server could have")
    finally:
        parser.close()


def _run(sock: socket, dialogue: Generator[bytes | int, bytes, None]) -> None:
    """Carry out a dialogue: send the bytes it yields, read as many as the number it yields."""
    answer = b""
    try:
        while True:
            step = dialogue.send(answer) if answer else next(dialogue)
            answer = b""
            if isinstance(step, bytes):
                sock.sendall(step)
            else:
                answer = _read(sock, step)
    except StopIteration:
        return


def _read(sock: socket, amount: int) -> bytes:
    data = b""
    while len(data) < amount:
        piece = sock.recv(amount - len(data))
        if not piece:
            raise ReadError("", "it closed the connection")
        data += piece
    return data


def socks_dialogue(proxy: Proxy, host: str, port: int) -> Generator[bytes | int, bytes, None]:
    """Ask for a connection to `host`: yields bytes to be sent, and numbers of bytes to be read.

    Raises:
        ProxyError: the proxy refuses, or we have no words for what it should do.
    """
    methods = [_NO_AUTHENTICATION] if proxy.username is None else [_NO_AUTHENTICATION, _PASSWORD]
    yield bytes([_VERSION, len(methods), *methods])
    version, method = yield 2
    if version != _VERSION:
        raise ProxyError(proxy.peer, f"it does not speak SOCKS 5, but version {version}")
    if method == _PASSWORD and proxy.username is not None:
        yield b"\x01" + _field(proxy, proxy.username) + _field(proxy, proxy.password or "")
        _, status = yield 2
        if status:
            raise ProxyError(proxy.peer, "it does not accept this name and password")
    elif method not in methods:
        wanted = "a name and password" if method == _NO_METHOD else f"method {method}"
        raise ProxyError(proxy.peer, f"it wants to know who we are, by {wanted}")
    yield bytes([_VERSION, _CONNECT, 0]) + _address(proxy, host) + port.to_bytes(2, "big")
    version, status, _, kind = yield 4
    if status:
        reason = _SOCKS_REASONS.get(status, f"error {status}")
        raise ProxyError(proxy.peer, f"no way to {host} port {port}: {reason}")
    if kind == _NAME:
        (length,) = yield 1
    elif kind in _ADDRESS_LENGTHS:
        length = _ADDRESS_LENGTHS[kind]
    else:
        raise ProxyError(proxy.peer, f"it gave an address of unknown kind {kind}")
    yield length + 2


def _address(proxy: Proxy, host: str) -> bytes:
    if not is_address(host):
        return bytes([_NAME]) + _field(proxy, host)
    address = ipaddress.ip_address(host)
    return bytes([_IPV4 if address.version == 4 else _IPV6]) + address.packed


def _field(proxy: Proxy, text: str) -> bytes:
    data = text.encode("utf-8")
    if len(data) > _MAX_FIELD:
        raise ProxyError(proxy.peer, f"SOCKS takes at most {_MAX_FIELD} bytes, not {text!r}")
    return bytes([len(data)]) + data
