"""What the tests of the hub share."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator

import pytest

from eventlet.hub import Watch, get_hub, set_unobserved_hook

RunScript = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run_script() -> RunScript:
    """Run a script in an interpreter of its own, where everything that is odd is an error."""

    def run(
        script: str, *args: str, options: tuple[str, ...] = (), **environment: str
    ) -> subprocess.CompletedProcess[str]:
        python = [sys.executable, "-X", "dev", "-W", "error"]
        return subprocess.run(
            [*python, *options, "-c", textwrap.dedent(script), *args],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )

    return run


@pytest.fixture
def failures() -> Iterator[list[BaseException]]:
    """Collect the failures that nobody waits for, instead of printing them."""
    found: list[BaseException] = []
    previous = set_unobserved_hook(lambda error, source: found.append(error))
    yield found
    set_unobserved_hook(previous)


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two connected sockets that don't block."""
    with_both = socket.socketpair()
    for each in with_both:
        each.setblocking(False)
    yield with_both
    for each in with_both:
        each.close()


@pytest.fixture
def no_descriptors_left() -> Iterator[None]:
    """Take all descriptors there are."""
    resource = pytest.importorskip("resource", reason="limits of descriptors are POSIX")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, soft), hard))
    taken = []
    try:
        while True:
            taken.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        pass
    yield
    for fd in taken:
        os.close(fd)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def watch(poller: str, pair: tuple[socket.socket, socket.socket]) -> Iterator[Watch]:
    """The watch of the pair's first socket, on each poller."""
    made = get_hub().watch(pair[0].fileno())
    yield made
    made.close()


@pytest.fixture
def tcp_pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two TCP sockets that don't block, connected over the loopback interface."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    for each in (client, server):
        each.setblocking(False)
    yield client, server
    client.close()
    server.close()


@pytest.fixture(autouse=True)
def clean(no_leaks: None) -> None:
    """Fail every test that doesn't end what it begins."""
