from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import urllib.parse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eventlet import coros, httpc
from eventlet.hub import spawn

Ok = Callable[..., bytes]


def moved(location: str | None, status: bytes = b"302 Found") -> bytes:
    field = b"" if location is None else f"Location: {location}\r\n".encode()
    return b"HTTP/1.1 %b\r\n%bContent-Length: 0\r\n\r\n" % (status, field)


# The verbs


def test_get(standard_server: str) -> None:
    assert httpc.get(standard_server + "x?y") == b"you asked for /x?y"
    status, headers, body = httpc.get_(standard_server)
    assert (status, headers["content-length"], body) == (200, "15", b"you asked for /")


def test_the_other_verbs(standard_server: str) -> None:
    assert httpc.head(standard_server) == b""
    assert httpc.head_(standard_server)[0] == 200
    assert httpc.put(standard_server, "é") == "é".encode()
    assert httpc.put_(standard_server, b"\0")[2] == b"\0"
    assert httpc.post(standard_server, "data") == b"data"
    assert httpc.post_(standard_server)[2] == b""
    assert httpc.post(standard_server, 5) == b"5"
    assert httpc.delete(standard_server) == b"you asked for /"
    assert httpc.delete_(standard_server)[0] == 200


def test_request(standard_server: str) -> None:
    params = httpc.Params(standard_server, "POST", "body")
    assert httpc.request(params) == b"body"
    assert httpc.request_(params)[0] == 200
    assert (params.response, params.instance) == (None, None)
    assert repr(params) == f"<Params POST {standard_server}>"


def test_what_is_sent(server: Any, ok: Ok) -> None:
    server.answer(ok())
    headers = {"X": "y"}
    httpc.get(server.url + "p?q", headers)
    httpc.post(server.url, "data", headers)
    httpc.put(server.url, "data", {"Content-Type": "a/b"}, "c/d")
    httpc.put(server.url, "data", content_type="c/d")
    httpc.get(server.url.replace("//", "//me:secret@"), {"accept": "*/*", "Content-Length": "9"})
    assert headers == {"X": "y"}
    get, post, own, other, auth = server.received
    assert get.line == "GET /p?q HTTP/1.1"
    assert get.headers == {
        "host": f"127.0.0.1:{server.port}",
        "x": "y",
        "accept": "text/plain;q=1,*/*;q=0",
        "accept-encoding": "gzip, deflate, br, zstd",
    }
    assert post.headers["content-type"] == "text/plain"
    assert post.headers["accept"] == "text/plain;q=1,*/*;q=0"
    assert own.headers["content-type"] == "a/b"
    assert other.headers["content-type"] == "c/d"
    assert auth.headers["authorization"] == "Basic bWU6c2VjcmV0"
    assert auth.headers["accept"] == "*/*"
    assert server.connections == 1


def test_a_name_and_a_password_in_the_url_are_sent_as_credentials(server: Any, ok: Ok) -> None:
    server.answer(ok(b"hi"))
    assert httpc.get(server.url.replace("//", "//me:secret@")) == b"hi"
    assert server.received[0].headers["authorization"] == "Basic bWU6c2VjcmV0"


def test_a_thousand_gets_share_some_connections(server: Any, ok: Ok) -> None:
    server.answer(ok(b"hello"))
    pool = coros.CoroutinePool(max_size=1000)
    waiters = [pool.execute(httpc.get, server.url) for _ in range(1000)]
    assert {waiter.wait() for waiter in waiters} == {b"hello"}
    assert server.connections <= 100


def test_packed_bodies_are_unpacked(server: Any, ok: Ok) -> None:
    import gzip

    server.answer(ok(gzip.compress(b"hello"), b"Content-Encoding: gzip"))
    assert httpc.get(server.url) == b"hello"


def test_ok_chooses_what_is_returned(server: Any, ok: Ok) -> None:
    later = ok(b"later", status=b"202 Accepted")
    server.answer(later, later, ok(b"", status=b"204 None"), ok())
    with pytest.raises(httpc.Accepted):
        httpc.get(server.url)
    assert httpc.get(server.url, ok=[202]) == b"later"
    assert httpc.get(server.url) == b""
    with pytest.raises(httpc.ConnectionError):
        httpc.get(server.url, ok=[201])


# Redirects


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_get_follows_redirects(server: Any, ok: Ok, status: int) -> None:
    server.answer(moved("/there", b"%d X" % status), ok(b"here"))
    assert httpc.get(server.url) == b"here"
    assert server.received[1].line == "GET /there HTTP/1.1"


def test_get_follows_as_many_as_it_is_told(server: Any, ok: Ok) -> None:
    server.answer(moved("/again"))
    with pytest.raises(httpc.Found):
        httpc.get(server.url)
    assert len(server.received) == 9
    with pytest.raises(httpc.Found) as caught:
        httpc.get(server.url, max_retries=0)
    assert len(server.received) == 10
    assert caught.value.location() == "/again"


def test_a_redirect_without_a_place_asks_again(server: Any, ok: Ok) -> None:
    server.answer(moved(None), ok(b"here"))
    assert httpc.get(server.url) == b"here"


def test_credentials_stay_with_their_origin(server: Any, ok: Ok) -> None:
    other = type(server)()
    other.answer(ok(b"there"))
    server.answer(moved(other.url))
    secrets = {"Authorization": "secret", "Cookie": "a=b", "Proxy-Authorization": "secret"}
    assert httpc.get(server.url, {**secrets, "Host": "h", "X": "y"}) == b"there"
    received = other.received[0].headers
    assert received["x"] == "y"
    assert received["host"] == f"127.0.0.1:{other.port}"
    assert not [name for name in secrets if name.lower() in received]
    other.close()


def test_a_redirect_to_a_file_is_refused(server: Any) -> None:
    server.answer(moved("file:///etc/passwd"))
    with pytest.raises(httpc.InvalidURL):
        httpc.get(server.url)


def test_retry_by_hand(server: Any, ok: Ok) -> None:
    server.answer(moved("/there", b"303 See Other"), ok(b"here"))
    with pytest.raises(httpc.SeeOther) as caught:
        httpc.post(server.url, "data")
    error = caught.value
    assert (error.retry_method(), error.retry_url()) == ("GET", server.url + "there")
    assert error.retry() == b"here"
    assert error.retry_()[0] == 200
    assert server.received[1].body == b""
    assert "content-type" not in server.received[1].headers


def test_retry_sends_the_body_again(server: Any, ok: Ok) -> None:
    suite = httpc.HttpSuite(json.dumps, json.loads, "application/json")
    server.answer(ok(b"{}", status=b"503 Busy"), ok(b'{"a": 1}'))
    with pytest.raises(httpc.ServiceUnavailable) as caught:
        suite.post(server.url, {"b": 2})
    assert caught.value.params.orig_body == {"b": 2}
    assert caught.value.retry() == {"a": 1}
    assert [received.body for received in server.received] == [b'{"b": 2}'] * 2
    assert pickle.loads(pickle.dumps(caught.value)).retry() == {"a": 1}


# Statuses


@pytest.mark.parametrize("status", sorted(httpc.status_to_error_map))
def test_each_status_has_its_exception(server: Any, ok: Ok, status: int) -> None:
    server.answer(ok(b"" if status == 304 else b"because", status=b"%d Reason" % status))
    with pytest.raises(httpc.ConnectionError, match=str(status)) as caught:
        httpc.get(server.url, max_retries=0, aux="aux")
    error = caught.value
    assert type(error) is httpc.status_to_error_map[status]
    assert getattr(httpc, type(error).__name__) is type(error)
    assert isinstance(error, httpc.HTTPError)
    assert (error.status, error.url) == (status, server.url)
    params = error.params
    assert (params.url, params.method, params.path, params.aux) == (server.url, "GET", "/", "aux")
    assert params.response.status == status
    assert params.response.reason == "Reason"
    assert params.response.msg["content-length"] == str(len(params.response_body))
    twin = pickle.loads(pickle.dumps(error))
    assert type(twin) is type(error)
    assert str(twin) == str(error)


def test_other_statuses_have_the_plain_one(server: Any, ok: Ok) -> None:
    server.answer(ok(b"tea" * 1000, status=b"418 Teapot"))
    with pytest.raises(httpc.ConnectionError) as caught:
        httpc.get(server.url)
    assert type(caught.value) is httpc.ConnectionError
    text = str(caught.value)
    assert text.startswith(f"ConnectionError: GET {server.url} returned 418 Teapot: teatea")
    assert text.endswith("... (3000 characters)")
    assert repr(caught.value) == f"<{text}>"


def test_see_other_keeps_head(server: Any, ok: Ok) -> None:
    server.answer(b"HTTP/1.1 303 X\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")
    with pytest.raises(httpc.SeeOther) as caught:
        httpc.head(server.url)
    assert caught.value.retry_method() == "HEAD"


def test_expired(server: Any, ok: Ok) -> None:
    fields = {
        b"X: y": True,
        b"Expires: 0": True,
        b"Expires: Sun, 06 Nov 1994 08:49:37 GMT": True,
        b"Expires: " + httpc.to_http_time(4e9).encode(): False,
    }
    server.answer(*(ok(b"", field, status=b"404 Not Found") for field in fields))
    for expired in fields.values():
        with pytest.raises(httpc.NotFound) as caught:
            httpc.get(server.url)
        assert caught.value.expired() is expired
        assert caught.value.location() is None


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (
            b'{"stack-trace": ["one\\n", "two\\n"], "error": "E", "description": "D"}',
            "E\nD\none\ntwo",
        ),
        (b'{"stack-trace": "one"}', "one"),
        (b'{"a": 1}', '{"a": 1}'),
        (b"[1]", "[1]"),
        (b"plain", "plain"),
    ],
)
def test_internal_errors_show_a_stack_trace(server: Any, ok: Ok, body: bytes, shown: str) -> None:
    server.answer(ok(body, status=b"500 Oops"))
    with pytest.raises(httpc.InternalServerError) as caught:
        httpc.get(server.url)
    assert str(caught.value).endswith(f"returned 500 Oops: {shown}")


# Suites


def test_a_suite_dumps_and_loads(server: Any, ok: Ok) -> None:
    get, put, delete, post = httpc.make_suite(json.dumps, json.loads, "application/json")
    server.answer(ok(b'{"a": 1}'))
    assert get(server.url) == {"a": 1}
    assert put(server.url, {"b": 2}) == {"a": 1}
    assert post(server.url, [3]) == {"a": 1}
    assert delete(server.url) == {"a": 1}
    assert [received.body for received in server.received] == [b"", b'{"b": 2}', b"[3]", b""]
    assert server.received[0].headers["accept"] == "application/json;q=1,*/*;q=0"
    assert server.received[1].headers["content-type"] == "application/json"


def test_a_suite_of_bytes(server: Any, ok: Ok) -> None:
    suite = httpc.HttpSuite(None, None, "application/octet-stream")
    server.answer(ok(b"\0"))
    assert suite.post(server.url, b"\1") == b"\0"
    assert suite.request(httpc.Params(server.url, "HEAD")) == b""
    assert suite.head(server.url) == b""


def test_what_cannot_be_loaded_is_an_error(server: Any, ok: Ok) -> None:
    suite = httpc.HttpSuite(json.dumps, json.loads, "application/json")
    server.answer(ok(b"<html>", b"Content-Type: text/html"))
    with pytest.raises(httpc.UnparseableResponse, match="could not read the body of") as caught:
        suite.get(server.url)
    error = caught.value
    assert (error.content_type, error.parser) == ("text/html", json.loads)
    assert (error.response, error.url) == (b"<html>", server.url)
    assert isinstance(error.__cause__, ValueError)
    twin = pickle.loads(pickle.dumps(error))
    assert (str(twin), twin.url) == (str(error), server.url)


# Connections


def test_a_connection_is_used_and_left_open(server: Any, ok: Ok) -> None:
    server.answer(ok(b"one"), moved("/x"), ok(b"two"))
    connection = httpc.connect(server.url)
    assert server.url[:-1] in repr(connection)
    assert isinstance(connection, httpc.HttpClient)
    assert (connection.host, connection.port) == ("127.0.0.1", server.port)
    assert httpc.get(server.url, connection=connection) == b"one"
    assert httpc.get(server.url, connection=connection) == b"two"
    assert server.connections == 1
    connection.close()


def test_a_redirect_elsewhere_leaves_the_connection(server: Any, ok: Ok) -> None:
    other = type(server)()
    other.answer(ok(b"there"))
    server.answer(moved(other.url))
    connection = httpc.connect(server.url)
    assert httpc.get(server.url, connection=connection) == b"there"
    connection.close()
    other.close()


def test_any_object_of_that_shape_will_do() -> None:
    class Fake:
        def request(self, *args: Any) -> None:
            self.asked = args

        def getresponse(self) -> Any:
            return httpc.ClassicResponse(200, "OK", httpc.Headers(), b"fake")

    connection = Fake()
    assert httpc.put("http://h/p?q", "data", {"X": "y"}, connection=connection) == b"fake"
    method, path, body, headers = connection.asked
    assert (method, path, body, headers["x"]) == ("PUT", "/p?q", "data", "y")


def test_a_connection_by_hand(server: Any, ok: Ok) -> None:
    server.answer(ok(b"0123456789", b"X: y"))
    connection = httpc.make_connection("http", f"127.0.0.1:{server.port}", use_proxy=False)
    with pytest.raises(httpc.StreamError, match="before"):
        connection.getresponse()
    connection.request("POST", "/path", "body", {"A": "b"})
    response = connection.getresponse()
    assert (response.status, response.reason, response.version) == (200, "OK", 11)
    assert response.getheader("x") == "y"
    assert response.getheader("z", "default") == "default"
    assert ("X", "y") in response.getheaders()
    assert [response.read(3), response.read(3), response.read(), response.read()] == [
        b"012", b"345", b"6789", b"",
    ]  # fmt: skip
    assert repr(response) == "<ClassicResponse 200 OK, 10 bytes>"
    with pytest.raises(httpc.InvalidRequest, match="is not at"):
        connection.request("GET", "http://elsewhere/")
    connection.close()
    assert server.received[0].body == b"body"


def test_a_connection_that_cannot_be_made() -> None:
    with pytest.raises(httpc.ConnectError, match="port 9"):
        httpc.connect("http://127.0.0.1:9/")
    with pytest.raises(httpc.ConnectError):
        httpc.connect("https://127.0.0.1:9/")
    client = httpc.HttpsClient("h", 444)
    assert (client.host, client.port) == ("h", 444)


@pytest.mark.parametrize("url", ["gopher://h/", "h", ""])
def test_unknown_schemes(url: str) -> None:
    with pytest.raises(ValueError, match="Unknown url scheme"):
        httpc.connect(url)
    with pytest.raises(ValueError, match="must begin with"):
        httpc.get(url)


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("http://Example.org/x", ("example.org", None)),
        ("http://example.org:80", ("example.org", 80)),
        ("https://u:1@example.org/", ("example.org", None)),
        ("http://[::1]/", ("::1", None)),
        ("http://[::1]:8080/", ("::1", 8080)),
    ],
)
def test_host_and_port_from_url(url: str, parts: tuple[str, int | None]) -> None:
    assert httpc.host_and_port_from_url(url) == parts


def test_use_proxy(server: Any, ok: Ok, monkeypatch: pytest.MonkeyPatch) -> None:
    server.answer(ok(b"through the proxy"))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ALL_PROXY", server.url)
    assert httpc.get("http://origin.example/p", use_proxy=True) == b"through the proxy"
    connection = httpc.connect("http://origin.example/", use_proxy=True)
    assert httpc.get("http://origin.example/q", connection=connection) == b"through the proxy"
    connection.close()
    assert [received.line for received in server.received] == [
        "GET http://origin.example/p HTTP/1.1",
        "GET http://origin.example/q HTTP/1.1",
    ]
    assert server.received[0].headers["host"] == "origin.example"


# Files


@pytest.fixture
def file_url(tmp_path: Path) -> str:
    return "file://" + urllib.parse.quote(str(tmp_path / "a file"))


def test_files(file_url: str, tmp_path: Path) -> None:
    assert httpc.put_(file_url, "contents")[0] == 200
    assert (tmp_path / "a file").read_bytes() == b"contents"
    status, headers, body = httpc.get_(file_url)
    assert (status, headers["content-length"], body) == (200, "8", b"contents")
    status, headers, body = httpc.head_(file_url)
    assert (status, headers["content-length"], body) == (200, "8", b"")
    assert httpc.delete_(file_url)[0] == 200
    assert not list(tmp_path.iterdir())
    with pytest.raises(httpc.NotFound, match="No such file"):
        httpc.get(file_url)
    with pytest.raises(httpc.NotFound):
        httpc.delete(file_url)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(httpc.InternalServerError, match="Is a directory"):
        httpc.get(f"file://localhost{tmp_path}")
    with pytest.raises(httpc.InternalServerError, match="null"):
        httpc.get(f"file://{tmp_path}/a%00b")
    with pytest.raises(httpc.InvalidURL, match="names no host but localhost"):
        httpc.get(f"file://elsewhere{tmp_path}")
    with pytest.raises(httpc.InvalidRequest, match="but not 'POST'"):
        httpc.post(f"file://{tmp_path}", "x")


def test_the_file_scheme_by_hand(file_url: str) -> None:
    scheme = httpc.make_connection("file", "", use_proxy=False)
    assert isinstance(scheme, httpc.FileScheme)
    scheme.connect()
    for early in (scheme.getresponse, scheme.raise_connection_error):
        with pytest.raises(httpc.InvalidRequest):
            early()
    path = file_url.removeprefix("file://")
    scheme.request("PUT", path, b"0123")
    scheme.request("GET", path)
    assert scheme.getheader("Content-Length") == "4"
    assert scheme.read(2) == b"01"
    assert scheme.read() == b"23"
    scheme.request("GET", path + "?")
    scheme.request("GET", path + "x")
    with pytest.raises(httpc.NotFound):
        scheme.raise_connection_error()
    with pytest.raises(httpc.Gone):
        scheme.raise_connection_error(httpc.Gone)
    scheme.close()


# The module


def test_importing_does_nothing() -> None:
    script = (
        "import threading; from eventlet import httpc;"
        "assert threading.active_count() == 1;"
        "from eventlet.hub import _registry; assert not hasattr(_registry._this_thread, 'hub')"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", script], check=True, timeout=60)


def test_ending_with_open_connections_is_quiet(standard_server: str) -> None:
    script = (
        f"from eventlet import httpc; httpc.get({standard_server!r});"
        f"client = httpc.Client(); client.get({standard_server!r})"
    )
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", script],
        check=True, timeout=60, capture_output=True, env={**os.environ, "NO_PROXY": "*"},
    )  # fmt: skip
    assert done.stderr == b""


def test_all_names_are_public_and_have_docstrings() -> None:
    for name in httpc.__all__:
        member = getattr(httpc, name)
        if isinstance(member, type) or callable(member):
            assert member.__module__ in ("eventlet.httpc", "eventlet.httpc.errors"), name
            assert member.__doc__, name


def test_green_threads_go_on_during_a_get(server: Any, ok: Ok) -> None:
    def slow(peer: Any) -> None:
        peer.read()
        seen.append("request")
        peer.send(ok(b"late"))

    seen: list[str] = []
    server.play(slow)
    thread = spawn(httpc.get, server.url)
    assert thread.wait() == b"late"
    assert seen == ["request"]


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
