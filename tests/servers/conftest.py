"""The servers and proxies, each started once, on the loopback interface."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import trustme
from tests.clients.servers._program import HOST, Missing, find, free_port, running

from eventlet.httpc import Client

PASSWORD = "me", "secret"

NGINX = """
{user}
daemon off;
pid {folder}/pid;
error_log {folder}/errors;
worker_processes 1;
events {{ worker_connections 1000; }}
http {{
    access_log off;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    types {{ text/html html; }}
    default_type text/plain;
    charset utf-8;
    gzip on;
    gzip_min_length 1000;
    ssl_certificate {folder}/cert.pem;
    ssl_certificate_key {folder}/key.pem;
    root {folder}/pages;
    add_header X-Connection $connection always;
    server {{
        listen {host}:{http};
        listen {host}:{https} ssl http2;
        location = /moved/301 {{ return 301 /hello; }}
        location = /moved/302 {{ return 302 /hello; }}
        location = /moved/307 {{ return 307 /stored/moved; }}
        location = /moved/308 {{ return 308 /stored/moved; }}
        location = /closed {{ keepalive_timeout 0; return 200 bye; }}
        location = /ok {{ return 200 ok; }}
        location = /small {{ client_max_body_size 1k; return 200 ok; }}
        location /secret {{ auth_basic secret; auth_basic_user_file {folder}/passwords; }}
        location /stored/ {{ dav_methods PUT DELETE; client_max_body_size 0; }}
    }}
    server {{
        listen {host}:{http_short};
        listen {host}:{https_short} ssl http2;
        keepalive_requests 10;
        keepalive_timeout 1s;
        location = /ok {{ return 200 ok; }}
    }}
}}
"""


class Nginx(NamedTuple):
    """Where nginx listens.

    Attributes:
        http, https: the beginning of a URL.
        http_short, https_short: the same where connections end after ten requests, or one idle
            second.
        files: the folder that it serves.
    """

    http: str
    https: str
    http_short: str
    https_short: str
    files: Path


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def context(authority: trustme.CA) -> ssl.SSLContext:
    """What trusts the servers, and offers HTTP/2."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    context.set_alpn_protocols(["h2", "http/1.1"])
    return context


@pytest.fixture(scope="session")
def certificate(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with `cert.pem` and `key.pem` of the servers."""
    folder = tmp_path_factory.mktemp("certificate")
    issued = authority.issue_cert(HOST)
    issued.private_key_pem.write_to_path(folder / "key.pem")
    issued.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    return folder


@pytest.fixture(scope="session")
def nginx(certificate: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    try:
        program = find("nginx", "nginx-light", "/usr/sbin")
    except Missing as missing:
        pytest.skip(str(missing))
    folder = tmp_path_factory.mktemp("nginx")
    pages = folder / "pages"
    (pages / "stored").mkdir(parents=True)
    (pages / "hello").write_text("hello\n")
    (pages / "long.html").write_text("".join(f"{n} and more\n" for n in range(100_000)))
    (pages / "secret").write_text("treasure\n")
    hashed = subprocess.run(
        ["openssl", "passwd", "-apr1", PASSWORD[1]], check=True, capture_output=True, text=True
    )
    (folder / "passwords").write_text(f"{PASSWORD[0]}:{hashed.stdout}")
    for name in ("cert.pem", "key.pem"):
        (folder / name).write_bytes((certificate / name).read_bytes())
    ports = [free_port() for _ in range(4)]
    names = ("http", "https", "http_short", "https_short")
    # Pages belong to whoever runs the tests.
    user = "user root;" if os.geteuid() == 0 else ""
    text = NGINX.format(folder=folder, host=HOST, user=user, **dict(zip(names, ports, strict=True)))
    (folder / "nginx.conf").write_text(text)
    command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with running(command, ports[0], folder):
        http, https, http_short, https_short = (f"{HOST}:{port}" for port in ports)
        yield Nginx(
            f"http://{http}", f"https://{https}", f"http://{http_short}", f"https://{https_short}",
            pages,
        )  # fmt: skip


@contextmanager
def serving(folder: Path, module: str, arguments: Sequence[str], port: int) -> Iterator[None]:
    """Run a Python module as a server for a ``with`` block."""
    with running([sys.executable, "-m", module, *arguments], port, folder):
        yield


@pytest.fixture(scope="session")
def httpbin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of httpbin, under waitress."""
    port = free_port()
    arguments = [
        "--listen", f"{HOST}:{port}", "--threads", "16", "--connection-limit", "1000",
        "httpbin:app",
    ]  # fmt: skip
    with serving(tmp_path_factory.mktemp("httpbin"), "waitress", arguments, port):
        yield f"http://{HOST}:{port}"


@pytest.fixture(scope="session")
def hypercorn(certificate: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of `application.py`, under hypercorn."""
    port = free_port()
    arguments = [
        "--bind", f"{HOST}:{port}", "--workers", "0",  # this very process serves, and can be ended
        "--certfile", str(certificate / "cert.pem"), "--keyfile", str(certificate / "key.pem"),
        "tests.servers.application:application",
    ]  # fmt: skip
    with serving(tmp_path_factory.mktemp("hypercorn"), "hypercorn", arguments, port):
        yield f"https://{HOST}:{port}"


@pytest.fixture(scope="session")
def proxy_py(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of proxy.py, an HTTP proxy."""
    port = free_port()
    folder = tmp_path_factory.mktemp("proxy")
    arguments = [
        "--hostname", HOST, "--port", str(port), "--num-workers", "1", "--data-dir", str(folder),
    ]  # fmt: skip
    with serving(folder, "proxy", arguments, port):
        yield f"{HOST}:{port}"


@pytest.fixture(scope="session")
def pproxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of pproxy, an HTTP and SOCKS5 proxy that wants to see a password."""
    port = free_port()
    # It wants to see it each time, rather than once in a month.
    arguments = ["--auth", "0", "-l", f"http+socks5://{HOST}:{port}#{':'.join(PASSWORD)}"]
    with serving(tmp_path_factory.mktemp("pproxy"), "pproxy", arguments, port):
        yield f"{HOST}:{port}"


@pytest.fixture(scope="session")
def pproxy_over_tls(certificate: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of pproxy as an HTTP proxy that is reached over TLS, and wants to see a password."""
    port = free_port()
    secret = ":".join(PASSWORD)
    arguments = [
        "--auth", "0", "-l", f"http+ssl://{HOST}:{port}#{secret}",
        "--ssl", f"{certificate / 'cert.pem'},{certificate / 'key.pem'}",
    ]  # fmt: skip
    with serving(tmp_path_factory.mktemp("pproxy"), "pproxy", arguments, port):
        yield f"https://{secret}@{HOST}:{port}"


@pytest.fixture
def client(context: ssl.SSLContext) -> Iterator[Client]:
    with Client(verify=context, trust_env=False) as client:
        yield client


@pytest.fixture
def client2(context: ssl.SSLContext) -> Iterator[Client]:
    """A client that offers HTTP/2."""
    with Client(verify=context, http2=True, trust_env=False) as client:
        yield client
