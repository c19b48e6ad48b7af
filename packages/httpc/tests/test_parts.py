"""Cookies, authentication, forms, proxies and retries: the parts without a connection."""

from __future__ import annotations

import hashlib
import io
import re
import time
from email import message_from_bytes
from email.message import Message
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any, cast

import pytest

from eventlet import httpc
from eventlet.httpc import (
    URL,
    Auth,
    BasicAuth,
    BearerAuth,
    Cookies,
    DigestAuth,
    Headers,
    InvalidRequest,
    InvalidURL,
    Proxy,
    Retries,
)
from eventlet.httpc._auth import Netrc
from eventlet.httpc._body import Body, FileBody, make_body
from eventlet.httpc._multipart import Multipart
from eventlet.httpc._proxy import ProxyMap, environment_proxy

HOME = URL.parse("http://home.example/deep/page")


# Cookies


def test_cookies_are_a_mapping() -> None:
    cookies = Cookies({"a": "1"})
    cookies.set("b", "2", domain="home.example")
    cookies["c"] = "3"
    assert dict(cookies) == {"a": "1", "b": "2", "c": "3"}
    assert len(cookies) == 3
    assert repr(cookies) == "Cookies({'b': '2', 'a': '1', 'c': '3'})"
    del cookies["b"]
    del cookies["a"]
    for missing in ("a", "b"):
        with pytest.raises(KeyError):
            cookies[missing]
        with pytest.raises(KeyError):
            del cookies[missing]
    assert cookies
    assert not Cookies()


def test_cookies_have_domains_and_paths() -> None:
    cookies = Cookies()
    cookies.set("a", "1", domain="home.example")
    cookies.set("b", "2", domain="other.example")
    cookies.set("c", "3", domain="home.example", path="/deep")
    cookies.set("d", "4")
    header = cookies.header_for(HOME)
    assert header is not None
    assert set(header.split("; ")) == {"a=1", "c=3", "d=4"}
    assert cookies.header_for(URL.parse("http://third.example/")) == "d=4"
    assert cookies.header_for(URL.parse("http://third.example/"), is_home=False) is None
    assert Cookies().header_for(HOME) is None


def test_cookies_of_a_server_stay_with_it() -> None:
    cookies = Cookies()
    cookies.take(HOME, Headers([("Set-Cookie", "a=1; Secure"), ("Set-Cookie", "b=2")]))
    cookies.take(HOME, Headers([("Set-Cookie", "c=3; Domain=other.example")]))
    assert cookies.header_for(HOME) == "b=2"
    assert cookies.header_for(URL.parse("http://other.example/")) is None
    assert cookies.header_for(URL.parse("https://home.example/deep/")) in ("a=1; b=2", "b=2; a=1")


def test_cookies_can_share_a_jar_or_copy_one() -> None:
    jar = CookieJar()
    shared = Cookies(jar)
    shared.set("a", "1", domain="home.example")
    assert Cookies(jar)["a"] == "1"
    shared["b"] = "2"
    copied = Cookies(shared)
    copied.set("c", "3", domain="home.example")
    assert dict(copied) == {"a": "1", "b": "2", "c": "3"}
    assert dict(shared) == {"a": "1", "b": "2"}


# Authentication


def test_simple_schemes() -> None:
    assert Auth().header_for("GET", HOME) is None
    assert Auth().take_challenge(HOME, ["Basic"]) is False
    assert BasicAuth("me", "sécret").header_for("GET", HOME) == "Basic bWU6c8OpY3JldA=="
    assert BearerAuth("token").header_for("GET", HOME) == "Bearer token"
    with pytest.raises(InvalidRequest, match="no colon"):
        BasicAuth("a:b", "c")


def digest_fields(header: str) -> dict[str, str]:
    assert header.startswith("Digest ")
    found = re.findall(r'(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^,]+))', header)
    return {name: quoted or bare for name, quoted, bare in found}


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256", "SHA-512-256", "MD5-sess", None])
@pytest.mark.parametrize("qop", ["auth", "auth-int, auth", None])
def test_digest(algorithm: str | None, qop: str | None) -> None:
    auth = DigestAuth("me", "secret")
    assert auth.header_for("GET", HOME) is None
    challenge = 'Digest realm="the \\"realm\\"", nonce="nonce", opaque="o"'
    challenge += f", algorithm={algorithm}" if algorithm else ""
    challenge += f', qop="{qop}"' if qop else ""
    assert auth.take_challenge(HOME, ["Basic realm=x", challenge])
    for count in ("00000001", "00000002"):
        header = auth.header_for("GET", HOME)
        assert header is not None
        fields = digest_fields(header)
        name = (algorithm or "MD5").removesuffix("-sess").replace("SHA-512-256", "sha512_256")

        def digest(text: str, name: str = name) -> str:
            return hashlib.new(name.replace("-", "").lower(), text.encode()).hexdigest()

        secret = digest('me:the "realm":secret')
        if algorithm == "MD5-sess":
            # The client must tell its nonce in that case, as with a qop.
            secret = digest(f"{secret}:nonce:{fields['cnonce']}")
        what = digest("GET:/deep/page")
        middle = f"nonce:{count}:{fields['cnonce']}:auth" if qop else "nonce"
        assert fields["response"] == digest(f"{secret}:{middle}:{what}")
        assert (fields["uri"], fields["opaque"]) == ("/deep/page", "o")
        assert ("nc" in fields) is bool(qop)


def test_digest_asks_again_only_where_it_helps() -> None:
    auth = DigestAuth("me", "wrong")
    assert auth.take_challenge(HOME, ['Digest realm="r", nonce="1", qop="auth"'])
    assert not auth.take_challenge(HOME, ['Digest realm="r", nonce="2", qop="auth"'])
    assert auth.take_challenge(HOME, ['Digest realm="r", nonce="3", qop="auth", stale=TRUE'])
    elsewhere = URL.parse("http://other.example/")
    assert auth.header_for("GET", elsewhere) is None
    for useless in ("Digest realm=r", 'Digest nonce="1", algorithm=X', 'Digest nonce="1", qop=x'):
        assert not auth.take_challenge(elsewhere, [useless])


def test_digest_with_a_server(server: Any, ok: Any) -> None:
    refusal = ok(
        b"who?", b'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"', status=b"401 No"
    )
    server.answer(refusal, ok(b"hello"))
    with httpc.Client(auth=DigestAuth("me", "secret"), trust_env=False) as client:
        assert client.get(server.url).content == b"hello"
        assert client.post(server.url, content=b"x").content == b"hello"
    assert "authorization" not in server.received[0].headers
    assert server.received[1].headers["authorization"].startswith("Digest ")
    assert "nc=00000002" in server.received[2].headers["authorization"]


def test_digest_with_a_body_that_cannot_be_repeated(server: Any, ok: Any) -> None:
    server.answer(ok(b"", b'WWW-Authenticate: Digest nonce="n"', status=b"401 No"))
    with httpc.Client(auth=DigestAuth("me", "secret"), trust_env=False) as client:
        assert client.post(server.url, content=iter([b"x"])).status == 401
    assert len(server.received) == 1


def test_netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Any, ok: Any) -> None:
    path = tmp_path / "netrc"
    monkeypatch.setenv("NETRC", str(path))
    monkeypatch.setenv("NO_PROXY", "*")
    assert Netrc().auth_for("home.example") is None
    path.write_text("machine home.example login me password secret\n")
    path.chmod(0o600)
    auth = Netrc().auth_for("home.example")
    assert auth is not None
    assert auth.header_for("GET", HOME) == "Basic bWU6c2VjcmV0"
    assert Netrc().auth_for("other.example") is None
    path.write_text("machine 127.0.0.1 login me password secret\n")
    server.answer(ok())
    with httpc.Client() as client:
        client.get(server.url)
        client.get(server.url)
    with httpc.Client(trust_env=False) as client:
        client.get(server.url)
    headers = [received.headers.get("authorization") for received in server.received]
    assert headers == ["Basic bWU6c2VjcmV0"] * 2 + [None]
    path.write_text("nonsense")
    assert Netrc().auth_for("home.example") is None


# Bodies


def parts_of(form: Multipart) -> list[Any]:
    body = b"".join(form.pieces())
    assert form.length in (None, len(body))
    message = message_from_bytes(b"Content-Type: " + form.content_type.encode() + b"\n\n" + body)
    return [
        (
            part.get_param("name", header="content-disposition"),
            part.get_filename(),
            part["content-type"],
            part.get_payload(decode=True),
        )
        for part in cast("list[Message]", message.get_payload())
    ]


def test_multipart(tmp_path: Path) -> None:
    path = tmp_path / "named.html"
    path.write_bytes(b"<p>")
    with path.open("rb") as file:
        form = Multipart(
            {"a": ["1", 2], "b": None},
            {
                "bytes": b"x",
                "file": file,
                "pair": ("n.txt", "té"),
                "triple": (None, io.BytesIO(b"y"), "x/y"),
                "unknown": ("n", b"z"),
            },
        )
        for _ in range(2):
            assert parts_of(form) == [
                ("a", None, None, b"1"),
                ("a", None, None, b"2"),
                ("bytes", "bytes", "application/octet-stream", b"x"),
                ("file", "named.html", "text/html", b"<p>"),
                ("pair", "n.txt", "text/plain", "té".encode()),
                ("triple", None, "x/y", b"y"),
                ("unknown", "n", "application/octet-stream", b"z"),
            ]


def test_multipart_of_unknown_length() -> None:
    class Pipe(io.RawIOBase):
        pieces = [b"a", b"b"]  # noqa: RUF012

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            piece = self.pieces.pop(0) if self.pieces else b""
            buffer[: len(piece)] = piece
            return len(piece)

    form = Multipart({}, [("p", ("p", Pipe()))])  # type: ignore[list-item]
    assert form.length is None
    assert not form.is_repeatable
    assert parts_of(form)[0][3] == b"ab"


def test_names_cannot_break_out_of_a_form() -> None:
    form = Multipart({'a"\r\nX: y': "v"}, {"f": ('"\r\n', b"x")})
    body = b"".join(form.pieces())
    assert b'name="a%22%0D%0AX: y"' in body
    assert b'filename="%22%0D%0A"' in body
    with pytest.raises(InvalidRequest, match="control characters"):
        Multipart({}, {"f": ("n", b"x", "text/plain\r\nX: y")})


def test_multipart_with_a_server(server: Any, ok: Any) -> None:
    server.answer(ok())
    with httpc.Client(trust_env=False) as client:
        client.post(server.url, files={"f": ("n", bytes(100_000))}, data={"a": "b"})
    received = server.received[0]
    assert received.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert bytes(100_000) in received.body


def test_a_file_is_sent_from_where_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    with path.open("rb") as file:
        file.seek(4)
        body = make_body(file)
        assert body.length == 6
        assert [b"".join(body.pieces()), b"".join(body.pieces())] == [b"456789"] * 2


def test_a_file_that_changes_is_not_sent_as_if_it_had_not(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for after in (b"012", b"0123456789x"):
        path.write_bytes(b"0123456789")
        with path.open("rb") as file:
            body = make_body(file)
            path.write_bytes(after)
            with pytest.raises(InvalidRequest, match="changed its length"):
                list(body.pieces())


def test_a_file_of_text_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="binary mode"):
        list(FileBody(io.StringIO("text")).pieces())  # type: ignore[arg-type]


def test_a_thing_that_can_only_be_read_is_sent_in_chunks() -> None:
    class Source:
        left = [b"a", b"b", b""]  # noqa: RUF012

        def read(self, amount: int) -> bytes:
            return self.left.pop(0)

    body = make_body(cast(Any, Source()))
    assert (body.length, body.is_repeatable) == (None, False)
    assert list(body.pieces()) == [b"a", b"b"]


def test_a_body_says_what_is_in_it() -> None:
    with pytest.raises(NotImplementedError):
        Body(0, is_repeatable=True).pieces()


# Proxies


@pytest.mark.parametrize(
    ("text", "proxy"),
    [
        ("http://p:3128", Proxy("http", "p", 3128)),
        ("p:3128", Proxy("http", "p", 3128)),
        ("http://p", Proxy("http", "p", 80)),
        ("https://p", Proxy("https", "p", 443)),
        ("socks5://u:s%40@[::1]", Proxy("socks5", "::1", 1080, "u", "s@")),
        ("SOCKS5H://p:9/", Proxy("socks5h", "p", 9)),
    ],
)
def test_proxy_urls(text: str, proxy: Proxy) -> None:
    assert Proxy.parse(text) == proxy


@pytest.mark.parametrize("text", ["socks4://p", "ftp://p", "http://p:x", "http://", "http://a b"])
def test_proxy_urls_that_are_none(text: str) -> None:
    with pytest.raises(InvalidURL):
        Proxy.parse(text)


def origin(text: str) -> Any:
    return URL.parse(text).origin


def test_proxies_by_scheme_and_host() -> None:
    proxies = ProxyMap({"http": "a", "all": "b", "https://direct.example": None})
    assert proxies.choose(origin("http://h/")) == Proxy("http", "a", 80)
    assert proxies.choose(origin("https://h/")) == Proxy("http", "b", 80)
    assert proxies.choose(origin("https://direct.example/")) is None
    assert ProxyMap({"https": "a"}).choose(origin("http://h/")) is None
    assert not ProxyMap.of(None)
    assert ProxyMap.of({"http": "a"})
    assert ProxyMap.of(Proxy("http", "a", 80)).choose(origin("http://h/")) is not None


@pytest.mark.parametrize(
    ("bypass", "url", "is_direct"),
    [
        ("*", "http://h/", True),
        ("h", "http://h/", True),
        (" other , H ", "http://h/", True),
        ("h", "http://sub.h/", True),
        (".h", "http://sub.h/", True),
        ("*.h", "http://sub.h/", True),
        ("h", "http://notH/", False),
        ("h:81", "http://h:81/", True),
        ("h:81", "http://h/", False),
        ("10.0.0.0/8", "http://10.1.2.3/", True),
        ("10.0.0.0/8", "http://11.1.2.3/", False),
        ("10.1.2.3", "http://10.1.2.3/", True),
        ("10.1.2.3:81", "http://10.1.2.3:81/", True),
        ("10.1.2.3:81", "http://10.1.2.3/", False),
        ("::1", "http://[::1]/", True),
        ("[::1]:81", "http://[::1]:81/", True),
        ("name", "http://10.1.2.3/", False),
        ("", "http://h/", False),
    ],
)
def test_no_proxy(bypass: str, url: str, is_direct: bool) -> None:
    chosen = ProxyMap({"all": "p"}, bypass).choose(origin(url))
    assert (chosen is None) is is_direct


def test_proxies_of_the_environment() -> None:
    read = ProxyMap.from_environment
    url = origin("http://h/")
    assert read({"HTTP_PROXY": "a"}).choose(url) == Proxy("http", "a", 80)
    assert read({"http_proxy": "b", "HTTP_PROXY": "a"}).choose(url) == Proxy("http", "b", 80)
    assert read({"HTTP_PROXY": "a", "REQUEST_METHOD": "GET"}).choose(url) is None
    assert read({"ALL_PROXY": "a", "no_proxy": "h"}).choose(url) is None
    assert not read({"HTTPS_PROXY": ""})
    assert environment_proxy({}) == "http://localhost:3128"
    assert environment_proxy({"ALL_PROXY": "x"}) == "x"
    assert environment_proxy({"ALL_PROXY": "x", "http_proxy": "y"}) == "y"


# Retries


def test_when_to_try_again() -> None:
    policy = Retries(3, backoff=1)
    assert Retries.of(None) == Retries(0)
    assert Retries.of(3).total == 3
    error = httpc.ConnectError("x", "no")
    for tried, limit in ((0, 1), (1, 2), (2, 4)):
        pause = policy.after_error(tried, "POST", error)
        assert pause is not None
        assert 0 <= pause <= limit
    assert policy.after_error(3, "POST", error) is None
    assert policy.after_error(0, "POST", httpc.ReadError("x", "no")) is None
    assert policy.after_error(0, "GET", httpc.ReadError("x", "no")) is not None
    assert policy.after_error(0, "GET", httpc.ProtocolError("x", "no")) is None
    assert policy.after_error(0, "GET", httpc.TLSError("x", "no")) is None


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        ("7", 7, 7),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0, 0),
        ("soon", 0, 1),
        ("-1", 0, 1),
    ],
)
def test_retry_after(value: str, low: float, high: float) -> None:
    pause = Retries(1, backoff=1).after_answer(0, "GET", 503, {"retry-after": value})
    assert pause is not None
    assert low <= pause <= high


def test_retry_after_a_date() -> None:
    headers = {"retry-after": httpc.to_http_time(time.time() + 30)}
    pause = Retries(1, backoff=1).after_answer(0, "GET", 503, headers)
    assert pause is not None
    assert 20 <= pause <= 30


def test_retry_after_may_be_ignored() -> None:
    policy = Retries(1, backoff=0, respect_retry_after=False)
    assert policy.after_answer(0, "GET", 503, {"retry-after": "3600"}) == 0
    assert policy.after_answer(0, "GET", 404, {}) is None
    assert policy.after_answer(0, "POST", 503, {}) is None


@pytest.fixture(autouse=True)
def _no_netrc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
