"""What is still to be fetched, and what may be fetched now: the decisions of a crawl, no I/O."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterable
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple

from .._url import URL
from ..errors import InvalidURL

# So many pages in a row without an answer, and the rest of a host is not tried: else a host that
# drops packets would hold up the crawl for a connection timeout with each of its pages.
PATIENCE = 16


class Task(NamedTuple):
    """One page to fetch.

    Attributes:
        url: where it is.
        depth: how many links lead to it from where the crawl began.
        referrer: the page that leads to it; None where the crawl began.
        redirects: how many redirects in a row have led to it.
    """

    url: str
    depth: int = 0
    referrer: str | None = None
    redirects: int = 0


class _Host:
    """One host: its tasks, the nearest first, how many are under way, and when one began last.

    Until it has said how it wants to be treated, it is asked for one page alone.
    """

    __slots__ = ("active", "began_at", "delay", "failures", "limit", "tasks")

    def __init__(self, delay: float) -> None:
        self.tasks: list[tuple[int, int, Task]] = []
        self.active = 0
        self.began_at = -math.inf
        self.delay = delay
        self.failures = 0
        self.limit = 1

    @property
    def ready_at(self) -> float:
        return self.began_at + self.delay


class Frontier:
    """The tasks of a crawl; hosts take turns, so that a slow one doesn't hold up the others.

    With a `max_depth`, no page is begun before all that are nearer have ended: a short way to a
    page may be slower than a long one, and would else be found too late to count.

    Arguments:
        hosts: the only ones whose pages are fetched; None for any.
        max_depth: how many links from the beginning; None for any number.
        max_pages: how many pages in all; None for any number.
        per_host: how many at once from one host.
        delay: between two beginnings at one host, in seconds.

    Attributes:
        waiting: how many tasks have not begun.
        abandoned: how many pages were not tried, of each host that has stopped answering.
    """

    def __init__(
        self,
        *,
        hosts: Iterable[str] | None = None,
        max_depth: int | None = None,
        max_pages: int | None = None,
        per_host: int = 8,
        delay: float = 0.0,
    ) -> None:
        self.waiting = 0
        self.abandoned: Counter[str] = Counter()
        self._allowed = None if hosts is None else set(hosts)
        self._max_depth = max_depth
        self._max_pages = max_pages
        self._per_host = per_host
        self._delay = delay
        self._seen: set[str] = set()
        self._hosts: dict[str, _Host] = {}
        self._turns: deque[_Host] = deque()  # hosts with tasks, each once
        self._order = count()
        self._taken = 0
        self._levels: Counter[int] = Counter()  # tasks that have not ended, by their depth

    # What is to be fetched

    def allow(self, url: str) -> None:
        """Fetch pages of the host of a URL, too."""
        if self._allowed is not None:
            self._allowed.add(URL.parse(url).host)

    def admit(self, task: Task, *, is_known: bool = False) -> bool:
        """Whether a page is wanted, and was not admitted before.

        Arguments:
            task: the page.
            is_known: it was fetched in an earlier run, and need not be `put`.
        """
        if task.url in self._seen or not self._is_wanted(task):
            return False
        if self._is_too_much and not is_known:
            return False
        self._seen.add(task.url)
        return True

    def skip(self, number: int) -> None:
        """Note how many pages were fetched in earlier runs."""
        self._taken += number

    def put(self, task: Task) -> None:
        """Plan to fetch an admitted page."""
        name = URL.parse(task.url).host
        if name in self.abandoned:
            self.abandoned[name] += 1
            return
        host = self._host(name)
        if not host.tasks:
            self._turns.append(host)
        heappush(host.tasks, (task.depth, next(self._order), task))
        self._levels[task.depth] += 1
        self.waiting += 1

    @property
    def _is_too_much(self) -> bool:
        """Whether there are more tasks than will ever be taken; they need not be remembered."""
        return self._max_pages is not None and self._taken + self.waiting >= self._max_pages

    def _is_wanted(self, task: Task) -> bool:
        if self._max_depth is not None and task.depth > self._max_depth:
            return False
        try:
            return self._allowed is None or URL.parse(task.url).host in self._allowed
        except InvalidURL:
            return False

    # What may be fetched now

    def take(self, now: float) -> Task | None:
        """Return a task that may begin now, or None."""
        if self.is_full:
            return None
        for _ in range(len(self._turns)):
            host = self._turns.popleft()
            if host.ready_at > now or not self._is_open(host):
                self._turns.append(host)
                continue
            _, _, task = heappop(host.tasks)
            if host.tasks:
                self._turns.append(host)
            host.active += 1
            host.began_at = now
            self._taken += 1
            self.waiting -= 1
            return task
        return None

    def finish(self, task: Task) -> None:
        """Note that a task has ended, after `put` of what it leads to."""
        self._host(URL.parse(task.url).host).active -= 1
        self._end(task.depth, 1)

    def next_time(self) -> float | None:
        """Return when the next task may begin, None if that depends on those under way."""
        if self.is_full:
            return None
        times = [host.ready_at for host in self._turns if self._is_open(host)]
        return min(times, default=None)

    @property
    def is_full(self) -> bool:
        """Whether as many pages have been taken as there may be."""
        return self._max_pages is not None and self._taken >= self._max_pages

    def _is_open(self, host: _Host) -> bool:
        if host.active >= host.limit:
            return False
        return self._max_depth is None or host.tasks[0][0] <= min(self._levels)

    def _end(self, depth: int, number: int) -> None:
        self._levels[depth] -= number
        if not self._levels[depth]:
            del self._levels[depth]

    # How a host is treated

    def welcome(self, host: str, delay: float) -> bool:
        """Note that a host may be asked for several pages at once; tell whether that is new.

        Arguments:
            host: its name.
            delay: what it wants between two beginnings, in seconds; the longer one counts.
        """
        known = self._host(host)
        known.delay = max(known.delay, delay)
        known.limit, before = self._per_host, known.limit
        return known.limit > before

    def note(self, host: str, *, answers: bool) -> None:
        """Note whether a host has answered; one that has stopped to is abandoned."""
        known = self._host(host)
        known.failures = 0 if answers else known.failures + 1
        if known.failures < PATIENCE or host in self.abandoned:
            return
        self.abandoned[host] = len(known.tasks)
        self.waiting -= len(known.tasks)
        for depth, _, _ in known.tasks:
            self._end(depth, 1)
        if known.tasks:
            self._turns.remove(known)
            known.tasks.clear()

    def _host(self, name: str) -> _Host:
        host = self._hosts.get(name)
        if host is None:
            host = self._hosts[name] = _Host(self._delay)
        return host
