"""What the tests of greensocket share: connected pairs, certificates, scripts."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator

import pytest
import trustme

from eventlet.greensocket import GreenSocket, socket

Pair = tuple[GreenSocket, GreenSocket]
RunScript = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run_script() -> RunScript:
    """Run a script in an interpreter of its own, where everything that is odd is an error."""

    def run(script: str, *args: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-X", "dev", "-W", "error", "-c", textwrap.dedent(script), *args],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )

    return run


@pytest.fixture(params=["tcp", "unix"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """Two connected stream sockets, over TCP and as a Unix pair."""
    if request.param == "unix":
        one, other = socket.socketpair()
    else:
        one, other = _tcp_pair()
    with one, other:
        yield one, other


@pytest.fixture
def tcp_pair() -> Iterator[Pair]:
    """Two sockets connected over TCP."""
    one, other = _tcp_pair()
    with one, other:
        yield one, other


def _tcp_pair() -> Pair:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = socket.create_connection(listener.getsockname())
        other, _ = listener.accept()
    return one, other


@pytest.fixture
def listener() -> Iterator[GreenSocket]:
    """A TCP socket that listens on a free port of the loopback interface."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """A certificate authority."""
    return trustme.CA()


@pytest.fixture(scope="session")
def certificate(authority: trustme.CA) -> trustme.LeafCert:
    """A certificate for the names of this machine."""
    return authority.issue_cert("localhost", "127.0.0.1")


@pytest.fixture
def server_context(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """What a server needs to be ``localhost``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


@pytest.fixture
def client_context(authority: trustme.CA) -> ssl.SSLContext:
    """What a client needs to trust it."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context
