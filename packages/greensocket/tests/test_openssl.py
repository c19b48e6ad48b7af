"""TLS with pyOpenSSL."""

from __future__ import annotations

import socket as standard
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import service_identity
import trustme

from eventlet import hub
from eventlet.greensocket import serve, socket, ssl_listener, tcp_server, wrap_ssl
from eventlet.greensocket.openssl import SSL
from eventlet.hub.testing import wait_until_idle

pytestmark = pytest.mark.usefixtures("no_leaks")

MUCH = b"0123456789abcdef" * 256 * 1024


class Files(NamedTuple):
    certificate: Path
    key: Path
    authority: Path


@pytest.fixture
def files(authority: trustme.CA, certificate: trustme.LeafCert, tmp_path: Path) -> Files:
    made = Files(tmp_path / "cert.pem", tmp_path / "key.pem", tmp_path / "ca.pem")
    certificate.cert_chain_pems[0].write_to_path(made.certificate)
    certificate.private_key_pem.write_to_path(made.key)
    authority.cert_pem.write_to_path(made.authority)
    return made


@pytest.fixture
def trusted(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the usual authorities be ours."""
    monkeypatch.setenv("SSL_CERT_FILE", str(files.authority))


def connected() -> tuple[Any, Any]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = socket.create_connection(listener.getsockname())
        other, _ = listener.accept()
    return one, other


@pytest.fixture
def pair(files: Files, trusted: None) -> Iterator[Any]:
    """A client and a server that have shaken hands."""
    one, other = connected()
    server = wrap_ssl(other, files.certificate, files.key, server_side=True)
    shaking = hub.spawn(server.do_handshake)
    client = wrap_ssl(one, server_hostname="localhost")
    shaking.wait()
    with client, server:
        yield client, server


def receive(sock: Any, size: int) -> bytes:
    parts = []
    while size and (data := sock.recv(size)):
        parts.append(data)
        size -= len(data)
    return b"".join(parts)


def test_only_the_caller_waits(poller: str, pair: Any) -> None:
    client, server = pair
    assert client.is_secure
    waiting = hub.spawn(server.recv, 10)
    wait_until_idle()
    assert not waiting.ready
    assert client.sendall(b"hello") == 5
    assert waiting.wait() == b"hello"


def test_much_data(poller: str, pair: Any) -> None:
    client, server = pair
    sending = [hub.spawn(sock.sendall, MUCH) for sock in pair]
    receiving = [hub.spawn(receive, sock, len(MUCH)) for sock in pair]
    assert [thread.wait() == MUCH for thread in receiving] == [True, True]
    assert [thread.wait() for thread in sending] == [len(MUCH)] * 2
    hub.call_after(0, client.send, b"abc")
    buffer = bytearray(10)
    assert server.recv_into(buffer) == 3
    assert buffer[:3] == b"abc"


def test_writes_take_turns(poller: str, pair: Any) -> None:
    client, server = pair
    first = hub.spawn(client.sendall, MUCH)
    wait_until_idle()
    # Makes room that the first writer doesn't know of yet.
    beginning = server.recv(2**14) + server.recv(2**14)
    reading = hub.spawn(receive, server, len(MUCH) + 6 - len(beginning))
    second, third = hub.spawn(client.sendall, b"second"), hub.spawn(client.sendall, b"")
    third.kill()
    data = beginning + reading.wait()
    first.wait()
    second.wait()
    assert data.replace(b"second", b"") == MUCH


def test_waiting_for_ones_turn_ends(pair: Any) -> None:
    client, _ = pair
    first = hub.spawn(client.sendall, MUCH * 2)
    wait_until_idle()
    client.settimeout(0.01)
    with pytest.raises(TimeoutError, match="timed out"):
        client.send(b"x")
    client.settimeout(0)
    with pytest.raises(SSL.WantWriteError):
        client.send(b"x")
    client.settimeout(None)
    second = hub.spawn(client.send, b"x")
    wait_until_idle()
    client.close()
    for thread in (first, second):
        with pytest.raises(OSError, match="Bad file descriptor"):
            thread.wait()


def test_orderly_end(poller: str, pair: Any) -> None:
    client, server = pair
    hub.call_after(0, client.close)
    assert server.recv(10) == b""
    assert server.recv_into(bytearray(1)) == 0
    server.close()
    server.close()


def test_cut_off_stream_is_an_error(pair: Any) -> None:
    client, server = pair
    hub.call_after(0, client._socket.close)
    with pytest.raises(SSL.SysCallError):  # which it is depends on what was on its way
        server.recv(10)


def test_shutdown_waits_when_called_twice(pair: Any) -> None:
    client, server = pair
    assert not client.shutdown()
    waiting = hub.spawn(client.shutdown)
    wait_until_idle()
    assert not waiting.ready
    assert server.recv(1) == b""
    server.shutdown()
    assert waiting.wait()


def test_makefile(poller: str, pair: Any) -> None:
    client, server = pair
    with (
        client.makefile("rw", encoding="utf-8", newline="\n") as file,
        server.makefile("rwb") as echo,
    ):

        def answer() -> None:
            for line in echo:
                echo.write(line.upper())
                echo.flush()

        answering = hub.spawn(answer)
        file.write("line\n")
        file.flush()
        assert file.readline() == "LINE\n"
        client.close()
        answering.wait()
        with client.makefile("rb", 0) as raw:
            assert raw.fileno() == -1


def test_close_wakes_who_waits(poller: str, pair: Any) -> None:
    client, _ = pair
    waiting = hub.spawn(client.recv, 1)
    wait_until_idle()
    client.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        waiting.wait()


def test_timeouts_and_non_blocking_mode(poller: str, pair: Any) -> None:
    client, _ = pair
    client.settimeout(0.01)
    with pytest.raises(TimeoutError, match="timed out"):
        client.recv(1)
    with pytest.raises(TimeoutError, match="timed out"):
        client.sendall(MUCH * 2)
    client.settimeout(0)
    with pytest.raises(SSL.WantReadError):
        client.recv(1)


def test_non_blocking_writes(pair: Any) -> None:
    client, _ = pair
    client.setblocking(False)
    with pytest.raises(SSL.WantWriteError):
        client.sendall(MUCH)


def test_strangers_are_refused(files: Files, trusted: None) -> None:
    for name in ("example.org", "192.0.2.1"):
        one, other = connected()
        server = wrap_ssl(other, files.certificate, files.key, server_side=True)
        shaking = hub.spawn(server.do_handshake)
        with pytest.raises(service_identity.VerificationError):
            wrap_ssl(one, server_hostname=name)
        assert one.fileno() == -1
        shaking.wait()
        server.close()


def test_unknown_authorities_are_refused(files: Files) -> None:
    one, other = connected()
    server = wrap_ssl(other, files.certificate, files.key, server_side=True)
    shaking = hub.spawn(server.do_handshake)
    with pytest.raises(SSL.Error, match="certificate verify failed"):
        wrap_ssl(one, server_hostname="localhost")
    with pytest.raises(SSL.Error):
        shaking.wait()
    server.close()


def test_address_stands_in_for_a_name(files: Files, trusted: None) -> None:
    one, other = connected()
    server = wrap_ssl(other, files.certificate, files.key, server_side=True)
    shaking = hub.spawn(server.do_handshake)
    with wrap_ssl(one), server:
        shaking.wait()


def test_verification_can_be_left_out(files: Files) -> None:
    one, other = connected()
    server = wrap_ssl(other, files.certificate, files.key, server_side=True)
    shaking = hub.spawn(server.do_handshake)
    with wrap_ssl(one, verify=False), server:
        shaking.wait()


@pytest.mark.parametrize(
    ("wanted", "chosen"), [(["h2", "http/1.1"], b"http/1.1"), (["h2"], b""), (None, b"")]
)
def test_alpn(files: Files, trusted: None, wanted: Any, chosen: bytes) -> None:
    one, other = connected()
    server = wrap_ssl(
        other, files.certificate, files.key, server_side=True, alpn=["http/1.1", "http/1.0"]
    )
    shaking = hub.spawn(server.do_handshake)
    with wrap_ssl(one, server_hostname="localhost", alpn=wanted) as client, server:
        shaking.wait()
        assert client.get_alpn_proto_negotiated() == chosen


def test_standard_socket_is_taken_over(files: Files, trusted: None) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        plain = standard.create_connection(listener.getsockname(), timeout=5)
        other, _ = listener.accept()
    server = wrap_ssl(other, files.certificate, files.key, server_side=True)
    shaking = hub.spawn(server.do_handshake)
    with wrap_ssl(plain, server_hostname="localhost") as client, server:
        shaking.wait()
        assert plain.fileno() == -1
        assert client.gettimeout() == 5


def test_wrong_arguments(files: Files) -> None:
    with socket.socket() as sock:
        with pytest.raises(ValueError, match="needs a certificate"):
            wrap_ssl(sock, server_side=True)
        with pytest.raises(ValueError, match="needs its certificate"):
            wrap_ssl(sock, private_key=files.key)
        with pytest.raises(SSL.Error, match=r"key\.pem.* with the key in .*cert\.pem"):
            wrap_ssl(sock, files.key, files.certificate)
        with pytest.raises(SSL.Error, match=r"key\.pem.* with the key in the same file"):
            ssl_listener(("127.0.0.1", 0), files.key, None)


@pytest.mark.parametrize("server", [serve, tcp_server])
def test_listener_serves_in_spite_of_bad_peers(
    poller: str, files: Files, trusted: None, server: Any
) -> None:
    listener = ssl_listener(("127.0.0.1", 0), files.certificate, files.key)
    assert listener.is_secure

    def echo(*args: Any) -> None:
        with args[0] if server is serve else args[0][0] as connection:
            while data := connection.recv(100):
                connection.sendall(data)

    serving = hub.spawn(server, listener, echo)
    address = listener.getsockname()
    with socket.create_connection(address), socket.create_connection(address) as babbler:
        babbler.sendall(b"no TLS at all\r\n\r\n")
        client = wrap_ssl(socket.socket(), server_hostname="localhost")
        client.connect(address)
        with client:
            client.sendall(b"hello")
            assert client.recv(10) == b"hello"
    hub.sleep(0.01)
    listener.close()
    serving.wait()


def test_accept(files: Files, trusted: None) -> None:
    listener = ssl_listener(("127.0.0.1", 0), files.certificate, files.key)
    one = socket.create_connection(listener.getsockname())
    accepted: Any = listener.accept()
    connection, address = accepted
    assert address == one.getsockname()
    answering = hub.spawn(lambda: connection.sendall(connection.recv(10)))
    with wrap_ssl(one, server_hostname="localhost") as client, connection, listener:
        client.sendall(b"x")
        assert client.recv(1) == b"x"
        answering.wait()


# The mirror of pyOpenSSL itself


def test_plain_connections(poller: str, files: Files) -> None:
    context = SSL.Context(SSL.TLS_METHOD)
    context.use_certificate_file(str(files.certificate))
    context.use_privatekey_file(str(files.key))
    one, other = connected()
    client, server = SSL.Connection(context, one), SSL.Connection(context, other)
    client.set_connect_state()
    server.set_accept_state()
    shaking = hub.spawn(server.do_handshake)
    client.do_handshake()
    shaking.wait()
    with client.makefile("rb") as file:  # type: ignore[var-annotated]  # as pyOpenSSL leaves it
        hub.call_after(0, server.sendall, b"line\n")
        assert file.readline() == b"line\n"
        server.shutdown()
        assert file.read() == b""
    with pytest.raises(SSL.ZeroReturnError):
        client.recv(1)
    client.close()
    server.close()


def test_connection_in_memory_never_waits() -> None:
    connection = SSL.Connection(SSL.Context(SSL.TLS_METHOD), None)
    connection.set_connect_state()
    with pytest.raises(SSL.WantReadError):
        connection.do_handshake()
    with pytest.raises(TypeError, match="has no socket"):
        connection.accept()


def test_only_green_sockets_are_taken() -> None:
    with standard.socket() as plain, pytest.raises(TypeError, match="green socket"):
        SSL.Connection(SSL.Context(SSL.TLS_METHOD), plain)
