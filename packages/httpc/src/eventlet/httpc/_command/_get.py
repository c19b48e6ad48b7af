"""``httpc get``: some URLs, all at once, printed in their order."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

from eventlet.hub import GreenThread, kill, spawn

from .._client import Client
from .._response import Response
from .._url import URL
from ..errors import HTTPError
from ._options import CommandError, client_options
from ._timing import Timing


def get(options: argparse.Namespace) -> int:
    """Run the command, and return its exit status: 1 if a URL had no answer, or a bad one.

    Raises:
        CommandError: what was asked for cannot be done.
        BrokenPipeError: nobody reads the output any more.
    """
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    timing = Timing()
    body = None if options.data is None else _body(options.data)
    method = options.method or ("GET" if body is None else "POST")
    try:
        urls = [URL.parse(url) for url in options.urls]
        client = Client(**client_options(options), trace=timing.note)
    except (HTTPError, ValueError, ImportError) as error:
        raise CommandError(str(error)) from error
    printer = _Printer(console, has_headers=options.include)
    threads: list[GreenThread[bool]] = []
    with client:
        try:
            for url in urls:
                before = threads[-1] if threads else None
                threads.append(spawn(_fetch, client, method, url, body, before, printer))
            are_good = [thread.wait() for thread in threads]
        finally:
            for thread in threads:
                kill(thread)
    if options.timing:
        console.print(timing.table())
    return 0 if all(are_good) else 1


def _fetch(
    client: Client,
    method: str,
    url: URL,
    body: bytes | None,
    before: GreenThread[bool] | None,
    printer: _Printer,
) -> bool:
    """Ask now, but print only after the one before; the rest of the body waits on its way."""
    try:
        with client.stream(method, url, content=body) as response:
            if before is not None:
                before.wait()
            printer.print(response)
            return bool(response)
    except HTTPError as error:
        printer.complain(f"{url}: {error}")
        return False


def _body(data: str) -> bytes:
    if not data.startswith("@"):
        return data.encode()
    try:
        return Path(data[1:]).read_bytes()
    except OSError as error:
        raise CommandError.about("read", data[1:], error) from error


class _Printer:
    """Bodies go to standard output, so that they can be piped; all else goes beside."""

    def __init__(self, console: Console, *, has_headers: bool) -> None:
        self._console = console
        self._has_headers = has_headers

    def print(self, response: Response) -> None:
        if self._has_headers:
            style = "green" if response else "red"
            line = f"HTTP/{response.http_version} {response.status} {response.reason}"
            self._console.print(Text(line, f"bold {style}"))
            for name, value in response.headers.multi_items():
                self._console.print(Text.assemble((name, "cyan"), f": {value}"))
            self._console.print()
        piece = b"\n"
        for piece in response.iter_bytes():
            sys.stdout.buffer.write(piece)
        if sys.stdout.isatty() and not piece.endswith(b"\n"):
            sys.stdout.buffer.write(b"\n")  # what comes next on the screen begins its own line
        sys.stdout.buffer.flush()

    def complain(self, text: str) -> None:
        self._console.print(Text(f"httpc: {text}", "red"))
