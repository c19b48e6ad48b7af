"""Fetching page after page, and following where they lead."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from eventlet.coros import Queue
from eventlet.hub import GreenThread, get_hub, spawn

from .._client import Client
from .._response import Response
from .._url import URL, Origin
from ..errors import (
    ConnectError,
    HTTPError,
    ReadError,
    TooManyRedirects,
    TotalTimeout,
    WriteError,
)
from ._frontier import Frontier, Task
from ._links import links
from ._page import Journal, Page
from ._robots import Disallowed, Robots
from ._tally import Tally

_HTML = ("text/html", "application/xhtml+xml")
# Each redirect is a page of its own here; this is how many a browser follows in a row.
MAX_REDIRECTS = 20
_SILENCE = (ConnectError, ReadError, WriteError, TotalTimeout)


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
        frontier: the same.
        has_failed: whether a page where the crawl began could not be fetched.
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
        self.has_failed = False
        self._client = client
        self._journal = journal
        self._concurrency = concurrency
        self._robots = robots
        self._credentials: dict[Origin, tuple[str, str]] = {}
        self._threads: dict[Task, GreenThread[None]] = {}
        # None says that more may be begun, though nothing has ended.
        self._finished: Queue[tuple[Task, Page] | None] = Queue()
        self._began = get_hub().time()

    @property
    def active(self) -> int:
        """How many pages are under way."""
        return len(self._threads)

    def begin(self, urls: Iterable[URL], known: Iterable[Page] = ()) -> None:
        """Plan the first pages.

        Arguments:
            urls: where to begin; a name and password in one is for all pages of its origin.
            known: what an earlier run has found, and this one need not fetch. Pages that had no
                answer are tried again.
        """
        done = {page.url: page for page in known if page.status is not None}
        self.frontier.skip(len(done))
        todo: deque[Task] = deque()
        for url in urls:
            if url.username is not None:
                self._credentials[url.origin] = (url.username, url.password or "")
            todo.append(Task(str(url.with_fragment(None))))
        while todo:
            task = todo.popleft()
            page = done.get(task.url)
            if not self.frontier.admit(task, is_known=page is not None):
                continue
            if page is None:
                self.frontier.put(task)
                continue
            self._count(task, page, is_known=True)
            for following in self._following(task, page):
                # The nearest first: where a redirect leads is no farther than the redirect.
                (todo.appendleft if following.redirects else todo.append)(following)

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
        self.tally.abandoned = self.frontier.abandoned
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
            outcome = self._finished.wait(self._next_start())
        except TimeoutError:
            return None
        if outcome is None:
            return None
        task, page = outcome
        del self._threads[task]
        self._journal.write(page)
        self._count(task, page)
        for following in self._following(task, page):
            if self.frontier.admit(following):
                self.frontier.put(following)
        self.frontier.finish(task)
        return page

    def _count(self, task: Task, page: Page, *, is_known: bool = False) -> None:
        self.tally.add(page, is_known=is_known)
        if task.depth == 0 and page.is_broken:
            self.has_failed = True

    def _following(self, task: Task, page: Page) -> list[Task]:
        """Return what a page leads to."""
        if page.is_redirect:
            if task.depth == 0:  # where it really begins may be another host: www.
                self.frontier.allow(page.links[0])
            return [Task(page.links[0], task.depth, page.url, task.redirects + 1)]
        return [Task(link, task.depth + 1, page.url) for link in page.links]

    def _visit(self, task: Task) -> None:
        try:
            self._finished.send((task, self._fetch(task)))
        except Exception as error:  # a fault of the program, for the caller of `run`
            self._finished.send(exc=error)

    def _fetch(self, task: Task) -> Page:
        url = URL.parse(task.url)
        page = Page(task.url, task.depth, referrer=task.referrer)
        began = get_hub().time()
        try:
            delay = 0.0 if self._robots is None else self._robots.check(url)
            if self.frontier.welcome(url.host, delay):
                self._finished.send(None)
            began = get_hub().time()
            auth = self._credentials.get(url.origin)
            with self._client.stream("GET", url, auth=auth, follow_redirects=False) as response:
                size, found = _read(response, task)
                page = page._replace(
                    status=response.status, size=size, links=found,
                    content_type=response.headers.get("content-type"),
                )  # fmt: skip
        except Disallowed as error:
            return page._replace(error=str(error))
        except HTTPError as error:
            page = page._replace(error=f"{type(error).__name__}: {error}")
            self.frontier.note(url.host, answers=not isinstance(error, _SILENCE))
        else:
            self.frontier.note(url.host, answers=True)
        return page._replace(seconds=round(get_hub().time() - began, 6))


def _read(response: Response, task: Task) -> tuple[int, tuple[str, ...]]:
    """Return how long a body is, and where it leads to; only pages are kept in memory."""
    content_type = response.headers.get("content-type", "")
    is_page = content_type.partition(";")[0].strip().lower() in _HTML
    if response.next_url is not None:
        if task.redirects >= MAX_REDIRECTS:
            raise TooManyRedirects(task.url, MAX_REDIRECTS)
        target = response.url.join(response.next_url).with_fragment(None)
        return sum(map(len, response.iter_bytes())), (str(target),)
    if response.status >= 400 or not is_page:
        return sum(map(len, response.iter_bytes())), ()
    content = response.read()
    return len(content), tuple(links(content, content_type, response.url))
