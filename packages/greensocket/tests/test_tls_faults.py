"""TLS with peers that prove nothing, answer late, drip, or ask again in mid-conversation."""

from __future__ import annotations

import datetime as dt
import ssl as standard
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from eventlet import hub
from eventlet.greensocket import GreenSocket, GreenSSLSocket, socket, ssl
from eventlet.hub.testing import wait_until_idle

pytestmark = pytest.mark.usefixtures("no_leaks")

Context = standard.SSLContext


def connected() -> tuple[GreenSocket, GreenSocket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = socket.create_connection(listener.getsockname())
        other, _ = listener.accept()
    return one, other


def secured(
    client_context: Context, server_context: Context
) -> tuple[GreenSSLSocket, GreenSSLSocket]:
    one, other = connected()
    accepting = hub.spawn(ssl.secure, other, server_context, server_side=True)
    client = ssl.secure(one, client_context, server_hostname="localhost")
    return client, accepting.wait()


def revocation(authority: trustme.CA, certificate: trustme.LeafCert) -> bytes:
    """Return a list, signed by `authority`, that has `certificate` revoked."""
    issuer = x509.load_pem_x509_certificate(authority.cert_pem.bytes())
    revoked = x509.load_pem_x509_certificate(certificate.cert_chain_pems[0].bytes())
    key: Any = serialization.load_pem_private_key(authority.private_key_pem.bytes(), None)
    now = dt.datetime.now(dt.UTC)
    entry = x509.RevokedCertificateBuilder(revoked.serial_number, now).build()
    signed = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.subject)
        .last_update(now - dt.timedelta(days=1))
        .next_update(now + dt.timedelta(days=1))
        .add_revoked_certificate(entry)
        .sign(key, hashes.SHA256())
    )
    return signed.public_bytes(serialization.Encoding.PEM)


def test_revoked_certificate_is_refused(
    authority: trustme.CA,
    certificate: trustme.LeafCert,
    client_context: Context,
    server_context: Context,
    tmp_path: Path,
) -> None:
    path = tmp_path / "revoked.pem"
    path.write_bytes(revocation(authority, certificate))
    client_context.load_verify_locations(path)
    client_context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    one, other = connected()
    accepting = hub.spawn(ssl.secure, other, server_context, server_side=True)
    with pytest.raises(ssl.SSLCertVerificationError, match="revoked"):
        ssl.secure(one, client_context, server_hostname="localhost")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        accepting.wait()


def test_client_without_the_certificate_it_needs(
    authority: trustme.CA, client_context: Context, server_context: Context
) -> None:
    server_context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(server_context)
    one, other = connected()
    accepting = hub.spawn(ssl.secure, other, server_context, server_side=True)
    # In TLS 1.3 the client is through before the server has looked: RFC 8446, section 2.
    with ssl.secure(one, client_context, server_hostname="localhost") as client:
        with pytest.raises(OSError):
            client.recv(1)
        with pytest.raises(ssl.SSLError, match="did not return a certificate"):
            accepting.wait()


@pytest.fixture
def asking_later(
    authority: trustme.CA, client_context: Context, server_context: Context
) -> tuple[Context, Context]:
    """Contexts of a client and a server that asks for its certificate after the handshake."""
    authority.issue_cert("client@example.org").configure_cert(client_context)
    client_context.post_handshake_auth = True
    server_context.verify_mode = ssl.CERT_REQUIRED
    server_context.post_handshake_auth = True
    authority.configure_trust(server_context)
    return client_context, server_context


def test_certificate_asked_for_in_mid_conversation(
    poller: str, asking_later: tuple[Context, Context]
) -> None:
    client, server = secured(*asking_later)
    with client, server:
        assert not server.getpeercert()
        server.verify_client_post_handshake()
        answering = hub.spawn(lambda: client.sendall(client.recv(10).upper()))
        server.sendall(b"who?")
        assert server.recv(10) == b"WHO?"
        answering.wait()
        assert server.getpeercert()


def test_reading_waits_for_room_where_tls_has_to_answer_first(
    poller: str, asking_later: tuple[Context, Context]
) -> None:
    client, server = secured(*asking_later)
    with client, server:
        server.verify_client_post_handshake()
        server.sendall(b"who?")
        client.setblocking(False)
        with pytest.raises(BlockingIOError):
            while True:
                GreenSocket.send(client, b"\0" * 2**16)
        wait_until_idle()
        with pytest.raises(ssl.SSLWantWriteError):
            client.recv(10)
        client.settimeout(0.01)
        with pytest.raises(TimeoutError, match="timed out"):
            client.recv(10)
        client.settimeout(None)
        waiting = hub.spawn(client.recv, 10)
        wait_until_idle()
        assert not waiting.ready
        while not waiting.ready:
            GreenSocket.recv(server, 2**16)
        assert waiting.wait() == b"who?"


def drip(source: GreenSocket, sink: GreenSocket) -> None:
    """Pass on all bytes, one a second."""
    try:
        while data := source.recv(2**16):
            for byte in data:
                hub.sleep(1)
                sink.sendall(bytes([byte]))
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # one end is gone


def test_everything_comes_through_a_line_of_one_byte_a_second(
    client_context: Context, server_context: Context, virtual_clock: Any
) -> None:
    one, near = connected()
    far, other = connected()
    dripping = [hub.spawn(drip, near, far), hub.spawn(drip, far, near)]
    accepting = hub.spawn(ssl.secure, other, server_context, server_side=True)
    before = hub.get_hub().time()
    with ssl.secure(one, client_context, server_hostname="localhost") as client:
        server = accepting.wait()
        assert hub.get_hub().time() - before > 1000
        client.settimeout(5)
        hub.spawn(server.sendall, b"a whole record takes longer than that")
        with pytest.raises(TimeoutError, match="timed out"):
            client.recv(100)
        client.settimeout(None)
        assert client.recv(100) == b"a whole record takes longer than that"
        server.close()
        assert client.recv(100) == b""
    for thread in dripping:
        thread.wait()
    near.close()
    far.close()


def test_garbage_instead_of_the_servers_answer(client_context: Context) -> None:
    one, other = connected()
    with other:
        connecting = hub.spawn(ssl.secure, one, client_context, server_hostname="localhost")
        assert other.recv(2**16)
        other.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")
        with pytest.raises(ssl.SSLError):
            connecting.wait()
        assert one.fileno() == -1


@pytest.mark.parametrize("operation", ["recv", "sendall", "unwrap"])
def test_reset_wakes_who_waits(
    poller: str, client_context: Context, server_context: Context, operation: str
) -> None:
    client, server = secured(client_context, server_context)
    arguments = {"recv": (1,), "sendall": (b"x" * 2**24,), "unwrap": ()}[operation]
    with client:
        waiting = hub.spawn(getattr(client, operation), *arguments)
        wait_until_idle()
        assert not waiting.ready
        server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        server.close()
        if operation == "recv":
            # Until Python 3.13 the standard class makes an end of the stream of it.
            try:
                assert waiting.wait() == b""
            except ConnectionResetError:
                pass
        else:
            with pytest.raises(OSError):
                waiting.wait()
