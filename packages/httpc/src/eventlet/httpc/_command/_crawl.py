"""``httpc crawl``: a site, or more than one, with something to look at meanwhile."""

from __future__ import annotations

import argparse
from contextlib import closing
from pathlib import Path

from rich.console import Console
from rich.text import Text

from .._client import Client
from .._options import Limits
from .._url import URL
from .._version import __version__
from ..errors import HTTPError
from ._crawler import Crawler
from ._display import live_display, summary
from ._frontier import Frontier
from ._options import client_options
from ._page import Journal
from ._report import render_report
from ._robots import Robots

_AGENT = f"eventlet-httpc/{__version__}"
# A page that is longer is an error of its own, rather than our memory's, in bytes.
_MAX_BODY = 16 * 1024 * 1024
# What shells use for a program that Ctrl-C has ended.
_INTERRUPTED = 130


def crawl(options: argparse.Namespace) -> int:
    """Run the command, and return its exit status."""
    console = Console(stderr=True)
    try:
        urls = [str(URL.parse(url)) for url in options.urls]
        place = options.resume or options.output
        journal = Journal(Path(place) if place else None, resume=bool(options.resume))
        settings = client_options(options)
    except (HTTPError, OSError, ValueError) as error:
        console.print(Text(str(error), "red"))
        return 2
    settings["headers"].setdefault("User-Agent", _AGENT)
    limits = Limits(
        max_connections=options.concurrency + options.per_host, max_per_host=options.per_host
    )
    with closing(journal), Client(**settings, limits=limits, max_body=_MAX_BODY) as client:
        crawler = Crawler(
            client,
            _frontier(options, urls),
            journal,
            concurrency=options.concurrency,
            robots=None if options.ignore_robots else Robots(client, _AGENT),
        )
        status = _run(crawler, urls, console)
    tally = crawler.measure()
    console.print(summary(tally))
    if options.report:
        Path(options.report).write_text(render_report(urls, tally), "utf-8")
    return status


def _frontier(options: argparse.Namespace, urls: list[str]) -> Frontier:
    return Frontier(
        hosts=None if options.any_site else {URL.parse(url).host for url in urls},
        max_depth=options.depth,
        max_pages=options.max_pages,
        per_host=options.per_host,
        delay=options.delay,
    )


def _run(crawler: Crawler, urls: list[str], console: Console) -> int:
    crawler.begin(urls)
    try:
        with live_display(console, crawler):
            crawler.run()
    except KeyboardInterrupt:
        console.print(Text("interrupted", "yellow"))
        return _INTERRUPTED
    return 0
