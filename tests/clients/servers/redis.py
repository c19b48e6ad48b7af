"""Redis."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..client import Address
from ._program import HOST, find, free_port, running


@contextmanager
def serve(folder: Path) -> Iterator[Address]:
    server, port = find("redis-server", "redis-server"), free_port()
    options = ["--bind", HOST, "--port", str(port), "--save", "", "--dir", str(folder)]
    with running([server, *options], port, folder):
        yield {"host": HOST, "port": port}
