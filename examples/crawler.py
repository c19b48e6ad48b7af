"""A web crawler: as many pages at once as there are green threads in the pool.

    python crawler.py            crawls a demo site that it starts itself, following links
    python crawler.py URL...     fetches those URLs

The exit status is 1 if a URL that was asked for could not be fetched.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urljoin

from eventlet import coros, httpc, util

# Replace the standard socket by one that lets other green threads run while it waits. Our own httpc
# needs no help, but anything else in this process that opens a connection does.
util.wrap_socket_with_coroutine_socket()

MAX_SIZE = 10


class Fetched(NamedTuple):
    """One page, and how many seconds it took."""

    body: bytes
    seconds: float


class Summary(NamedTuple):
    """What a crawl came to; `alone` is how long it would have taken one page at a time."""

    pages: int
    size: int
    seconds: float
    alone: float
    failed: set[str]


class LinkParser(HTMLParser):
    """Collects the targets of the links on a page."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = base
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        target = dict(attrs).get("href")
        if tag == "a" and target:
            self.links.append(urljoin(self.base, target))


def fetch(url: str) -> Fetched:
    began = time.monotonic()
    print(f"{time.asctime()} fetching {url}")
    body = httpc.get(url)
    print(f"{time.asctime()} fetched {url}")
    return Fetched(body, time.monotonic() - began)


def crawl(urls: list[str], *, follow: bool = False, max_size: int = MAX_SIZE) -> Summary:
    """Fetch the URLs, and if asked to, every page of the same sites that they lead to."""
    began = time.monotonic()
    pool = coros.CoroutinePool(max_size=max_size)
    waiters = {url: pool.execute(fetch, url) for url in dict.fromkeys(urls)}
    pages, size, alone, failed = 0, 0, 0.0, set()
    todo = list(waiters)
    for url in todo:  # grows while links are found
        try:
            body, seconds = waiters[url].wait()
        except (httpc.HTTPError, OSError) as error:
            print(f"{time.asctime()} could not fetch {url}: {explain(error)}")
            failed.add(url)
            continue
        pages, size, alone = pages + 1, size + len(body), alone + seconds
        for link in links(url, body) if follow else []:
            if link not in waiters:
                waiters[link] = pool.execute(fetch, link)
                todo.append(link)
    return Summary(pages, size, time.monotonic() - began, alone, failed)


def explain(error: Exception) -> str:
    """Return in one line what went wrong; an unwanted answer's own message has the page in it."""
    if isinstance(error, httpc.ConnectionError):
        return f"the server answered {error.status}"
    return str(error)


def links(url: str, body: bytes) -> list[str]:
    """Return the links of a page that stay on its site."""
    parser = LinkParser(url)
    parser.feed(body.decode(errors="replace"))
    return [link for link in parser.links if link.startswith(urljoin(url, "/"))]


@contextmanager
def demo_site() -> Iterator[str]:
    """Serve the demo site from another process; yields its address."""
    command = [sys.executable, str(Path(__file__).with_name("demo_site.py"))]
    pipe = subprocess.PIPE
    # Leaving the block closes the site's standard input, which is its sign to stop.
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        address = process.stdout.readline().strip() if process.stdout else ""
        if not address:
            raise RuntimeError(f"the demo site did not start; its message is above: {command}")
        yield address


def main(urls: list[str]) -> int:
    if urls:
        summary = crawl(urls)
    else:
        with demo_site() as start:
            urls = [start]
            summary = crawl(urls, follow=True)
    print(
        f"{summary.pages} pages, {summary.size:,} bytes in {summary.seconds:.2f} s;"
        f" one at a time: about {summary.alone:.2f} s"
    )
    if summary.failed:
        print(f"could not be fetched: {', '.join(sorted(summary.failed))}")
    return 1 if summary.failed.intersection(urls) else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
