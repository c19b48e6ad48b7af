"""How the other end proves who it is, and how we do."""

from __future__ import annotations

import os
import ssl
from typing import TypeAlias

from .errors import InvalidRequest

Verify: TypeAlias = "bool | str | os.PathLike[str] | ssl.SSLContext"
Cert: TypeAlias = "str | tuple[str, str] | tuple[str, str, str] | None"


def make_context(
    verify: Verify = True, cert: Cert = None, *, http2: bool = False
) -> ssl.SSLContext:
    """Return what TLS connections are made with.

    Arguments:
        verify: True checks certificates against the system's store, or certifi's where the
            system has none; a path names a file or folder of trusted certificates instead; False
            trusts everybody; a context is taken as it is.
        cert: our own certificate: a file with certificate and key, or both files, and perhaps the
            password of the key.
        http2: offer HTTP/2 as well.

    Raises:
        OSError: a file cannot be read, or is not what it should be.
        InvalidRequest: `cert` was given together with a context.
    """
    if isinstance(verify, ssl.SSLContext):
        if cert is not None:
            raise InvalidRequest("give the certificate to the context: context.load_cert_chain()")
        return verify
    context = ssl.create_default_context()
    if verify is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif verify is True:
        _trust_the_usual(context)
    else:
        context = _trusting_only(os.fspath(verify))
    if cert is not None:
        context.load_cert_chain(*((cert,) if isinstance(cert, str) else cert))
    context.set_alpn_protocols(["h2", "http/1.1"] if http2 else ["http/1.1"])
    return context


def _trust_the_usual(context: ssl.SSLContext) -> None:
    import certifi

    paths = ssl.get_default_verify_paths()
    if paths.cafile is None and paths.capath is None and not context.get_ca_certs():
        context.load_verify_locations(certifi.where())


def _trusting_only(path: str) -> ssl.SSLContext:
    if os.path.isdir(path):
        return ssl.create_default_context(capath=path)
    return ssl.create_default_context(cafile=path)
