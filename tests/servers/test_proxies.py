"""Through proxies: HTTP, CONNECT and SOCKS5, to servers that speak HTTP/1.1 and HTTP/2."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from tests.clients.servers._program import HOST, free_port

from eventlet.httpc import Client, ConnectError, ProxyError, TLSError
from eventlet.hub import spawn

from .application import PARTY
from .conftest import PASSWORD

KINDS = ["http by proxy.py", "http", "socks5", "socks5h"]


@pytest.fixture(params=KINDS)
def proxy(request: pytest.FixtureRequest, proxy_py: str, pproxy: str) -> str:
    if request.param == "http by proxy.py":
        return f"http://{proxy_py}"
    return f"{request.param}://{':'.join(PASSWORD)}@{pproxy}"


@pytest.fixture
def through(proxy: str, context: ssl.SSLContext) -> Iterator[Client]:
    with Client(proxy=proxy, verify=context, http2=True, trust_env=False) as client:
        yield client


def test_plain(through: Client, httpbin: str) -> None:
    found = through.post(f"{httpbin}/anything", params={"a": "é"}, content=b"x" * 100_000).json()
    assert (found["args"], len(found["data"])) == ({"a": "é"}, 100_000)
    assert "Proxy-Authorization" not in found["headers"]
    assert through.get(f"{httpbin}/redirect/3").status == 200
    threads = [spawn(through.get, f"{httpbin}/get") for _ in range(50)]
    assert {thread.wait().status for thread in threads} == {200}


def test_many_streams_in_one_tunnel(through: Client, hypercorn: str) -> None:
    threads = [spawn(through.get, f"{hypercorn}/meet") for _ in range(PARTY)]
    assert {thread.wait().text for thread in threads} == {"met"}
    content = bytes(range(256)) * 4000
    assert through.post(f"{hypercorn}/echo", content=content).content == content
    assert through.statistics() == (1, 1, 0)


def test_nobody_at_the_other_end(through: Client) -> None:
    # pproxy says over SOCKS that all is well before it tries.
    with pytest.raises((ProxyError, TLSError)):
        through.get(f"https://{HOST}:{free_port()}/")


@pytest.mark.parametrize("scheme", ["http", "socks5"])
def test_a_wrong_password(
    scheme: str, pproxy: str, hypercorn: str, context: ssl.SSLContext
) -> None:
    proxy = f"{scheme}://me:guess@{pproxy}"
    with (
        Client(proxy=proxy, verify=context, http2=True, trust_env=False) as client,
        pytest.raises(ProxyError),
    ):
        client.get(f"{hypercorn}/echo")


def test_a_proxy_over_tls(
    pproxy_over_tls: str, hypercorn: str, httpbin: str, authority: trustme.CA
) -> None:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    content = bytes(range(256)) * 4000
    with Client(proxy=pproxy_over_tls, verify=context, trust_env=False) as client:
        assert client.get(f"{httpbin}/get").status == 200
        assert client.post(f"{hypercorn}/echo", content=content).content == content
        threads = [
            spawn(client.post, f"{hypercorn}/echo", content=bytes([n]) * 100_000) for n in range(20)
        ]
        for number, thread in enumerate(threads):
            assert thread.wait().content == bytes([number]) * 100_000
    with Client(proxy=pproxy_over_tls, trust_env=False) as client:
        with pytest.raises(TLSError, match="to the proxy"):
            client.get(f"{httpbin}/get")


def test_the_environment(
    monkeypatch: pytest.MonkeyPatch, pproxy: str, httpbin: str, tmp_path: Path
) -> None:
    address = f"http://{':'.join(PASSWORD)}@{pproxy}"
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    monkeypatch.setenv("http_proxy", address)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with Client() as client:
        assert client.get(f"{httpbin}/get").status == 200
        assert client.statistics().connections == 1
    monkeypatch.setenv("http_proxy", f"http://{HOST}:{free_port()}")
    with Client() as client, pytest.raises(ConnectError, match="the proxy"):
        client.get(f"{httpbin}/get")
    monkeypatch.setenv("no_proxy", HOST)
    with Client() as client:
        assert client.get(f"{httpbin}/get").status == 200
