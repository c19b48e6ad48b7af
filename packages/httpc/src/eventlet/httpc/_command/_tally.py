"""The numbers of a crawl, as they grow."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from heapq import nlargest

from .._url import URL
from ._page import Page

# The upper ends of the classes of the histogram, in seconds; the last class is open.
BOUNDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
# Of the slowest pages, and of the broken ones: what people still read, in bounded memory.
_SLOWEST = 10
_BROKEN = 100


@dataclass
class HostTally:
    """The numbers of one host; `seconds` is the sum over its pages."""

    pages: int = 0
    errors: int = 0
    seconds: float = 0.0

    @property
    def mean(self) -> float:
        """How long a page took, in seconds."""
        return self.seconds / self.pages


@dataclass
class Tally:
    """What the pages so far come to.

    Attributes:
        pages: how many were asked for.
        known: how many of these an earlier run has asked for.
        size: of all bodies, in bytes; those of earlier runs included, as in all that follow.
        alone: how long the pages took one by one, in seconds.
        statuses: how many answers had which status.
        errors: how many pages had which error instead.
        disallowed: how many pages were not asked for, as their owners wish.
        hosts: the numbers of each host.
        latencies: how many answers took how long, by the classes of `BOUNDS`.
        slowest: the pages that took longest.
        broken: the first pages with an error, or a status that is one.
        abandoned: how many pages were not tried, of each host that has stopped answering.
        elapsed: how long the crawl has taken, in seconds; without earlier runs.
    """

    pages: int = 0
    known: int = 0
    size: int = 0
    alone: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    disallowed: int = 0
    hosts: dict[str, HostTally] = field(default_factory=dict)
    latencies: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    slowest: list[Page] = field(default_factory=list)
    broken: list[Page] = field(default_factory=list)
    abandoned: Counter[str] = field(default_factory=Counter)
    elapsed: float = 0.0

    def add(self, page: Page, *, is_known: bool = False) -> None:
        """Count one page; `is_known` if it is an earlier run's."""
        if page.is_disallowed:
            self.disallowed += 1
            return
        self.pages += 1
        self.known += is_known
        self.size += page.size
        self.alone += page.seconds
        host = self.hosts.setdefault(URL.parse(page.url).host, HostTally())
        host.pages += 1
        host.seconds += page.seconds
        if page.is_broken:
            host.errors += 1
            if len(self.broken) < _BROKEN:
                self.broken.append(page)
        if page.status is None:
            self.errors[(page.error or "").partition(":")[0]] += 1
            return
        self.statuses[page.status] += 1
        self.latencies[sum(page.seconds > bound for bound in BOUNDS)] += 1
        self.slowest = nlargest(_SLOWEST, [*self.slowest, page], key=lambda each: each.seconds)

    @property
    def rate(self) -> float:
        """Pages for each second."""
        return (self.pages - self.known) / self.elapsed if self.elapsed else 0.0

    @property
    def failures(self) -> int:
        """How many pages had an error, or a status that is one."""
        return sum(host.errors for host in self.hosts.values())

    def slowest_hosts(self, number: int) -> list[tuple[str, HostTally]]:
        """Return the hosts whose pages take longest on average, the slowest first."""
        return nlargest(number, self.hosts.items(), key=lambda item: item[1].mean)


def readable_size(size: float) -> str:
    """Write a number of bytes as people read it."""
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"


def readable_time(seconds: float) -> str:
    """Write a duration as people read it."""
    if seconds < 0.01:
        return f"{seconds * 1000:.1f} ms"
    if seconds < 1:
        return f"{seconds * 1000:,.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{seconds / 60:.1f} min"
    return f"{seconds / 3600:,.1f} h"


def counted(number: int, noun: str) -> str:
    """Write a number of things."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
