"""A crawl as one watches it in a terminal, and what is left of that in the end."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from eventlet.hub import get_hub, sleep, spawn

from ._crawler import Crawler
from ._page import Page
from ._tally import Tally, counted, readable_size, readable_time

# Between two pictures, in seconds: faster than the eye needs, slow enough to cost nothing.
_INTERVAL = 0.1
# Rates are those of so many pictures: long enough to be read, short enough to be true.
_WINDOW = 20
# Lines of each list: the terminal has to hold all of them at once.
_ROWS = 5
_HEADINGS = ("pages", "under way", "queue", "errors", "received", "per second")
_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


@contextmanager
def live_display(console: Console, crawler: Crawler) -> Iterator[None]:
    """Show the numbers of a crawl for as long as the block runs; nothing if nobody can see it.

    Arguments:
        console: where to.
        crawler: whose.
    """
    if not console.is_terminal:
        yield
        return
    # Its own refreshing would run in a native thread.
    with Live(console=console, auto_refresh=False, transient=True) as live:
        thread = spawn(_refresh, live, Picture(crawler))
        try:
            yield
        finally:
            thread.throw()


def _refresh(live: Live, picture: Picture) -> None:
    while True:
        live.update(picture.draw(), refresh=True)
        sleep(_INTERVAL)


class Picture:
    """What a crawl looks like now.

    Arguments:
        crawler: whose.
    """

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler
        self._samples: deque[tuple[float, int, int]] = deque(maxlen=_WINDOW)
        self._drawn = 0

    def draw(self) -> RenderableType:
        """Return it."""
        tally = self._crawler.measure()
        pages, size = self._rates(tally)
        self._drawn += 1
        table = Table.grid(padding=(0, 3, 0, 0))
        for _ in _HEADINGS:
            table.add_column(justify="right", no_wrap=True)
        table.add_row(*(Text(heading, "dim") for heading in _HEADINGS))
        table.add_row(
            Text(f"{tally.pages:,}", "bold green"),
            Text(f"{self._crawler.active:,}", "bold"),
            Text(f"{self._crawler.frontier.waiting:,}", "bold"),
            Text(f"{tally.failures:,}", "bold red" if tally.failures else "bold"),
            Text(readable_size(tally.size), "bold"),
            Text(f"{pages:,.0f} pages, {readable_size(size)}", "bold cyan"),
        )
        spinner = _SPINNER[self._drawn % len(_SPINNER)]
        line = Text.assemble((spinner, "cyan"), f" crawling for {readable_time(tally.elapsed)}")
        return Group(line, table, *_details(tally))

    def _rates(self, tally: Tally) -> tuple[float, float]:
        """Return pages and bytes for each second, of late."""
        now = get_hub().time()
        self._samples.append((now, tally.pages, tally.size))
        then, pages, size = self._samples[0]
        span = max(now - then, _INTERVAL)
        return (tally.pages - pages) / span, (tally.size - size) / span


def print_summary(console: Console, tally: Tally) -> None:
    """Print what a crawl came to in the end.

    Arguments:
        console: where to.
        tally: its numbers.
    """
    known = f" ({tally.known:,} of them known before)" if tally.known else ""
    console.print(
        Text.assemble(
            (counted(tally.pages, "page"), "bold green"),
            f"{known}, {readable_size(tally.size)} in {readable_time(tally.elapsed)};"
            f" one at a time: about {readable_time(tally.alone)}",
        )
    )
    for detail in _details(tally):
        console.print(detail)
    for page in tally.broken[:_ROWS]:
        console.print(_broken(page))
    if tally.failures > _ROWS:
        console.print(Text(f"… and {tally.failures - _ROWS:,} more", "dim"))
    if tally.disallowed:
        console.print(f"{counted(tally.disallowed, 'page')} not fetched: disallowed by robots.txt")
    for host, number in tally.abandoned.items():
        left = counted(number, "page")
        console.print(Text(f"{host} stopped answering; {left} of it not tried", "yellow"))


def _details(tally: Tally) -> Iterator[RenderableType]:
    outcomes = [
        Text.assemble((str(status), _style(status)), f" {number:,}")
        for status, number in sorted(tally.statuses.items())
    ]
    outcomes += [
        Text.assemble((error, "red"), f" {number:,}")
        for error, number in tally.errors.most_common(_ROWS)
    ]
    if outcomes:
        yield Text()
        yield Text("   ").join(outcomes)
    if tally.hosts:
        yield Text()
        yield _hosts(tally)


def _hosts(tally: Tally) -> Table:
    table = Table(box=None, padding=(0, 3, 0, 0), pad_edge=False, header_style="dim")
    # Only what may wrap gives way to the rest, and one word can be nothing but cut off.
    table.add_column("slowest hosts", overflow="ellipsis")
    for heading in ("pages", "errors", "mean"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, host in tally.slowest_hosts(_ROWS):
        errors = Text(f"{host.errors:,}", "red" if host.errors else "dim")
        table.add_row(Text(name), f"{host.pages:,}", errors, readable_time(host.mean))
    return table


def _broken(page: Page) -> Text:
    outcome = page.error or str(page.status)
    line = Text.assemble((page.url, "bold"), ": ", (outcome, "red"))
    return line if page.referrer is None else line.append(f", linked from {page.referrer}", "dim")


def _style(status: int) -> str:
    return "green" if status < 300 else "yellow" if status < 400 else "red"
