"""The functions of 2009: one verb each, on a suite of their own, over shared connections."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeAlias

from ._headers import Headers, HeaderTypes
from ._params import Params
from ._suite import HttpSuite


def _to_bytes(data: Any) -> Any:
    """Leave what can be sent as it is; anything else is written as text."""
    is_sendable = isinstance(data, (bytes, bytearray, memoryview)) or hasattr(data, "read")
    return data if is_sendable else str(data)


#: The suite behind the functions of this module: bodies are sent and returned as bytes.
suite = HttpSuite(_to_bytes, None, "text/plain")

Triple: TypeAlias = tuple[int, Headers, Any]
Statuses: TypeAlias = "Collection[int] | None"


def head(
    url: str,
    headers: HeaderTypes = None,
    use_proxy: bool = False,
    ok: Statuses = None,
    aux: Any = None,
    connection: Any = None,
) -> Any:
    """Ask for the headers of a URL; return the body.

    Arguments and errors: see `HttpSuite` and its `head_`.
    """
    return suite.head_(url, headers, use_proxy, ok, aux, connection)[-1]


def head_(
    url: str,
    headers: HeaderTypes = None,
    use_proxy: bool = False,
    ok: Statuses = None,
    aux: Any = None,
    connection: Any = None,
) -> Triple:
    """Ask for the headers of a URL; return status, headers and body.

    Arguments and errors: see `HttpSuite` and its `head_`.
    """
    return suite.head_(url, headers, use_proxy, ok, aux, connection)


def get(
    url: str,
    headers: HeaderTypes = None,
    use_proxy: bool = False,
    ok: Statuses = None,
    aux: Any = None,
    max_retries: int = 8,
    connection: Any = None,
) -> Any:
    """Fetch a URL; return the body.

    Arguments and errors: see `HttpSuite` and its `get_`.
    """
    return suite.get(url, headers, use_proxy, ok, aux, max_retries, connection)


def get_(
    url: str,
    headers: HeaderTypes = None,
    use_proxy: bool = False,
    ok: Statuses = None,
    aux: Any = None,
    max_retries: int = 8,
    connection: Any = None,
) -> Triple:
    """Fetch a URL; return status, headers and body.

    Arguments and errors: see `HttpSuite` and its `get_`.
    """
    return suite.get_(url, headers, use_proxy, ok, aux, max_retries, connection)


def put(
    url: str,
    data: Any,
    headers: HeaderTypes = None,
    content_type: str | None = None,
    ok: Statuses = None,
    aux: Any = None,
    connection: Any = None,
) -> Any:
    """Store data at a URL; return the body.

    Arguments and errors: see `HttpSuite` and its `put_`.
    """
    return suite.put_(url, data, headers, content_type, ok, aux, connection)[-1]


def put_(
    url: str,
    data: Any,
    headers: HeaderTypes = None,
    content_type: str | None = None,
    ok: Statuses = None,
    aux: Any = None,
    connection: Any = None,
) -> Triple:
    """Store data at a URL; return status, headers and body.

    Arguments and errors: see `HttpSuite` and its `put_`.
    """
    return suite.put_(url, data, headers, content_type, ok, aux, connection)


def post(
    url: str,
    data: Any = "",
    headers: HeaderTypes = None,
    use_proxy: bool = False,
    content_type: str | None = None,
    ok: Statuses = None,
    aux: Any = None,
    connection: Any = None,
) -> Any:
    """Send data to a URL; return the body.

    Arguments and errors: see `HttpSuite` and its `post_`.
    """
    return suite.post_(url, data, headers, use_proxy, content_type, ok, aux, connection)[-1]


def post_(
    url: str,
    data: Any = "",
    headers: HeaderTypes = None,
    use_proxy: bool = False,
    content_type: str | None = None,
    ok: Statuses = None,
    aux: Any = None,
    connection: Any = None,
) -> Triple:
    """Send data to a URL; return status, headers and body.

    Arguments and errors: see `HttpSuite` and its `post_`.
    """
    return suite.post_(url, data, headers, use_proxy, content_type, ok, aux, connection)


def delete(
    url: str,
    ok: Statuses = None,
    aux: Any = None,
    connection: Any = None,
) -> Any:
    """Remove what is at a URL; return the body.

    Arguments and errors: see `HttpSuite` and its `delete_`.
    """
    return suite.delete_(url, ok, aux, connection)[-1]


def delete_(
    url: str,
    ok: Statuses = None,
    aux: Any = None,
    connection: Any = None,
) -> Triple:
    """Remove what is at a URL; return status, headers and body.

    Arguments and errors: see `HttpSuite` and its `delete_`.
    """
    return suite.delete_(url, ok, aux, connection)


def request(params: Params, connection: Any = None) -> Any:
    """Carry out a request that is in `params`; return the body.

    Errors: see `HttpSuite`.
    """
    return suite.request_(params, connection)[-1]


def request_(params: Params, connection: Any = None) -> Triple:
    """Carry out a request that is in `params`; return status, headers and body.

    Errors: see `HttpSuite`.
    """
    return suite.request_(params, connection)
