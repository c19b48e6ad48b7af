"""What httpbin does: credentials, cookies, codings, and bodies of all kinds."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import pytest

from eventlet.httpc import (
    BearerAuth,
    Client,
    DigestAuth,
    ReadTimeout,
    Retries,
    Timeouts,
    TooManyRedirects,
    TotalTimeout,
)
from eventlet.hub import spawn


@pytest.fixture
def client(httpbin: str) -> Iterator[Client]:
    with Client(base_url=httpbin, trust_env=False) as client:
        yield client


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
def test_methods(client: Client, method: str) -> None:
    found = client.request(method, "/anything", params={"a": ["1", "é"]}).json()
    assert (found["method"], found["args"]) == (method, {"a": ["1", "é"]})


def test_bodies(client: Client) -> None:
    assert client.post("/post", json={"a": [1, "é"]}).json()["json"] == {"a": [1, "é"]}
    assert client.post("/post", data={"a": "1", "b": "é"}).json()["form"] == {"a": "1", "b": "é"}
    assert client.post("/post", content="é").json()["data"] == "é"
    pieces = iter([b"one ", b"two ", b"three"])
    assert client.post("/post", content=pieces).json()["data"] == "one two three"
    found = client.post("/post", data={"a": "1"}, files={"f": ("n.bin", b"\x00\xff")}).json()
    assert found["form"] == {"a": "1"}
    assert base64.b64decode(found["files"]["f"].partition(",")[2]) == b"\x00\xff"


def test_redirects(client: Client) -> None:
    for kind in ("relative-redirect", "absolute-redirect"):
        response = client.get(f"/{kind}/5")
        assert (response.status, len(response.history)) == (200, 5)
    with pytest.raises(TooManyRedirects):
        client.get("/redirect/30")
    assert client.get("/redirect/3", follow_redirects=False).next_url == "/relative-redirect/2"
    target = {"url": "/anything", "status_code": 307}
    assert client.post("/redirect-to", params=target, content=b"x").json()["data"] == "x"


def test_cookies(client: Client) -> None:
    assert client.get("/cookies/set", params={"a": "1", "b": "2"}).json()["cookies"] == {
        "a": "1",
        "b": "2",
    }
    assert client.get("/cookies/delete?a").json()["cookies"] == {"b": "2"}
    assert client.get("/cookies", cookies={"c": "3"}).json()["cookies"] == {"b": "2", "c": "3"}
    assert client.get("/cookies").json()["cookies"] == {"b": "2"}


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_digest(client: Client, algorithm: str) -> None:
    path = f"/digest-auth/auth/me/secret/{algorithm}"
    assert client.get(path, auth=DigestAuth("me", "secret")).json()["authenticated"]
    assert client.get(path, auth=DigestAuth("me", "guess")).status == 401


def test_basic_and_bearer(client: Client) -> None:
    assert client.get("/basic-auth/me/secret", auth=("me", "secret")).json()["authenticated"]
    assert client.get("/basic-auth/me/secret", auth=("me", "guess")).status == 401
    assert client.get("/bearer", auth=BearerAuth("token")).json()["token"] == "token"
    assert client.get("/bearer").status == 401


@pytest.mark.parametrize(
    ("path", "key"), [("gzip", "gzipped"), ("deflate", "deflated"), ("brotli", "brotli")]
)
def test_codings(client: Client, path: str, key: str) -> None:
    response = client.get(f"/{path}")
    assert "content-encoding" in response.headers
    assert response.json()[key] is True


def test_text(client: Client) -> None:
    assert "∮ E⋅da = Q" in client.get("/encoding/utf8").text


def test_streams(client: Client) -> None:
    with client.stream("GET", "/stream/50") as response:
        assert sum(1 for _ in response.iter_lines()) == 50
    with client.stream("GET", "/stream-bytes/100000?seed=1&chunk_size=777") as response:
        assert sum(len(piece) for piece in response.iter_bytes()) == 100_000
    with client.stream("GET", "/stream-bytes/100000") as response:
        next(response.iter_bytes())  # and leave the rest
    assert client.get("/get").status == 200


def test_ranges(client: Client) -> None:
    whole = client.get("/range/1000").content
    part = client.get("/range/1000", headers={"Range": "bytes=10-19"})
    assert (part.status, part.content) == (206, whole[10:20])


def test_statuses(client: Client) -> None:
    for status in (200, 204, 400, 404, 418, 500, 503):
        assert client.get(f"/status/{status}").status == status
        assert client.head(f"/status/{status}").status == status
    assert client.statistics() == (1, 1, 0)


def test_timeouts(client: Client) -> None:
    with pytest.raises(ReadTimeout):
        client.get("/delay/3", timeout=Timeouts(read=0.2))
    with pytest.raises(TotalTimeout):
        client.get("/drip?duration=5&numbytes=50&delay=0", timeout=Timeouts(total=0.5))
    assert client.statistics().connections == 0


def test_retries(httpbin: str) -> None:
    with Client(base_url=httpbin, retries=Retries(2, backoff=0.01), trust_env=False) as client:
        assert client.get("/status/503").status == 503
        unstable = [client.get("/unstable?failure_rate=0.5") for _ in range(10)]
        assert len(unstable) == 10


def test_many_at_once(client: Client) -> None:
    def ask(n: int) -> Any:
        return client.get("/anything", params={"n": str(n)}).json()["args"]["n"]

    threads = [spawn(ask, n) for n in range(100)]
    assert [thread.wait() for thread in threads] == [str(n) for n in range(100)]
