"""A crawl on one page of HTML: what came back, how fast, and what went wrong."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from http import HTTPStatus

from ._page import Page
from ._tally import BOUNDS, Tally, counted, readable_size, readable_time

# Hosts in the list of the slowest: as many as fit beside the outcomes.
_HOSTS = 10
_STYLE = """
:root { color-scheme: light dark; --ink: #1d2433; --soft: #667085; --line: #e3e7ef;
  --card: #fff; --back: #f5f7fb; --bar: #4f7cff; --good: #2f9e6e; --moved: #c98a1b;
  --bad: #d3455b }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebf3; --soft: #98a2b8; --line: #2c3345;
  --card: #1b2130; --back: #12161f; --bar: #6d92ff } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 2.5rem 1.25rem; max-width: 64rem; background: var(--back);
  color: var(--ink); font: 16px/1.5 system-ui, sans-serif }
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem; overflow-wrap: anywhere }
h2 { font-size: 1.05rem; margin: 0 0 .75rem }
a { color: inherit; text-decoration-color: var(--line); text-underline-offset: .2em }
a:hover { text-decoration-color: currentColor }
.soft { color: var(--soft); font-size: .92rem } p { margin: 0; overflow-wrap: anywhere }
.grid { display: grid; gap: 1rem; margin: 1.5rem 0 1rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 8.5rem), 1fr)) }
.pair { margin: 1rem 0; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)) }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .75rem;
  padding: 1.1rem 1.25rem; margin-bottom: 1rem }
.grid .card { margin: 0 }
.tile b { display: block; font-size: 1.5rem; line-height: 1.3; white-space: nowrap;
  font-variant-numeric: tabular-nums }
table { border-collapse: collapse; width: 100%; font-size: .92rem }
td { padding: .4rem 0; border-top: 1px solid var(--line); overflow-wrap: anywhere;
  vertical-align: top }
tr:first-child td { border: 0 }
td.n { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums;
  padding-left: 1rem; width: 1% }
.dot { display: inline-block; width: .6rem; height: .6rem; border-radius: 50%;
  margin-right: .55rem }
.share { display: block; height: .3rem; border-radius: .15rem; margin: .25rem 0 .15rem }
.chart { display: grid; grid-auto-flow: column; grid-auto-columns: 1fr; gap: .4rem;
  height: 13rem; text-align: center; font-size: .75rem }
.chart div { display: grid; grid-template-rows: 1fr auto; min-width: 0 }
.chart .column { display: flex; flex-direction: column; justify-content: flex-end }
.chart i { background: var(--bar); border-radius: .25rem .25rem 0 0; min-height: 1px }
.chart small { color: var(--soft); font-size: inherit; border-top: 1px solid var(--line);
  padding-top: .3rem; white-space: nowrap }
@media (max-width: 42rem) { body { padding: 1.25rem .75rem }
  .chart { display: block; height: auto; text-align: left }
  .chart div { display: flex; flex-direction: row-reverse; align-items: center; gap: .5rem;
    justify-content: flex-end; padding: .1rem 0 }
  .chart .column { flex: 1; flex-direction: row-reverse; align-items: center; gap: .4rem }
  .chart i { height: .8rem; width: calc(var(--share) * .85); min-width: 1px; border-radius: .2rem }
  .chart small { width: 4.2rem; border: 0; padding: 0; text-align: right } }
@media (min-width: 42.01rem) { .chart i { height: calc(var(--share) * .9) } }
"""


def render_report(urls: list[str], tally: Tally) -> str:
    """Return the page as HTML that needs nothing else.

    Arguments:
        urls: where the crawl began.
        tally: its numbers.
    """
    title = urls[0] if len(urls) == 1 else f"{urls[0]} and {len(urls) - 1} more"
    tiles = [
        (f"{tally.pages:,}", "page" if tally.pages == 1 else "pages"),
        (readable_size(tally.size), "received"),
        (readable_time(tally.elapsed), "in all"),
        (readable_time(tally.alone), "one at a time"),
        (f"{tally.rate:,.1f}", "pages/s"),
        (f"{tally.failures:,}", "with an error"),
    ]
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Crawl of {escape(title)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>{_STYLE}</style></head><body>
<h1>{_link(urls[0], title)}</h1><p class="soft">{escape(_remarks(tally))}</p>
<div class="grid">{"".join(_tile(*tile) for tile in tiles)}</div>
<div class="card"><h2>How long answers took</h2>{_histogram(tally.latencies)}</div>
<div class="grid pair">
{_card("What they said", _outcome_rows(tally))}{_card("Slowest hosts", _host_rows(tally))}
</div>
{_card("What went wrong", _broken_rows(tally), _more(tally))}
{_card("Slowest pages", _slow_rows(tally.slowest))}
</body></html>
"""


def _remarks(tally: Tally) -> str:
    remarks = ["crawled with httpc"]
    if tally.known:
        remarks.append(f"{counted(tally.known, 'page')} of it in earlier runs")
    if tally.disallowed:
        remarks.append(f"{counted(tally.disallowed, 'page')} disallowed by robots.txt")
    for host, number in tally.abandoned.items():
        remarks.append(f"{host} stopped answering, with {counted(number, 'page')} not tried")
    return "; ".join(remarks)


def _tile(value: str, label: str) -> str:
    return f'<div class="card tile"><b>{escape(value)}</b><span class="soft">{label}</span></div>'


def _card(title: str, rows: str, remark: str = "") -> str:
    body = f"<table>{rows}</table>{remark}" if rows else '<p class="soft">nothing</p>'
    return f'<div class="card"><h2>{escape(title)}</h2>{body}</div>'


def _row(label: str, *values: str) -> str:
    """Return a row of a table; the label is HTML, the values are text."""
    cells = "".join(f'<td class="n">{escape(value)}</td>' for value in values)
    return f"<tr><td>{label}</td>{cells}</tr>"


def _link(url: str, text: str | None = None) -> str:
    return f'<a href="{escape(url)}">{escape(text or url)}</a>'


def _outcome_rows(tally: Tally) -> str:
    outcomes = [
        (_status_name(status), number, _color(status))
        for status, number in sorted(tally.statuses.items())
    ]
    outcomes += [(error, number, "bad") for error, number in tally.errors.most_common()]
    return "".join(
        _row(
            f'<span class="dot" style="background:var(--{color})"></span>{escape(name)}'
            f'<span class="share" style="background:var(--{color});'
            f'width:{number / tally.pages:.2%}"></span>',
            f"{number:,}",
        )
        for name, number, color in outcomes
    )


def _status_name(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _color(status: int) -> str:
    return "good" if status < 300 else "moved" if status < 400 else "bad"


def _host_rows(tally: Tally) -> str:
    return "".join(
        _row(escape(name), counted(host.pages, "page"), readable_time(host.mean))
        for name, host in tally.slowest_hosts(_HOSTS)
    )


def _broken_rows(tally: Tally) -> str:
    rows = []
    for page in tally.broken:
        source = f"linked from {_link(page.referrer)}" if page.referrer else "where it began"
        outcome = _status_name(page.status) if page.status else page.error or ""
        rows.append(
            _row(f'{_link(page.url)}<p class="soft">{escape(outcome)} &middot; {source}</p>')
        )
    return "".join(rows)


def _more(tally: Tally) -> str:
    left = tally.failures - len(tally.broken)
    return f'<p class="soft">and {left:,} more</p>' if left else ""


def _slow_rows(pages: Iterable[Page]) -> str:
    return "".join(
        _row(_link(page.url), readable_size(page.size), readable_time(page.seconds))
        for page in pages
    )


def _histogram(counts: list[int]) -> str:
    """Draw one bar for each class of latencies, from the first to the last that is not empty."""
    labels = [_bound(bound) for bound in BOUNDS]
    names = [f"≤ {label}" for label in labels] + [f"> {labels[-1]}"]
    used = [index for index, number in enumerate(counts) if number]
    if not used:
        return '<p class="soft">nothing</p>'
    most = max(counts)
    bars = (
        f'<div><span class="column" style="--share:{number / most:.1%}">'
        f"{f'{number:,}' if number else ''}<i></i></span><small>{escape(name)}</small></div>"
        for name, number in list(zip(names, counts, strict=True))[used[0] : used[-1] + 1]
    )
    return f'<div class="chart">{"".join(bars)}</div>'


def _bound(seconds: float) -> str:
    return f"{seconds * 1000:g} ms" if seconds < 1 else f"{seconds:g} s"
