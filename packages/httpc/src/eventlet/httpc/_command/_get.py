"""``httpc get``: some URLs, all at once, printed in their order."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from eventlet.hub import spawn

from .._client import Client
from .._response import Response
from ..errors import HTTPError
from ._options import client_options
from ._timing import Timing


def get(options: argparse.Namespace) -> int:
    """Run the command, and return its exit status: 1 if a URL had no answer, or a bad one."""
    console = Console(stderr=True)
    timing = Timing()
    try:
        body = None if options.data is None else _body(options.data)
        with Client(**client_options(options), trace=timing.note) as client:
            method = options.method or ("GET" if body is None else "POST")
            threads = [spawn(_fetch, client, method, url, body, console) for url in options.urls]
            responses = [thread.wait() for thread in threads]
    except (HTTPError, OSError) as error:
        console.print(Text(str(error), "red"))
        return 2
    for response in responses:
        if response is not None:
            _print(response, console, has_headers=options.include)
    if options.timing:
        console.print(timing.table())
    return 0 if all(responses) else 1


def _fetch(
    client: Client, method: str, url: str, body: bytes | None, console: Console
) -> Response | None:
    try:
        return client.request(method, url, content=body)
    except HTTPError as error:
        console.print(Text(str(error), "red"))
        return None


def _body(data: str) -> bytes:
    return Path(data[1:]).read_bytes() if data.startswith("@") else data.encode()


def _print(response: Response, console: Console, *, has_headers: bool) -> None:
    if has_headers:
        style = "green" if response else "red"
        line = f"HTTP/{response.http_version} {response.status} {response.reason}"
        console.print(Text(line, f"bold {style}"))
        for name, value in response.headers.multi_items():
            console.print(Text.assemble((name, "cyan"), f": {value}"), soft_wrap=True)
        console.print()
    sys.stdout.buffer.write(response.content)
    sys.stdout.buffer.flush()
