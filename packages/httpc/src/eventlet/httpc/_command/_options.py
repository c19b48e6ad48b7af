"""What the options of both commands mean to a client."""

from __future__ import annotations

import argparse
from typing import Any

from .._headers import Headers
from .._options import Timeouts
from ..errors import InvalidRequest


def client_options(options: argparse.Namespace) -> dict[str, Any]:
    """Return the arguments of a `Client` that the command line asks for.

    Raises:
        InvalidRequest: a header is none.
    """
    headers = Headers()
    for field in options.header:
        name, colon, value = field.partition(":")
        if not colon:
            raise InvalidRequest(f"a header is written as 'NAME: VALUE', not {field!r}")
        headers.add(name.strip(), value)
    return {
        "headers": headers,
        "verify": not options.insecure,
        "proxy": options.proxy,
        "timeout": Timeouts(total=options.timeout),
    }
