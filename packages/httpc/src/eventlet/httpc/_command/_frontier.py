"""What is still to be fetched, and what may be fetched now: the decisions of a crawl, no I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from typing import NamedTuple

from .._url import URL
from ..errors import InvalidURL


class Task(NamedTuple):
    """One page to fetch; `depth` is how many links lead to it from where the crawl began."""

    url: str
    depth: int


class _Host:
    """One host: its tasks, how many are under way, and when the next may begin."""

    __slots__ = ("active", "delay", "ready_at", "tasks")

    def __init__(self, delay: float) -> None:
        self.tasks: deque[Task] = deque()
        self.active = 0
        self.ready_at = 0.0
        self.delay = delay


class Frontier:
    """The tasks of a crawl; hosts take turns, so that a slow one doesn't hold up the others.

    Arguments:
        hosts: the only ones whose pages are fetched; None for any.
        max_depth: how many links from the beginning; None for any number.
        max_pages: how many pages in all; None for any number.
        per_host: how many at once from one host.
        delay: between two beginnings at one host, in seconds.
    """

    def __init__(
        self,
        *,
        hosts: Collection[str] | None = None,
        max_depth: int | None = None,
        max_pages: int | None = None,
        per_host: int = 8,
        delay: float = 0.0,
    ) -> None:
        self._allowed = hosts
        self._max_depth = max_depth
        self._max_pages = max_pages
        self._per_host = per_host
        self._delay = delay
        self._seen: set[str] = set()
        self._hosts: dict[str, _Host] = {}
        self._turns: deque[_Host] = deque()  # hosts with tasks, each once
        self._taken = 0
        self.waiting = 0

    def add(self, url: str, depth: int) -> bool:
        """Plan to fetch a URL, unless that was planned before or is not wanted."""
        try:
            target = URL.parse(url).with_fragment(None)
        except InvalidURL:
            return False
        text = str(target)
        if text in self._seen or not self._is_wanted(target, depth):
            return False
        self._seen.add(text)
        host = self._host(target.host)
        if not host.tasks:
            self._turns.append(host)
        host.tasks.append(Task(text, depth))
        self.waiting += 1
        return True

    def skip(self, url: str) -> None:
        """Note that a URL was fetched in an earlier run."""
        self._seen.add(url)
        self._taken += 1

    def take(self, now: float) -> Task | None:
        """Return a task that may begin now, or None."""
        if self.is_full:
            return None
        for _ in range(len(self._turns)):
            host = self._turns.popleft()
            if host.active >= self._per_host or host.ready_at > now:
                self._turns.append(host)
                continue
            task = host.tasks.popleft()
            if host.tasks:
                self._turns.append(host)
            host.active += 1
            host.ready_at = now + host.delay
            self._taken += 1
            self.waiting -= 1
            return task
        return None

    def finish(self, task: Task) -> None:
        """Note that a task has ended."""
        self._host(URL.parse(task.url).host).active -= 1

    def slow_down(self, host: str, delay: float) -> None:
        """Leave more time between two beginnings at one host, in seconds."""
        known = self._host(host)
        known.delay = max(known.delay, delay)

    def next_time(self) -> float | None:
        """Return when the next task may begin, None if that depends on those under way."""
        if self.is_full:
            return None
        times = [host.ready_at for host in self._turns if host.active < self._per_host]
        return min(times, default=None)

    @property
    def is_full(self) -> bool:
        """Whether as many pages have been taken as there may be."""
        return self._max_pages is not None and self._taken >= self._max_pages

    def _is_wanted(self, url: URL, depth: int) -> bool:
        if self._max_depth is not None and depth > self._max_depth:
            return False
        return self._allowed is None or url.host in self._allowed

    def _host(self, name: str) -> _Host:
        host = self._hosts.get(name)
        if host is None:
            host = self._hosts[name] = _Host(self._delay)
        return host
