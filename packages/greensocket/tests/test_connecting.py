"""Connecting, accepting, and the functions that make sockets."""

from __future__ import annotations

import errno
import os
import re
import socket as standard
import sys
from pathlib import Path
from typing import Any

import pytest

from eventlet import hub
from eventlet.greensocket import GreenSocket, connect, connect_tcp, socket
from eventlet.greensocket._connecting import _expect_nothing
from eventlet.hub import patching
from eventlet.hub.testing import wait_until_idle

pytestmark = pytest.mark.usefixtures("no_leaks")


# The system refuses it by itself: no test depends on whether a name server answers.
NOT_A_HOST = "not a host"


@pytest.fixture
def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
    return port


# Sockets


def test_connect_and_accept(poller: str, listener: GreenSocket) -> None:
    accepting = hub.spawn(listener.accept)
    wait_until_idle()
    with socket.socket() as sock:
        sock.connect(listener.getsockname())
        accepted, address = accepting.wait()
        with accepted:
            assert type(accepted) is GreenSocket
            assert address == sock.getsockname()
            assert (accepted.family, accepted.type) == (sock.family, sock.type)


def test_connect_by_name(listener: GreenSocket) -> None:
    with socket.socket() as sock:
        sock.connect(("localhost", listener.getsockname()[1]))
        assert sock.getpeername() == listener.getsockname()
    with socket.socket() as sock:
        assert sock.connect_ex((b"localhost", listener.getsockname()[1])) == 0


def test_refused(poller: str, closed_port: int) -> None:
    with socket.socket() as sock:
        with pytest.raises(ConnectionRefusedError) as caught:
            sock.connect(("127.0.0.1", closed_port))
        assert caught.value.errno == errno.ECONNREFUSED
        assert sock.connect_ex(("127.0.0.1", closed_port)) == errno.ECONNREFUSED


def test_connect_in_non_blocking_mode(listener: GreenSocket) -> None:
    with socket.socket() as sock:
        sock.setblocking(False)
        assert sock.connect_ex(listener.getsockname()) == errno.EINPROGRESS
        hub.wait_writable(sock)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
    with socket.socket() as sock:
        sock.setblocking(False)
        with pytest.raises(BlockingIOError):
            sock.connect(listener.getsockname())


def test_connect_twice(listener: GreenSocket) -> None:
    with socket.socket() as sock:
        sock.connect(listener.getsockname())
        with pytest.raises(OSError, match="already connected"):
            sock.connect(listener.getsockname())


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells at once")
def test_connecting_to_this_machine_takes_no_turn(listener: GreenSocket) -> None:
    other = hub.spawn(int)
    with socket.socket() as sock:
        sock.connect(listener.getsockname())
        assert not other.dead
    other.wait()


def test_what_came_before_anybody_was_to_tell_is_seen(poller: str, listener: GreenSocket) -> None:
    with socket.create_connection(listener.getsockname()) as first, listener.accept()[0] as peer:
        peer.sendall(b"early")
        with socket.socket(fileno=first.detach()) as sock:
            _expect_nothing(sock)
            assert sock.recv(10) == b"early"


@pytest.fixture
def silent_address() -> Any:
    """Where a connection is never finished: a listener whose queue is full."""
    if sys.platform != "linux":
        pytest.skip("other systems answer differently when the queue is full")
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(full.getsockname())
        yield full.getsockname()
        for filler in fillers:
            filler.close()


def test_connect_times_out(poller: str, silent_address: Any) -> None:
    with socket.socket() as sock:
        sock.settimeout(0.01)
        with pytest.raises(TimeoutError, match="timed out"):
            sock.connect(silent_address)
    with socket.socket() as sock:
        sock.settimeout(0.01)
        assert sock.connect_ex(silent_address) == errno.EWOULDBLOCK
        with pytest.raises(BlockingIOError):
            sock.connect(silent_address)


def test_two_green_threads_connect_one_socket(silent_address: Any) -> None:
    with socket.socket() as sock:
        connecting = [hub.spawn(sock.connect, silent_address) for _ in range(2)]
        wait_until_idle()
        assert not any(thread.ready for thread in connecting)
        sock.close()
        for thread in connecting:
            with pytest.raises(OSError, match="Bad file descriptor"):
                thread.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="Linux is asked twice")
def test_false_alarm_while_connecting(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = [errno.EINPROGRESS, errno.EALREADY, errno.EISCONN]
    monkeypatch.setattr("eventlet.greensocket._connecting._connect_ex", lambda *_: codes.pop(0))
    monkeypatch.setattr(GreenSocket, "_await_writable", lambda *_, **__: None)
    with socket.socket() as sock:
        sock.connect(("127.0.0.1", 9))
    assert not codes


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="this platform lacks Unix sockets")
def test_unix_listener_with_a_full_queue(poller: str, tmp_path: Path) -> None:
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(0)
        clients = [socket.socket(socket.AF_UNIX) for _ in range(4)]
        clients[0].connect(path)
        clients[1].settimeout(0.01)
        with pytest.raises(TimeoutError, match="timed out"):
            clients[1].connect(path)
        connecting = [hub.spawn(client.connect, path) for client in clients[2:]]
        wait_until_idle()
        accepted = [listener.accept()[0] for _ in range(3)]
        for thread in connecting:
            thread.wait()
        for sock in clients + accepted:
            sock.close()


@pytest.mark.parametrize(
    "address", [(NOT_A_HOST, 1), ("127.0.0.1",), "127.0.0.1", None, ("127.0.0.1", "x"), ()]
)
def test_wrong_addresses(address: Any) -> None:
    with socket.socket() as green, standard.socket() as plain:
        for method in ("connect", "bind"):
            with pytest.raises(Exception) as expected:  # noqa: PT011 - whatever it is
                getattr(plain, method)(address)
            with pytest.raises(expected.type):
                getattr(green, method)(address)


def test_bind_by_name_and_by_nothing() -> None:
    for host in ("localhost", "", "127.0.0.1"):
        with socket.socket() as sock:
            sock.bind((host, 0))
            assert sock.getsockname()[1]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        assert sock.connect_ex(("<broadcast>", 9)) in (0, errno.ENETUNREACH)


def test_accept_times_out(poller: str, listener: GreenSocket) -> None:
    listener.settimeout(0.01)
    with pytest.raises(TimeoutError, match="timed out"):
        listener.accept()
    listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        listener.accept()


def test_many_accept_on_one_listener(poller: str, listener: GreenSocket) -> None:
    accepting = [hub.spawn(listener.accept) for _ in range(5)]
    wait_until_idle()
    clients = [socket.create_connection(listener.getsockname()) for _ in range(5)]
    accepted = [thread.wait()[0] for thread in accepting]
    assert {sock.getpeername() for sock in accepted} == {sock.getsockname() for sock in clients}
    for sock in clients + accepted:
        sock.close()


def test_accept_without_descriptors(run_script: Any) -> None:
    done = run_script("""
        import errno, os, resource
        from eventlet.greensocket import socket
        with socket.create_server(("127.0.0.1", 0)) as listener:
            with socket.create_connection(listener.getsockname()) as client:
                listener.settimeout(0.01)
                soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
                resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/dev/fd")) - 1, hard))
                taken = []
                try:
                    while True:
                        taken.append(os.dup(client.fileno()))
                except OSError:
                    pass
                try:
                    listener.accept()
                except OSError as error:
                    assert error.errno == errno.EMFILE
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
                for fd in taken:
                    os.close(fd)
                with listener.accept()[0] as connection:
                    print(connection.getpeername() == client.getsockname())
    """)
    assert (done.stdout, done.stderr) == ("True\n", "")


# Functions


def test_create_connection(listener: GreenSocket) -> None:
    with socket.create_connection(listener.getsockname(), 5, ("127.0.0.1", 0)) as sock:
        assert type(sock) is GreenSocket
        assert sock.gettimeout() == 5
    with socket.create_connection(listener.getsockname()) as sock:
        assert sock.gettimeout() is None


def test_create_connection_tells_what_went_wrong(closed_port: int) -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", closed_port))
    with pytest.raises(ExceptionGroup) as caught:
        socket.create_connection(("127.0.0.1", closed_port), all_errors=True)
    assert [type(error) for error in caught.value.exceptions] == [ConnectionRefusedError]
    with pytest.raises(socket.gaierror):
        socket.create_connection((NOT_A_HOST, 1))
    with pytest.raises(OSError, match="assign"):
        socket.create_connection(("127.0.0.1", closed_port), source_address=("192.0.2.1", 0))


def test_create_server_dual_stack() -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("no dual stack here")
    with socket.create_server(
        ("", 0), family=socket.AF_INET6, dualstack_ipv6=True, backlog=5, reuse_port=True
    ) as server:
        port = server.getsockname()[1]
        for host in ("127.0.0.1", "::1"):
            with socket.create_connection((host, port)), server.accept()[0]:
                pass


def test_create_server_tells_what_went_wrong(listener: GreenSocket) -> None:
    with pytest.raises(OSError, match="while attempting to bind on address") as caught:
        socket.create_server(listener.getsockname())
    assert caught.value.errno == errno.EADDRINUSE
    with pytest.raises(ValueError, match="dualstack_ipv6 requires AF_INET6"):
        socket.create_server(("", 0), dualstack_ipv6=True)


def test_lacking_features_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(standard, "SO_REUSEPORT")
    with pytest.raises(ValueError, match="SO_REUSEPORT"):
        socket.create_server(("", 0), reuse_port=True)
    monkeypatch.setattr(standard, "has_dualstack_ipv6", lambda: False)
    with pytest.raises(ValueError, match="dualstack"):
        socket.create_server(("", 0), dualstack_ipv6=True)


def test_socketpair_kinds() -> None:
    for arguments in (
        (),
        (socket.AF_UNIX, socket.SOCK_DGRAM),
        (socket.AF_UNIX, socket.SOCK_STREAM, 0),
    ):
        one, other = socket.socketpair(*arguments)
        with one, other:
            assert type(one) is type(other) is GreenSocket
            one.send(b"x")
            assert other.recv(1) == b"x"


def test_connect(listener: GreenSocket, tmp_path: Path) -> None:
    with connect(listener.getsockname(), timeout=5) as sock:
        assert sock.gettimeout() is None
    with connect(("localhost", listener.getsockname()[1]), socket.AF_INET, ("127.0.0.1", 0)):
        pass
    with connect_tcp(listener.getsockname(), ("127.0.0.1", 0)):
        pass
    path = os.fspath(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as unix:
        unix.bind(path)
        unix.listen()
        with connect(path), connect(path, socket.AF_UNIX):
            pass


def test_connect_gives_up(silent_address: Any) -> None:
    with pytest.raises(TimeoutError, match="timed out"):
        connect(silent_address, timeout=0.01)


def test_create_connection_makes_what_stands_in_the_place_of_the_class(
    listener: GreenSocket, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    class Proxied(GreenSocket):
        def connect(self, address: Any) -> None:
            made.append(type(self).__name__)
            super().connect(address)

    with patching.patched("socket"):
        monkeypatch.setattr(standard, "socket", Proxied)
        standard.create_connection(listener.getsockname()).close()
        monkeypatch.undo()
    assert made == ["Proxied"]
    monkeypatch.setattr(socket, "socket", Proxied)
    socket.create_connection(listener.getsockname()).close()
    assert made == ["Proxied", "Proxied"]


@pytest.mark.parametrize("odd", [5, None, ["127.0.0.1", 9], ("127.0.0.1",), ("a", 1, 2)])
def test_what_is_no_address(odd: Any) -> None:
    with pytest.raises(TypeError, match=re.escape(f"not {odd!r}")):
        connect(odd)
