# ruff: noqa: E402 - the imports need the extra that is looked for first
from __future__ import annotations

import importlib.util
import io
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

for _module in ("rich", "selectolax"):
    pytest.importorskip(_module, reason="the command needs the extra `cli`")

from rich.console import Console

from eventlet.httpc import URL, Client, TraceEvent
from eventlet.httpc._command._crawler import DISALLOWED, Crawler
from eventlet.httpc._command._display import live_display, picture, summary
from eventlet.httpc._command._frontier import Frontier, Task
from eventlet.httpc._command._links import links
from eventlet.httpc._command._main import main
from eventlet.httpc._command._page import Journal, Page
from eventlet.httpc._command._report import render_report
from eventlet.httpc._command._robots import Robots
from eventlet.httpc._command._tally import Tally, readable_size
from eventlet.httpc._command._timing import Timing
from eventlet.hub import sleep

Ok = Callable[..., bytes]


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))


@pytest.fixture
def site(server: Any, ok: Ok) -> Any:
    """A server with pages: path to body, or to a whole answer."""
    server.pages = {}

    def script(peer: Any) -> None:
        while True:
            received = peer.read()
            server.received.append(received)
            body = server.pages.get(received.line.split()[1])
            if body is None:
                peer.send(ok(b"nothing", status=b"404 Not Found"))
            elif body.startswith(b"HTTP/"):
                peer.send(body)
            else:
                peer.send(ok(body, b"Content-Type: text/html"))

    server.play(script)
    return server


def asked(site: Any) -> list[str]:
    return sorted(received.line.split()[1] for received in site.received)


# Links


def test_links() -> None:
    page = """
        <a href="/a#x">1</a> <a href=" b\n">2</a> <area href="?c"> <iframe src="//other/d"></iframe>
        <a href="/a#y">again</a> <a href="mailto:me@h">3</a> <a href="http://[">4</a> <a name=e>
        <a href>5</a> <a href="javascript:f()">6</a>
    """
    url = URL.parse("http://h/deep/page")
    assert links(page, url) == [
        "http://h/a", "http://h/deep/b", "http://h/deep/page?c", "http://other/d",
        "http://h/deep/page",
    ]  # fmt: skip
    assert links('<base href="/base/"><a href=x>', url) == ["http://h/base/x"]
    assert links('<base href="http://["><a href=x>', url) == ["http://h/deep/x"]
    assert links(b"", url) == []


# The frontier


def test_each_url_is_planned_once_and_only_if_wanted() -> None:
    frontier = Frontier(hosts={"h"}, max_depth=1)
    assert frontier.add("http://h/", 0)
    assert not frontier.add("http://H:80/#x", 1)
    assert not frontier.add("http://other/", 1)
    assert not frontier.add("http://h/deep", 2)
    assert not frontier.add("mailto:me", 1)
    assert frontier.waiting == 1
    assert frontier.take(0) == Task("http://h/", 0)
    assert frontier.take(0) is None
    assert frontier.next_time() is None


def test_hosts_take_turns_within_their_limits() -> None:
    frontier = Frontier(per_host=1)
    for url in ("http://a/1", "http://a/2", "http://b/1"):
        frontier.add(url, 0)
    first, second = frontier.take(0), frontier.take(0)
    assert first is not None
    assert second is not None
    assert (first.url, second.url) == ("http://a/1", "http://b/1")
    assert frontier.take(0) is None
    assert frontier.next_time() is None
    frontier.finish(first)
    assert frontier.next_time() == 0
    assert frontier.take(0) == Task("http://a/2", 0)


def test_a_delay_lies_between_two_beginnings() -> None:
    frontier = Frontier(delay=2)
    for number in range(3):
        frontier.add(f"http://a/{number}", 0)
    assert frontier.take(10) is not None
    assert frontier.take(11) is None
    assert frontier.next_time() == 12
    frontier.slow_down("a", 5)
    frontier.slow_down("a", 1)
    assert frontier.take(12) is not None
    assert frontier.next_time() == 17


def test_a_crawl_may_be_short() -> None:
    frontier = Frontier(max_pages=2)
    for number in range(3):
        frontier.add(f"http://a/{number}", 0)
    frontier.skip("http://a/9")
    assert frontier.take(0) is not None
    assert frontier.take(0) is None
    assert frontier.is_full
    assert frontier.next_time() is None


# The journal


def test_a_journal_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    pages = [Page("http://h/é", 0, 200, links=("http://h/a",)), Page("http://h/a", 1, error="E: x")]
    journal = Journal(path)
    for page in pages:
        journal.write(page)
    journal.close()
    with path.open("ab") as file:
        file.write(b'{"url": "http://h/torn')
    again = Journal(path, resume=True)
    assert again.known == pages
    again.write(pages[0])
    again.close()
    for place, known in ((path, [*pages, pages[0]]), (tmp_path / "new", [])):
        journal = Journal(place, resume=True)
        assert journal.known == known
        journal.close()
    nowhere = Journal(None)
    nowhere.write(pages[0])
    nowhere.close()


@pytest.mark.parametrize("line", ["nonsense", "{}", "[]", '{"links": [], "odd": 1}'])
def test_another_file_is_no_journal(tmp_path: Path, line: str) -> None:
    path = tmp_path / "journal"
    path.write_text(line + "\n")
    with pytest.raises(ValueError, match=r"."):
        Journal(path, resume=True)
    assert path.read_text() == line + "\n"


# robots.txt


@pytest.mark.parametrize(
    ("answer", "allows"),
    [
        (b"User-agent: *\nDisallow: /private\nCrawl-delay: 3", [True, False, 3.0]),
        (b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", [True, True, 0.0]),
        (b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", [False, False, 0.0]),
        (b"HTTP/1.1 nonsense", [False, False, 0.0]),
    ],
)
def test_robots(site: Any, answer: bytes, allows: list[Any]) -> None:
    site.pages["/robots.txt"] = answer
    with Client() as client:
        robots = Robots(client, "eventlet-httpc/1")
        url = URL.parse(site.url)
        private = url.join("/private/x")
        assert [robots.allows(url), robots.allows(private), robots.delay_of(url)] == allows
    assert asked(site) == ["/robots.txt"]


# Crawls


def crawl(site: Any, **options: Any) -> tuple[Tally, list[Page]]:
    pages: list[Page] = []
    with Client() as client:
        frontier = Frontier(hosts={"127.0.0.1"})
        crawler = Crawler(client, frontier, Journal(None), concurrency=4, **options)
        crawler.begin([site.url])
        crawler.run(pages.append)
        assert crawler.active == 0
        return crawler.measure(), pages


def test_a_crawl_finds_all_pages_once(site: Any) -> None:
    site.pages |= {
        "/": b"<a href=/a><a href=/b><a href=/missing><a href=http://elsewhere.invalid/>",
        "/a": b"<a href=/><a href=/b><a href=/c#x>",
        "/b": b"<a href=/c>",
        "/c": b"HTTP/1.1 302 Found\r\nLocation: /d\r\nContent-Length: 0\r\n\r\n",
        "/d": b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<a href=/no/>",
    }
    tally, pages = crawl(site)
    assert asked(site) == ["/", "/a", "/b", "/c", "/d", "/missing"]
    assert tally.pages == 5
    assert tally.statuses == {200: 4, 404: 1}
    by_path = {URL.parse(page.url).path: page for page in pages}
    assert by_path["/c"].final_url == site.url + "d"
    assert [by_path[path].depth for path in ("/", "/a", "/c")] == [0, 1, 2]
    assert by_path["/b"].links == (site.url + "c",)


def test_a_crawl_can_go_one_page_at_a_time(site: Any) -> None:
    paths: list[str] = []
    site.pages["/"] = b"<a href=/a><a href=/b>"
    with Client() as client:
        crawler = Crawler(client, Frontier(), Journal(None), concurrency=1)
        crawler.begin([site.url])
        crawler.run(lambda page: paths.append(URL.parse(page.url).path))
    assert paths == ["/", "/a", "/b"]


def test_errors_are_results(site: Any) -> None:
    site.pages["/"] = b"<a href=/broken>"
    site.pages["/broken"] = b"HTTP/1.1 nonsense"
    tally, pages = crawl(site)
    assert tally.errors == {"ProtocolError": 1}
    assert pages[1].status is None


def test_robots_are_asked(site: Any) -> None:
    site.pages["/"] = b"<a href=/private><a href=/public>"
    site.pages["/robots.txt"] = b"User-agent: *\nDisallow: /private"
    with Client() as client:
        tally, _ = crawl(site, robots=Robots(client, "x"))
    assert asked(site) == ["/", "/public", "/robots.txt"]
    assert tally.errors == {DISALLOWED: 1}


def test_a_fault_of_the_program_ends_the_crawl(site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(client: Client, url: URL) -> Any:
        raise LookupError("a fault")

    monkeypatch.setattr(Client, "get", fails)
    with pytest.raises(LookupError, match="a fault"):
        crawl(site)


def test_pages_wait_for_their_time(site: Any) -> None:
    site.pages["/"] = b"<a href=/a><a href=/b>"
    with Client() as client:
        frontier = Frontier(delay=0.02)
        crawler = Crawler(client, frontier, Journal(None), concurrency=4)
        crawler.begin([site.url])
        crawler.run()
        assert crawler.measure().elapsed >= 0.04
    assert asked(site) == ["/", "/a", "/b"]


# The display and the report


def example() -> Tally:
    tally = Tally(elapsed=2.0)
    for number in range(20):
        tally.add(Page(f"http://h/{number}", 0, 200, size=1000, seconds=number / 10))
    tally.add(Page("http://slow/", 0, 302, seconds=20))
    tally.add(Page("http://bad/<b>", 0, 599))
    tally.add(Page("http://none/", 0, error="ConnectError: no"))
    return tally


def test_tally() -> None:
    tally = example()
    assert (tally.pages, tally.size, tally.rate) == (23, 20_000, 11.5)
    assert sum(tally.latencies) == 22
    assert tally.latencies[-1] == 1
    assert [name for name, _ in tally.slowest_hosts(2)] == ["slow", "h"]
    assert len(tally.slowest) == 10
    assert tally.slowest[0].url == "http://slow/"
    assert Tally().rate == 0
    sizes = [readable_size(size) for size in (5, 2048, 3 * 1024**2, 4 * 1024**3)]
    assert sizes == ["5 B", "2.0 KiB", "3.0 MiB", "4.0 GiB"]


def test_the_report_is_safe_and_whole() -> None:
    page = render_report(["http://h/?<script>"], example())
    assert "<script>" not in page
    assert "http://bad/<b>" not in page
    for part in ("23", "200 OK", "302 Found", ">599<", "ConnectError", "≤ 5 ms", "&gt; 10 s"):
        assert part in page
    assert "none" in render_report(["http://h/"], Tally())


def test_the_display(site: Any) -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=100)
    with Client() as client:
        crawler = Crawler(client, Frontier(), Journal(None), concurrency=1)
        crawler.tally = example()
        with live_display(console, crawler):
            sleep(0)
        assert "under way" in out.getvalue()
        console.print(picture(crawler))
        console.print(summary(example()))
    text = out.getvalue()
    for part in ("slowest hosts", "ConnectError", "pages a second"):
        assert part in text


def test_no_display_where_nobody_looks() -> None:
    out = io.StringIO()
    with Client() as client:
        crawler = Crawler(client, Frontier(), Journal(None), concurrency=1)
        with live_display(Console(file=out), crawler):
            pass
    assert out.getvalue() == ""


def test_timing() -> None:
    timing = Timing()
    for name, at in (("begun", 1.0), ("reused", 1.5), ("sent", 2.0), ("complete", 4.0)):
        timing.note(TraceEvent(1, name, at))
    assert timing.phases() == [[("waiting for a turn", 0.5), ("sending", 0.5), ("receiving", 2.0)]]
    assert timing.table().row_count == 4


# The command


def test_get_prints_bodies(site: Any, capfdbinary: Any) -> None:
    site.pages |= {"/": b"one\n", "/two": b"two\n"}
    assert main(["get", site.url, site.url + "two", "-H", "X: y", "-t", "-i"]) == 0
    out, err = capfdbinary.readouterr()
    assert out == b"one\ntwo\n"
    assert b"HTTP/1.1 200 OK" in err
    assert b"waiting for the answer" in err
    assert site.received[0].headers["x"] == "y"


def test_get_says_what_went_wrong(site: Any, capfdbinary: Any) -> None:
    assert main(["get", site.url]) == 1
    assert main(["get", "http://127.0.0.1:9/"]) == 1
    assert b"Connection refused" in capfdbinary.readouterr().err
    assert main(["get", site.url, "-H", "nonsense"]) == 2
    assert main(["get", site.url, "-d", "@/does/not/exist"]) == 2


def test_get_sends_data(site: Any, tmp_path: Path, capfdbinary: Any) -> None:
    (tmp_path / "file").write_bytes(b"\0")
    site.pages["/"] = b""
    assert main(["get", site.url, "-d", "text", "--timeout", "9"]) == 0
    assert main(["get", site.url, "-X", "PUT", "-d", f"@{tmp_path / 'file'}", "-k"]) == 0
    assert [(each.line, each.body) for each in site.received] == [
        ("POST / HTTP/1.1", b"text"),
        ("PUT / HTTP/1.1", b"\0"),
    ]


@pytest.mark.parametrize(
    "arguments",
    [[], ["get"], ["crawl"], ["crawl", "x", "--depth=-1"], ["crawl", "x", "--per-host", "0"],
     ["get", "x", "--timeout=-1"], ["get", "x", "--timeout", "nan"]],
)  # fmt: skip
def test_wrong_arguments(arguments: list[str], capsys: Any) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: httpc" in capsys.readouterr().err


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr("eventlet.httpc._command._main.find_spec", lambda name: None)
    assert main(["get", "http://h/"]) == 3
    assert "pip install 'eventlet-httpc[cli]'" in capsys.readouterr().err


def test_crawl_and_its_files(site: Any, tmp_path: Path, capfd: Any) -> None:
    site.pages |= {"/": b"<a href=/a>", "/a": b"<a href=/b>", "/b": b"x"}
    journal, report = tmp_path / "pages.jsonl", tmp_path / "report.html"
    arguments = ["crawl", site.url, "--report", str(report)]
    assert main([*arguments, "--output", str(journal), "--max-pages", "2"]) == 0
    assert "2 pages" in capfd.readouterr().err
    assert len(journal.read_text().splitlines()) == 2
    assert main([*arguments, "--resume", str(journal)]) == 0
    assert [json.loads(line)["status"] for line in journal.read_text().splitlines()] == [200] * 3
    assert "How long answers took" in report.read_text()
    assert asked(site) == ["/", "/a", "/b", "/robots.txt", "/robots.txt"]


def test_crawl_options(site: Any) -> None:
    site.pages |= {"/": b"<a href=/a>", "/a": b"<a href=/b>", "/b": b"x"}
    options = ["--depth=1", "--ignore-robots", "--any-site", "--concurrency=2"]
    assert main(["crawl", site.url, *options]) == 0
    assert asked(site) == ["/", "/a"]
    assert site.received[0].headers["user-agent"].startswith("eventlet-httpc/")


def test_crawl_refuses_what_it_cannot_do(tmp_path: Path, capfd: Any) -> None:
    assert main(["crawl", "nonsense"]) == 2
    assert main(["crawl", "http://h/", "--output", str(tmp_path / "no" / "where")]) == 2
    assert "cannot request" in capfd.readouterr().err


def test_ctrl_c_ends_a_crawl_with_a_summary(site: Any, capfd: Any, tmp_path: Path) -> None:
    def interrupts(peer: Any) -> None:
        peer.read()
        signal.raise_signal(signal.SIGINT)
        sleep(100)

    site.play(interrupts)
    journal = tmp_path / "journal"
    arguments = ["crawl", site.url, "--ignore-robots", "--output", str(journal)]
    assert main(arguments) == 130
    err = capfd.readouterr().err
    assert "interrupted" in err
    assert "0 pages" in err
    assert journal.read_text() == ""


def test_the_module_is_a_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "eventlet.httpc", "--version"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("httpc ")
    spec = importlib.util.find_spec("eventlet.httpc.__main__")
    assert spec is not None
