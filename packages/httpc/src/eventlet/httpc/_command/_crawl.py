"""``httpc crawl``: a site, or more than one, with something to look at meanwhile."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from shlex import join

from rich.console import Console
from rich.text import Text

from .._client import Client
from .._options import Limits
from .._url import URL
from .._version import __version__
from ..errors import HTTPError
from ._crawler import Crawler
from ._display import live_display, print_summary
from ._frontier import Frontier
from ._options import INTERRUPTED, CommandError, client_options
from ._page import Journal, Page, read_journal
from ._report import render_report
from ._robots import Robots

_AGENT = f"eventlet-httpc/{__version__}"
# A page that is longer is an error of its own, rather than our memory's, in bytes.
_MAX_BODY = 16 * 1024 * 1024


def crawl(options: argparse.Namespace) -> int:
    """Run the command, and return its exit status.

    That is 1 if a URL that was given has no good answer, or its host has stopped answering.

    Raises:
        CommandError: what was asked for cannot be done.
    """
    settings = client_options(options)
    headers = settings["headers"]
    agent = headers.setdefault("User-Agent", _AGENT)
    limits = Limits(
        max_connections=options.concurrency + options.per_host, max_per_host=options.per_host
    )
    try:
        urls = [URL.parse(url) for url in options.urls]
        client = Client(**settings, limits=limits, max_body=_MAX_BODY)
    except (HTTPError, ValueError, ImportError) as error:
        raise CommandError(str(error)) from error
    known = _known(Path(options.resume), urls) if options.resume else []
    report = None if options.report is None else _writable(Path(options.report))
    journal = Journal(options.resume or options.output, appends=bool(options.resume))
    with client, closing(journal):
        robots = None if options.ignore_robots else Robots(client, agent)
        frontier = _frontier(options, urls)
        crawler = Crawler(client, frontier, journal, concurrency=options.concurrency, robots=robots)
        crawler.begin(urls, known)
        del known  # it is as big as the site
        return _run(crawler, options, urls, report)


def _run(
    crawler: Crawler, options: argparse.Namespace, urls: Sequence[URL], report: Path | None
) -> int:
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    status = 0
    try:
        with live_display(console, crawler):
            crawler.run()
    except KeyboardInterrupt:
        status = INTERRUPTED
    tally = crawler.measure()
    print_summary(console, tally)
    if report is not None:
        try:
            report.write_text(render_report(list(map(str, urls)), tally), "utf-8")
        except OSError as error:
            raise CommandError.about("write", report, error) from error
        console.print(f"report: {report.resolve().as_uri()}")
    if status == INTERRUPTED:
        file = options.resume or options.output
        hint = f"; to go on: httpc crawl --resume {join([file])} …" if file else ""
        console.print(Text(f"interrupted{hint}", "yellow"))
    is_cut_short = any(url.host in tally.abandoned for url in urls)
    return status or int(crawler.has_failed or is_cut_short)


def _known(path: Path, urls: Sequence[URL]) -> list[Page]:
    """Return the pages of an earlier run, if it was one of the same crawl."""
    known = read_journal(path)
    given = {str(url.with_fragment(None)) for url in urls}
    for page in known:
        if page.referrer is None and page.url not in given:
            raise CommandError(
                f"cannot resume from {path}: it is of a crawl that began at {page.url};"
                " give that URL, or another file"
            )
    return known


def _writable(path: Path) -> Path:
    """Find out now, rather than after the crawl, whether a file can be written."""
    try:
        path.open("ab").close()
    except OSError as error:
        raise CommandError.about("write", path, error) from error
    return path


def _frontier(options: argparse.Namespace, urls: Sequence[URL]) -> Frontier:
    return Frontier(
        hosts=None if options.any_site else {url.host for url in urls},
        max_depth=options.depth,
        max_pages=options.max_pages,
        per_host=options.per_host,
        delay=options.delay,
    )
