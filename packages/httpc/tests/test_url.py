from __future__ import annotations

import pickle
import time

import pytest

from eventlet.httpc import URL, InvalidURL


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("http://a", "http://a/"),
        ("HTTP://A.B:80/x/../y/./z?q=a b#f", "http://a.b/y/z?q=a%20b#f"),
        ("https://a:443/", "https://a/"),
        ("https://a:80/", "https://a:80/"),
        ("http://h:8/a%zz/é?é", "http://h:8/a%25zz/%C3%A9?%C3%A9"),
        ("http://[::1]:80/", "http://[::1]/"),
        ("http://[0:0::1]:81/", "http://[::1]:81/"),
        ("http://[fe80::1%25eth0]/", "http://[fe80::1%25eth0]/"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/"),
        ("http://b%C3%BCcher.example/", "http://xn--bcher-kva.example/"),
        ("http://a//b//c", "http://a//b//c"),
        ("http://a/.", "http://a/"),
        ("http://a/b/%2e%2E/c", "http://a/c"),
        ("http://a/../../b", "http://a/b"),
        ("http://a/b/..", "http://a/"),
        ("http://a/.hidden", "http://a/.hidden"),
        ("http://a?x", "http://a/?x"),
        ("http://a:/", "http://a/"),
        ("http://a/\\b", "http://a/%5Cb"),
        ("http://user:secret@a/", "http://a/"),
    ],
)
def test_writes_a_url_in_its_one_safe_form(text: str, clean: str) -> None:
    assert str(URL.parse(text)) == clean
    assert str(URL.parse(clean)) == clean


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("http://", "names no host"),
        ("http:///x", "names no host"),
        ("ftp://a/", "must begin with http"),
        ("a", "must begin with http"),
        ("", "must begin with http"),
        ("http://a b/", "where its host begins"),
        ("http://a\\@b/", "where its host begins"),
        ("http://a@b@c", "where its host begins"),
        ("http://a:0/", "port"),
        ("http://a:99999/", "port"),
        ("http://a:²/", "port"),
        ("http://a:1:2/", "port"),
        ("http://[::1/", "brackets"),
        ("http://[::1]x/", "brackets"),
        ("http://[zz]/", "not an IPv6 address"),
        ("http://[fe80::1%25a/b]/", "brackets"),
        ("http://[fe80::1%25a b]/", "where its host begins"),
        ("http://[fe80::1%25%20]/", "network interface"),
        ("http://a\r\nb/", "control characters"),
        ("http://a/\r\nX: y", "control characters"),
        ("http://a/\0", "control characters"),
        ("http://a..b/", "not a name"),
        ("http://a%2fb/", "not a name"),
        ("http://%00/", "not a name"),
        ("http://\ud800/", "not a name"),
        ("http://" + "a." * 200 + "b/", "more than 253"),
    ],
)
def test_refuses_what_cannot_be_requested_safely(text: str, reason: str) -> None:
    with pytest.raises(InvalidURL, match=reason) as caught:
        URL.parse(text)
    assert isinstance(caught.value, ValueError)


def test_refuses_what_is_not_text() -> None:
    with pytest.raises(InvalidURL, match="a URL is text"):
        URL.parse(b"http://a/")  # type: ignore[arg-type]


def test_error_survives_pickling() -> None:
    with pytest.raises(InvalidURL) as caught:
        URL.parse("gopher://a/")
    twin = pickle.loads(pickle.dumps(caught.value))
    assert str(twin) == str(caught.value)
    assert (twin.url, twin.reason) == ("gopher://a/", caught.value.reason)


def test_long_paths_cost_no_more_than_their_length() -> None:
    began = time.process_time()
    for odd in ("a", "a/", "./", "%2e/", "é"):
        URL.parse("http://h/" + odd * 20000)
    assert time.process_time() - began < 5


def test_parts() -> None:
    url = URL.parse("http://us%40er:pass%3Aword@H:8080/p?q#f")
    assert (url.scheme, url.host, url.port, url.authority) == ("http", "h", 8080, "h:8080")
    assert (url.username, url.password) == ("us@er", "pass:word")
    assert (url.path, url.query, url.fragment, url.target) == ("/p", "q", "f", "/p?q")
    assert url.origin.peer == "h port 8080"
    assert str(url.origin) == "http://h:8080"
    assert repr(url) == "URL('http://h:8080/p?q#f')"


def test_no_userinfo_is_none_and_an_empty_one_is_empty() -> None:
    assert URL.parse("http://h/").username is None
    url = URL.parse("http://@h/")
    assert (url.username, url.password) == ("", None)


def test_host_header_leaves_out_the_interface() -> None:
    assert URL.parse("http://[fe80::1%25eth0]:81/").authority == "[fe80::1]:81"
    assert URL.parse("http://[::1]:81/").authority == "[::1]:81"


@pytest.mark.parametrize(
    ("reference", "joined"),
    [
        ("../x", "http://h/x#d"),
        ("//o/y", "http://o/y#d"),
        ("?z", "http://h/a/b?z#d"),
        ("#e", "http://h/a/b?c#e"),
        ("https://s/", "https://s/#d"),
    ],
)
def test_join(reference: str, joined: str) -> None:
    assert URL.parse("http://h/a/b?c#d").join(reference) == joined


def test_join_refuses_other_schemes() -> None:
    with pytest.raises(InvalidURL):
        URL.parse("http://h/").join("file:///etc/passwd")
    with pytest.raises(InvalidURL, match="IPv6"):
        URL.parse("http://h/").join("http://[")


def test_with_query_and_fragment() -> None:
    assert URL.parse("http://h/").with_query("a=1") == "http://h/?a=1"
    assert URL.parse("http://h/?b=2#x").with_query("a=1") == "http://h/?b=2&a=1#x"
    assert URL.parse("http://h/#x").with_fragment(None) == "http://h/"


def test_equality_and_hash() -> None:
    first, second = URL.parse("http://h/"), URL.parse("http://u@h:80")
    assert first == second
    assert hash(first) == hash(second)
    assert first != URL.parse("http://i/")
    assert first != 1
    assert URL.parse(first) is first
