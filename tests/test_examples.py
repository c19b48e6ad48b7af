"""The examples that no other test is about, each run as a person would."""

import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trustme

PATIENCE = 30


def run(script: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-W", "error", str(script), *map(str, arguments)]
    return subprocess.run(line, capture_output=True, text=True, timeout=50, check=False)


@contextmanager
def running(script: Path, *arguments: object) -> Iterator[int]:
    """Run a server, and yield the port that it says it listens on."""
    line = [sys.executable, "-W", "error", str(script), *map(str, arguments)]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline().rpartition(" ")[2])
            assert process.poll() is None
        finally:
            process.kill()


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), PATIENCE)


@pytest.fixture
def certificates(tmp_path: Path) -> tuple[ssl.SSLContext, Path, Path]:
    authority = trustme.CA()
    own = authority.issue_cert("localhost")
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    own.cert_chain_pems[0].write_to_path(certificate)
    own.private_key_pem.write_to_path(key)
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context, certificate, key


def test_tls_server(examples: Path, certificates: tuple[ssl.SSLContext, Path, Path]) -> None:
    context, certificate, key = certificates
    with running(examples / "tls_server.py", certificate, key, 0) as port:
        with connect(port) as silent:  # no handshake: must hold up nobody
            with context.wrap_socket(connect(port), server_hostname="localhost") as secure:
                secure.sendall(b"hello\n")
                assert secure.recv(100) == b"HELLO\n"
            assert silent.fileno() >= 0


def test_port_forwarder(examples: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as target:
        target.settimeout(PATIENCE)
        address = target.getsockname()
        with running(examples / "port_forwarder.py", 0, *address) as port, connect(port) as client:
            client.sendall(b"question")
            client.shutdown(socket.SHUT_WR)
            server, _ = target.accept()
            with server, server.makefile("rb") as asked:
                assert asked.read() == b"question"
                server.sendall(b"answer")  # although the client has ended its side
            with client.makefile("rb") as answered:
                assert answered.read() == b"answer"


def test_udp(examples: Path) -> None:
    with running(examples / "udp.py", "serve") as port:
        done = run(examples / "udp.py", "ask", port)
    assert (done.returncode, done.stderr) == (0, "")
    assert ":" in done.stdout


def test_udp_without_an_answer(examples: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", 0))
        done = run(examples / "udp.py", "ask", mute.getsockname()[1])
    assert done.returncode == 1
    assert "no answer from port" in done.stderr


def test_producer_consumer(examples: Path, tmp_path: Path) -> None:
    text = tmp_path / "text"
    text.write_text("to be or not to be\n" * 500)
    done = run(examples / "producer_consumer.py", text)
    assert done.stderr == ""
    lines = map(str.split, done.stdout.splitlines())
    counts = {word: number for number, word in lines}
    assert counts == {"to": "1000", "be": "1000", "or": "500", "not": "500"}


def test_actor(examples: Path) -> None:
    done = run(examples / "actor.py")
    assert (done.stdout, done.stderr) == ("balance: 55\n", "")


def test_nursery(examples: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        up, down = (f"127.0.0.1:{each.getsockname()[1]}" for each in (server, closed))
        done = run(examples / "nursery.py", up, down)
    first, second = done.stdout.splitlines()
    assert first.startswith(f"{up} reached in ")
    assert second.startswith(f"{down} failed: ")
    assert (done.returncode, done.stderr) == (1, "")


def test_patched_requests(examples: Path, site: str) -> None:
    done = run(examples / "patched_requests.py", site, f"{site}missing")
    found, missing = done.stdout.splitlines()
    assert found.startswith(f"{site} 200, ")
    assert missing.startswith(f"{site}missing 404, ")
    assert (done.returncode, done.stderr) == (0, "")
