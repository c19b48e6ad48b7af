"""What the tests of the client share: servers that do what they are told, and nothing else."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import hypothesis
import pytest

from eventlet.greensocket import socket
from eventlet.httpc import _classic
from eventlet.hub import GreenThread, kill, spawn

hypothesis.settings.register_profile("busy machine", deadline=None)
hypothesis.settings.load_profile("busy machine")


class Received(NamedTuple):
    """A request as the server saw it."""

    line: str
    headers: dict[str, str]
    body: bytes


class Peer:
    """The server's end of one connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.buffer = b""

    def until(self, end: bytes) -> bytes:
        while end not in self.buffer:
            piece = self.sock.recv(65536)
            if not piece:
                raise EOFError(self.buffer)
            self.buffer += piece
        data, self.buffer = self.buffer.split(end, 1)
        return data

    def take(self, amount: int) -> bytes:
        while len(self.buffer) < amount:
            piece = self.sock.recv(65536)
            if not piece:
                raise EOFError(self.buffer)
            self.buffer += piece
        data, self.buffer = self.buffer[:amount], self.buffer[amount:]
        return data

    def read_head(self) -> Received:
        line, *lines = self.until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        fields = (field.split(": ", 1) for field in lines)
        return Received(line, {name.lower(): value for name, value in fields}, b"")

    def read_body(self, headers: dict[str, str]) -> bytes:
        if headers.get("transfer-encoding") == "chunked":
            pieces = []
            while size := int(self.until(b"\r\n"), 16):
                pieces.append(self.take(size))
                assert self.take(2) == b"\r\n"
            assert self.take(2) == b"\r\n"
            return b"".join(pieces)
        return self.take(int(headers.get("content-length", "0")))

    def read(self) -> Received:
        head = self.read_head()
        return head._replace(body=self.read_body(head.headers))

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)


Script = Callable[[Peer], object]


class Server:
    """A green server; `scripts` holds what it does on each connection, the last one repeated."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
        self.port: int = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self.peer = f"127.0.0.1 port {self.port}"
        self.scripts: list[Script] = [lambda peer: None]
        self.received: list[Received] = []
        self.pages: dict[str, bytes] = {}  # what `site` answers
        self.connections = 0
        self.open = 0
        self.threads: list[GreenThread[Any]] = [spawn(self._accept)]

    def play(self, *scripts: Script) -> None:
        self.scripts = list(scripts)

    def answer(self, *answers: bytes) -> None:
        """Give these answers to the requests in turn, on any number of connections."""
        left = list(answers)

        def script(peer: Peer) -> None:
            while True:
                self.received.append(peer.read())
                peer.send(left.pop(0) if len(left) > 1 else left[0])

        self.play(script)

    @property
    def asked(self) -> list[str]:
        """The paths of all requests, sorted."""
        return sorted(received.line.split()[1] for received in self.received)

    def _accept(self) -> None:
        while True:
            sock, _ = self.listener.accept()
            script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
            self.threads.append(spawn(self._serve, sock, script))

    def _serve(self, sock: socket.socket, script: Script) -> None:
        self.connections += 1
        self.open += 1
        try:
            script(Peer(sock))
        except (EOFError, ConnectionError):
            pass  # the client has gone
        finally:
            self.open -= 1
            sock.close()

    def stop_listening(self) -> None:
        kill(self.threads[0])
        self.listener.close()

    def close(self) -> None:
        for thread in self.threads:
            kill(thread)
        self.listener.close()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def _fresh_engine() -> Iterator[None]:
    """Give each test connections of its own."""
    yield
    _classic.shared_transport.cache_clear()


class Handler(http.server.BaseHTTPRequestHandler):
    """What a real server would do: the standard library's, in a native thread."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._respond(b"" if self.command == "HEAD" else f"you asked for {self.path}".encode())

    def do_POST(self) -> None:
        self._respond(self.rfile.read(int(self.headers.get("content-length", "0"))))

    do_HEAD = do_DELETE = do_GET  # noqa: N815
    do_PUT = do_POST  # noqa: N815

    def _respond(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="session")
def standard_server() -> Iterator[str]:
    """The URL of the standard library's server."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def ok(body: bytes = b"", *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """A well-formed answer."""
    fields = b"".join(header + b"\r\n" for header in headers)
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n%b\r\n%b" % (status, len(body), fields, body)


@pytest.fixture(name="ok")
def _ok() -> Callable[..., bytes]:
    return ok


@pytest.fixture
def site(server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Server:
    """A server with pages: path to body, or to a whole answer."""
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))

    def script(peer: Peer) -> None:
        while True:
            received = peer.read()
            server.received.append(received)
            body = server.pages.get(received.line.split()[1])
            if body is None:
                peer.send(ok(b"nothing", status=b"404 Not Found"))
            elif body.startswith(b"HTTP/"):
                peer.send(body)
            else:
                peer.send(ok(body, b"Content-Type: text/html"))

    server.play(script)
    return server
