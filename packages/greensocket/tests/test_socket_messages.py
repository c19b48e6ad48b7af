"""Datagrams, messages, and file objects on sockets."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eventlet import hub
from eventlet.greensocket import GreenSocket, socket
from eventlet.hub.testing import wait_until_idle

pytestmark = pytest.mark.usefixtures("no_leaks")

Pair = tuple[GreenSocket, GreenSocket]

MUCH = b"0123456789abcdef" * 256 * 1024  # more than any socket's buffers take


def receive(sock: GreenSocket, size: int) -> bytes:
    parts = []
    while size and (data := sock.recv(size)):
        parts.append(data)
        size -= len(data)
    return b"".join(parts)


def fill(sock: GreenSocket) -> int:
    """Send until there is no room, and let the socket know it."""
    sent = 0
    sock.settimeout(0.01)
    try:
        while True:
            sent += sock.send(MUCH)
    except TimeoutError:
        sock.settimeout(None)
        return sent


def drain(sock: GreenSocket) -> int:
    """Receive all that is there."""
    received = 0
    sock.settimeout(0.05)
    try:
        while data := sock.recv(2**20):
            received += len(data)
    except TimeoutError:
        sock.settimeout(None)
    return received


# Messages


def test_datagrams(poller: str) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
    ):
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        waiting = hub.spawn(one.recvfrom, 100)
        wait_until_idle()
        assert other.sendto(b"first", one.getsockname()) == 5
        assert other.sendto(b"second", 0, ("localhost", one.getsockname()[1])) == 6
        assert waiting.wait() == (b"first", other.getsockname())
        buffer = bytearray(100)
        assert one.recvfrom_into(buffer) == (6, other.getsockname())
        reading = hub.spawn(one.recv, 3)
        wait_until_idle()
        other.sendto(b"cut short", one.getsockname())
        other.sendto(b"", one.getsockname())
        other.sendto(b"whole", one.getsockname())
        assert reading.wait() == b"cut"
        assert one.recv(100) == b""
        assert one.recv(100) == b"whole"


def test_sendto_checks_its_arguments() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        wrong: list[Any] = [(b"x",), (b"x", 0), (b"x", "flags", ("127.0.0.1", 9)), (b"x", 0, 1, 2)]
        for arguments in wrong:
            with pytest.raises(TypeError):
                sock.sendto(*arguments)


@pytest.mark.skipif(not hasattr(GreenSocket, "recvmsg"), reason="this platform lacks the calls")
def test_messages_with_descriptors(poller: str, tmp_path: Path) -> None:
    one, other = socket.socketpair()
    with one, other, open(tmp_path / "file", "wb") as file:
        waiting = hub.spawn(socket.recv_fds, one, 100, 5)
        wait_until_idle()
        socket.send_fds(other, [b"here ", b"it is"], [file.fileno()])
        data, fds, _flags, _address = waiting.wait()
        assert data == b"here it is"
        os.write(fds[0], b"through a duplicate")
        os.close(fds[0])
    assert (tmp_path / "file").read_bytes() == b"through a duplicate"


@pytest.mark.skipif(not hasattr(GreenSocket, "recvmsg"), reason="this platform lacks the calls")
def test_messages_from_iterators_survive_waits(pair: Pair) -> None:
    one, other = pair
    sent = fill(one)
    sending = hub.spawn(one.sendmsg, iter([b"ab", b"cd"]), iter([]))
    wait_until_idle()
    assert not sending.ready
    assert drain(other) >= sent
    assert sending.wait() == 4
    buffers = [bytearray(1), bytearray(10)]
    drain(other)
    waiting = hub.spawn(other.recvmsg_into, iter(buffers))
    wait_until_idle()
    one.sendmsg([b"xyz"])
    assert waiting.wait()[0] == 3
    assert buffers[0] + buffers[1][:2] == b"xyz"
    reading = hub.spawn(other.recvmsg, 10)
    wait_until_idle()
    one.send(b"end")
    assert reading.wait()[0] == b"end"


@pytest.mark.skipif(not hasattr(GreenSocket, "recvmsg"), reason="this platform lacks the calls")
def test_message_to_an_address() -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
    ):
        one.bind(("127.0.0.1", 0))
        other.sendmsg([b"x"], [], 0, ("localhost", one.getsockname()[1]))
        assert one.recv(10) == b"x"
        with pytest.raises(TypeError):
            other.sendmsg(1)  # type: ignore[arg-type]


def test_writer_that_finds_no_room_again_keeps_its_place(poller: str, pair: Pair) -> None:
    one, other = pair
    fill(one)
    sending = [hub.spawn(one.send, bytes([65 + n]) * 2**18) for n in range(3)]
    wait_until_idle()
    sent = [0]
    while not all(thread.ready for thread in sending):
        sent.append(drain(other))
    assert all(thread.wait() > 0 for thread in sending)


# Files


def test_makefile(poller: str, pair: Pair) -> None:
    one, other = pair
    with one.makefile("rw", encoding="utf-8", newline="\n") as file, other.makefile("rwb") as echo:

        def serve() -> None:
            for line in echo:
                echo.write(line.upper())
                echo.flush()

        serving = hub.spawn(serve)
        file.write("first\n")
        file.flush()
        assert file.readline() == "FIRST\n"
        one.close()  # the file keeps the descriptor
        file.write("second\n")
        file.flush()
        assert file.readline() == "SECOND\n"
        other.close()
        serving.kill()
    assert one.fileno() == other.fileno() == -1


def test_unbuffered_file_and_its_timeout(pair: Pair) -> None:
    one, other = pair
    with one.makefile("rb", 0) as file:
        hub.call_after(0, other.send, b"x")
        assert file.read(10) == b"x"
        one.settimeout(0.001)
        with pytest.raises(TimeoutError, match="timed out"):
            file.read(10)
        with pytest.raises(OSError, match="cannot read from timed out object"):
            file.read(10)


@pytest.mark.parametrize("kind", ["file", "bytes"])
def test_sendfile(poller: str, pair: Pair, tmp_path: Path, kind: str) -> None:
    import io

    one, other = pair
    path = tmp_path / "file"
    path.write_bytes(MUCH)
    with path.open("rb") if kind == "file" else io.BytesIO(MUCH) as file:
        sending = hub.spawn(one.sendfile, file)
        assert receive(other, len(MUCH)) == MUCH
        assert sending.wait() == len(MUCH)
        assert file.tell() == len(MUCH)
        assert one.sendfile(file, 16, 16) == 16
        assert file.tell() == 32
        assert receive(other, 16) == MUCH[:16]
        assert one.sendfile(file, len(MUCH)) == 0


def test_sendfile_of_a_pipe(pair: Pair) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"through a pipe")
    os.close(writing)
    with open(reading, "rb", buffering=0) as pipe:

        class Readable:  # a pipe has a position, but cannot change it
            read, fileno = pipe.read, pipe.fileno

        assert pair[0].sendfile(Readable()) == 14  # type: ignore[arg-type]
    assert receive(pair[1], 14) == b"through a pipe"


def test_sendfile_where_the_kernel_cannot(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "sendfile")
    (tmp_path / "file").write_bytes(b"in chunks")
    with (tmp_path / "file").open("rb") as file:
        assert pair[0].sendfile(file) == 9
    assert receive(pair[1], 9) == b"in chunks"


def test_sendfile_checks_its_arguments(pair: Pair, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"data")
    with path.open() as text, pytest.raises(ValueError, match="binary mode"):
        pair[0].sendfile(text)  # type: ignore[arg-type]
    with path.open("rb") as file:
        for count, error in ((0, ValueError), (-1, ValueError), (1.5, TypeError)):
            with pytest.raises(error):
                pair[0].sendfile(file, 0, count)  # type: ignore[arg-type]
        pair[0].setblocking(False)
        with pytest.raises(ValueError, match="non-blocking"):
            pair[0].sendfile(file)
    with (
        path.open("rb") as file,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
        pytest.raises(ValueError, match="SOCK_STREAM"),
    ):
        sock.sendfile(file)


def test_sendfile_over_a_broken_connection(tcp_pair: Pair, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(MUCH)
    with path.open("rb") as file:
        sending = hub.spawn(tcp_pair[0].sendfile, file)
        wait_until_idle()
        tcp_pair[1].close()
        with pytest.raises(ConnectionError):
            sending.wait()
        assert file.tell() > 0
    with path.open("rb") as file:
        tcp_pair[0].close()
        with pytest.raises(OSError, match="Bad file descriptor"):
            tcp_pair[0].sendfile(file)


# Crypto


@pytest.fixture
def crypto() -> Iterator[Any]:
    if not hasattr(socket, "AF_ALG"):
        pytest.skip("only Linux has sockets to its crypto functions")
    try:
        sock = socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)
    except OSError:
        pytest.skip("this kernel has no sockets to its crypto functions")
    with sock:
        sock.bind(("skcipher", "cbc(aes)"))
        yield sock


def test_kernel_crypto(crypto: Any) -> None:
    crypto.setsockopt(socket.SOL_ALG, socket.ALG_SET_KEY, b"k" * 16)
    operation, _ = crypto.accept()
    with operation:
        operation.sendmsg_afalg(iter([b"m" * 16]), op=socket.ALG_OP_ENCRYPT, iv=b"i" * 16, flags=0)
        assert len(operation.recv(16)) == 16
