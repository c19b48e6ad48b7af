"""A crawl on one page of HTML: what came back, how fast, and what went wrong."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from http import HTTPStatus

from ._page import Page
from ._tally import BOUNDS, Tally, readable_size

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2433; --soft: #6b7489; --line: #e3e7ef;
  --card: #fff; --back: #f5f7fb; --bar: #4f7cff; --good: #2f9e6e; --moved: #c98a1b;
  --bad: #d3455b; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebf3; --soft: #949db3; --line: #2c3345;
  --card: #1b2130; --back: #12161f; } }
* { box-sizing: border-box } body { margin: 0 auto; padding: 2.5rem 1.25rem; max-width: 62rem;
  background: var(--back); color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
h1 { font-size: 1.6rem; margin: 0 0 .25rem } h2 { font-size: 1.05rem; margin: 0 0 .75rem }
p.sub { color: var(--soft); margin: 0 0 1.75rem; overflow-wrap: anywhere }
.tiles, .pair { display: grid; gap: 1rem; margin-bottom: 1rem;
  grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)) }
.pair { grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)) }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .75rem;
  padding: 1.1rem 1.25rem; margin-bottom: 1rem; overflow-x: auto }
.tiles .card, .pair .card { margin: 0 } .tile b { display: block; font-size: 1.6rem;
  font-variant-numeric: tabular-nums } .tile span { color: var(--soft); font-size: .85rem }
table { border-collapse: collapse; width: 100%; font-size: .92rem }
td { padding: .35rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere }
tr:first-child td { border: 0 } td.n { text-align: right; white-space: nowrap;
  font-variant-numeric: tabular-nums; padding-left: 1rem; width: 1% }
.dot { display: inline-block; width: .6rem; height: .6rem; border-radius: 50%;
  margin-right: .55rem } svg { width: 100%; height: auto; display: block }
svg text { fill: var(--soft); font: 11px system-ui, sans-serif; text-anchor: middle }
svg rect { fill: var(--bar) } svg .count { fill: var(--ink) }
"""

_WIDTH, _HEIGHT, _MARGIN = 720, 200, 24


def render_report(urls: list[str], tally: Tally) -> str:
    """Return the page as HTML that needs nothing else.

    Arguments:
        urls: where the crawl began.
        tally: its numbers.
    """
    tiles = [
        (f"{tally.pages:,}", "pages"),
        (f"{tally.rate:,.1f}", "pages a second"),
        (readable_size(tally.size), "received"),
        (f"{tally.elapsed:,.1f} s", "in all"),
        (f"{sum(tally.errors.values()):,}", "without an answer"),
    ]
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Crawl of {escape(urls[0])}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>{_STYLE}</style></head><body>
<h1>Crawl</h1><p class="sub">{escape(", ".join(urls))}</p>
<div class="tiles">{"".join(_tile(*tile) for tile in tiles)}</div>
<div class="card"><h2>How long answers took</h2>{_histogram(tally.latencies)}</div>
<div class="pair">
{_card("Statuses", _status_rows(tally))}{_card("Errors", _error_rows(tally))}
</div>
{_card("Slowest hosts", _host_rows(tally))}{_card("Slowest pages", _page_rows(tally.slowest))}
</body></html>
"""


def _tile(value: str, label: str) -> str:
    return f'<div class="card tile"><b>{escape(value)}</b><span>{escape(label)}</span></div>'


def _card(title: str, rows: str) -> str:
    body = f"<table>{rows}</table>" if rows else '<p class="sub">none</p>'
    return f'<div class="card"><h2>{escape(title)}</h2>{body}</div>'


def _row(label: str, *values: str, color: str | None = None) -> str:
    dot = f'<span class="dot" style="background:var(--{color})"></span>' if color else ""
    cells = "".join(f'<td class="n">{escape(value)}</td>' for value in values)
    return f"<tr><td>{dot}{escape(label)}</td>{cells}</tr>"


def _status_rows(tally: Tally) -> str:
    return "".join(
        _row(_status_name(status), f"{number:,}", color=_color(status))
        for status, number in sorted(tally.statuses.items())
    )


def _status_name(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _color(status: int) -> str:
    return "good" if status < 300 else "moved" if status < 400 else "bad"


def _error_rows(tally: Tally) -> str:
    return "".join(
        _row(error, f"{number:,}", color="bad") for error, number in tally.errors.most_common()
    )


def _host_rows(tally: Tally) -> str:
    return "".join(
        _row(name, f"{host.pages:,} pages", _milliseconds(host.mean))
        for name, host in tally.slowest_hosts(10)
    )


def _page_rows(pages: Iterable[Page]) -> str:
    return "".join(
        _row(page.url, readable_size(page.size), _milliseconds(page.seconds)) for page in pages
    )


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:,.0f} ms"


def _histogram(counts: list[int]) -> str:
    """Draw one bar for each class of latencies."""
    labels = [_bound(bound) for bound in BOUNDS]
    names = [f"≤ {label}" for label in labels] + [f"> {labels[-1]}"]
    step = _WIDTH / len(counts)
    most = max(counts) or 1
    bars = []
    for index, (name, number) in enumerate(zip(names, counts, strict=True)):
        height = number / most * (_HEIGHT - 2 * _MARGIN)
        top = _HEIGHT - _MARGIN - height
        middle = (index + 0.5) * step
        bars.append(
            f'<rect x="{index * step + 4:.1f}" y="{top:.1f}" width="{step - 8:.1f}"'
            f' height="{height:.1f}" rx="3"/>'
            f'<text x="{middle:.1f}" y="{_HEIGHT - 6}">{escape(name)}</text>'
        )
        if number:
            bars.append(f'<text class="count" x="{middle:.1f}" y="{top - 6:.1f}">{number:,}</text>')
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">{"".join(bars)}</svg>'


def _bound(seconds: float) -> str:
    return f"{seconds * 1000:g} ms" if seconds < 1 else f"{seconds:g} s"
