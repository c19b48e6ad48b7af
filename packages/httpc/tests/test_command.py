"""The command ``httpc``, as a person calls it, and what it shows."""

# ruff: noqa: E402 - the imports need the extra that is looked for first
from __future__ import annotations

import io
import json
import re
import signal
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

for _module in ("rich", "selectolax"):
    pytest.importorskip(_module, reason="the command needs the extra `cli`")

from rich.console import Console

from eventlet.httpc import Client, TraceEvent
from eventlet.httpc._command._crawler import Crawler
from eventlet.httpc._command._display import Picture, live_display, print_summary
from eventlet.httpc._command._frontier import Frontier
from eventlet.httpc._command._main import main
from eventlet.httpc._command._page import DISALLOWED, Journal, Page
from eventlet.httpc._command._report import render_report
from eventlet.httpc._command._tally import Tally, counted, readable_size, readable_time
from eventlet.httpc._command._timing import Timing
from eventlet.hub import sleep

# The display and the report


def example() -> Tally:
    tally = Tally(elapsed=2.0)
    for number in range(20):
        tally.add(Page(f"http://h/{number}", 0, 200, size=1000, seconds=number / 10))
    tally.add(Page("http://slow/", 0, 302, seconds=20), is_known=True)
    tally.add(Page("http://bad/<b>", 1, 599, referrer="http://h/<i>"))
    tally.add(Page("http://none/", 0, error="ConnectError: no"))
    tally.add(Page("http://h/private", 0, error=DISALLOWED))
    tally.abandoned["none"] = 7
    return tally


def test_tally() -> None:
    tally = example()
    assert (tally.pages, tally.size, tally.rate) == (23, 20_000, 11.0)
    assert sum(tally.latencies) == 22
    assert tally.latencies[-1] == 1
    assert tally.alone == pytest.approx(19 + 20)
    assert (tally.failures, tally.disallowed) == (2, 1)
    assert [name for name, _ in tally.slowest_hosts(2)] == ["slow", "h"]
    assert len(tally.slowest) == 10
    assert tally.slowest[0].url == "http://slow/"
    assert Tally().rate == 0
    for number in range(200):
        tally.add(Page(f"http://h/{number}", 0, 404))
    assert (tally.failures, len(tally.broken)) == (202, 100)


def test_numbers_are_written_for_people() -> None:
    sizes = [readable_size(size) for size in (5, 2048, 3 * 1024**2, 4 * 1024**3)]
    assert sizes == ["5 B", "2.0 KiB", "3.0 MiB", "4.0 GiB"]
    times = [readable_time(seconds) for seconds in (0.0012, 0.0123, 5.25, 90, 9000)]
    assert times == ["1.2 ms", "12 ms", "5.2 s", "1.5 min", "2.5 h"]
    assert [counted(number, "page") for number in (0, 1, 1000)] == [
        "0 pages",
        "1 page",
        "1,000 pages",
    ]


class Balance(HTMLParser):
    """Checks that all elements of a page are closed, and collects its text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_report_is_safe_and_whole() -> None:
    page = render_report(["http://h/?<script>"], example())
    balance = Balance()
    balance.feed(page)
    assert balance.open == []
    for part in ("<script>", "http://bad/<b>", "http://h/<i>"):
        assert part not in page
        assert part == "<script>" or part in balance.text
    for part in ("23", "200 OK", "302 Found", "599", "ConnectError: no", "≤ 5 ms", "> 10 s",
                 "39.0 s", "1 page of it in earlier runs", "1 page disallowed by robots.txt",
                 "none stopped answering, with 7 pages not tried", "linked from"):  # fmt: skip
        assert part in balance.text
    two = render_report(["http://h/", "http://i/"], Tally())
    assert "http://h/ and 1 more" in two
    assert "nothing" in two
    tally = example()
    for number in range(200):
        tally.add(Page(f"http://h/{number}", 0, 404))
    assert "and 102 more" in render_report(["http://h/"], tally)


def test_the_display(site: Any) -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=100)
    with Client() as client:
        crawler = Crawler(client, Frontier(), Journal(None), concurrency=1)
        crawler.tally = example()
        with live_display(console, crawler):
            sleep(0)
        assert "under way" in out.getvalue()
        console.print(Picture(crawler).draw())
    text = out.getvalue()
    for part in ("slowest hosts", "ConnectError", "errors", "queue", "per second"):
        assert part in text


def test_rates_are_those_of_late() -> None:
    out = io.StringIO()
    with Client() as client:
        crawler = Crawler(client, Frontier(), Journal(None), concurrency=1)
        crawler.tally = example()
        picture = Picture(crawler)
        picture.draw()
        Console(file=out, width=100).print(picture.draw())
    # The pages were there before it was first drawn.
    assert "0 pages, 0 B" in out.getvalue()


def test_a_narrow_display_keeps_its_columns() -> None:
    tally = Tally()
    tally.add(Page(f"http://{'long-name.' * 12}example/", 0, 200, seconds=0.5))
    with Client() as client:
        crawler = Crawler(client, Frontier(), Journal(None), concurrency=1)
        crawler.tally = tally
        out = io.StringIO()
        Console(file=out, width=60).print(Picture(crawler).draw())
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 60
    assert lines[-1].endswith("500 ms")
    assert "…" in lines[-1]


def test_the_summary_names_what_went_wrong() -> None:
    out = io.StringIO()
    tally = example()
    console = Console(file=out, width=40, soft_wrap=True)
    print_summary(console, tally)
    for part in (
        "23 pages (1 of them known before), 19.5 KiB in 2.0 s; one at a time: about 39.0 s",
        "http://bad/<b>: 599, linked from http://h/<i>",
        "http://none/: ConnectError: no",
        "1 page not fetched: disallowed by robots.txt",
        "none stopped answering; 7 pages of it not tried",
    ):
        assert part in out.getvalue().splitlines()
    for number in range(200):
        tally.add(Page(f"http://h/{number}", 0, 404))
    print_summary(console, tally)
    assert "… and 197 more" in out.getvalue()


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


def test_a_body_ends_its_line_on_a_screen(
    site: Any, capfdbinary: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.pages |= {"/": b"one", "/two": b"two\n", "/none": b""}
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["get", site.url, f"{site.url}two", f"{site.url}none", site.url]) == 0
    assert capfdbinary.readouterr().out == b"one\ntwo\none\n"


@pytest.mark.in_order  # the first to connect must be the first URL
def test_get_streams(server: Any, capfdbinary: Any) -> None:
    """A body is written while it arrives, and the next one after it, though that is here first."""
    seen = []

    def first(peer: Any) -> None:
        peer.read()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n" + b"x" * 100_000)
        while not (out := capfdbinary.readouterr().out):
            sleep(0.001)
        seen.append(out)
        peer.send(b"y")

    def second(peer: Any) -> None:
        peer.read()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nz")

    server.play(first, second)
    assert main(["get", server.url, f"{server.url}2"]) == 0
    seen.append(capfdbinary.readouterr().out)
    assert b"".join(seen) == b"x" * 100_000 + b"yz"


def test_get_says_what_went_wrong(site: Any, capfdbinary: Any) -> None:
    assert main(["get", site.url]) == 1
    assert main(["get", "http://127.0.0.1:9/"]) == 1
    assert b"Connection refused" in capfdbinary.readouterr().err


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
     ["get", "x", "--timeout=-1"], ["get", "x", "--timeout", "nan"], ["get", "x", "--timeout=0"],
     ["get", "x", "--timeout", "soon"], ["crawl", "x", "--delay", "inf"], ["get", "x", "-X", "A B"],
     ["crawl", "x", "--depth", "x"], ["crawl", "x", "--output", "a", "--resume", "b"]],
)  # fmt: skip
def test_wrong_arguments(arguments: list[str], capsys: Any) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    err = capsys.readouterr().err
    assert "usage: httpc" in err
    assert "_" not in err  # no name of ours


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
    assert report.as_uri() in capfd.readouterr().err
    assert site.asked == ["/", "/a", "/b", "/robots.txt", "/robots.txt"]


def test_crawl_options(site: Any, capfd: Any) -> None:
    site.pages |= {"/": b"<a href=/a>", "/a": b"<a href=/b>", "/b": b"x"}
    options = ["--depth=1", "--ignore-robots", "--any-site", "--concurrency=2", "--output=-"]
    assert main(["crawl", site.url, *options]) == 0
    assert site.asked == ["/", "/a"]
    assert site.received[0].headers["user-agent"].startswith("eventlet-httpc/")
    assert [json.loads(line)["depth"] for line in capfd.readouterr().out.splitlines()] == [0, 1]


def test_crawl_says_that_a_site_has_stopped_answering(site: Any, capfd: Any) -> None:
    answers = site.scripts[0]

    def dies(peer: Any) -> None:
        def send_last(data: bytes) -> None:
            peer.sock.sendall(data)
            raise EOFError

        site.stop_listening()
        peer.send = send_last
        answers(peer)

    site.pages["/"] = b"".join(b"<a href=/%d>" % number for number in range(100))
    site.play(dies)
    assert main(["crawl", site.url, "--ignore-robots"]) == 1
    assert "127.0.0.1 stopped answering; " in capfd.readouterr().err


def test_robots_know_us_by_the_name_we_give(site: Any, capfd: Any) -> None:
    site.pages |= {"/": b"x", "/robots.txt": b"User-agent: visitor\nDisallow: /"}
    assert main(["crawl", site.url]) == 0
    assert main(["crawl", site.url, "-H", "User-Agent: Visitor/2.0"]) == 1
    assert "1 page not fetched: disallowed by robots.txt" in capfd.readouterr().err


def test_crawl_says_what_it_could_not_fetch(site: Any, capfd: Any) -> None:
    site.pages["/"] = b"<a href=/gone>"
    assert main(["crawl", site.url]) == 0
    assert f"{site.url}gone: 404, linked from {site.url}" in capfd.readouterr().err
    for urls, words in (
        (["http://127.0.0.1:9/", site.url], "http://127.0.0.1:9/: ConnectError: could not connect"),
        ([f"{site.url}gone"], f"{site.url}gone: 404"),
    ):
        assert main(["crawl", *urls]) == 1
        assert words in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["get", "nonsense"], "cannot request 'nonsense': it must begin with http://"),
        (["crawl", "nonsense"], "cannot request 'nonsense': it must begin with http://"),
        (["get", "http://h/", "-H", "nonsense"], "a header is written as 'NAME: VALUE'"),
        (["crawl", "http://h/", "-H", "a b: c"], "'a b'"),
        (["crawl", "http://h/", "--proxy", "ftp://h"], "a proxy's scheme is one of"),
        (["get", "http://h/", "--proxy", "ftp://h"], "a proxy's scheme is one of"),
        (["get", "http://h/", "-d", "@/no/where"], "cannot read /no/where: No such file"),
        (["crawl", "http://h/", "--output", "/no/where"], "cannot write /no/where: No such file"),
        (["crawl", "http://h/", "--report", "/no/where"], "cannot write /no/where: No such file"),
        (["crawl", "http://h/", "--resume", "/"], "cannot read /: Is a directory"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    arguments: list[str], words: str, capfd: Any
) -> None:
    assert main(arguments) == 2
    out, err = capfd.readouterr()
    assert err.startswith("httpc: ")
    assert words in err
    assert (out, err.count("\n")) == ("", 1)


def test_a_file_of_another_crawl_is_left_alone(site: Any, tmp_path: Path, capfd: Any) -> None:
    journal = tmp_path / "journal"
    assert main(["crawl", f"{site.url}one", "--resume", str(journal)]) == 1
    before = journal.read_bytes()
    capfd.readouterr()
    assert main(["crawl", f"{site.url}two", "--resume", str(journal)]) == 2
    assert f"it is of a crawl that began at {site.url}one" in capfd.readouterr().err
    assert journal.read_bytes() == before


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("option", ["--output", "--report"])
def test_a_full_disk_is_said_in_one_line(site: Any, option: str, capfd: Any) -> None:
    site.pages["/"] = b"x"
    assert main(["crawl", site.url, option, "/dev/full"]) == 2
    assert capfd.readouterr().err.endswith(
        "httpc: cannot write /dev/full: No space left on device\n"
    )


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
    assert f"interrupted; to go on: httpc crawl --resume {journal} …" in err
    assert "0 pages" in err
    assert journal.read_text() == ""
    assert main(["get", site.url]) == 130


@pytest.mark.parametrize("command", [["get"], ["crawl", "--output", "-"]])
def test_nobody_reads_the_output(command: list[str], standard_server: str) -> None:
    program = [sys.executable, "-m", "eventlet.httpc", *command, standard_server]
    with subprocess.Popen(
        program, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        err = process.stderr.read()
    assert process.returncode == 141
    assert b"Traceback" not in err
    assert b"BrokenPipeError" not in err


def test_the_module_is_a_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "eventlet.httpc", "--version"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.startswith("httpc ")


@pytest.mark.parametrize("words", [["--help"], ["get", "--help"], ["crawl", "--help"]])
def test_the_help_lists_the_exit_statuses(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(words)
    listed = re.findall(r"^  (\d+) ", capsys.readouterr().out, re.MULTILINE)
    assert listed == ["0", "1", "2", "3", "130", "141"]
