"""TLS and proxies: what stands between the socket and the first request."""

from __future__ import annotations

import datetime as dt
import ipaddress
import ssl
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from eventlet import httpc
from eventlet.greensocket import socket
from eventlet.greensocket import ssl as green_ssl
from eventlet.httpc import (
    Client,
    ConnectError,
    ConnectTimeout,
    InvalidRequest,
    Limits,
    ProxyError,
    ReadError,
    Timeouts,
    TLSError,
    _tls,
)
from eventlet.httpc._connection import Connection
from eventlet.httpc._nested import NestedTLS
from eventlet.hub import get_hub, sleep, spawn

Ok = Callable[..., bytes]


class Certificates(NamedTuple):
    """Files in PEM format."""

    authority: str
    server: str
    client: str
    expired: str
    future: str
    elsewhere: str
    unchained: str
    stranger: str
    self_signed: str


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("certificates")
    authority, stranger = trustme.CA(), trustme.CA()
    now, day = dt.datetime.now(dt.UTC), dt.timedelta(days=1)

    def issue(began: dt.datetime, ended: dt.datetime) -> trustme.LeafCert:
        return authority.issue_cert("127.0.0.1", not_before=began, not_after=ended)

    unchained = authority.create_child_ca().issue_cert("127.0.0.1")
    made = {
        "authority": authority.cert_pem,
        "server": _files(authority.issue_cert("127.0.0.1", "localhost")),
        "client": _files(authority.issue_cert("client@client.example")),
        "expired": _files(issue(now - 3 * day, now - day)),
        "future": _files(issue(now + day, now + 3 * day)),
        "elsewhere": _files(authority.issue_cert("elsewhere.example")),
        "unchained": _joined(unchained.private_key_pem, unchained.cert_chain_pems[0]),
        "stranger": _files(stranger.issue_cert("127.0.0.1")),
        "self_signed": _joined(stranger.private_key_pem, stranger.cert_pem),
    }
    for name, blob in made.items():
        blob.write_to_path(folder / f"{name}.pem")
    return Certificates(*(str(folder / f"{name}.pem") for name in Certificates._fields))


def _files(certificate: trustme.LeafCert) -> trustme.Blob:
    return certificate.private_key_and_cert_chain_pem


def _joined(*blobs: trustme.Blob) -> trustme.Blob:
    return trustme.Blob(b"".join(blob.bytes() for blob in blobs))


@pytest.fixture
def secure_server(server: Any, certificates: Certificates) -> Any:
    """A server whose `context` wraps each connection before the script plays."""
    return with_tls(server, certificates)


def with_tls(server: Any, certificates: Certificates) -> Any:
    server.context = green_ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.context.load_cert_chain(certificates.server)
    serve = server._serve

    def serve_securely(sock: Any, script: Any) -> None:
        try:
            secured = server.context.wrap_socket(sock, server_side=True)
        except OSError:
            sock.close()
        else:
            serve(secured, script)

    server._serve = serve_securely
    server.url = f"https://127.0.0.1:{server.port}/"
    return server


# TLS


def test_https(secure_server: Any, certificates: Certificates, ok: Ok) -> None:
    secure_server.answer(ok(b"safe"))
    with Client(verify=certificates.authority, trust_env=False) as client:
        for _ in range(3):
            assert client.get(secure_server.url).content == b"safe"
        content = bytes(1_000_000)
        assert client.post(secure_server.url, content=content).content == b"safe"
        assert secure_server.received[-1].body == content
        assert secure_server.connections == 1


def test_a_folder_or_a_context_can_say_whom_to_trust(
    secure_server: Any, certificates: Certificates, ok: Ok, tmp_path: Path
) -> None:
    secure_server.answer(ok(b"safe"))
    context = ssl.create_default_context(cafile=certificates.authority)
    for verify in (context, Path(certificates.authority), False):
        with Client(verify=verify, trust_env=False) as client:
            assert client.get(secure_server.url).content == b"safe"
    with Client(verify=tmp_path, trust_env=False) as client, pytest.raises(TLSError):
        client.get(secure_server.url)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("expired", "has expired"),
        ("future", "is not yet valid"),
        ("elsewhere", "IP address mismatch"),
        ("unchained", "unable to get local issuer"),
        ("stranger", "unable to get local issuer"),
        ("self_signed", "self-signed certificate"),
    ],
)
def test_wrong_certificates_are_refused(
    secure_server: Any, certificates: Certificates, ok: Ok, name: str, reason: str
) -> None:
    secure_server.answer(ok(b"unsafe"))
    secure_server.context.load_cert_chain(getattr(certificates, name))
    with Client(verify=certificates.authority, trust_env=False) as client:
        with pytest.raises(TLSError, match=reason) as caught:
            client.get(secure_server.url)
        assert client.statistics().connections == 0
    assert isinstance(caught.value, ConnectError)
    assert caught.value.url == secure_server.url
    assert str(caught.value).startswith("no safe connection to 127.0.0.1 port ")
    assert secure_server.received == []


def issue_for_clients(authority: trustme.CA) -> bytes:
    """Return a key with a certificate for this machine that is no good for servers."""
    issuer = x509.load_pem_x509_certificate(authority.cert_pem.bytes())
    issuer_key: Any = load_pem_private_key(authority.private_key_pem.bytes(), None)
    key, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now(dt.UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    issuer_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    certificate = (
        x509.CertificateBuilder(issuer.subject, x509.Name([]), key.public_key(), 1)
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(names, critical=True)
        .add_extension(issuer_id, critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem + certificate.public_bytes(Encoding.PEM)


def revoke(authority: trustme.CA, *revoked: trustme.LeafCert) -> bytes:
    """Return the list of certificates that an authority has revoked."""
    issuer = x509.load_pem_x509_certificate(authority.cert_pem.bytes())
    key: Any = load_pem_private_key(authority.private_key_pem.bytes(), None)
    now, day = dt.datetime.now(dt.UTC), dt.timedelta(days=1)
    crl = x509.CertificateRevocationListBuilder(issuer.subject, now - day, now + day)
    crl = crl.add_extension(x509.CRLNumber(1), critical=False).add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False
    )
    for leaf in revoked:
        number = x509.load_pem_x509_certificate(leaf.cert_chain_pems[0].bytes()).serial_number
        entry = x509.RevokedCertificateBuilder(number, now - day).build()
        crl = crl.add_revoked_certificate(entry)
    return crl.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def test_a_certificate_that_is_not_for_servers_is_refused(
    secure_server: Any, ok: Ok, tmp_path: Path
) -> None:
    secure_server.answer(ok(b"unsafe"))
    authority, wrong = trustme.CA(), tmp_path / "wrong.pem"
    wrong.write_bytes(issue_for_clients(authority))
    secure_server.context.load_cert_chain(wrong)
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    with Client(verify=tmp_path / "authority.pem", trust_env=False) as client:
        with pytest.raises(TLSError, match=r"(?i)unsuitable certificate purpose"):
            client.get(secure_server.url)
    assert secure_server.received == []


def test_a_revoked_certificate_is_refused_by_a_context_with_the_list(
    secure_server: Any, ok: Ok, tmp_path: Path
) -> None:
    secure_server.answer(ok(b"safe"))
    authority = trustme.CA()
    good, bad = (authority.issue_cert("127.0.0.1") for _ in range(2))
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    (tmp_path / "crl.pem").write_bytes(revoke(authority, bad))
    context = ssl.create_default_context(cafile=str(tmp_path / "authority.pem"))
    context.load_verify_locations(tmp_path / "crl.pem")
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    with Client(verify=context, trust_env=False) as client:
        good.configure_cert(secure_server.context)
        assert client.get(secure_server.url, headers={"Connection": "close"}).content == b"safe"
        client._transport.drop_idle()
        bad.configure_cert(secure_server.context)
        with pytest.raises(TLSError, match="certificate revoked"):
            client.get(secure_server.url)
    assert len(secure_server.received) == 1


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_versions_of_tls_that_are_broken_are_not_spoken(
    secure_server: Any, certificates: Certificates, ok: Ok, version: ssl.TLSVersion
) -> None:
    secure_server.answer(ok(b"unsafe"))
    secure_server.context.minimum_version = ssl.TLSVersion.TLSv1
    secure_server.context.maximum_version = version
    secure_server.context.set_ciphers("ALL:@SECLEVEL=0")
    with Client(verify=certificates.authority, trust_env=False) as client:
        with pytest.raises(TLSError, match=r"(?i)protocol.version"):
            client.get(secure_server.url)
    assert secure_server.received == []


def test_the_simple_functions_check_certificates_too(secure_server: Any, ok: Ok) -> None:
    secure_server.answer(ok(b"unsafe"))
    with pytest.raises(TLSError):
        httpc.get(secure_server.url)


def test_a_client_certificate(secure_server: Any, certificates: Certificates, ok: Ok) -> None:
    secure_server.context.load_verify_locations(certificates.authority)
    secure_server.context.verify_mode = ssl.CERT_REQUIRED
    secure_server.answer(ok(b"known"))
    verify = certificates.authority
    with Client(verify=verify, cert=certificates.client, trust_env=False) as client:
        assert client.get(secure_server.url).content == b"known"
    pair = (certificates.client, certificates.client)
    with Client(verify=verify, cert=pair, trust_env=False) as client:
        assert client.get(secure_server.url).content == b"known"
    with Client(verify=verify, trust_env=False) as client, pytest.raises(httpc.HTTPError):
        client.get(secure_server.url)
    context = ssl.create_default_context()
    with Client(verify=context, cert=pair, trust_env=False) as client:
        with pytest.raises(InvalidRequest, match="load_cert_chain"):
            client.get(secure_server.url)


def test_a_server_without_tls(server: Any, ok: Ok) -> None:
    server.play(lambda peer: peer.send(ok()))
    with Client(trust_env=False) as client, pytest.raises(TLSError):
        client.get(server.url.replace("http:", "https:"))


def test_a_server_that_hangs_up_or_is_silent_during_the_handshake(server: Any) -> None:
    url = server.url.replace("http:", "https:")
    server.play(lambda peer: None)
    with Client(trust_env=False) as client, pytest.raises(TLSError):
        client.get(url)
    server.play(lambda peer: sleep(100))
    with Client(trust_env=False) as client:
        with pytest.raises(ConnectTimeout):
            client.get(url, timeout=Timeouts(connect=0.01))
        assert client.statistics().connections == 0


def test_a_missing_file_of_certificates_is_an_error(secure_server: Any) -> None:
    with Client(verify="/does/not/exist", trust_env=False) as client:
        with pytest.raises(FileNotFoundError):
            client.get(secure_server.url)
        assert client.statistics().connections == 0


def test_certifi_stands_in_for_a_missing_store(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing: Any = (None, None, "", "", "", "")
    paths = ssl.DefaultVerifyPaths(*nothing)
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    monkeypatch.setattr(ssl.SSLContext, "load_default_certs", lambda *args: None)
    assert len(_tls.make_context().get_ca_certs()) > 50


# Proxies that speak HTTP


@pytest.fixture
def proxy(server: Any) -> Iterator[Any]:
    """A second server, which the tests use as a proxy."""
    proxy = type(server)()
    yield proxy
    proxy.close()


def carries(peer: Any, port: int) -> None:
    """Pass on bytes in both directions until the server closes."""
    target = socket.create_connection(("127.0.0.1", port))

    def pump(source: Any, sink: Any) -> None:
        with suppress(ssl.SSLEOFError, ConnectionError):  # the sink has gone
            while data := source.recv(65536):
                sink.sendall(data)

    def pump_out() -> None:
        pump(peer.sock, target)
        target.shutdown(socket.SHUT_WR)

    if peer.buffer:
        target.sendall(peer.buffer)
    thread = spawn(pump_out)
    try:
        pump(target, peer.sock)
    finally:
        thread.throw()
        target.close()


def test_plain_requests_go_to_the_proxy_whole(proxy: Any, ok: Ok) -> None:
    proxy.answer(ok(b"from the proxy"))
    url = proxy.url.replace("//", "//me:secret@")
    with Client(proxy=url, limits=Limits(max_per_host=1)) as client:
        assert client.get("http://one.example/a?b").content == b"from the proxy"
        assert client.get("http://two.example:81/").content == b"from the proxy"
    assert [received.line for received in proxy.received] == [
        "GET http://one.example/a?b HTTP/1.1",
        "GET http://two.example:81/ HTTP/1.1",
    ]
    assert proxy.received[1].headers["host"] == "two.example:81"
    assert proxy.received[1].headers["proxy-authorization"] == "Basic bWU6c2VjcmV0"
    assert proxy.connections == 1


def test_the_environment_chooses_the_proxy(
    server: Any, proxy: Any, ok: Ok, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy.answer(ok(b"proxy"))
    server.answer(ok(b"direct"))
    monkeypatch.setenv("http_proxy", proxy.url)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Client() as client:
        assert client.get("http://somewhere.example/").content == b"proxy"
        assert client.get(server.url).content == b"direct"
    monkeypatch.delenv("no_proxy")
    with Client(trust_env=False) as client:
        assert client.get(server.url).content == b"direct"


def test_https_goes_through_a_tunnel(
    secure_server: Any, proxy: Any, certificates: Certificates, ok: Ok
) -> None:
    seen = []

    def tunnels(peer: Any) -> None:
        seen.append(peer.read_head())
        peer.send(b"HTTP/1.1 200 Connection established\r\nX: y\r\n\r\n")
        carries(peer, secure_server.port)

    proxy.play(tunnels)
    secure_server.answer(ok(b"safe"))
    url = proxy.url.replace("//", "//me:secret@")
    with Client(proxy=url, verify=certificates.authority) as client:
        for _ in range(2):
            assert client.get(secure_server.url).content == b"safe"
    assert proxy.connections == 1
    assert seen[0].line == f"CONNECT 127.0.0.1:{secure_server.port} HTTP/1.1"
    assert seen[0].headers["proxy-authorization"] == "Basic bWU6c2VjcmV0"
    assert "proxy-authorization" not in secure_server.received[0].headers


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"HTTP/1.1 407 Who?\r\nContent-Length: 0\r\n\r\n", "it answered 407 Who?"),
        (b"HTTP/1.1 502 Bad\r\n\r\n", "it answered 502 Bad"),
        (b"HTTP/1.1 200 OK\r\n\r\nEXTRA", "before the server could have"),
        (b"HTTP/1.1 200 OK", "in the middle of the headers"),
        (b"", "without answering"),
        (b"nonsense\r\n\r\n", "HTTP/"),
    ],
)
def test_a_proxy_that_refuses(proxy: Any, answer: bytes, reason: str) -> None:
    def refuses(peer: Any) -> None:
        peer.read_head()
        peer.send(answer)

    proxy.play(refuses)
    with Client(proxy=proxy.url) as client:
        with pytest.raises(ProxyError, match=reason.replace("?", r"\?")) as caught:
            client.get("https://origin.example/")
        assert client.statistics().connections == 0
    assert str(caught.value).startswith(f"proxy 127.0.0.1 port {proxy.port} made no connection")
    assert caught.value.url == "https://origin.example/"


def test_a_proxy_that_resets(proxy: Any) -> None:
    proxy.play(lambda peer: peer.sock.recv(1))
    with Client(proxy=proxy.url) as client, pytest.raises(ProxyError):
        client.get("https://origin.example/")


def test_a_proxy_that_is_not_there_or_silent(proxy: Any) -> None:
    with Client(proxy="http://127.0.0.1:9") as client:
        with pytest.raises(ConnectError, match="could not connect to the proxy 127"):
            client.get("http://origin.example/")
    proxy.play(lambda peer: sleep(100))
    timeout = Timeouts(connect=0.01)
    with Client(proxy=proxy.url, timeout=timeout) as client, pytest.raises(ConnectTimeout):
        client.get("https://origin.example/")


# Proxies that are reached over TLS


@pytest.fixture
def secure_proxy(proxy: Any, certificates: Certificates) -> Any:
    """A proxy that speaks TLS, and has a log of the requests that it makes tunnels for."""
    proxy.tunnels = []

    def tunnels(peer: Any) -> None:
        proxy.tunnels.append(peer.read_head())
        peer.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        carries(peer, int(proxy.tunnels[-1].line.split()[1].rpartition(":")[2]))

    proxy.play(tunnels)
    return with_tls(proxy, certificates)


def test_plain_requests_to_a_proxy_over_tls(
    secure_proxy: Any, certificates: Certificates, ok: Ok
) -> None:
    secure_proxy.answer(ok(b"from the proxy"))
    url = secure_proxy.url.replace("//", "//me:secret@")
    with Client(proxy=url, verify=certificates.authority) as client:
        for _ in range(2):
            assert client.get("http://one.example/a?b").content == b"from the proxy"
    assert secure_proxy.received[1].line == "GET http://one.example/a?b HTTP/1.1"
    assert secure_proxy.received[1].headers["proxy-authorization"] == "Basic bWU6c2VjcmV0"
    assert secure_proxy.connections == 1


def test_tls_to_the_server_within_tls_to_the_proxy(
    secure_server: Any, secure_proxy: Any, certificates: Certificates, ok: Ok
) -> None:
    content = bytes(range(256)) * 4000
    secure_server.answer(ok(content))
    secure_server.context.load_verify_locations(certificates.authority)
    secure_server.context.verify_mode = ssl.CERT_REQUIRED
    url = secure_proxy.url.replace("//", "//me:secret@")
    verify, cert = certificates.authority, certificates.client
    with Client(proxy=url, verify=verify, cert=cert) as client:
        assert client.get(secure_server.url).content == content
        assert client.post(secure_server.url, content=content).content == content
        assert client.get(secure_server.url, timeout=5).content == content
    assert [received.body for received in secure_server.received] == [b"", content, b""]
    (tunnel,) = secure_proxy.tunnels
    assert tunnel.line == f"CONNECT 127.0.0.1:{secure_server.port} HTTP/1.1"
    assert tunnel.headers["proxy-authorization"] == "Basic bWU6c2VjcmV0"


def test_both_certificates_are_checked(
    secure_server: Any, secure_proxy: Any, certificates: Certificates, ok: Ok
) -> None:
    secure_server.answer(ok(b"unsafe"))
    secure_server.context.load_cert_chain(certificates.stranger)
    with Client(proxy=secure_proxy.url, verify=certificates.authority) as client:
        with pytest.raises(TLSError, match=f"to {secure_server.peer}: unable to get local"):
            client.get(secure_server.url)
        secure_proxy.context.load_cert_chain(certificates.expired)
        for url in (secure_server.url, "http://one.example/"):
            with pytest.raises(TLSError, match=f"to the proxy {secure_proxy.peer}: .* expired"):
                client.get(url)
        assert client.statistics().connections == 0
    assert len(secure_proxy.tunnels) == 1
    assert secure_server.received == []


def test_a_connection_within_tls_that_has_ended_is_not_used_again(
    secure_server: Any, secure_proxy: Any, certificates: Certificates, ok: Ok
) -> None:
    answers = [ok(b"once"), ok(b"once"), b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"]

    def serves_once(peer: Any) -> None:
        peer.read()
        peer.send(answers.pop(0))

    secure_server.play(serves_once)
    with Client(proxy=secure_proxy.url, verify=certificates.authority) as client:
        for _ in range(2):
            assert client.get(secure_server.url).content == b"once"
        with pytest.raises(ReadError, match="in the middle of the body"):
            client.get(secure_server.url)
        assert client.statistics().connections == 0


def test_http2_is_not_spoken_where_a_proxy_is_reached_over_tls(
    secure_server: Any, secure_proxy: Any, certificates: Certificates, ok: Ok
) -> None:
    secure_server.answer(ok(b"in HTTP/1.1"))
    for context in (secure_server.context, secure_proxy.context):
        context.set_alpn_protocols(["h2", "http/1.1"])
    verify: Any = certificates.authority
    with Client(proxy=secure_proxy.url, verify=verify, http2=True) as client:
        assert client.get(secure_server.url).content == b"in HTTP/1.1"
    verify = ssl.create_default_context(cafile=certificates.authority)
    verify.set_alpn_protocols(["h2", "http/1.1"])
    with Client(proxy=secure_proxy.url, verify=verify, http2=True) as client:
        with pytest.raises(TLSError, match="use another one for proxies"):
            client.get(secure_server.url)
        assert client.statistics().connections == 0


class Memory:
    """Stands for an outer socket whose other end speaks TLS in memory."""

    family = socket.AF_INET

    def __init__(self, context: ssl.SSLContext) -> None:
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self.is_agreed = False

    def sendall(self, data: bytes) -> None:
        sleep(0)  # as a socket may
        self.incoming.write(data)
        if not self.is_agreed:
            with suppress(ssl.SSLWantReadError):
                self.tls.do_handshake()
                self.is_agreed = True

    def recv(self, size: int) -> bytes:
        return self.outgoing.read()

    def fileno(self) -> int:
        return -1

    def gettimeout(self) -> float | None: ...
    def settimeout(self, timeout: float | None) -> None: ...
    def setsockopt(self, *option: int) -> None: ...
    def close(self) -> None: ...


@pytest.fixture
def memory(certificates: Certificates) -> Memory:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.server)
    return Memory(context)


@pytest.fixture
def nested(memory: Any, certificates: Certificates) -> NestedTLS:
    context = ssl.create_default_context(cafile=certificates.authority)
    nested = NestedTLS(memory, context, "127.0.0.1")
    nested.do_handshake()
    return nested


def test_what_has_been_decrypted_too_early_spoils_a_connection(
    memory: Memory, nested: NestedTLS
) -> None:
    memory.tls.write(b"one")
    memory.tls.write(b"two")
    connection = Connection(nested, "key", "test")
    connection.idle_since = get_hub().time()
    assert nested.recv(10) == b"one"
    assert nested.pending()
    assert not connection.is_alive(10)
    assert nested.recv(10) == b"two"
    assert not nested.pending()
    assert nested.recv(10) == b""


def test_the_end_of_the_inner_layer_is_the_end(memory: Memory, nested: NestedTLS) -> None:
    with suppress(ssl.SSLWantReadError):
        memory.tls.unwrap()
    assert nested.recv(10) == b""


def test_two_writers_do_not_mix_up_their_records(memory: Memory, nested: NestedTLS) -> None:
    pieces = [bytes([number]) * 50_000 for number in range(4)]
    for thread in [spawn(nested.sendall, piece) for piece in pieces]:
        thread.wait()
    received = b""
    while len(received) < 200_000:
        received += memory.tls.read(200_000)
    assert sorted(received) == sorted(b"".join(pieces))


# SOCKS


class SocksServer:
    """What a SOCKS proxy does on one connection."""

    def __init__(self, port: int, *, password: bool = False) -> None:
        self.port = port
        self.password = password
        self.asked: list[bytes] = []
        self.secrets: list[bytes] = []

    def __call__(self, peer: Any) -> None:
        _, count = peer.take(2)
        methods = peer.take(count)
        chosen = 2 if self.password else 0
        assert chosen in methods
        peer.send(bytes([5, chosen]))
        if self.password:
            assert peer.take(1) == b"\x01"
            self.secrets = [peer.take(peer.take(1)[0]), peer.take(peer.take(1)[0])]
            peer.send(b"\x01\x00")
        assert peer.take(3) == b"\x05\x01\x00"
        kind = peer.take(1)[0]
        host = peer.take({1: 4, 4: 16}.get(kind) or peer.take(1)[0])
        self.asked = [bytes([kind]), host, peer.take(2)]
        peer.send(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x50")
        carries(peer, self.port)


def test_socks_with_names_resolved_by_the_proxy(server: Any, proxy: Any, ok: Ok) -> None:
    server.answer(ok(b"hello"))
    socks = SocksServer(server.port, password=True)
    proxy.play(socks)
    url = proxy.url.replace("http://", "socks5h://me:secret@")
    with Client(proxy=url) as client:
        assert client.get("http://no-such.invalid/").content == b"hello"
        assert client.get("http://no-such.invalid/x").content == b"hello"
    assert socks.asked == [b"\x03", b"no-such.invalid", b"\x00\x50"]
    assert socks.secrets == [b"me", b"secret"]
    assert server.received[1].line == "GET /x HTTP/1.1"
    assert proxy.connections == 1


def test_socks_with_names_resolved_by_us(server: Any, proxy: Any, ok: Ok) -> None:
    server.answer(ok(b"hello"))
    socks = SocksServer(server.port)
    proxy.play(socks)
    with Client(proxy=proxy.url.replace("http:", "socks5:")) as client:
        assert client.get(f"http://localhost:{server.port}/").content == b"hello"
        assert socks.asked[0] in (b"\x01", b"\x04")
        assert client.get(server.url).content == b"hello"
        assert socks.asked == [b"\x01", b"\x7f\0\0\x01", server.port.to_bytes(2, "big")]
        with pytest.raises(ConnectError, match=r"no-such\.invalid"):
            client.get("http://no-such.invalid/")


def test_socks_and_tls(secure_server: Any, proxy: Any, certificates: Certificates, ok: Ok) -> None:
    secure_server.answer(ok(b"safe"))
    proxy.play(SocksServer(secure_server.port))
    url = proxy.url.replace("http:", "socks5h:")
    with Client(proxy=url, verify=certificates.authority) as client:
        assert client.get(secure_server.url).content == b"safe"


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([b"\x04\x00"], "does not speak SOCKS 5, but version 4"),
        ([b"\x05\xff"], "who we are, by a name and password"),
        ([b"\x05\x01"], "who we are, by method 1"),
        ([b"\x05"], "it closed the connection"),
        ([b"\x05\x02", b"\x01\x01"], "does not accept this name and password"),
        ([b"\x05\x00", b"\x05\x05\x00\x01"], "no way to ::1 port 81: connection refused"),
        ([b"\x05\x00", b"\x05\x63\x00\x01"], "error 99"),
        ([b"\x05\x00", b"\x05\x00\x00\x07"], "unknown kind 7"),
        ([b"\x05\x00", b"\x05\x00\x00\x03\x05abc"], "it closed the connection"),
    ],
)
def test_a_socks_proxy_that_refuses(proxy: Any, answers: list[bytes], reason: str) -> None:
    def refuses(peer: Any) -> None:
        for answer in answers:
            peer.sock.recv(1000)
            peer.send(answer)

    proxy.play(refuses)
    with Client(proxy=proxy.url.replace("http://", "socks5h://me:secret@")) as client:
        with pytest.raises(ProxyError, match=reason):
            client.get("http://[::1]:81/")


def test_socks_has_no_room_for_long_names(proxy: Any) -> None:
    proxy.play(SocksServer(0, password=True))
    url = proxy.url.replace("http://", f"socks5h://{'x' * 256}:secret@")
    with Client(proxy=url) as client, pytest.raises(ProxyError, match="takes at most 255 bytes"):
        client.get("http://h/")
