"""Moto in the place of Amazon's servers: to get an object takes its time."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from ..client import DELAY, Address
from ._program import HOST, running_module


@contextmanager
def serve(folder: Path) -> Iterator[Address]:
    with running_module(__name__, folder) as port:
        yield {"url": f"http://{HOST}:{port}"}


def slow(application: Callable[..., Any]) -> Callable[..., Any]:
    def answer(environ: dict[str, Any], start_response: Any) -> Any:
        if environ["REQUEST_METHOD"] == "GET":
            time.sleep(DELAY)
        return application(environ, start_response)

    return answer


if __name__ == "__main__":
    moto, werkzeug = import_module("moto.server"), import_module("werkzeug.serving")
    application = moto.DomainDispatcherApplication(moto.create_backend_app)
    werkzeug.run_simple(sys.argv[1], int(sys.argv[2]), slow(application), threaded=True)
