"""A crawl as one watches it in a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from eventlet.hub import sleep, spawn

from ._crawler import Crawler
from ._tally import Tally, readable_size

# Between two pictures, in seconds: faster than the eye needs, slow enough to cost nothing.
_INTERVAL = 0.1
_HOSTS_SHOWN = 5


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
        thread = spawn(_refresh, live, crawler)
        try:
            yield
        finally:
            thread.throw()


def _refresh(live: Live, crawler: Crawler) -> None:
    while True:
        live.update(picture(crawler), refresh=True)
        sleep(_INTERVAL)


def picture(crawler: Crawler) -> RenderableType:
    """Return what a crawl looks like now."""
    tally = crawler.measure()
    line = Text.assemble(
        (f"{tally.pages:,}", "bold green"),
        " pages   ",
        (f"{crawler.active:,}", "bold"),
        " under way   ",
        (f"{crawler.frontier.waiting:,}", "bold"),
        " waiting   ",
        (f"{tally.rate:,.0f}", "bold cyan"),
        " pages/s   ",
        (f"{readable_size(tally.size / tally.elapsed if tally.elapsed else 0)}/s", "bold cyan"),
        f"   {tally.elapsed:,.1f} s",
    )
    return Group(line, *_details(tally))


def summary(tally: Tally) -> RenderableType:
    """Return what a crawl came to in the end."""
    line = Text.assemble(
        (f"{tally.pages:,}", "bold green"),
        f" pages, {readable_size(tally.size)}, in {tally.elapsed:,.1f} s: ",
        (f"{tally.rate:,.0f}", "bold cyan"),
        " pages a second",
    )
    return Group(line, *_details(tally))


def _details(tally: Tally) -> Iterator[RenderableType]:
    if tally.statuses:
        yield Text("   ").join(
            Text.assemble((str(status), _style(status)), f"  {number:,}")
            for status, number in sorted(tally.statuses.items())
        )
    for error, number in tally.errors.most_common(_HOSTS_SHOWN):
        yield Text.assemble((error, "red"), f"  {number:,}")
    if tally.hosts:
        table = Table("slowest hosts", box=None, padding=(0, 2, 0, 0), header_style="dim")
        table.add_column("pages", justify="right")
        table.add_column("mean", justify="right")
        for name, host in tally.slowest_hosts(_HOSTS_SHOWN):
            table.add_row(name, f"{host.pages:,}", f"{host.mean * 1000:,.0f} ms")
        yield table


def _style(status: int) -> str:
    return "green" if status < 300 else "yellow" if status < 400 else "red"
