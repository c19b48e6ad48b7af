"""Servers: one green thread for each connection."""

from __future__ import annotations

import errno
import logging
import socket as standard
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eventlet import hub
from eventlet.greensocket import (
    GreenSocket,
    StopServe,
    connect,
    listen,
    serve,
    socket,
    tcp_listener,
    tcp_server,
)
from eventlet.greensocket import ssl as green_ssl
from eventlet.hub.testing import wait_until_idle

pytestmark = pytest.mark.usefixtures("no_leaks")


def echo(connection: GreenSocket, _address: Any) -> None:
    while data := connection.recv(1000):
        connection.sendall(data)


def ask(address: Any, question: bytes = b"hello") -> bytes:
    with connect(address) as client:
        client.sendall(question)
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while data := client.recv(1000):
            answer += data
        return answer


@pytest.mark.parametrize("kind", ["serve", "tcp_server"])
def test_tcp_connections_send_at_once(kind: str) -> None:
    with tcp_listener(("127.0.0.1", 0)) as sock:
        seen: list[int] = []

        def note(connection: GreenSocket) -> None:
            seen.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
            sock.close()

        with connect(sock.getsockname()):
            if kind == "serve":
                serve(sock, lambda connection, _: note(connection))
            else:

                def note_and_close(pair: tuple[GreenSocket, Any]) -> None:
                    with pair[0]:
                        note(pair[0])

                tcp_server(sock, note_and_close)
    wait_until_idle()
    assert seen
    assert all(seen)


def test_a_connection_that_ended_before_it_could_be_set_up_is_served_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    with tcp_listener(("127.0.0.1", 0)) as sock:
        monkeypatch.setattr(GreenSocket, "setsockopt", refuse)
        server = hub.spawn(serve, sock, echo)
        assert ask(sock.getsockname()) == b"hello"
    server.wait()


def test_a_listener_may_have_connections_of_its_own() -> None:
    class Listener:
        def __init__(self, *connections: Any) -> None:
            self.left = list(connections)

        def accept(self) -> tuple[Any, Any]:
            if self.left:
                return self.left.pop(), "here"
            raise OSError(errno.EBADF, "closed")

        def fileno(self) -> int:
            return 0 if self.left else -1

    seen: list[Any] = []
    tcp_server(Listener("connection"), seen.append)
    wait_until_idle()
    assert seen == [("connection", "here")]


def test_listen_options(tmp_path: Path) -> None:
    with listen(("127.0.0.1", 0)) as sock:
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
        assert not sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT)
    with listen(("127.0.0.1", 0), reuse_addr=False, reuse_port=True, backlog=1) as sock:
        assert not sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT)
    with listen(("::1", 0), socket.AF_INET6) as sock, connect(sock.getsockname()):
        pass
    with listen(str(tmp_path / "socket"), socket.AF_UNIX) as sock, connect(sock.getsockname()):
        pass
    with (
        tcp_listener(("127.0.0.1", 0)) as sock,
        pytest.raises(OSError, match="in use") as caught,
    ):
        listen(sock.getsockname())
    assert caught.value.errno == errno.EADDRINUSE
    assert "on address ('127.0.0.1', " in str(caught.value)


def test_windows_needs_no_reuse_addr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "win32")  # where it would let others steal the port
    with listen(("127.0.0.1", 0)) as sock:
        assert not sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)


def test_listen_without_the_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(standard, "SO_REUSEPORT")
    with pytest.raises(ValueError, match="SO_REUSEPORT"):
        listen(("127.0.0.1", 0), reuse_port=True)


def test_serve_and_close(poller: str, listener: GreenSocket) -> None:
    serving = hub.spawn(serve, listener, echo)
    asking = [hub.spawn(ask, listener.getsockname(), b"%d" % n) for n in range(20)]
    assert [thread.wait() for thread in asking] == [b"%d" % n for n in range(20)]
    listener.close()
    serving.wait()


def test_handlers_go_on_after_the_listener_is_closed(listener: GreenSocket) -> None:
    serving = hub.spawn(serve, listener, echo)
    with connect(listener.getsockname()) as client:
        client.sendall(b"a")
        assert client.recv(1) == b"a"
        listener.close()
        serving.wait()
        client.sendall(b"b")
        assert client.recv(1) == b"b"
    hub.sleep(0.001)


def test_stop_serve(listener: GreenSocket) -> None:
    def stop(connection: GreenSocket, _: Any) -> None:
        connection.recv(1)
        raise StopServe

    serving = hub.spawn(serve, listener, stop)
    assert ask(listener.getsockname(), b"x") == b""
    serving.wait()
    assert listener.fileno() >= 0


def test_kill_serve(listener: GreenSocket) -> None:
    serving = hub.spawn(serve, listener, echo)
    wait_until_idle()
    serving.kill()
    with pytest.raises(hub.GreenletExit):
        serving.wait()
    wait_until_idle()
    with connect(listener.getsockname()):
        listener.settimeout(5)
        listener.accept()[0].close()


def test_stop_serve_thrown_by_others_is_passed_on(listener: GreenSocket) -> None:
    serving = hub.spawn(serve, listener, echo)
    wait_until_idle()
    serving.kill(StopServe("not from a handler"))
    with pytest.raises(StopServe, match="not from a handler"):
        serving.wait()


@pytest.mark.parametrize("server", [serve, tcp_server])
def test_a_handler_that_is_none(listener: GreenSocket, server: Any) -> None:
    with pytest.raises(TypeError, match="not None; pass the function itself, not its result"):
        server(listener, None)


def test_concurrency(listener: GreenSocket) -> None:
    running: list[int] = []
    most: list[int] = []

    def handle(connection: GreenSocket, _: Any) -> None:
        running.append(1)
        most.append(len(running))
        connection.recv(1)
        hub.sleep(0.001)
        running.pop()

    serving = hub.spawn(serve, listener, handle, 2)
    asking = [hub.spawn(ask, listener.getsockname(), b"x") for _ in range(6)]
    for thread in asking:
        thread.wait()
    assert max(most) == 2
    listener.close()
    serving.wait()
    with pytest.raises(ValueError, match="at least 1"):
        serve(listener, handle, 0)


def test_failing_handler_is_reported_and_closes_its_connection(
    listener: GreenSocket, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_connection: GreenSocket, _address: Any) -> None:
        raise RuntimeError("the handler is broken")

    serving = hub.spawn(serve, listener, fail)
    with connect(listener.getsockname()) as client:
        assert client.recv(1) == b""
    assert serving
    listener.close()
    serving.wait()
    assert "the handler is broken" in capsys.readouterr().err


def test_tcp_server_passes_one_pair(listener: GreenSocket) -> None:
    seen: list[Any] = []

    def handle(pair: tuple[GreenSocket, Any], *args: Any, **kwargs: Any) -> None:
        connection, address = pair
        with connection:
            seen.append((connection.getpeername() == address, args, kwargs))
            echo(connection, address)

    serving = hub.spawn(tcp_server, listener, handle, 1, key=2)
    assert ask(listener.getsockname()) == b"hello"
    assert seen == [(True, (1,), {"key": 2})]
    listener.close()
    serving.wait()


def test_socket_that_does_not_listen() -> None:
    for server in (serve, tcp_server):
        with socket.socket() as sock, pytest.raises(OSError, match="Invalid argument"):
            server(sock, echo)


class FailingListener(GreenSocket):
    """A listener on which the system reports an error now and then."""

    __slots__ = ("errors",)
    errors: list[int]

    def accept(self) -> tuple[GreenSocket, Any]:
        if self.errors:
            number = self.errors.pop(0)
            raise OSError(number, "made up")
        return super().accept()


def failing_listener(*errors: int) -> FailingListener:
    sock = FailingListener()
    sock.bind(("127.0.0.1", 0))
    sock.listen()
    sock.errors = list(errors)
    return sock


def test_server_without_descriptors_backs_off_and_recovers(virtual_clock: Any) -> None:
    listener = failing_listener(errno.EMFILE, errno.ENFILE, errno.EMFILE, errno.ECONNABORTED)
    before = hub.get_hub().time()
    serving = hub.spawn(serve, listener, echo)
    hub.sleep(1)
    assert ask(listener.getsockname()) == b"hello"
    assert not listener.errors
    assert hub.get_hub().time() - before >= 0.07
    listener.close()
    serving.wait()


def test_error_that_will_not_go_away() -> None:
    with failing_listener(errno.EOPNOTSUPP) as listener, pytest.raises(OSError, match="made up"):
        serve(listener, echo)


# Over TLS


@pytest.fixture
def tls_listener(server_context: ssl.SSLContext) -> Any:
    with green_ssl.secure(listen(("127.0.0.1", 0)), server_context, server_side=True) as sock:
        yield sock


@pytest.mark.parametrize("server", [serve, tcp_server])
def test_stalled_handshake_holds_up_nobody_else(
    tls_listener: Any,
    client_context: ssl.SSLContext,
    caplog: pytest.LogCaptureFixture,
    server: Callable[..., None],
) -> None:
    def handle(*args: Any) -> None:
        with args[0] if server is serve else args[0][0] as connection:
            echo(connection, None)

    caplog.set_level(logging.INFO, logger="eventlet.greensocket")
    serving = hub.spawn(server, tls_listener, handle)
    address = tls_listener.getsockname()
    with connect(address) as stalled, connect(address) as babbler:
        babbler.sendall(b"no TLS at all\r\n\r\n")
        client = green_ssl.secure(connect(address), client_context, server_hostname="localhost")
        with client:
            client.sendall(b"hello")
            assert client.recv(10) == b"hello"
        with pytest.raises(ConnectionError):
            while babbler.recv(100):
                pass
            raise ConnectionError
        assert "did not get through its handshake" in caplog.text
        stalled.close()
    hub.sleep(0.01)
    tls_listener.close()
    serving.wait()


def test_killed_handshake_closes_its_connection(tls_listener: Any) -> None:
    from eventlet.greensocket._serving import begin

    with connect(tls_listener.getsockname()) as stalled:
        raw, address = tls_listener.accept_unfinished()
        beginning = hub.spawn(begin, tls_listener, raw, address)
        wait_until_idle()
        beginning.kill()
        assert stalled.recv(1) == b""
        assert raw.fileno() == -1
