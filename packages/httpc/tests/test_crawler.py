"""How a crawl finds its way: without a command line, and in spite of what servers do."""

# ruff: noqa: E402 - the imports need the extra that is looked for first

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

for _module in ("rich", "selectolax"):
    pytest.importorskip(_module, reason="the command needs the extra `cli`")

from eventlet.httpc import URL, Client
from eventlet.httpc._command._crawler import MAX_REDIRECTS, Crawler
from eventlet.httpc._command._frontier import PATIENCE, Frontier, Task
from eventlet.httpc._command._links import TooDeep, links
from eventlet.httpc._command._options import CommandError
from eventlet.httpc._command._page import DISALLOWED, Journal, Page, read_journal
from eventlet.httpc._command._robots import Disallowed, Robots
from eventlet.hub import sleep

# Links


def test_links() -> None:
    page = b"""
        <a href="/a#x">1</a> <a href=" b\n">2</a> <area href="?c"> <iframe src="//other/d"></iframe>
        <a href="/a#y">again</a> <a href="mailto:me@h">3</a> <a href="http://[">4</a> <a name=e>
        <a href>5</a> <a href="javascript:f()">6</a>
    """
    url = URL.parse("http://h/deep/page")
    assert links(page, "", url) == [
        "http://h/a", "http://h/deep/b", "http://h/deep/page?c", "http://other/d",
        "http://h/deep/page",
    ]  # fmt: skip
    assert links(b'<base href="/base/"><a href=x>', "", url) == ["http://h/base/x"]
    assert links(b'<base href="http://["><a href=x>', "", url) == ["http://h/deep/x"]
    assert links(b"", "", url) == []


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        ("<a href='/é'>".encode(), "text/html"),
        ("<a href='/é'>".encode("latin-1"), "text/html; Charset='ISO-8859-1'"),
        ("<meta charset=latin1><a href='/é'>".encode("latin-1"), "text/html"),
        ("<meta charset=latin1><a href='/é'>".encode(), "text/html; charset=utf-8"),
        ("<meta content='text/html; charset=cp1252'><a href='/é'>".encode("cp1252"), ""),
        ("<meta charset=latin1><a href='/é'>".encode("utf-8-sig"), "text/html"),
        ("<a href='/é'>".encode("utf-16"), "text/html; charset=utf-8"),
        (b"\xfe\xff" + "<a href='/é'>".encode("utf-16-be"), ""),
        # Python has no such encodings, or none for bytes, or none that replaces what is wrong.
        ("<a href='/é'>".encode(), "text/html; charset=no-such"),
        ("<a href='/é'>".encode(), "text/html; charset=rot13"),
        ("<a href='/é'>".encode(), "text/html; charset=idna"),
    ],
)
def test_links_are_found_in_any_encoding(content: bytes, content_type: str) -> None:
    assert links(content, content_type, URL.parse("http://h/")) == ["http://h/%C3%A9"]


@pytest.mark.parametrize(
    "content",
    [
        b"<table><a href='/x'><p <b><a ",
        b"<b>x</b>" * 6_000 + b"<a href=/x>",
        b"\x00\xff<a href=/x>\x80</html></html><a",
        b"<div>" * 5_000 + b"<a href=/x>",
        b"<li><a href='/y'>y</a><br>" * 6_000 + b"</x><a href=/x>",
        b"+2AA-<a href=/x>",
    ],
)
def test_broken_pages_still_have_links(content: bytes) -> None:
    assert "http://h/x" in links(content, "text/html; charset=utf-7", URL.parse("http://h/"))


@pytest.mark.parametrize("content", [b"<DIV>" * 100_000, b"<div></x>" * 20_000])
def test_pages_that_would_take_for_ever_are_not_read(content: bytes) -> None:
    with pytest.raises(TooDeep, match="nests more than 10,000 elements"):
        links(content, "text/html", URL.parse("http://h/"))


# The frontier


def add(frontier: Frontier, url: str, depth: int = 0) -> bool:
    task = Task(url, depth)
    if not frontier.admit(task):
        return False
    frontier.put(task)
    return True


def test_each_url_is_planned_once_and_only_if_wanted() -> None:
    frontier = Frontier(hosts={"h"}, max_depth=1)
    assert add(frontier, "http://h/")
    assert not add(frontier, "http://h/", 1)
    assert not add(frontier, "http://other/", 1)
    assert not add(frontier, "http://h/deep", 2)
    assert not add(frontier, "mailto:me", 1)
    frontier.allow("http://other/")
    assert add(frontier, "http://other/", 1)
    assert frontier.waiting == 2
    assert frontier.take(0) == Task("http://h/", 0)
    assert frontier.take(0) is None
    assert frontier.next_time() is None


def test_hosts_take_turns_within_their_limits() -> None:
    frontier = Frontier(per_host=2)
    for url in ("http://a/1", "http://a/2", "http://a/3", "http://b/1"):
        add(frontier, url)
    first, second = frontier.take(0), frontier.take(0)
    assert first is not None
    assert second is not None
    assert (first.url, second.url) == ("http://a/1", "http://b/1")
    # It has not said yet how fast it may be asked.
    assert frontier.take(0) is None
    assert frontier.next_time() is None
    frontier.welcome("a", 0)
    assert frontier.take(0) == Task("http://a/2")
    assert frontier.take(0) is None
    frontier.finish(first)
    assert frontier.next_time() == 0
    assert frontier.take(0) == Task("http://a/3")


def test_a_delay_lies_between_two_beginnings() -> None:
    frontier = Frontier(delay=2)
    for number in range(3):
        add(frontier, f"http://a/{number}")
    assert frontier.take(10) is not None
    frontier.welcome("a", 0)
    assert frontier.take(11) is None
    assert frontier.next_time() == 12
    frontier.welcome("a", 5)
    frontier.welcome("a", 1)
    assert frontier.take(12) is None
    assert frontier.take(15) is not None
    assert frontier.next_time() == 20


def test_a_crawl_may_be_short() -> None:
    frontier = Frontier(max_pages=3)
    frontier.skip(1)
    assert [add(frontier, f"http://a/{number}") for number in range(4)] == [
        True,
        True,
        False,
        False,
    ]
    assert frontier.admit(Task("http://a/known"), is_known=True)
    frontier.welcome("a", 0)
    assert frontier.take(0) is not None
    assert frontier.take(0) is not None
    assert frontier.take(0) is None
    assert frontier.is_full
    assert frontier.next_time() is None


def test_the_nearest_pages_come_first() -> None:
    frontier = Frontier(max_depth=2)
    for depth in (2, 1, 0):
        add(frontier, f"http://a/{depth}", depth)
    frontier.welcome("a", 0)
    for depth in (0, 1, 2):
        task = frontier.take(0)
        assert task == Task(f"http://a/{depth}", depth)
        # The next might still be found to be nearer.
        assert frontier.take(0) is None
        assert frontier.next_time() is None
        frontier.finish(task)


def test_a_host_that_stops_answering_is_abandoned() -> None:
    frontier = Frontier()
    for number in range(3):
        add(frontier, f"http://a/{number}")
    add(frontier, "http://b/")
    for _ in range(2):
        for _ in range(PATIENCE - 1):
            frontier.note("a", answers=False)
        assert not frontier.abandoned
        frontier.note("a", answers=True)
    for _ in range(PATIENCE + 1):
        frontier.note("a", answers=False)
    assert frontier.abandoned == {"a": 3}
    assert frontier.waiting == 1
    assert add(frontier, "http://a/more")
    assert frontier.abandoned == {"a": 4}
    assert frontier.take(0) == Task("http://b/")
    assert frontier.take(0) is None
    for _ in range(PATIENCE):
        frontier.note("idle", answers=False)
    assert frontier.abandoned == {"a": 4, "idle": 0}


# The journal


def test_a_journal_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    pages = [Page("http://h/é", 0, 200, links=("http://h/a",)), Page("http://h/a", 1, error="E: x")]
    journal = Journal(str(path))
    for page in pages:
        journal.write(page)
    journal.close()
    for torn in (b'{"url":"http://h/to', b'{"u'):
        with path.open("ab") as file:
            file.write(torn)
        assert read_journal(path) == pages
    again = Journal(str(path), appends=True)
    again.write(pages[0])
    again.close()
    assert read_journal(path) == [*pages, pages[0]]
    assert read_journal(tmp_path / "new") == []
    nowhere = Journal(None)
    nowhere.write(pages[0])
    nowhere.close()


@pytest.mark.parametrize(
    "content",
    [b"nonsense\n", b"{}\n", b"[]\n", b'{"links": [], "odd": 1}\n', b"no end of a line",
     b'{"url":1,"depth":0,"links":[]}\n', b"\xff\n", b'{"url":"x","depth":0,"links":3}\n'],
)  # fmt: skip
def test_another_file_is_no_journal(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "journal"
    path.write_bytes(content)
    with pytest.raises(CommandError, match="its line 1 was not written by a crawl"):
        read_journal(path)
    assert path.read_bytes() == content


# robots.txt


def ask(site: Any, answer: bytes, path: str) -> float | None:
    """Return what a site wants between two pages; None if it does not want a page to be read."""
    site.pages["/robots.txt"] = answer
    with Client() as client:
        try:
            return Robots(client, "eventlet-httpc/1").check(URL.parse(site.url).join(path))
        except Disallowed:
            return None


GONE = b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"
DOWN = b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"
RULES = b"User-agent: *\nDisallow: /private\nCrawl-delay: 3"


@pytest.mark.parametrize(
    ("answer", "path", "expected"),
    [
        (RULES, "/", 3.0),
        (RULES, "/private/x", None),
        (b"\xef\xbb\xbf" + RULES, "/private/x", None),
        (RULES.replace(b"*", b"eventlet-httpc"), "/private/x", None),
        (RULES.replace(b"*", b"another"), "/private/x", 0.0),
        (RULES + "\nCrawl-delay: ²\nAllow: http://[".encode(), "/", 3.0),
        (RULES + "\nCrawl-delay: ²\nAllow: http://[".encode(), "/private/x", None),
        (RULES + b"\n" * 1_000_000 + b"Disallow: /", "/", 3.0),
        (GONE, "/private/x", 0.0),
        (DOWN, "/", None),
    ],
)  # fmt: skip
def test_robots(site: Any, answer: bytes, path: str, expected: float | None) -> None:
    assert ask(site, answer, path) == expected
    assert site.asked == ["/robots.txt"]


# Crawls


def crawl(site: Any, *, max_depth: int | None = None, known: Any = (), **options: Any) -> Any:
    """Crawl a site; return the numbers, and the pages by their paths."""
    pages: dict[str, Page] = {}
    with Client(max_body=100_000) as client:
        if options.pop("asks", False):
            options["robots"] = Robots(client, "x")
        frontier = Frontier(hosts={"127.0.0.1"}, max_depth=max_depth)
        crawler = Crawler(client, frontier, Journal(None), concurrency=4, **options)
        crawler.begin([URL.parse(site.url)], known)
        crawler.run(lambda page: pages.update({URL.parse(page.url).target: page}))
        assert crawler.active == 0
        return crawler.measure(), pages


def redirect(location: str) -> bytes:
    return f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


def test_a_crawl_finds_all_pages_once(site: Any) -> None:
    site.pages |= {
        "/": b"<a href=/a><a href=/b#1><a href=/missing><a href=http://elsewhere.invalid/>",
        "/a": b"<a href=/><a href=/x/../b><a href=HTTP://127.0.0.1:%d/b><a href=/c#x>" % site.port,
        "/b": b"<a href=/c><a href=./%2e/b#2>",
        "/c": redirect("/d#y"),
        "/d": b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<a href=/no/>",
    }
    tally, pages = crawl(site)
    assert site.asked == ["/", "/a", "/b", "/c", "/d", "/missing"]
    assert tally.pages == 6
    assert tally.statuses == {200: 4, 302: 1, 404: 1}
    assert [pages[path].depth for path in ("/", "/a", "/c", "/d")] == [0, 1, 2, 2]
    assert pages["/b"].links == (site.url + "c", site.url + "b")
    assert pages["/d"].referrer == site.url + "c"
    assert [page.url for page in tally.broken] == [site.url + "missing"]


def test_a_crawl_can_go_one_page_at_a_time(site: Any) -> None:
    paths: list[str] = []
    site.pages["/"] = b"<a href=/a><a href=/b>"
    with Client() as client:
        crawler = Crawler(client, Frontier(), Journal(None), concurrency=1)
        crawler.begin([URL.parse(site.url), URL.parse(f"{site.url}#top")])
        crawler.run(lambda page: paths.append(URL.parse(page.url).path))
    assert paths == ["/", "/a", "/b"]


def test_the_shortest_way_counts_even_if_it_is_the_slowest(site: Any, ok: Any) -> None:
    site.pages |= {"/": b"<a href=/slow><a href=/1>", "/1": b"<a href=/2>", "/2": b"<a href=/end>"}
    site.pages |= {"/end": b"<a href=/beyond>", "/slow": b"<a href=/end>"}
    tally, pages = crawl(site, max_depth=3)
    assert pages["/end"].depth == 2
    assert pages["/beyond"].depth == 3
    assert tally.pages == 6


def test_a_crawl_goes_on_where_an_earlier_one_has_ended(site: Any) -> None:
    site.pages |= {"/": b"<a href=/moved><a href=/failed>", "/moved": redirect("/end")}
    site.pages |= {"/end": b"<a href=/far><a href=/new>", "/far": b"", "/failed": b"x"}
    _, before = crawl(site)
    known = [page for path, page in before.items() if path != "/new"]
    known[known.index(before["/failed"])] = before["/failed"]._replace(status=None, error="E: x")
    site.received.clear()
    tally, _ = crawl(site, known=known)
    assert site.asked == ["/failed", "/new"]
    assert (tally.pages, tally.known) == (6, 4)


def test_the_most_pages_are_those_of_all_runs(site: Any) -> None:
    site.pages["/"] = b"<a href=/new><a href=/newer><a href=/1>"
    site.pages |= {"/1": b"<a href=/2>", "/2": b"<a href=/newest>"}
    known = [
        Page(site.url, 0, 200, links=(f"{site.url}new", f"{site.url}newer", f"{site.url}1")),
        Page(f"{site.url}1", 1, 200, links=(f"{site.url}2",)),
        Page(f"{site.url}2", 2, 200, links=(f"{site.url}newest",)),
    ]
    with Client() as client:
        crawler = Crawler(client, Frontier(max_pages=4), Journal(None), concurrency=4)
        crawler.begin([URL.parse(site.url)], known)
        crawler.run()
    assert (crawler.tally.pages, crawler.tally.known) == (4, 3)
    assert site.asked == ["/new"]


def test_errors_are_results(site: Any) -> None:
    site.pages["/"] = b"<a href=/broken><a href=/big><a href=/bigger><a href=/bad>"
    site.pages["/broken"] = b"HTTP/1.1 nonsense"
    site.pages["/big"] = b"x" * 100_001
    site.pages["/bigger"] = b"HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n" + b"x" * 100_001
    site.pages["/bad"] = redirect("http://[")
    tally, pages = crawl(site)
    assert tally.errors == {"ProtocolError": 1, "BodyTooLarge": 2, "InvalidURL": 1}
    assert tally.failures == 4
    assert pages["/broken"].status is None


def test_redirects_end(site: Any) -> None:
    pages = {f"/{number}": redirect(f"/{number + 1}") for number in range(MAX_REDIRECTS + 5)}
    site.pages |= {"/": b"<a href=/0><a href=/loop>", "/loop": redirect("/loop"), **pages}
    tally, _ = crawl(site)
    assert tally.statuses == {200: 1, 302: MAX_REDIRECTS + 1}
    assert tally.errors == {"TooManyRedirects": 1}


def test_a_site_is_also_where_its_beginning_leads(site: Any) -> None:
    elsewhere = f"http://localhost:{site.port}"
    site.pages |= {"/": redirect(f"{elsewhere}/home"), "/home": b"<a href=/page>"}
    site.pages |= {"/page": redirect("http://elsewhere.invalid/")}
    tally, _ = crawl(site)
    assert site.asked == ["/", "/home", "/page"]
    assert not tally.errors


def test_robots_are_asked(site: Any) -> None:
    site.pages["/"] = b"<a href=/private><a href=/public><a href=/moved>"
    site.pages["/moved"] = redirect("/private/2")
    site.pages["/robots.txt"] = b"User-agent: *\nDisallow: /private"
    tally, pages = crawl(site, asks=True)
    assert site.asked == ["/", "/moved", "/public", "/robots.txt"]
    assert (tally.pages, tally.disallowed, tally.failures) == (3, 2, 1)
    assert pages["/private"].error == DISALLOWED


def test_who_cannot_be_asked_for_robots_has_no_pages_either(site: Any) -> None:
    site.pages["/robots.txt"] = b"HTTP/1.1 nonsense"
    tally, _ = crawl(site, asks=True)
    assert tally.errors == {"ProtocolError": 1}
    assert site.asked == ["/robots.txt"]


def test_a_slow_robots_file_holds_up_its_own_site_only(site: Any, ok: Any) -> None:
    site.pages["/"] = b"<a href=http://localhost:%d/>" % site.port
    answers = site.scripts[0]
    order: list[str] = []

    def script(peer: Any) -> None:
        head = peer.until(b"\r\n\r\n")
        if b"Host: 127" in head and b"/robots.txt" in head:
            while "/other" not in order:
                sleep(0.001)
        peer.buffer = head + b"\r\n\r\n" + peer.buffer
        answers(peer)

    site.play(script)
    urls = [URL.parse(site.url), URL.parse(f"http://localhost:{site.port}/other")]
    with Client() as client:
        robots = Robots(client, "x")
        crawler = Crawler(client, Frontier(), Journal(None), concurrency=4, robots=robots)
        crawler.begin(urls)
        crawler.run(lambda page: order.append(URL.parse(page.url).path))
    assert order[0] == "/other"


def test_a_slow_first_page_holds_up_nobody(site: Any) -> None:
    answers = site.scripts[0]
    order: list[str] = []

    def script(peer: Any) -> None:
        head = peer.until(b"\r\n\r\n")
        while head.startswith(b"GET /slow ") and "/fast" not in order:
            sleep(0.001)
        peer.buffer = head + b"\r\n\r\n" + peer.buffer
        answers(peer)

    site.play(script)
    with Client() as client:
        crawler = Crawler(client, Frontier(), Journal(None), concurrency=4)
        crawler.begin([URL.parse(site.url).join(path) for path in ("/slow", "/fast")])
        crawler.run(lambda page: order.append(URL.parse(page.url).path))
    assert order == ["/fast", "/slow"]


def test_a_server_that_dies_is_left_alone(site: Any) -> None:
    site.pages["/"] = b"".join(b"<a href=/%d>" % number for number in range(200))
    answers = site.scripts[0]

    def dies(peer: Any) -> None:
        site.stop_listening()
        site.scripts = [answers]
        answers(peer)

    site.play(dies)
    with Client() as client:
        crawler = Crawler(client, Frontier(), Journal(None), concurrency=4)
        crawler.begin([URL.parse(site.url)])
        crawler.run(lambda page: [thread.throw() for thread in site.threads[1:]])
    tally = crawler.measure()
    assert tally.statuses == {200: 1}
    assert PATIENCE <= sum(tally.errors.values()) < PATIENCE + 4
    assert tally.pages + tally.abandoned["127.0.0.1"] == 201
    assert not crawler.has_failed


def test_thousands_of_links_are_remembered_only_if_they_can_be_followed(site: Any) -> None:
    site.pages["/"] = b"".join(b"<a href=/%d>" % number for number in range(20_000))
    with Client() as client:
        frontier = Frontier(max_pages=10)
        crawler = Crawler(client, frontier, Journal(None), concurrency=4)
        crawler.begin([URL.parse(site.url)])
        most = 0

        def watch(page: Page) -> None:
            nonlocal most
            most = max(most, frontier.waiting)

        crawler.run(watch)
    assert most == 9
    assert len(site.received) == 10


def test_credentials_stay_at_their_origin(site: Any) -> None:
    site.pages["/"] = b"<a href=/a><a href=http://localhost:%d/b>" % site.port
    with Client() as client:
        crawler = Crawler(client, Frontier(), Journal(None), concurrency=1)
        crawler.begin([URL.parse(site.url.replace("//", "//me:secret@"))])
        crawler.run()
    sent = {received.line.split()[1]: received.headers for received in site.received}
    assert [path for path in ("/", "/a", "/b") if "authorization" in sent[path]] == ["/", "/a"]
    assert "secret" not in "".join(page.url for page in crawler.tally.slowest)


def test_a_fault_of_the_program_ends_the_crawl(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: Any, **options: Any) -> Any:
        raise LookupError("a fault")

    monkeypatch.setattr(Client, "stream", fails)
    with pytest.raises(LookupError, match="a fault"):
        crawl(site)


def test_pages_wait_for_their_time(site: Any) -> None:
    site.pages["/"] = b"<a href=/a><a href=/b>"
    with Client() as client:
        frontier = Frontier(delay=0.02)
        crawler = Crawler(client, frontier, Journal(None), concurrency=4)
        crawler.begin([URL.parse(site.url)])
        crawler.run()
        assert crawler.measure().elapsed >= 0.04
    assert site.asked == ["/", "/a", "/b"]
