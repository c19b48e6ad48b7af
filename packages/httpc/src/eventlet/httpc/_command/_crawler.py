"""Fetching page after page, and following where they lead."""

from __future__ import annotations

from collections.abc import Callable

from eventlet.coros import Queue
from eventlet.hub import GreenThread, get_hub, spawn

from .._client import Client
from .._response import Response
from .._url import URL
from ..errors import HTTPError
from ._frontier import Frontier, Task
from ._links import links
from ._page import Journal, Page
from ._robots import Robots
from ._tally import Tally

_HTML = ("text/html", "application/xhtml+xml")
DISALLOWED = "disallowed by robots.txt"


class Crawler:
    """Runs one crawl: green threads fetch, the caller's own decides what is next.

    Arguments:
        client: fetches.
        frontier: knows what is to be fetched.
        journal: takes the results.
        concurrency: how many pages at once.
        robots: says what may be fetched; None to fetch everything.

    Attributes:
        tally: the numbers so far.
        active: how many pages are under way.
    """

    def __init__(
        self,
        client: Client,
        frontier: Frontier,
        journal: Journal,
        *,
        concurrency: int,
        robots: Robots | None = None,
    ) -> None:
        self.tally = Tally()
        self.frontier = frontier
        self._client = client
        self._journal = journal
        self._concurrency = concurrency
        self._robots = robots
        self._threads: dict[Task, GreenThread[None]] = {}
        self._finished: Queue[tuple[Task, Page]] = Queue()
        self._began = get_hub().time()

    @property
    def active(self) -> int:
        """How many pages are under way."""
        return len(self._threads)

    def begin(self, urls: list[str]) -> None:
        """Plan the first pages, after what the journal knows of an earlier run."""
        for page in self._journal.known:
            self.frontier.skip(page.url)
            self.tally.add(page)
        for url in urls:
            self.frontier.add(url, 0)
        for page in self._journal.known:
            self._plan_links(page)

    def run(self, on_page: Callable[[Page], object] = lambda page: None) -> None:
        """Fetch until nothing is left, or as many pages as there may be.

        However it ends, an interruption included, nothing is left under way.

        Arguments:
            on_page: called with each page.
        """
        try:
            while self._start_some() or self._threads or self._next_start() is not None:
                page = self._await_page()
                if page is not None:
                    on_page(page)
        finally:
            for thread in self._threads.values():
                thread.throw()
            self._threads.clear()

    def measure(self) -> Tally:
        """Return the numbers so far."""
        self.tally.elapsed = get_hub().time() - self._began
        return self.tally

    def _start_some(self) -> bool:
        has_started = False
        while len(self._threads) < self._concurrency:
            task = self.frontier.take(get_hub().time())
            if task is None:
                break
            self._threads[task] = spawn(self._visit, task)
            has_started = True
        return has_started

    def _next_start(self) -> float | None:
        """Return how long until another page may be begun, in seconds, if time is all it takes."""
        if len(self._threads) >= self._concurrency:
            return None
        when = self.frontier.next_time()
        return None if when is None else max(0.0, when - get_hub().time())

    def _await_page(self) -> Page | None:
        try:
            task, page = self._finished.wait(self._next_start())
        except TimeoutError:
            return None
        del self._threads[task]
        self.frontier.finish(task)
        self._journal.write(page)
        self.tally.add(page)
        self._plan_links(page)
        return page

    def _plan_links(self, page: Page) -> None:
        for link in page.links:
            self.frontier.add(link, page.depth + 1)

    def _visit(self, task: Task) -> None:
        try:
            self._finished.send((task, self._fetch(task)))
        except Exception as error:  # a fault of the program, for the caller of `run`
            self._finished.send(exc=error)

    def _fetch(self, task: Task) -> Page:
        url = URL.parse(task.url)
        began = get_hub().time()
        try:
            if self._robots is not None:
                if not self._robots.allows(url):
                    return Page(task.url, task.depth, error=DISALLOWED)
                self.frontier.slow_down(url.host, self._robots.delay_of(url))
            began = get_hub().time()
            response = self._client.get(url)
        except HTTPError as error:
            seconds = get_hub().time() - began
            words = f"{type(error).__name__}: {error}"
            return Page(task.url, task.depth, seconds=seconds, error=words)
        return Page(
            task.url,
            task.depth,
            status=response.status,
            final_url=str(response.url),
            size=len(response.content),
            seconds=get_hub().time() - began,
            content_type=response.headers.get("content-type"),
            links=_links_of(response),
        )


def _links_of(response: Response) -> tuple[str, ...]:
    kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if response.status >= 400 or kind not in _HTML:
        return ()
    return tuple(links(response.text, response.url))
