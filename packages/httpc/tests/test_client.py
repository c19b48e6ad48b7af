from __future__ import annotations

import gzip
import io
import json
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from eventlet import httpc
from eventlet.httpc import (
    BearerAuth,
    BodyTooLarge,
    Client,
    DecodingError,
    InvalidRequest,
    InvalidURL,
    Limits,
    ReadError,
    Response,
    Retries,
    StreamError,
    Timeouts,
    TooManyRedirects,
    TotalTimeout,
    _dial,
)
from eventlet.httpc._url import URL
from eventlet.hub import sleep
from eventlet.hub.testing import virtual_clock

Ok = Callable[..., bytes]

# What travels over the loopback interface may need this many seconds.
THRESHOLD = 0.01


@pytest.fixture
def client() -> Iterator[Client]:
    with Client(trust_env=False) as client:
        yield client


@pytest.fixture
def other(server: Any) -> Iterator[Any]:
    """A second server."""
    other = type(server)()
    yield other
    other.close()


def redirect(location: str, status: bytes = b"302 Found", body: bytes = b"") -> bytes:
    return b"HTTP/1.1 %b\r\nLocation: %b\r\nContent-Length: %d\r\n\r\n%b" % (
        status, location.encode(), len(body), body,
    )  # fmt: skip


# Requests


def test_each_verb_sends_its_method(client: Client, standard_server: str) -> None:
    assert client.get(standard_server + "x").text == "you asked for /x"
    assert client.head(standard_server).content == b""
    assert client.post(standard_server, content="é").content == "é".encode()
    assert client.put(standard_server, content=b"x").content == b"x"
    assert client.delete(standard_server).status == 200
    assert client.options(standard_server).status == 501
    assert client.patch(standard_server, content=b"").status == 501


def test_what_is_sent(client: Client, server: Any, ok: Ok) -> None:
    server.answer(ok())
    client.get(server.url + "p%20q?x=1#fragment", params={"y": [2, "ü"], "z": None})
    received = server.received[0]
    assert received.line == "GET /p%20q?x=1&y=2&y=%C3%BC HTTP/1.1"
    assert received.headers == {
        "host": f"127.0.0.1:{server.port}",
        "user-agent": f"eventlet-httpc/{httpc.__version__}",
        "accept": "*/*",
        "accept-encoding": "gzip, deflate, br, zstd",
    }


def test_headers_of_a_request_replace_those_of_the_client(server: Any, ok: Ok) -> None:
    server.answer(ok())
    with Client(headers={"user-agent": "me", "X": "1"}, trust_env=False) as client:
        client.get(server.url, headers=[("x", "2"), ("X", "3"), ("Host", "elsewhere")])
        client.headers["X"] = "4"
        client.get(server.url)
        client.headers.add("Y", "5")
        client.get(server.url)
    first, second, third = (received.headers for received in server.received)
    assert (first["user-agent"], first["host"]) == ("me", "elsewhere")
    assert (second["x"], second.get("y")) == ("4", None)
    assert (third["x"], third["y"]) == ("4", "5")


def test_the_quick_way_sends_the_same_as_the_other(client: Client, server: Any, ok: Ok) -> None:
    server.answer(ok())
    client.get(server.url + "x?y")
    client.get(server.url + "x?y")
    client.request("get", server.url + "x?y")
    assert server.received[0] == server.received[1] == server.received[2]


def test_a_change_of_the_client_counts_for_the_next_request(
    client: Client, server: Any, ok: Ok
) -> None:
    server.answer(ok())
    client.base_url = URL.parse(server.url)
    client.get("x")
    client.base_url = URL.parse(server.url + "api/")
    client.auth = BearerAuth("secret")
    client.get("x")
    client.auth = None
    client.headers = httpc.Headers({"X": "1"})
    client.get("x")
    events: list[str] = []
    client.trace = lambda event: events.append(event.name)
    client.get("x")
    assert [received.line.split()[1] for received in server.received] == [
        "/x", "/api/x", "/api/x", "/api/x"
    ]  # fmt: skip
    credentials = [received.headers.get("authorization") for received in server.received]
    assert credentials == [None, "Bearer secret", None, None]
    assert server.received[2].headers == {"host": f"127.0.0.1:{server.port}", "x": "1"}
    assert events == ["begun", "reused", "sent", "answered", "complete"]


def test_what_is_kept_for_later_requests_is_bounded(
    client: Client, server: Any, ok: Ok, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eventlet.httpc._plans._MAX_PLANS", 3)
    server.answer(ok())
    for number in range(8):
        client.get(f"{server.url}{number}")
        assert len(client._plans._by_url) <= 3
    assert [received.line.split()[1] for received in server.received] == [
        f"/{number}" for number in range(8)
    ]


def test_base_url(server: Any, ok: Ok) -> None:
    server.answer(ok())
    with Client(base_url=server.url + "api/", trust_env=False) as client:
        client.get("users")
        client.get("/root")
        client.get(httpc.URL.parse(server.url + "whole"))
        assert repr(client) == f"<Client of {server.url}api/>"
    lines = [received.line for received in server.received]
    assert lines == ["GET /api/users HTTP/1.1", "GET /root HTTP/1.1", "GET /whole HTTP/1.1"]


@pytest.mark.parametrize(
    ("options", "body", "content_type"),
    [
        ({"content": b"\0\1"}, b"\0\1", None),
        ({"content": "é"}, b"\xc3\xa9", "text/plain; charset=utf-8"),
        ({"content": bytearray(b"x")}, b"x", None),
        ({"content": io.BytesIO(b"file")}, b"file", None),
        ({"json": {"a": [1, "é"]}}, b'{"a":[1,"\xc3\xa9"]}', "application/json"),
        ({"json": 0}, b"0", "application/json"),
        ({"data": {"a": [1, 2], "b": True, "c": None, "d e": "&"}}, b"a=1&a=2&b=true&d+e=%26",
         "application/x-www-form-urlencoded"),
        ({"data": [("a", 1), ("a", b"2")]}, b"a=1&a=2", "application/x-www-form-urlencoded"),
        ({"data": {}}, b"", "application/x-www-form-urlencoded"),
        ({}, b"", None),
    ],
)  # fmt: skip
def test_bodies(
    client: Client, server: Any, ok: Ok, options: Any, body: bytes, content_type: str | None
) -> None:
    server.answer(ok())
    client.post(server.url, **options)
    received = server.received[0]
    assert received.body == body
    assert received.headers.get("content-type") == content_type
    assert received.headers["content-length"] == str(len(body))


def test_a_content_type_of_ones_own_counts_more(client: Client, server: Any, ok: Ok) -> None:
    server.answer(ok())
    client.post(server.url, json={}, headers={"content-type": "application/x+json"})
    assert server.received[0].headers["content-type"] == "application/x+json"


@pytest.mark.parametrize(
    ("method", "url", "options", "error"),
    [
        ("GET /\r\nX:", "http://h/", {}, InvalidRequest),
        ("", "http://h/", {}, InvalidRequest),
        ("CONNECT", "http://h/", {}, InvalidRequest),
        ("GET", "http://h/\r\nX: y", {}, InvalidURL),
        ("GET", "relative", {}, InvalidURL),
        ("GET", "http://h/", {"params": "a\r\nb"}, InvalidURL),
        ("GET", "http://h/", {"headers": {"X": "a\r\nb: c"}}, InvalidRequest),
        ("GET", "http://h/", {"headers": {"X\r\nY": "a"}}, InvalidRequest),
        ("GET", "http://h/", {"headers": {"Content-Length": "5"}}, InvalidRequest),
        ("GET", "http://h/", {"headers": {"Transfer-Encoding": "chunked"}}, InvalidRequest),
        ("GET", "http://h/", {"headers": [("Host", "a"), ("host", "b")]}, InvalidRequest),
        ("GET", "http://h/", {"cookies": {"a": "b\r\nc"}}, InvalidRequest),
        ("GET", "http://h/", {"cookies": {"a": "b; c=d"}}, InvalidRequest),
        ("GET", "http://h/", {"auth": httpc.BearerAuth("a\r\nb")}, InvalidRequest),
        ("GET", "http://h/", {"auth": ("a\n", "b")}, InvalidRequest),
        ("GET", "http://h/", {"auth": 5}, TypeError),
        ("GET", "http://h/", {"timeout": "5"}, TypeError),
        ("GET", "http://h/", {"timeout": -1}, ValueError),
        ("POST", "http://h/", {"content": b"a", "json": 1}, InvalidRequest),
        ("POST", "http://h/", {"content": 5}, InvalidRequest),
        ("POST", "http://h/", {"data": b"a=b"}, InvalidRequest),
        ("POST", "http://h/", {"data": [("a",)]}, InvalidRequest),
        ("POST", "http://h/", {"files": b"a"}, InvalidRequest),
        ("POST", "http://h/", {"files": 5}, InvalidRequest),
        ("POST", "http://h/", {"files": [b"a"]}, InvalidRequest),
        ("GET", "http://h/", {"max_body": -1}, ValueError),
        ("POST", "http://h/", {"json": float("nan")}, ValueError),
    ],
)
def test_what_cannot_be_sent_safely_is_refused_before_a_byte_is_sent(
    client: Client, method: str, url: str, options: Any, error: type[Exception]
) -> None:
    with pytest.raises(error, match=r"."):
        client.request(method, url, **options)
    assert client.statistics() == (0, 0, 0)


def test_arguments_of_a_client_are_checked() -> None:
    for options in ({"retries": "5"}, {"retries": Retries}):
        with pytest.raises(TypeError, match="retries are"):
            Client(**options)
    with pytest.raises(ValueError, match="total must be >= 0, not -1"):
        Retries(-1)
    with pytest.raises(ValueError, match="connect must be"):
        Timeouts(connect=float("nan"))
    for name in ("max_connections", "max_per_host"):
        with pytest.raises(ValueError, match=f"{name} must be at least 1"):
            Limits(**{name: 0})
    with pytest.raises(ValueError, match="keepalive_expiry"):
        Limits(keepalive_expiry=-1)
    assert Timeouts.of(None) == Timeouts(None, None, None, None, None)
    assert Timeouts.of(5).total == 5
    assert repr(Client(trust_env=False)) == "<Client>"


# What none of the arguments may be.
NUMBER: Any = 5
TEXT: Any = "5"


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: Timeouts(TEXT), "connect must be seconds >= 0 or None, not '5'"),
        (lambda: Limits(max_per_host=TEXT), "max_per_host must be at least 1, not '5'"),
        (lambda: Retries(1, backoff=TEXT), "backoff must be >= 0, not '5'"),
        (lambda: Client(limits=NUMBER), "limits is a Limits or None, not 5"),
        (lambda: Client(trace=NUMBER), "trace is called with each event, which 5 cannot be"),
        (lambda: Client(uds=NUMBER), "uds is text or None, not 5"),
        (lambda: Client(local_address=NUMBER), "local_address is text or None, not 5"),
        (lambda: httpc.request(NUMBER), "a request is a Params, not 5"),
        (lambda: Client(proxy=NUMBER), "a proxy is a URL, a Proxy or None, not 5"),
        (lambda: Client(cookies=NUMBER), "cookies are a mapping or a CookieJar, not 5"),
        (lambda: Client().get("http://h/", ok=NUMBER), r"such as \(200, 404\), not 5"),
        (lambda: httpc.get("http://h/", ok=TEXT), r"such as \(200, 404\), not '5'"),
        (lambda: Client(max_body=TEXT), "max_body must be bytes >= 0 or None, not '5'"),
        (lambda: Client().get("http://h/", max_body=TEXT), "max_body must be bytes >= 0"),
        (lambda: Client(max_redirects=TEXT), "max_redirects must be a number >= 0, not '5'"),
        (lambda: Client(proxy={NUMBER: "http://h"}), "proxies are found by .*, not by 5"),
        (lambda: httpc.get("http://h/", max_retries=TEXT), "how many redirects to follow, not '5'"),
        (lambda: httpc.HttpClient(NUMBER), "a host is a name or an address, as text, not 5"),
        (lambda: httpc.from_http_time(NUMBER), "a date of HTTP is text, not 5"),
    ],
)
def test_arguments_of_a_wrong_type(make: Callable[[], object], error: str) -> None:
    with pytest.raises(TypeError, match=error):
        make()


@pytest.mark.parametrize("verb", [httpc.get, httpc.head, httpc.delete, httpc.connect])
@pytest.mark.parametrize("url", [5, None, b"http://h/"])
def test_urls_that_are_no_text(verb: Callable[[Any], object], url: Any) -> None:
    with pytest.raises(InvalidURL, match="a URL is text"):
        verb(url)


@pytest.mark.parametrize("headers", [5, "Accept: text/html", b"Accept"])
def test_headers_that_are_none(headers: Any) -> None:
    with pytest.raises(InvalidRequest, match="headers are a mapping, or pairs"):
        Client(headers=headers)
    with pytest.raises(InvalidRequest, match="headers are a mapping, or pairs"):
        httpc.get("http://h/", headers)


# Answers


def test_an_answer_and_its_parts(client: Client, server: Any, ok: Ok) -> None:
    server.answer(ok(b"caf\xe9", b"Content-Type: text/plain; charset=latin-1", b"X: 1", b"x: 2"))
    response = client.get(server.url + "p")
    assert (response.status, response.reason, response.http_version) == (200, "OK", "1.1")
    assert response
    assert response.text == "café"
    assert response.headers["X"] == "1, 2"
    assert response.url == server.url + "p"
    assert (response.method, response.history) == ("GET", [])
    assert 0 <= response.elapsed < 60
    assert response.raise_for_status() is response
    assert response.next_url is None
    assert repr(response) == "<Response 200 OK>"
    assert response.content is response.content
    assert list(response.iter_bytes(3)) == [b"caf", b"\xe9"]


@pytest.mark.parametrize(
    ("content", "content_type", "text"),
    [
        (b"caf\xc3\xa9", b"text/plain", "café"),
        (b"caf\xe9", b"text/plain", "caf\ufffd"),
        (b"caf\xe9", b'text/html; charset="ISO-8859-1"', "café"),
        (b"caf\xc3\xa9", b"text/html; charset=unheard-of", "café"),
        (b"caf\xc3\xa9", b"text/html; charset=zlib", "café"),
        (b"caf\xc3\xa9", b"text/html; charset=idna", "café"),
        (b"caf\xc3\xa9", b"text/html; charset=punycode", "café"),
        (b"caf\xc3\xa9", b"text/html; charset=undefined", "café"),
        (b"caf\xc3\xa9 \\x", b"text/html; charset=unicode_escape", "café \\x"),
        (b"caf\xc3\xa9", b"text/html; charset=\xff", "café"),
        ("café".encode("utf-16-le"), b"text/html; charset=UTF-16", "café"),
        ("café".encode("utf-16-be"), b"text/html; charset=utf-16be", "café"),
        ("café".encode("utf-8-sig"), b"text/html; charset=latin-1", "café"),
        ("café".encode("utf-16"), b"text/html", "café"),
        ("café".encode("utf-32"), b"text/html", "café"),
    ],
)
def test_text(
    client: Client, server: Any, ok: Ok, content: bytes, content_type: bytes, text: str
) -> None:
    server.answer(ok(content, b"Content-Type: " + content_type))
    assert client.get(server.url).text == text
    with client.stream("GET", server.url) as response:
        assert "".join(response.iter_text()) == text


def test_json(client: Client, server: Any, ok: Ok) -> None:
    server.answer(ok(json.dumps({"a": "é"}).encode()), ok(b"<html>"))
    assert client.get(server.url).json() == {"a": "é"}
    with pytest.raises(DecodingError, match="cannot decode a body as json"):
        client.get(server.url).json()


def test_packed_bodies_are_unpacked(client: Client, server: Any, ok: Ok) -> None:
    server.answer(ok(gzip.compress(b"hello"), b"Content-Encoding: GZIP"))
    assert client.get(server.url).content == b"hello"
    with client.stream("GET", server.url) as response:
        assert b"".join(response.iter_bytes()) == b"hello"
    with client.stream("GET", server.url) as response:
        assert gzip.decompress(b"".join(response.iter_raw())) == b"hello"
    assert client.head(server.url).content == b""


def test_badly_packed_bodies_are_an_error(client: Client, server: Any, ok: Ok) -> None:
    server.answer(ok(b"hello", b"Content-Encoding: gzip"))
    with pytest.raises(DecodingError):
        client.get(server.url)
    with client.stream("GET", server.url) as response, pytest.raises(DecodingError):
        list(response.iter_bytes())


def test_the_length_of_a_body_can_be_limited(client: Client, server: Any, ok: Ok) -> None:
    packed = gzip.compress(bytes(100_000))
    server.answer(ok(bytes(1000)), ok(bytes(1001)), ok(packed, b"Content-Encoding: gzip"))
    assert len(client.get(server.url, max_body=1000).content) == 1000
    with pytest.raises(BodyTooLarge) as caught:
        client.get(server.url, max_body=1000)
    assert caught.value.url == server.url
    with pytest.raises(BodyTooLarge):
        client.get(server.url, max_body=1000)
    with client.stream("GET", server.url, max_body=1000) as response, pytest.raises(BodyTooLarge):
        list(response.iter_bytes())
    with Client(max_body=1000, trust_env=False) as other, pytest.raises(BodyTooLarge):
        other.get(server.url)


def test_trailers(client: Client, server: Any) -> None:
    server.answer(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: y\r\n\r\n"
    )
    assert client.get(server.url).trailers == {"x": "y"}


# Streams


def test_a_stream_gives_what_has_come(client: Client, server: Any) -> None:
    gate: list[str] = []

    def script(peer: Any) -> None:
        peer.read()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello")
        while not gate:
            sleep(0.001)
        peer.send(b"world")

    server.play(script)
    with client.stream("GET", server.url) as response:
        pieces = response.iter_bytes()
        assert next(pieces) == b"hello"
        gate.append("open")
        assert b"".join(pieces) == b"world"
    assert client.statistics().idle == 1


def test_leaving_a_stream_early_closes_its_connection(client: Client, server: Any, ok: Ok) -> None:
    server.answer(ok(bytes(10_000_000)))
    with client.stream("GET", server.url) as response:
        for _ in response.iter_bytes():
            break
    assert client.statistics().connections == 0
    with client.stream("GET", server.url) as response:
        pass
    assert client.statistics().connections == 0
    with pytest.raises(StreamError):
        response.read()


def test_a_body_is_read_once(client: Client, server: Any, ok: Ok) -> None:
    server.answer(ok(b"hello"))
    with client.stream("GET", server.url) as response:
        list(response.iter_bytes())
        for again in (response.read, response.iter_raw, lambda: list(response.iter_bytes())):
            with pytest.raises(StreamError, match="read before"):
                again()
    with client.stream("GET", server.url) as response:
        assert response.read() == b"hello"
        assert response.content == b"hello"
        assert list(response.iter_bytes()) == [b"hello"]
        with pytest.raises(StreamError):
            response.iter_raw()


def test_a_stream_that_breaks_is_an_error(client: Client, server: Any, ok: Ok) -> None:
    def script(peer: Any) -> None:
        peer.read()
        peer.send(ok(b"hello")[:-1])

    server.play(script)
    with client.stream("GET", server.url) as response, pytest.raises(ReadError) as caught:
        list(response.iter_bytes())
    assert caught.value.url == server.url


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_lines(client: Client, server: Any, ok: Ok, size: int) -> None:
    content = "one\ntwo\r\nthr\u00e9e\rfour\r\n\r\n\nlast\r".encode()
    chunks = [content[start : start + size] for start in range(0, len(content), size)]
    body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    server.answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body + b"0\r\n\r\n")
    with client.stream("GET", server.url) as response:
        lines = list(response.iter_lines())
    assert lines == ["one", "two", "thrée", "four", "", "", "last"]


def test_lines_without_an_end(client: Client, server: Any, ok: Ok) -> None:
    server.answer(ok(b"a\nb"), ok(b""), ok(b"\xc3"))
    for expected in (["a", "b"], [], ["\ufffd"]):
        with client.stream("GET", server.url) as response:
            assert list(response.iter_lines()) == expected


def test_pieces_of_no_size_are_refused(client: Client, server: Any, ok: Ok) -> None:
    server.answer(ok(b"a"))
    with client.stream("GET", server.url) as response, pytest.raises(ValueError, match="one byte"):
        list(response.iter_bytes(0))


def test_a_stream_can_check_the_status(client: Client, server: Any, ok: Ok) -> None:
    server.answer(ok(b"no", status=b"404 Not Found"))
    with pytest.raises(httpc.NotFound, match="no"), client.stream("GET", server.url, ok=[200]):
        pass


# Statuses as exceptions


def test_statuses_are_raised_on_demand(client: Client, server: Any, ok: Ok) -> None:
    server.answer(ok(b"gone", status=b"410 Gone"), ok(b"busy", status=b"503 Busy"), ok(b"now"))
    response = client.get(server.url)
    assert not response
    with pytest.raises(httpc.Gone, match=r"Gone: GET http.* returned 410 Gone: gone") as caught:
        response.raise_for_status()
    assert pickle.loads(pickle.dumps(caught.value)).params.response_body == b"gone"
    with pytest.raises(httpc.ServiceUnavailable) as busy:
        client.post(server.url, content=b"again", ok=[200])
    assert busy.value.retry() == b"now"
    assert server.received[-1].body == b"again"
    copy = pickle.loads(pickle.dumps(busy.value))
    with pytest.raises(httpc.ClientClosed, match="another process"):
        copy.retry()


# Redirects


@pytest.mark.parametrize(
    ("status", "method", "after", "has_body"),
    [
        (b"301 Moved", "GET", "GET", False),
        (b"301 Moved", "POST", "GET", False),
        (b"302 Found", "POST", "GET", False),
        (b"302 Found", "PUT", "PUT", True),
        (b"303 See Other", "PUT", "GET", False),
        (b"303 See Other", "HEAD", "HEAD", False),
        (b"307 Temporary", "POST", "POST", True),
        (b"308 Permanent", "POST", "POST", True),
    ],
)
def test_redirects_by_the_book(
    client: Client, server: Any, ok: Ok, status: bytes, method: str, after: str, has_body: bool
) -> None:
    server.answer(redirect("/there", status), ok())
    content = b"body" if method in ("POST", "PUT") else None
    headers = {"Content-Type": "x/y"} if content else {}
    response = client.request(method, server.url, content=content, headers=headers)
    assert response.status == 200
    assert response.url == server.url + "there"
    assert response.method == after
    assert [old.status for old in response.history] == [int(status[:3])]
    second = server.received[1]
    assert second.line == f"{after} /there HTTP/1.1"
    assert second.body == (b"body" if has_body else b"")
    assert ("content-type" in second.headers) is has_body
    assert server.connections == 1


def test_redirects_can_be_left_alone(client: Client, server: Any) -> None:
    server.answer(redirect("/there"))
    response = client.get(server.url, follow_redirects=False)
    assert (response.status, response.next_url) == (302, "/there")
    with Client(follow_redirects=False, trust_env=False) as other:
        assert other.get(server.url).status == 302


def test_a_redirect_without_a_place_is_an_answer(client: Client, server: Any, ok: Ok) -> None:
    server.answer(ok(b"where?", status=b"302 Found"))
    assert client.get(server.url).content == b"where?"


@pytest.mark.parametrize("location", ["file:///etc/passwd", "http://h:0/", "http://a\\@b/"])
def test_a_redirect_to_an_unsafe_place_is_an_error(
    client: Client, server: Any, location: str
) -> None:
    server.answer(redirect(location))
    with pytest.raises(InvalidURL):
        client.get(server.url)
    with pytest.raises(InvalidURL), client.stream("GET", server.url):
        pass


def test_redirects_in_a_circle_end(client: Client, server: Any) -> None:
    server.answer(redirect("/again"))
    for options in ({}, {"params": "x"}):
        with pytest.raises(TooManyRedirects, match="20 redirects") as caught:
            client.get(server.url, **options)  # type: ignore[arg-type]
        assert caught.value.limit == 20
    with Client(max_redirects=0, trust_env=False) as strict, pytest.raises(TooManyRedirects):
        strict.get(server.url)


def test_credentials_never_cross_origins(server: Any, other: Any, ok: Ok) -> None:
    server.answer(redirect(other.url))
    other.answer(redirect(server.url + "back"), ok())
    with Client(auth=("me", "secret"), cookies={"everywhere": "1"}, trust_env=False) as client:
        client.get(
            server.url, headers={"X": "y", "Proxy-Authorization": "p"}, cookies={"here": "1"}
        )
        first, second = server.received[0].headers, other.received[0].headers
        assert first["authorization"].startswith("Basic ")
        assert set(first["cookie"].split("; ")) == {"everywhere=1", "here=1"}
        assert second["x"] == "y"
        assert second["host"] == f"127.0.0.1:{other.port}"
        for name in ("authorization", "cookie", "proxy-authorization"):
            assert name not in second
        client.get(server.url, headers={"Authorization": "mine", "Cookie": "a=b"})
        assert "authorization" not in server.received[1].headers  # not even on the way back
        assert server.received[2].headers["authorization"] == "mine"
        assert server.received[2].headers["cookie"] == "a=b"
        assert "authorization" not in other.received[2].headers
        assert "cookie" not in other.received[2].headers


def test_credentials_stay_within_an_origin(client: Client, server: Any, ok: Ok) -> None:
    server.answer(redirect("/there"), ok())
    client.get(server.url.replace("//", "//me:secret@"))
    assert server.received[1].headers["authorization"] == "Basic bWU6c2VjcmV0"


def test_a_body_that_cannot_be_sent_again_is_not_redirected(client: Client, server: Any) -> None:
    server.answer(redirect("/there", b"307 Temporary"))
    with pytest.raises(InvalidRequest, match="cannot be sent a second time"):
        client.post(server.url, content=iter([b"x"]))
    assert client.statistics().connections <= 1


def test_a_long_body_of_a_redirect_is_not_read(client: Client, server: Any, ok: Ok) -> None:
    server.answer(redirect("/there", body=bytes(1_000_000)), ok(b"hi"))
    with client.stream("GET", server.url) as response:
        assert response.read() == b"hi"


# Cookies


def test_cookies_are_kept_and_sent(client: Client, server: Any, ok: Ok) -> None:
    server.answer(
        ok(b"", b"Set-Cookie: a=1; Path=/", b"Set-Cookie: b=2; Path=/deep", b"set-cookie: c=3"),
        ok(),
    )
    response = client.get(server.url)
    assert dict(response.cookies) == {"a": "1", "b": "2", "c": "3"}
    client.get(server.url)
    client.get(server.url + "deep/er", cookies={"d": "4"})
    assert server.received[1].headers["cookie"] == "a=1; c=3"
    assert set(server.received[2].headers["cookie"].split("; ")) == {"a=1", "b=2", "c=3", "d=4"}
    assert client.cookies["a"] == "1"


def test_cookies_of_an_answer_to_anything_are_kept(client: Client, server: Any, ok: Ok) -> None:
    server.answer(ok(b"", b"Set-Cookie: a=1"), ok())
    client.post(server.url, content=b"x")
    client.get(server.url)
    assert server.received[1].headers["cookie"] == "a=1"


def test_cookies_of_a_redirect_are_kept(client: Client, server: Any, ok: Ok) -> None:
    server.answer(redirect("/x")[:-2] + b"Set-Cookie: a=1\r\n\r\n", ok())
    client.get(server.url)
    assert server.received[1].headers["cookie"] == "a=1"


# Retries


def test_answers_that_are_worth_another_try(server: Any, ok: Ok) -> None:
    server.close()
    with virtual_clock(threshold=THRESHOLD) as clock:
        fresh = type(server)()
        fresh.answer(
            ok(b"", status=b"503 Busy"),
            ok(b"", b"Retry-After: 30", status=b"429 Slow Down"),
            ok(b"now"),
        )
        with Client(retries=2, trust_env=False) as client:
            assert client.get(fresh.url).content == b"now"
        assert 30 <= clock() < 32
        fresh.close()


def test_retries_end(server: Any, ok: Ok) -> None:
    server.answer(ok(b"", status=b"503 Busy"))
    with Client(retries=Retries(2, backoff=0), trust_env=False) as client:
        assert client.get(server.url).status == 503
        assert len(server.received) == 3
        assert client.post(server.url).status == 503
        assert len(server.received) == 4


def test_a_long_pause_is_left_to_the_caller(server: Any, ok: Ok) -> None:
    server.answer(ok(b"", b"Retry-After: 3600", status=b"503 Busy"))
    with Client(retries=2, trust_env=False) as client:
        assert client.get(server.url).status == 503
        assert len(server.received) == 1


def test_a_pause_beyond_the_total_is_not_made(server: Any, ok: Ok) -> None:
    server.answer(ok(b"", b"Retry-After: 30", status=b"503 Busy"))
    with Client(retries=2, timeout=10, trust_env=False) as client, pytest.raises(TotalTimeout):
        client.get(server.url)


def test_broken_connections_are_tried_again(server: Any, ok: Ok) -> None:
    def breaks(peer: Any) -> None:
        peer.read()

    def works(peer: Any) -> None:
        peer.read()
        peer.send(ok(b"hi"))

    server.play(breaks, breaks, works)
    policy = Retries(2, backoff=0)
    with Client(retries=policy, trust_env=False) as client:
        assert client.get(server.url).content == b"hi"
        server.play(breaks)
        with pytest.raises(ReadError):
            client.get(server.url)
        with pytest.raises(ReadError):
            client.post(server.url, content=b"x")
        with pytest.raises(ReadError):
            client.put(server.url, content=iter([b"x"]))
    assert server.connections == 3 + 3 + 1 + 1


def test_connections_that_were_not_made_are_tried_again_whatever_the_method(
    server: Any, ok: Ok, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answer(ok(b"hi"))
    with Client(retries=Retries(1, backoff=0), trust_env=False) as client:
        connect = _dial._connected_within
        failures = [httpc.ConnectError("x", "no"), httpc.TLSError("x", "wrong certificate")]

        def fails_once(*args: Any) -> Any:
            if failures:
                raise failures.pop(0)
            return connect(*args)

        monkeypatch.setattr(_dial, "_connected_within", fails_once)
        with pytest.raises(httpc.TLSError):
            client.post(server.url, content=b"x")
        assert client.post(server.url, content=b"x").content == b"hi"


def test_responses_are_context_managers(client: Client, server: Any, ok: Ok) -> None:
    server.answer(ok(b"hi"))
    with client.get(server.url) as response:
        assert isinstance(response, Response)
    assert response.content == b"hi"
