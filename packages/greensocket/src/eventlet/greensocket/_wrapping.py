"""TLS the way it was asked for in 2009, through pyOpenSSL, and safe by default."""

from __future__ import annotations

import os
import socket as _standard
from collections.abc import Sequence
from typing import Any

from OpenSSL import SSL
from service_identity import pyopenssl as identity

from ._lookup import is_address
from ._openssl import SecureConnection
from ._serving import listen
from ._socket import GreenSocket

Path = str | os.PathLike[str]


def wrap_ssl(
    sock: _standard.socket,
    certificate: Path | None = None,
    private_key: Path | None = None,
    *,
    server_side: bool = False,
    verify: bool = True,
    server_hostname: str | None = None,
    alpn: Sequence[str] | None = None,
) -> SecureConnection:
    """Return a TLS connection on a socket.

    A client shakes hands at once if the socket is connected, else in `connect`. A server shakes
    hands when it first reads or writes.

    Arguments:
        sock: a green socket, which belongs to the connection from now on; any other is replaced
            by a green one on the same descriptor.
        certificate: a file with our own certificate and those that lead to a known authority, in
            PEM format.
        private_key: a file with its key; None if that is in the same file.
        server_side: whether we are the server.
        verify: whether the server must prove who it is.
        server_hostname: who it should be; None stands for the address we are connected to.
        alpn: protocols to offer or accept, the preferred first.

    Raises:
        OpenSSL.SSL.Error: the files are not what they should be, or the handshake failed.
        service_identity.VerificationError: the server is somebody else.
        ValueError: a server has no certificate, or a key comes without one.
    """
    if private_key is not None and certificate is None:
        raise ValueError("a private key needs its certificate; give both")
    if server_side and certificate is None:
        raise ValueError("a server needs a certificate")
    green = sock if isinstance(sock, GreenSocket) else _taken_over(sock)
    context = _context(certificate, private_key, alpn, server_side)
    if verify and not server_side:
        context.set_default_verify_paths()
        context.set_verify(SSL.VERIFY_PEER)
    connection = SecureConnection(context, green)
    if server_side:
        connection.set_accept_state()
        return connection
    connection.set_connect_state()
    if server_hostname is not None and not is_address(server_hostname):
        connection.set_tlsext_host_name(server_hostname.encode("idna"))
    if verify:
        connection._check = _Identity(server_hostname)
    if _is_connected(green):
        _shake_hands(connection)
    return connection


class _Identity:
    """Checks that the peer is who it should be."""

    def __init__(self, name: str | None) -> None:
        self._name = name

    def __call__(self, connection: SecureConnection) -> None:
        name = connection.getpeername()[0] if self._name is None else self._name
        if is_address(name):
            identity.verify_ip_address(connection, name)
        else:
            identity.verify_hostname(connection, name)


def ssl_listener(
    address: tuple[str, int], certificate: Path, private_key: Path | None
) -> SecureConnection:
    """Return a TLS socket that listens at ``(host, port)``, for `tcp_server` or `serve`.

    Arguments:
        certificate, private_key: files, as for `wrap_ssl`.

    Raises:
        OSError: the address cannot be bound.
        OpenSSL.SSL.Error: the files are not what they should be.
    """
    sock = listen(address)
    try:
        return wrap_ssl(sock, certificate, private_key, server_side=True)
    except BaseException:
        sock.close()
        raise


def _taken_over(sock: _standard.socket) -> GreenSocket:
    timeout = sock.gettimeout()
    green = GreenSocket(sock.family, sock.type, sock.proto, sock.detach())
    green.settimeout(timeout)
    return green


def _context(
    certificate: Path | None,
    private_key: Path | None,
    alpn: Sequence[str] | None,
    server_side: bool,
) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD if server_side else SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)  # RFC 8996 has retired what came before
    if certificate is not None:
        _identify(context, certificate, private_key)
    if alpn:
        known = [name.encode("ascii") for name in alpn]
        if server_side:
            context.set_alpn_select_callback(lambda _, offered: _choose(known, offered))
        else:
            context.set_alpn_protos(known)
    return context


def _identify(context: SSL.Context, certificate: Path, private_key: Path | None) -> None:
    """Have `context` show our certificate."""
    try:
        context.use_certificate_chain_file(os.fspath(certificate))
        context.use_privatekey_file(os.fspath(private_key or certificate))
        context.check_privatekey()
    except SSL.Error as error:  # in which the library names no file
        where = "the same file" if private_key is None else repr(os.fspath(private_key))
        raise SSL.Error(
            f"cannot use the certificate in {os.fspath(certificate)!r} with the key in {where};"
            f" both must be there, in PEM format, and belong together: {error}"
        ) from error


def _choose(known: list[bytes], offered: list[bytes]) -> Any:
    return next((name for name in known if name in offered), SSL.NO_OVERLAPPING_PROTOCOLS)


def _is_connected(sock: GreenSocket) -> bool:
    try:
        sock.getpeername()
    except OSError:
        return False
    return True


def _shake_hands(connection: SecureConnection) -> None:
    try:
        connection.do_handshake()
    except BaseException:
        connection.close()
        raise
