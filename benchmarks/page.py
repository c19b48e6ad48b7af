"""What the documentation and the README show of the results: ``python -m benchmarks.page``."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from tools.workspace import ROOT

from .results import Case, Spread, load, short
from .targets import COMMITTED

PAGE = ROOT / "docs" / "performance.md"

README = ROOT / "README.md"
# Between these lines the README has its table.
_BEGIN, _END = "<!-- ratios -->\n", "<!-- end of ratios -->\n"
# What it shows, where we are ahead and where not: subjects, and those to be compared with.
_SUMMARY = {
    "spawn": "gevent uvloop",
    "switch/2": "gevent uvloop",
    "timeouts/1000": "gevent uvloop",
    "timers": "gevent uvloop",
    "echo/1": "gevent uvloop",
    "echo/100": "gevent uvloop",
    "echo/1000": "gevent uvloop",
    "pingpong/unix": "gevent uvloop",
    "queues/hand-over": "gevent uvloop",
    "queues/bounded": "gevent uvloop",
    "events": "gevent uvloop",
    "semaphores": "gevent uvloop",
    "pools": "gevent uvloop",
    "subprocesses/0 MiB": "gevent threads",
    "communicate": "gevent threads",
    "remote_calls/1": "managers",
    "remote_calls/10": "managers",
    "crawler": "aiohttp geventhttpclient pycurl requests",
    "patched_requests": "gevent threads",
    "http_client/1 KiB": "aiohttp geventhttpclient pycurl requests",
    "http_client/100 KiB": "aiohttp geventhttpclient pycurl requests",
}

# What the contenders are called where their name alone would be misunderstood.
_NAMES = {"eventlet": "eventlet 0.41"}

_INTRODUCTION = """\
# Performance

How many times better this project does than what one might use instead. Above 1, ours is faster, or
needs less; below 1, the other does. Each row comes from one run in which all contenders took
turns, and holds the median of the ratios of the single rounds.
How the figures come about is described in `benchmarks/__init__.py`, and what limits them
[here](design/performance.md).

This page is made from the results in the repository. To measure for yourself:

```
python3 dev.py bench
```
"""


def write(results: Path = COMMITTED, page: Path = PAGE) -> None:
    """Make the page from a file of results, whose charts are beside it."""
    content = json.loads(results.read_text("utf-8"))
    machine, versions = content["machine"], content["versions"]
    about = [f"{machine['processor']}, {machine['cores']} cores", machine["system"]]
    about += [machine["python"], *(f"{name} {version}" for name, version in versions.items())]
    lines = [_INTRODUCTION, f"Measured on: {'; '.join(about)}.\n"]
    for subject, group in groupby(sorted(load(results), key=_subject), key=_subject):
        lines += _section(list(group))
        chart = results.with_name(f"{subject}.svg")
        if chart.exists():
            target = Path(os.path.relpath(chart, page.parent)).as_posix()
            lines.append(f"![{subject}]({target})\n")
    page.write_text("\n".join(lines), "utf-8")


def summarise(results: Path = COMMITTED, readme: Path = README) -> None:
    """Put the table of ratios into the README."""
    text = readme.read_text("utf-8")
    head, _, rest = text.partition(_BEGIN)
    tail = rest.partition(_END)[2]
    cases = {case.name: case for case in load(results)}
    rows = [
        f"| {_describe(cases[name])} | {_compare(cases[name], peers.split())} |"
        for name, peers in _SUMMARY.items()
        if name in cases
    ]
    table = ["| | times better than |", "|---|---|", *rows, ""]
    readme.write_text(head + _BEGIN + "\n" + "\n".join(table) + "\n" + _END + tail, "utf-8")


def _describe(case: Case) -> str:
    return f"{case.title}{f': {case.label}' if case.label else ''}"


def _compare(case: Case, peers: list[str]) -> str:
    ratios = {peer: ratio for peer in peers if (ratio := case.ratio(peer)) is not None}
    return ", ".join(f"{peer} {ratio.median:.2f}" for peer, ratio in ratios.items())


def _subject(case: Case) -> str:
    return case.subject


def _section(cases: list[Case]) -> Iterator[str]:
    peers = list(dict.fromkeys(name for case in cases for name in case.figures if name != "ours"))
    yield f"## {cases[0].title[0].upper()}{cases[0].title[1:]}\n"
    names = (_NAMES.get(peer, peer) for peer in peers)
    yield f"| | ours, {cases[0].unit} | {' | '.join(names)} |"
    yield f"|---|{'---|' * (len(peers) + 1)}"
    for case in cases:
        ratios = (case.ratio(peer) for peer in peers)
        cells = ("" if ratio is None else f"{ratio.median:.2f}" for ratio in ratios)
        ours = short(Spread.of(case.figures["ours"]).median)
        yield f"| {case.label} | {ours} | {' | '.join(cells)} |"
    yield ""


if __name__ == "__main__":
    write(*map(Path, sys.argv[1:2]))
    summarise(*map(Path, sys.argv[1:2]))
