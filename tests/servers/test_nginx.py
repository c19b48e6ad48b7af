"""What nginx does: files, ranges, keep-alive and its end, uploads, and HTTP/2."""

from __future__ import annotations

import hashlib
import ssl
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme
from tests.clients.servers._program import HOST

from eventlet.httpc import Client, Limits, Response, TLSError
from eventlet.hub import spawn

from .conftest import PASSWORD, Nginx

MEGABYTE = 1024 * 1024
UPLOAD = bytes(range(256)) * (16 * MEGABYTE // 256)


def digest(*pieces: bytes) -> str:
    """Stand for a long body in reports of failures."""
    found = hashlib.sha256()
    for piece in pieces:
        found.update(piece)
    return found.hexdigest()


@pytest.fixture(params=["1.1", "2"])
def each(
    request: pytest.FixtureRequest, nginx: Nginx, client: Client, client2: Client
) -> tuple[Client, str]:
    """A client and the URL of the server, for each version of HTTP."""
    return (client, nginx.http) if request.param == "1.1" else (client2, nginx.https)


def test_versions(nginx: Nginx, client: Client, client2: Client) -> None:
    assert client.get(f"{nginx.http}/hello").http_version == "1.1"
    assert client2.get(f"{nginx.http}/hello").http_version == "1.1"
    assert client2.get(f"{nginx.https}/hello").http_version == "2"


def test_many_share_a_few_connections(nginx: Nginx) -> None:
    with Client(limits=Limits(max_per_host=10), trust_env=False) as client:
        threads = [spawn(client.get, f"{nginx.http}/hello") for _ in range(500)]
        responses = [thread.wait() for thread in threads]
    assert {response.text for response in responses} == {"hello\n"}
    assert len({response.headers["x-connection"] for response in responses}) == 10


def test_many_share_one_connection(nginx: Nginx, client2: Client) -> None:
    threads = [spawn(client2.get, f"{nginx.https}/hello") for _ in range(500)]
    responses = [thread.wait() for thread in threads]
    assert {response.text for response in responses} == {"hello\n"}
    assert len({response.headers["x-connection"] for response in responses}) == 1


def test_packed_on_the_fly(each: tuple[Client, str], nginx: Nginx) -> None:
    client, url = each
    packed = client.get(f"{url}/long.html")
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.encoding == "utf-8"
    assert digest(packed.content) == digest((nginx.files / "long.html").read_bytes())
    plain = client.get(f"{url}/long.html", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert digest(plain.content) == digest(packed.content)


def test_ranges(each: tuple[Client, str], nginx: Nginx) -> None:
    client, url = each
    content = (nginx.files / "long.html").read_bytes()

    def part(wanted: str, **conditions: str) -> Response:
        fields = {"Range": f"bytes={wanted}", "Accept-Encoding": "identity", **conditions}
        return client.get(f"{url}/long.html", headers=fields)

    first = part("100-199")
    assert (first.status, first.content) == (206, content[100:200])
    assert first.headers["content-range"] == f"bytes 100-199/{len(content)}"
    last = part("-5", **{"If-Range": first.headers["etag"]})
    assert (last.status, last.content) == (206, content[-5:])
    assert part("99999999-").status == 416
    assert digest(part("5-", **{"If-Range": '"changed"'}).content) == digest(content)


def test_answers_without_content(each: tuple[Client, str]) -> None:
    client, url = each
    response = client.head(f"{url}/hello")
    assert (response.content, response.headers["content-length"]) == (b"", "6")
    etag = {"If-None-Match": response.headers["etag"]}
    unchanged = client.get(f"{url}/hello", headers=etag)
    assert (unchanged.status, unchanged.content) == (304, b"")
    assert unchanged.headers["x-connection"] == response.headers["x-connection"]


def test_redirects(each: tuple[Client, str]) -> None:
    client, url = each
    for status in (301, 302):
        response = client.post(f"{url}/moved/{status}", content=b"x")
        assert (response.method, response.text) == ("GET", "hello\n")
        assert [before.status for before in response.history] == [status]
    for status in (307, 308):
        response = client.put(f"{url}/moved/{status}", content=b"moved %d" % status)
        assert response.status in (201, 204)
        assert client.get(f"{url}/stored/moved").content == b"moved %d" % status


def test_a_password(each: tuple[Client, str]) -> None:
    client, url = each
    assert client.get(f"{url}/secret").status == 401
    assert client.get(f"{url}/secret", auth=("me", "guess")).status == 401
    assert client.get(f"{url}/secret", auth=PASSWORD).text == "treasure\n"


def test_uploads_and_downloads(each: tuple[Client, str], tmp_path: Path) -> None:
    client, url = each
    source = tmp_path / "source"
    source.write_bytes(UPLOAD)

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(UPLOAD), MEGABYTE):
            yield UPLOAD[start : start + MEGABYTE]

    with source.open("rb") as file:
        assert client.put(f"{url}/stored/file", content=file).status == 201
    assert client.put(f"{url}/stored/pieces", content=pieces()).status == 201
    assert client.put(f"{url}/stored/bytes", content=UPLOAD).status == 201
    for name in ("file", "pieces", "bytes"):
        with client.stream("GET", f"{url}/stored/{name}") as response:
            assert digest(*response.iter_bytes()) == digest(UPLOAD)
        assert client.delete(f"{url}/stored/{name}").status == 204


def test_many_uploads_at_once(each: tuple[Client, str], nginx: Nginx) -> None:
    client, url = each
    contents = {f"many{n}": bytes([n]) * MEGABYTE for n in range(20)}
    threads = [
        spawn(client.put, f"{url}/stored/{name}", content=content)
        for name, content in contents.items()
    ]
    assert {thread.wait().status for thread in threads} <= {201, 204}
    for name, content in contents.items():
        assert (nginx.files / "stored" / name).read_bytes() == content


def test_a_body_that_is_too_long(each: tuple[Client, str]) -> None:
    client, url = each
    assert client.post(f"{url}/small", content=UPLOAD).status == 413
    expecting = {"Expect": "100-continue"}
    assert client.post(f"{url}/small", content=UPLOAD, headers=expecting).status == 413
    assert client.post(f"{url}/small", content=b"x", headers=expecting).text == "ok"


def test_a_connection_that_is_not_kept(nginx: Nginx, client: Client) -> None:
    for _ in range(3):
        assert client.get(f"{nginx.http}/closed").text == "bye"
        assert client.statistics().connections == 0


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_connections_that_end_after_ten_requests(
    nginx: Nginx, client: Client, client2: Client, method: str
) -> None:
    for each, url in ((client, nginx.http_short), (client2, nginx.https_short)):
        threads = [spawn(each.request, method, f"{url}/ok") for _ in range(300)]
        assert {thread.wait().text for thread in threads} == {"ok"}
        for _ in range(30):
            assert each.request(method, f"{url}/ok").text == "ok"


def test_connections_that_end_while_nobody_looks(
    nginx: Nginx, client: Client, client2: Client
) -> None:
    for each, url in ((client, nginx.http_short), (client2, nginx.https_short)):
        first = each.post(f"{url}/ok").headers["x-connection"]
        time.sleep(1.5)  # the real one: the hub doesn't hear of the end
        assert each.post(f"{url}/ok").headers["x-connection"] != first


def test_certificates(nginx: Nginx, context: ssl.SSLContext) -> None:
    with Client(trust_env=False) as client, pytest.raises(TLSError, match=r"self-signed|unable"):
        client.get(f"{nginx.https}/hello")
    stranger = ssl.create_default_context()
    trustme.CA().configure_trust(stranger)
    with Client(verify=stranger, trust_env=False) as client, pytest.raises(TLSError):
        client.get(f"{nginx.https}/hello")
    with Client(verify=context, http2=True, trust_env=False) as client:
        assert client.get(f"{nginx.https}/hello").text == "hello\n"
        with pytest.raises(TLSError, match="mismatch"):
            client.get(f"{nginx.https.replace(HOST, 'localhost')}/hello")
    with Client(verify=False, trust_env=False) as client:
        assert client.get(f"{nginx.https}/hello").text == "hello\n"
