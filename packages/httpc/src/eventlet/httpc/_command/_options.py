"""What the options of both commands mean to a client, and how a command gives up."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any, Self

from .._headers import Headers
from .._options import Timeouts
from ..errors import HTTPError

# What shells use for a program that Ctrl-C has ended.
INTERRUPTED = 128 + 2  # SIGINT


class CommandError(Exception):
    """The command cannot do what it was asked to; the message is for the person who asked."""

    @classmethod
    def about(cls, what: str, name: str | Path, error: OSError) -> Self:
        """Say that a file could not be read or written, and why."""
        return cls(f"cannot {what} {name}: {error.strerror or error}")


def client_options(options: argparse.Namespace) -> dict[str, Any]:
    """Return the arguments of a `Client` that the command line asks for.

    Raises:
        CommandError: a header is none.
    """
    headers = Headers()
    for field in options.header:
        name, colon, value = field.partition(":")
        if not colon:
            raise CommandError(f"a header is written as 'NAME: VALUE', not {field!r}")
        try:
            headers.add(name.strip(), value.strip())
        except HTTPError as error:
            raise CommandError(str(error)) from error
    return {
        "headers": headers,
        "http2": options.http2,
        "verify": not options.insecure,
        "proxy": options.proxy,
        "timeout": Timeouts(total=options.timeout),
    }
