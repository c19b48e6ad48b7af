"""The numbers of a crawl, as they grow."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from heapq import nlargest

from .._url import URL
from ._page import Page

# The upper ends of the classes of the histogram, in seconds; the last class is open.
BOUNDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


@dataclass
class HostTally:
    """The numbers of one host; `seconds` is the sum over its pages."""

    pages: int = 0
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
        size: of all bodies, in bytes.
        statuses: how many answers had which status.
        errors: how many pages had which error instead.
        hosts: the numbers of each host.
        latencies: how many answers took how long, by the classes of `BOUNDS`.
        slowest: the pages that took longest.
        elapsed: how long the crawl has taken, in seconds.
    """

    pages: int = 0
    size: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    hosts: dict[str, HostTally] = field(default_factory=dict)
    latencies: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS) + 1))
    slowest: list[Page] = field(default_factory=list)
    elapsed: float = 0.0

    def add(self, page: Page) -> None:
        """Count one page."""
        self.pages += 1
        self.size += page.size
        if page.status is None:
            self.errors[(page.error or "unknown").partition(":")[0]] += 1
            return
        self.statuses[page.status] += 1
        host = self.hosts.setdefault(URL.parse(page.url).host, HostTally())
        host.pages += 1
        host.seconds += page.seconds
        self.latencies[sum(page.seconds > bound for bound in BOUNDS)] += 1
        self.slowest = nlargest(10, [*self.slowest, page], key=lambda each: each.seconds)

    @property
    def rate(self) -> float:
        """Pages for each second."""
        return self.pages / self.elapsed if self.elapsed else 0.0

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
