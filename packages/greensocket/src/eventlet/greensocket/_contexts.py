"""TLS contexts whose sockets are green."""

from __future__ import annotations

import socket as _socket_module
import ssl as _standard
import sys
import warnings
from typing import Any, cast

from ._creating import DEFAULT_TIMEOUT, create_connection
from ._tls import GreenSSLSocket, wrap


class SSLContext(_standard.SSLContext):
    """A standard TLS context whose `wrap_socket` makes green sockets, and nothing else."""

    sslsocket_class = GreenSSLSocket


def create_default_context(*args: Any, **kwargs: Any) -> SSLContext:
    """Return a context with the standard library's choice of secure settings.

    Arguments and errors are those of `ssl.create_default_context`.
    """
    return _make_green(_standard.create_default_context(*args, **kwargs))


def _create_unverified_context(*args: Any, **kwargs: Any) -> SSLContext:
    return _make_green(_standard._create_unverified_context(*args, **kwargs))


def _make_green(context: _standard.SSLContext) -> SSLContext:
    context.__class__ = SSLContext
    return cast(SSLContext, context)


def secure(
    sock: _socket_module.socket, context: _standard.SSLContext, **options: Any
) -> GreenSSLSocket:
    """Return a green TLS socket around `sock`, whatever sockets `context` makes by itself.

    Arguments:
        sock: is detached.
        context: any context, also a standard one.
        options: those of ``SSLContext.wrap_socket``.

    Raises:
        OSError: the handshake failed; `ssl.SSLError` if that is what TLS says.
        ValueError: the options don't go together.
    """
    return wrap(sock, context, **options)


def get_server_certificate(
    addr: tuple[str, int],
    ssl_version: int = _standard.PROTOCOL_TLS_CLIENT,
    ca_certs: str | None = None,
    timeout: float | None = DEFAULT_TIMEOUT,
) -> str:
    """Return the certificate of the server at ``(host, port)``, in PEM format.

    Arguments:
        ssl_version: the protocol, as for `ssl.SSLContext`.
        ca_certs: a file of certificates to check it against; None accepts any.
        timeout: in seconds; None waits for ever.

    Raises:
        OSError: there is no such server, or it has failed the check.
    """
    context = _create_unverified_context(
        ssl_version,
        cert_reqs=_standard.CERT_NONE if ca_certs is None else _standard.CERT_REQUIRED,
        cafile=ca_certs,
    )
    with create_connection(addr, timeout) as sock:
        with context.wrap_socket(sock, server_hostname=addr[0]) as secured:
            certificate = secured.getpeercert(binary_form=True)
    return _standard.DER_cert_to_PEM_cert(certificate or b"")


if sys.version_info < (3, 12):

    def wrap_socket(
        sock: _socket_module.socket,
        keyfile: str | None = None,
        certfile: str | None = None,
        server_side: bool = False,
        cert_reqs: int = _standard.CERT_NONE,
        ssl_version: int = _standard.PROTOCOL_TLS,
        ca_certs: str | None = None,
        do_handshake_on_connect: bool = True,
        suppress_ragged_eofs: bool = True,
        ciphers: str | None = None,
    ) -> GreenSSLSocket:
        """Wrap a socket without a context, as the standard function of old; deprecated with it.

        Raises:
            ValueError: there is a key but no certificate, or neither on the side of the server.
        """
        warnings.warn(
            "ssl.wrap_socket() is deprecated, use SSLContext.wrap_socket()",
            DeprecationWarning,
            stacklevel=2,
        )
        if server_side and not certfile:
            raise ValueError("certfile must be specified for server-side operations")
        if keyfile and not certfile:
            raise ValueError("certfile must be specified")
        context = SSLContext(ssl_version)
        context.verify_mode = _standard.VerifyMode(cert_reqs)
        if ca_certs:
            context.load_verify_locations(ca_certs)
        if certfile:
            context.load_cert_chain(certfile, keyfile)
        if ciphers:
            context.set_ciphers(ciphers)
        return wrap(
            sock,
            context,
            server_side=server_side,
            do_handshake_on_connect=do_handshake_on_connect,
            suppress_ragged_eofs=suppress_ragged_eofs,
        )
