"""TLS with the standard library."""

from __future__ import annotations

import datetime as dt
import ssl as standard
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trustme

from eventlet import hub
from eventlet.greensocket import GreenSocket, GreenSSLSocket, socket, ssl
from eventlet.hub.testing import wait_until_idle

pytestmark = pytest.mark.usefixtures("no_leaks")

MUCH = b"0123456789abcdef" * 128 * 1024

Pair = tuple[GreenSSLSocket, GreenSSLSocket]
Context = standard.SSLContext


def connected() -> tuple[GreenSocket, GreenSocket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = socket.create_connection(listener.getsockname())
        other, _ = listener.accept()
    return one, other


def secured(client_context: Context, server_context: Context) -> Pair:
    one, other = connected()
    accepting = hub.spawn(ssl.secure, other, server_context, server_side=True)
    client = ssl.secure(one, client_context, server_hostname="localhost")
    return client, accepting.wait()


@pytest.fixture
def pair(client_context: Context, server_context: Context) -> Iterator[Pair]:
    """A client and a server that have shaken hands."""
    client, server = secured(client_context, server_context)
    with client, server:
        yield client, server


def receive(sock: Any, size: int) -> bytes:
    parts = []
    while size and (data := sock.recv(size)):
        parts.append(data)
        size -= len(data)
    return b"".join(parts)


# Kind


def test_is_both_a_standard_tls_socket_and_a_green_one(pair: Pair) -> None:
    for sock in pair:
        assert isinstance(sock, standard.SSLSocket)
        assert isinstance(sock, GreenSocket)
    assert pair[0].version() == pair[1].version() == "TLSv1.3"


def test_contexts_make_green_sockets_and_set_what_they_are_told(
    authority: trustme.CA, server_context: Context
) -> None:
    for context in (ssl.create_default_context(), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)):
        assert isinstance(context, ssl.SSLContext)
        assert isinstance(context, standard.SSLContext)
        authority.configure_trust(context)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_COMPRESSION
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        one, other = connected()
        accepting = hub.spawn(ssl.secure, other, server_context, server_side=True)
        with context.wrap_socket(one, server_hostname="localhost") as client, accepting.wait():
            assert type(client) is GreenSSLSocket
            assert client.version() == "TLSv1.2"


def test_standard_module_is_left_alone() -> None:
    assert standard.SSLContext.sslsocket_class is standard.SSLSocket
    assert type(standard.create_default_context()) is standard.SSLContext


def test_own_socket_class_of_a_context_is_respected(
    client_context: Context, server_context: Context
) -> None:
    class Special(GreenSSLSocket):
        pass

    client_context.sslsocket_class = Special
    client, server = secured(client_context, server_context)
    with client, server:
        assert type(client) is Special
        assert type(server) is GreenSSLSocket


# Data


def test_only_the_caller_waits(poller: str, pair: Pair) -> None:
    client, server = pair
    waiting = hub.spawn(server.recv, 10)
    wait_until_idle()
    assert not waiting.ready
    client.sendall(b"hello")
    assert waiting.wait() == b"hello"


def test_much_data_passes_both_ways_at_once(poller: str, pair: Pair) -> None:
    sending = [hub.spawn(sock.sendall, MUCH) for sock in pair]
    receiving = [hub.spawn(receive, sock, len(MUCH)) for sock in pair]
    assert [thread.wait() == MUCH for thread in receiving] == [True, True]
    for thread in sending:
        thread.wait()


def test_two_green_threads_send_each_byte_once(poller: str, pair: Pair) -> None:
    client, server = pair
    sending = [hub.spawn(client.sendall, letter * 2**20) for letter in (b"a", b"b", b"c")]
    data = receive(server, 3 * 2**20)
    assert [data.count(letter) for letter in (b"a", b"b", b"c")] == [2**20] * 3
    for thread in sending:
        thread.wait()


def test_more_in_one_record_than_asked_for(pair: Pair) -> None:
    client, server = pair
    client.sendall(b"0123456789")
    assert server.recv(4) == b"0123"
    assert server.pending() == 6
    buffer = bytearray(4)
    assert server.recv_into(buffer) == 4
    assert buffer == b"4567"
    assert server.read(10) == b"89"
    assert server.recv(0) == b""


def test_makefile(poller: str, pair: Pair) -> None:
    client, server = pair
    with (
        client.makefile("rw", encoding="utf-8", newline="\n") as file,
        server.makefile("rwb") as echo,
    ):

        def serve() -> None:
            for line in echo:
                echo.write(line.upper())
                echo.flush()

        serving = hub.spawn(serve)
        file.write("line\n")
        file.flush()
        assert file.readline() == "LINE\n"
        serving.kill()


def test_forbidden_and_unknown_operations(pair: Pair) -> None:
    client, _ = pair
    with pytest.raises(ValueError, match="non-zero flags"):
        client.recv(1, 1)
    with pytest.raises(NotImplementedError):
        client.recvmsg(1)  # type: ignore[arg-type]
    with pytest.raises(NotImplementedError):
        client.dup()
    client.close()
    with pytest.raises(ValueError, match="closed or unwrapped"):
        client.read(1)
    with pytest.raises(ValueError, match="closed or unwrapped"):
        client.write(b"x")


# Ends


def test_unwrapping_leaves_a_plain_green_socket(poller: str, pair: Pair) -> None:
    client, server = pair
    unwrapping = hub.spawn(server.unwrap)
    assert client.recv(10) == b""
    plain = client.unwrap()
    other = unwrapping.wait()
    hub.call_after(0, other.send, b"in the clear")
    assert plain.recv(100) == b"in the clear"
    with pytest.raises(ValueError, match="No SSL wrapper"):
        client.unwrap()


def test_cut_off_stream_is_an_end_or_an_error(
    client_context: Context, server_context: Context
) -> None:
    for suppressed in (True, False):
        one, other = connected()
        accepting = hub.spawn(ssl.secure, other, server_context, server_side=True)
        client = ssl.secure(
            one,
            client_context,
            server_hostname="localhost",
            suppress_ragged_eofs=suppressed,
        )
        with client:
            hub.spawn_after(0.001, accepting.wait().close)
            if suppressed:
                assert client.recv(10) == b""
            else:
                with pytest.raises(ssl.SSLEOFError):
                    client.recv(10)
        hub.sleep(0)


def test_close_wakes_all_who_wait(poller: str, pair: Pair) -> None:
    client, _ = pair
    reading, writing = hub.spawn(client.recv, 1), hub.spawn(client.sendall, MUCH * 4)
    wait_until_idle()
    queued = hub.spawn(client.sendall, b"after the other")
    wait_until_idle()
    client.close()
    for thread in (reading, writing):
        with pytest.raises(OSError, match="Bad file descriptor"):
            thread.wait()
    with pytest.raises(OSError, match="Bad file descriptor"):
        queued.wait()


def test_garbage_in_the_stream(pair: Pair) -> None:
    client, server = pair
    GreenSocket.send(server, b"no TLS record at all")
    wait_until_idle()
    with pytest.raises(ssl.SSLError):
        client.recv(10)


def test_stream_that_was_cut_off_before(client_context: Context, server_context: Context) -> None:
    server_context.num_tickets = 0  # or their arrival would make a reset of the end
    one, other = connected()
    accepting = hub.spawn(ssl.secure, other, server_context, server_side=True)
    with ssl.secure(
        one, client_context, server_hostname="localhost", suppress_ragged_eofs=False
    ) as client:
        accepting.wait().close()
        wait_until_idle()
        with pytest.raises(ssl.SSLEOFError):
            client.recv(10)


def test_other_buffers_than_bytes(pair: Pair) -> None:
    client, server = pair
    client.sendall(bytearray(b"abc"))
    client.sendall(memoryview(b"def"))
    assert receive(server, 6) == b"abcdef"


def test_no_handshake_at_once_in_non_blocking_mode(client_context: Context) -> None:
    one, other = connected()
    one.setblocking(False)
    with other, pytest.raises(ValueError, match="non-blocking"):
        ssl.secure(one, client_context, server_hostname="localhost")


def test_peer_that_resets(pair: Pair) -> None:
    import struct

    client, server = pair
    waiting = hub.spawn(client.recv, 1)
    wait_until_idle()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.close()
    try:
        assert waiting.wait() == b""
    except ConnectionResetError:
        # The standard class makes an end of the stream of it before Python 3.13.
        assert sys.version_info >= (3, 13)


def test_kill_while_another_write_is_unfinished(pair: Pair) -> None:
    client, server = pair
    first = hub.spawn(client.sendall, MUCH * 4)
    wait_until_idle()
    second = hub.spawn(client.sendall, b"second")
    wait_until_idle()
    assert not first.ready
    second.kill()
    assert len(receive(server, len(MUCH) * 4)) == len(MUCH) * 4
    first.wait()
    client.sendall(b"third")
    assert server.recv(10) == b"third"


def test_plain_text_before_tls(server_context: Context) -> None:
    with ssl.secure(socket.socket(), server_context, server_side=True) as sock:
        with pytest.raises(OSError):
            sock.send(b"x")
        sock.settimeout(0.01)
        with pytest.raises(OSError):
            sock.recv(1)


def test_no_flags_over_tls(pair: Pair) -> None:
    with pytest.raises(ValueError, match="non-zero flags"):
        pair[0].send(b"x", 1)


# Timeouts and modes


def test_each_phase_times_out(poller: str, client_context: Context) -> None:
    one, silent = connected()
    with silent:
        one.settimeout(0.01)
        with pytest.raises(TimeoutError, match="timed out"):
            ssl.secure(one, client_context, server_hostname="localhost")


def test_reading_writing_and_unwrapping_time_out(poller: str, pair: Pair) -> None:
    client, _ = pair
    client.settimeout(0.01)
    for operation in (
        lambda: client.recv(1),
        lambda: client.sendall(MUCH * 4),
        client.unwrap,
    ):
        with pytest.raises(TimeoutError, match="timed out"):
            operation()


def test_timeout_while_another_write_is_unfinished(pair: Pair) -> None:
    client, _ = pair
    writing = hub.spawn(client.sendall, MUCH * 4)
    wait_until_idle()
    client.settimeout(0.01)
    with pytest.raises(TimeoutError, match="timed out"):
        client.send(b"x")
    client.setblocking(False)
    with pytest.raises(ssl.SSLWantWriteError):
        client.send(b"x")
    writing.kill()


def test_one_byte_a_second_is_too_slow(client_context: Context, virtual_clock: Any) -> None:
    one, other = connected()
    one.settimeout(10)

    def dawdle() -> None:
        with other:
            for byte in b"\x16\x03\x03\x10\x00" + b"\0" * 100:
                hub.sleep(1)
                other.send(bytes([byte]))

    dawdling = hub.spawn(dawdle)
    before = hub.get_hub().time()
    with pytest.raises(TimeoutError):
        ssl.secure(one, client_context, server_hostname="localhost")
    assert hub.get_hub().time() - before == 10
    dawdling.kill()


def test_non_blocking_mode_never_waits(client_context: Context, server_context: Context) -> None:
    one, other = connected()
    one.setblocking(False)
    other.setblocking(False)
    with (
        ssl.secure(
            one, client_context, server_hostname="localhost", do_handshake_on_connect=False
        ) as client,
        ssl.secure(
            other, server_context, server_side=True, do_handshake_on_connect=False
        ) as server,
    ):
        with pytest.raises(ssl.SSLWantReadError):
            client.do_handshake()
        shaking = hub.spawn(server.do_handshake, True)
        client.do_handshake(True)
        shaking.wait()
        assert client.gettimeout() == 0
        with pytest.raises(ssl.SSLWantReadError):
            client.recv(1)
        with pytest.raises(ssl.SSLWantWriteError):
            while True:
                client.send(MUCH)


# Handshakes


def test_connect_and_accept(poller: str, client_context: Context, server_context: Context) -> None:
    plain = socket.create_server(("127.0.0.1", 0))
    with (
        ssl.secure(plain, server_context, server_side=True) as listener,
        ssl.secure(socket.socket(), client_context, server_hostname="localhost") as client,
    ):
        accepting = hub.spawn(listener.accept)
        client.connect(listener.getsockname())
        connection, address = accepting.wait()
        with connection:
            assert type(connection) is GreenSSLSocket
            assert address == client.getsockname()
            client.sendall(b"x")
            assert connection.recv(1) == b"x"


def test_alpn_sni_and_sessions(client_context: Context, server_context: Context) -> None:
    names: list[str | None] = []

    def note(sock: Any, name: str | None, _: Any) -> None:
        assert isinstance(sock, GreenSSLSocket)
        names.append(name)

    server_context.sni_callback = note
    server_context.set_alpn_protocols(["h2", "http/1.1"])
    client_context.set_alpn_protocols(["http/1.1"])
    client_context.maximum_version = ssl.TLSVersion.TLSv1_2
    client, server = secured(client_context, server_context)
    with client, server:
        assert client.selected_alpn_protocol() == server.selected_alpn_protocol() == "http/1.1"
        session = client.session
    one, other = connected()
    accepting = hub.spawn(ssl.secure, other, server_context, server_side=True)
    again = ssl.secure(one, client_context, server_hostname="localhost", session=session)
    with again, accepting.wait():
        assert again.session_reused
    assert names == ["localhost", "localhost"]


def test_client_certificate(
    authority: trustme.CA, client_context: Context, server_context: Context
) -> None:
    server_context.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(server_context)
    authority.issue_cert("client@example.org").configure_cert(client_context)
    client, server = secured(client_context, server_context)
    with client, server:
        assert server.getpeercert()["subjectAltName"] == (("email", "client@example.org"),)  # type: ignore[index]


def refused(client_context: Context, server_context: Context, name: str = "localhost") -> str:
    one, other = connected()
    accepting = hub.spawn(ssl.secure, other, server_context, server_side=True)
    with pytest.raises(ssl.SSLCertVerificationError) as caught:
        ssl.secure(one, client_context, server_hostname=name)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        accepting.wait()
    assert one.fileno() == -1
    return caught.value.verify_message


def test_certificates_that_prove_nothing(
    authority: trustme.CA, client_context: Context, server_context: Context
) -> None:
    assert "Hostname mismatch" in refused(client_context, server_context, "example.org")
    assert "unable to get local issuer" in refused(ssl.create_default_context(), server_context)
    expired = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    yesterday = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    authority.issue_cert("localhost", not_after=yesterday).configure_cert(expired)
    assert "expired" in refused(client_context, expired)
    stranger = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(stranger)
    assert refused(client_context, stranger)


@pytest.mark.parametrize(
    "garbage", [b"GET / HTTP/1.0\r\n\r\n", b"\0" * 100, b"\x16\x03\x01\xff\xff"]
)
def test_garbage_instead_of_tls(server_context: Context, garbage: bytes) -> None:
    one, other = connected()
    accepting = hub.spawn(ssl.secure, other, server_context, server_side=True)
    one.sendall(garbage)
    one.shutdown(socket.SHUT_WR)
    with pytest.raises(OSError):
        accepting.wait()
    one.close()
    assert other.fileno() == -1


@pytest.mark.parametrize("size", [0, 1, 50, 200])
def test_peer_that_ends_within_the_handshake(
    size: int, client_context: Context, server_context: Context
) -> None:
    one, other = connected()
    hello = ssl.MemoryBIO()
    half = client_context.wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost")
    with pytest.raises(ssl.SSLWantReadError):
        half.do_handshake()
    accepting = hub.spawn(ssl.secure, other, server_context, server_side=True)
    one.sendall(hello.read()[:size])
    one.close()
    with pytest.raises(OSError):
        accepting.wait()


def test_wrong_arguments(client_context: Context, server_context: Context) -> None:
    with socket.socket() as sock, pytest.raises(ValueError, match="server_hostname"):
        ssl.secure(sock, client_context)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
        pytest.raises(NotImplementedError),
    ):
        ssl.secure(sock, client_context, server_hostname="localhost")
    with ssl.secure(socket.socket(), server_context, server_side=True) as server:
        with pytest.raises(ValueError, match="no TLS around"):
            server._insist(None, sys.modules["eventlet.greensocket._tls"]._do_handshake)
        with pytest.raises(OSError, match="not connected"):
            server.do_handshake()


def serve_once(context: Context) -> tuple[Any, Any]:
    listener = ssl.secure(socket.create_server(("127.0.0.1", 0)), context, server_side=True)

    def serve() -> None:
        with listener, listener.accept()[0] as connection:
            connection.recv(1)

    return listener.getsockname(), hub.spawn(serve)


def test_get_server_certificate(
    authority: trustme.CA, server_context: Context, tmp_path: Any
) -> None:
    address, serving = serve_once(server_context)
    assert ssl.get_server_certificate(address).startswith("-----BEGIN CERTIFICATE")
    serving.wait()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    address, serving = serve_once(server_context)
    certificate = ssl.get_server_certificate(
        ("localhost", address[1]), ca_certs=str(tmp_path / "ca.pem"), timeout=10
    )
    assert ssl.PEM_cert_to_DER_cert(certificate)
    serving.wait()


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="gone since Python 3.12")
@pytest.mark.filterwarnings("ignore:ssl.wrap_socket", "ignore:ssl.PROTOCOL_TLS")
def test_wrapping_without_a_context(
    authority: trustme.CA, certificate: trustme.LeafCert, tmp_path: Any
) -> None:
    wrap: Callable[..., Any] = vars(ssl)["wrap_socket"]
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    certificate.cert_chain_pems[0].write_to_path(chain)
    certificate.private_key_pem.write_to_path(key)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    one, other = connected()
    accepting = hub.spawn(wrap, other, str(key), str(chain), server_side=True)
    trust = {"cert_reqs": ssl.CERT_REQUIRED, "ca_certs": str(tmp_path / "ca.pem")}
    with pytest.warns(DeprecationWarning, match="wrap_socket"):
        client = wrap(one, ciphers="HIGH", **trust)
    with client, accepting.wait() as server:
        client.sendall(b"x")
        assert server.recv(1) == b"x"
    for options in ({"server_side": True}, {"keyfile": "key"}):
        with (
            pytest.warns(DeprecationWarning, match="wrap_socket"),
            pytest.raises(ValueError, match="certfile"),
        ):
            wrap(one, **options)


def test_memory_connections_are_untouched(client_context: Context) -> None:
    assert ssl.MemoryBIO is standard.MemoryBIO
    assert ssl.SSLObject is standard.SSLObject
    sock = client_context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="localhost")
    assert type(sock) is standard.SSLObject
