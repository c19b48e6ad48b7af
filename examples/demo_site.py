"""A small web site to crawl: linked pages, some slow, some big, one moved, one missing.

python demo_site.py               prints the site's address and serves until its standard input
                                  ends, so that it never outlives the program that started it
python demo_site.py COMMAND...    serves while that command runs, with the address as its last
                                  argument, and ends with its exit status
"""

import subprocess
import sys
import time
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

SECTIONS = 6
PAGES_A_SECTION = 6
SLOW_SECONDS = 0.5
BIG_BYTES = 512 * 1024


class Handler(BaseHTTPRequestHandler):
    """Answers each path with a page that can be worked out from the path alone."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # it would hold back each body until its headers have arrived

    def do_GET(self) -> None:
        kind, _, number = urlsplit(self.path).path.strip("/").partition("/")
        if kind == "moved":
            self.answer(HTTPStatus.FOUND, "", location="/page/1")
        elif kind == "":
            sections = [f"/section/{section}" for section in range(SECTIONS)]
            self.answer(HTTPStatus.OK, page("Start", [*sections, "/moved", "/missing"]))
        elif kind == "section":
            first = int(number) * PAGES_A_SECTION
            pages = [page_path(first + offset) for offset in range(PAGES_A_SECTION)]
            self.answer(HTTPStatus.OK, page(f"Section {number}", ["/", *pages]))
        elif kind == "slow":
            time.sleep(SLOW_SECONDS)
            self.answer(HTTPStatus.OK, page(f"Slow page {number}", ["/"]))
        elif kind == "big":
            self.answer(HTTPStatus.OK, page(f"Big page {number}", ["/"], padding=BIG_BYTES))
        elif kind == "page":
            self.answer(HTTPStatus.OK, page(f"Page {number}", ["/"]))
        else:
            self.answer(HTTPStatus.NOT_FOUND, page("There is no such page", ["/"]))

    def answer(self, status: HTTPStatus, body: str, location: str | None = None) -> None:
        content = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        if location is not None:
            self.send_header("Location", location)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the crawler has the terminal."""


class Site(ThreadingHTTPServer):
    """The site, on a free port of the loopback interface."""

    # A crawler opens all its connections at once; the default of 5 would drop some.
    request_queue_size = 128
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a visitor who has left, either."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


def page_path(number: int) -> str:
    """Return the path of a page: every third is slow, every seventh is big."""
    if number % 3 == 0:
        return f"/slow/{number}"
    if number % 7 == 0:
        return f"/big/{number}"
    return f"/page/{number}"


def page(title: str, links: list[str], padding: int = 0) -> str:
    items = "".join(f'<li><a href="{link}">{link}</a></li>' for link in links)
    filler = "." * padding
    return f"<!doctype html><title>{title}</title><h1>{title}</h1><ul>{items}</ul><!--{filler}-->"


def main(command: list[str]) -> int:
    with Site(("127.0.0.1", 0), Handler) as site:
        Thread(target=site.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{site.server_port}/"
        try:
            return visit([*command, address]) if command else wait(address)
        finally:
            site.shutdown()


def visit(command: list[str]) -> int:
    with subprocess.Popen(command) as process:
        while True:
            try:
                status = process.wait()
            except KeyboardInterrupt:  # the command got it as well, and may have more to say
                continue
            return status if status >= 0 else 128 - status  # as shells do for a signal


def wait(address: str) -> int:
    print(address, flush=True)
    sys.stdin.read()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
