"""Peers that reset, vanish or never come back, at every point of a conversation."""

from __future__ import annotations

import errno
import struct
from typing import Any

import pytest

from eventlet import hub
from eventlet.greensocket import GreenSocket, serve, socket
from eventlet.hub.testing import wait_until_idle

pytestmark = pytest.mark.usefixtures("no_leaks")

MUCH = b"0123456789abcdef" * 256 * 1024  # more than any socket's buffers take

Pair = tuple[GreenSocket, GreenSocket]


def reset(sock: GreenSocket) -> None:
    """Close a connection such that the peer gets a RST instead of a FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


@pytest.mark.parametrize(
    "operation",
    [
        lambda sock: sock.recv(1),
        lambda sock: sock.recv(2**20),
        lambda sock: sock.recv_into(bytearray(10)),
        lambda sock: sock.recvfrom(10),
        lambda sock: sock.recvmsg(10),
        lambda sock: sock.recv(10, socket.MSG_WAITALL),
        lambda sock: sock.makefile("rb").readline(),
        lambda sock: sock.sendall(MUCH * 2),
        lambda sock: sock.send(MUCH) and sock.send(MUCH) and sock.send(MUCH) and sock.send(MUCH),
    ],
)
@pytest.mark.parametrize("timeout", [None, 30])
def test_reset_wakes_who_waits(
    poller: str, tcp_pair: Pair, operation: Any, timeout: float | None
) -> None:
    one, other = tcp_pair
    one.settimeout(timeout)
    waiting = hub.spawn(operation, one)
    wait_until_idle()
    assert not waiting.ready
    reset(other)
    with pytest.raises(ConnectionResetError):
        waiting.wait()


def test_reset_behind_data_is_found_after_a_short_read(poller: str, tcp_pair: Pair) -> None:
    one, other = tcp_pair
    hub.call_after(0, other.send, b"first")
    assert one.recv(100) == b"first"
    other.send(b"last words")
    reset(other)
    with pytest.raises(ConnectionResetError):
        while one.recv(100):
            pass  # whether the words survive the reset is for the system to decide
        raise AssertionError("the reset was taken for an orderly end")


def test_sending_after_a_reset(poller: str, tcp_pair: Pair) -> None:
    one, other = tcp_pair
    reset(other)
    with pytest.raises(ConnectionResetError):
        one.recv(1)
    with pytest.raises(BrokenPipeError):
        one.sendall(b"x")
    with pytest.raises(BrokenPipeError):
        one.sendall(b"x")


def test_both_directions_learn_of_a_reset(poller: str, tcp_pair: Pair) -> None:
    one, other = tcp_pair
    waiting: list[Any] = [hub.spawn(one.sendall, MUCH * 2)]
    waiting += [hub.spawn(one.recv, 1) for _ in range(2)]
    wait_until_idle()
    reset(other)
    outcomes: list[str] = []
    for thread in waiting:
        try:
            outcomes.append(repr(thread.wait()))
        except OSError as error:
            outcomes.append(type(error).__name__)
    # The system tells of a reset once, and from then on says that the connection has ended.
    assert outcomes.count("ConnectionResetError") == 1
    assert set(outcomes) <= {"ConnectionResetError", "BrokenPipeError", "b''"}


def test_reset_before_it_was_accepted(poller: str, listener: GreenSocket) -> None:
    reset(socket.create_connection(listener.getsockname()))
    with socket.create_connection(listener.getsockname()) as client:
        client.send(b"x")
        with listener.accept()[0] as first:
            try:
                if first.recv(1) == b"x":
                    return  # systems that forget a connection which was reset in the queue
            except ConnectionResetError:
                pass
        with listener.accept()[0] as second:
            assert second.recv(1) == b"x"


def test_peer_that_is_silent_for_good_is_given_up(poller: str, tcp_pair: Pair) -> None:
    one, _ = tcp_pair
    one.settimeout(0.01)
    for _ in range(3):
        with pytest.raises(TimeoutError, match="timed out"):
            one.recv(1)


def test_peer_that_reads_no_more_but_still_writes(poller: str, tcp_pair: Pair) -> None:
    one, other = tcp_pair
    other.shutdown(socket.SHUT_RD)
    other.sendall(b"still here")
    assert one.recv(100) == b"still here"


def test_server_outlives_peers_that_reset(
    poller: str, listener: GreenSocket, capsys: pytest.CaptureFixture[str]
) -> None:
    seen: list[type[BaseException] | bytes] = []

    def handle(connection: GreenSocket, _: Any) -> None:
        try:
            seen.append(connection.recv(1))
        except OSError as error:
            seen.append(type(error))

    serving = hub.spawn(serve, listener, handle)
    for _ in range(3):
        client = socket.create_connection(listener.getsockname())
        wait_until_idle()
        reset(client)
    with socket.create_connection(listener.getsockname()) as client:
        client.sendall(b"x")
        assert client.recv(1) == b""
    listener.close()
    serving.wait()
    assert seen.count(b"x") == 1
    assert not capsys.readouterr().err


def test_listener_closed_under_all_who_accept(poller: str, listener: GreenSocket) -> None:
    listener.settimeout(30)
    accepting = [hub.spawn(listener.accept) for _ in range(3)]
    serving = hub.spawn(serve, listener, lambda *_: None)
    wait_until_idle()
    listener.close()
    for thread in accepting:
        with pytest.raises(OSError, match="Bad file descriptor") as caught:
            thread.wait()
        assert caught.value.errno == errno.EBADF
    serving.wait()


def test_server_without_descriptors_drops_nobody(run_script: Any) -> None:
    done = run_script("""
        import os, resource
        from eventlet import hub
        from eventlet.greensocket import listen, serve, socket

        def echo(connection, _):
            while data := connection.recv(100):
                connection.sendall(data)

        listener = listen(("127.0.0.1", 0))
        server = hub.spawn(serve, listener, echo)
        early = socket.create_connection(listener.getsockname())
        early.sendall(b"1")
        assert early.recv(1) == b"1"
        late = [socket.create_connection(listener.getsockname()) for _ in range(3)]
        for n, client in enumerate(late):
            client.sendall(b"%d" % n)
        free = len(os.listdir("/dev/fd")) + 5
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
        taken = []
        try:
            while True:
                taken.append(os.dup(0))
        except OSError:
            pass
        for fd in taken[:1]:
            os.close(fd)
        one_more = socket.socket()
        one_more.connect(listener.getsockname())
        one_more.sendall(b"x")
        early.sendall(b"2")
        assert early.recv(1) == b"2", "who was accepted is still served"
        one_more.settimeout(0.05)
        try:
            one_more.recv(1)
        except TimeoutError:
            print("waits in the queue")
        for fd in taken[1:]:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        one_more.settimeout(20)
        assert one_more.recv(1) == b"x"
        for n, client in enumerate(late):
            assert client.recv(1) == b"%d" % n
        for sock in (early, one_more, *late):
            sock.close()
        hub.sleep(0.01)
        listener.close()
        server.wait()
        print("recovered")
    """)
    assert (done.stdout, done.stderr) == ("waits in the queue\nrecovered\n", "")
