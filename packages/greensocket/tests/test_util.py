"""The functions of 2009, and patching."""

from __future__ import annotations

import re
import socket as standard
from typing import Any

import pytest

from eventlet import hub, util
from eventlet.greensocket import GreenSocket, socket


def test_tcp_socket_is_a_standard_one() -> None:
    with util.tcp_socket() as sock:
        assert type(sock) is standard.socket
        assert (sock.family, sock.type) == (socket.AF_INET, socket.SOCK_STREAM)


def test_bind_and_listen() -> None:
    with socket.socket() as sock:
        assert util.socket_bind_and_listen(sock) is sock
        with socket.create_connection(("127.0.0.1", sock.getsockname()[1])):
            pass
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
    with socket.socket() as sock:
        util.set_reuse_addr(sock)
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)


def test_log_names_the_green_thread(capsys: pytest.CaptureFixture[str]) -> None:
    def log() -> None:
        util.g_log("one", 2)

    thread = hub.spawn(log)
    thread.name = "worker"
    thread.wait()
    util.g_log("main")
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "[worker] one 2"
    assert re.fullmatch(r"\[greenlet-[0-9a-f]+\] main", lines[1])


PATCHED = """
    import selectors, select, socket, ssl, sys
    from socket import socket as bound_before, create_connection
    before = socket.socketpair()
    from eventlet import hub, util
    from eventlet.greensocket import GreenSocket, GreenSSLSocket

    util.{function}({arguments})
    util.{function}({arguments})
    {checks}
    for sock in before:
        sock.close()
    print("fine")
"""


def patched(run_script: Any, function: str, checks: str, arguments: str = "") -> None:
    script = PATCHED.format(function=function, arguments=arguments, checks=checks)
    done = run_script(script)
    assert (done.stdout, done.stderr) == ("fine\n", "")


def test_wrap_socket(run_script: Any) -> None:
    patched(
        run_script,
        "wrap_socket_with_coroutine_socket",
        """
    assert socket.socket is bound_before is GreenSocket
    assert ssl.SSLContext.sslsocket_class is GreenSSLSocket
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_flags = context.verify_flags
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = hub.spawn(lambda: listener.accept()[0])
        with create_connection(("localhost", listener.getsockname()[1])) as client:
            with thread.wait() as connection:
                waiting = hub.spawn(connection.recv, 9)
                hub.sleep(0)
                client.sendall(b"x")
                assert waiting.wait() == b"x"
    before[0].send(b"y")
    assert before[1].recv(9) == b"y"
    with util.tcp_socket() as plain:
        assert type(plain) is GreenSocket.__mro__[1]
        """,
    )


def test_wrap_socket_without_lookups(run_script: Any) -> None:
    patched(
        run_script,
        "wrap_socket_with_coroutine_socket",
        """
    from eventlet.greensocket import _lookup
    assert socket.socket is GreenSocket
    assert socket.getaddrinfo is not _lookup.getaddrinfo
        """,
        "use_thread_pool=False",
    )


def test_wrap_select(run_script: Any) -> None:
    patched(
        run_script,
        "wrap_select_with_coroutine_select",
        """
    one, other = socket.socketpair()
    for ask in (
        lambda: select.select([one], [], [])[0],
        lambda: selectors.DefaultSelector().register(one, 1) and None,
    ):
        hub.spawn(other.send, b"x")
        ask()
        one.recv(1)
    selector = selectors.DefaultSelector()
    selector.register(one, selectors.EVENT_READ)
    hub.spawn(other.send, b"x")
    assert selector.select()
    selector.close()
    one.close()
    other.close()
        """.replace("        lambda: selectors.DefaultSelector().register(one, 1) and None,\n", ""),
    )


def test_wrap_pipes(run_script: Any) -> None:
    patched(
        run_script,
        "wrap_pipes_with_coroutine_pipes",
        """
    import os, tempfile
    reading, writing = os.pipe()
    waiting = hub.spawn(os.read, reading, 9)
    hub.sleep(0)
    assert os.write(writing, b"x") == 1
    assert waiting.wait() == b"x"
    much = b"0123456789" * 50_000
    sending = hub.spawn(os.write, writing, much)
    received = b""
    while len(received) < len(much):
        received += os.read(reading, 10**6)
    assert received == much
    assert sending.wait() == len(much)
    assert os.write(writing, b"") == 0 and os.read(reading, 0) == b""
    with os.fdopen(reading) as reader, os.fdopen(writing, "w") as writer:
        waiting = hub.spawn(reader.readline)
        hub.sleep(0)
        writer.write("line\\n")
        writer.flush()
        assert waiting.wait() == "line\\n"
    with tempfile.TemporaryFile() as file:
        assert os.write(file.fileno(), b"on disk") == 7
        with os.fdopen(os.dup(file.fileno()), "rb") as again:
            again.seek(0)
            assert os.read(again.fileno(), 99) == b"on disk"
        """,
    )


def test_wrap_threading_local(run_script: Any) -> None:
    patched(
        run_script,
        "wrap_threading_local_with_coro_local",
        """
    import threading
    here = threading.local()
    here.value = "main"
    assert not hub.spawn(lambda: hasattr(here, "value")).wait()
    assert here.value == "main"
        """,
    )


def test_unpatching(run_script: Any) -> None:
    patched(
        run_script,
        "wrap_socket_with_coroutine_socket",
        """
    from eventlet.hub import patching
    patching.unpatch()
    assert socket.socket is bound_before is not GreenSocket
    assert ssl.SSLContext.sslsocket_class is ssl.SSLSocket
    assert not issubclass(ssl.SSLSocket, GreenSocket)
        """,
    )


def test_wrap_ssl_is_that_of_greensocket() -> None:
    with socket.socket() as sock, pytest.raises(ValueError, match="certificate"):
        util.wrap_ssl(sock, server_side=True)
    assert isinstance(sock, GreenSocket)
