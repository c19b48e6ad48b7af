"""A gRPC service that echoes, and takes its time."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from ..client import DELAY, Address
from ._program import HOST, running_module

CALLS = 64


@contextmanager
def serve(folder: Path) -> Iterator[Address]:
    with running_module(__name__, folder) as port:
        yield {"host": HOST, "port": port}


def echo(request: bytes, _context: object) -> bytes:
    time.sleep(DELAY)
    return request


if __name__ == "__main__":
    grpc = import_module("grpc")
    server = grpc.server(ThreadPoolExecutor(CALLS))
    method = grpc.unary_unary_rpc_method_handler(echo)
    service = grpc.method_handlers_generic_handler("clients.Echo", {"Echo": method})
    server.add_generic_rpc_handlers((service,))
    server.add_insecure_port(f"{sys.argv[1]}:{sys.argv[2]}")
    server.start()
    server.wait_for_termination()
