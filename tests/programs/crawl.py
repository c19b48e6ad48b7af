"""The crawler's pattern in a program that has imported requests and logging before it patches."""

import http.server
import logging
import subprocess
import sys
import time

import requests

from eventlet import coros
from eventlet.hub import patching

PAGES = 50
log = logging.getLogger(__name__)
SECONDS = 0.2


class Slow(http.server.BaseHTTPRequestHandler):
    """Takes its time for each page."""

    def do_GET(self) -> None:
        time.sleep(SECONDS)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.path.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Be silent."""


class Server(http.server.ThreadingHTTPServer):
    """Has room for all that connect at once."""

    request_queue_size = PAGES


def serve() -> None:
    with Server(("127.0.0.1", 0), Slow) as server:
        print(server.server_port, flush=True)
        server.serve_forever()


def fetch(url: str) -> str:
    log.info("fetching %s", url)
    return requests.get(url, timeout=30).text


def crawl(port: str) -> None:
    patching.patch()
    urls = [f"http://127.0.0.1:{port}/{n}" for n in range(PAGES)]
    begin = time.monotonic()
    pages = list(coros.map(fetch, urls, max_size=PAGES))
    seconds = time.monotonic() - begin
    print(pages == [f"/{n}" for n in range(PAGES)], seconds < PAGES * SECONDS / 2)


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    command = [sys.executable, __file__, "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            crawl(server.stdout.readline().strip())
        finally:
            server.kill()


if __name__ == "__main__":
    serve() if "serve" in sys.argv else main()
