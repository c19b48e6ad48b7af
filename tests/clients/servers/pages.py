"""Our own HTTP site: each page takes its time, and consists of its path."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from ..client import DELAY, Address
from ._program import HOST, running_module


@contextmanager
def serve(folder: Path) -> Iterator[Address]:
    with running_module(__name__, folder) as port:
        yield {"url": f"http://{HOST}:{port}/"}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        time.sleep(DELAY)
        content = self.path[1:].encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


class Site(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True


if __name__ == "__main__":
    Site((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
