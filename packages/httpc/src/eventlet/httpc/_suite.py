"""The functions of 2009 as methods: a pair of functions that turn bodies to bytes and back."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from ._classic import (
    CLASSIC_BUDGET,
    ClassicResponse,
    HttpClient,
    HttpsClient,
    perform,
    prepare,
    shared_transport,
    transport_for,
)
from ._decoding import accepted_codings
from ._file import FileScheme
from ._headers import Headers, HeaderTypes, checked, pairs_of
from ._params import DEFAULT_OK, Params
from ._proxy import environment_proxy
from ._request import Request
from ._status import (
    ConnectionError,
    Found,
    MovedPermanently,
    PermanentRedirect,
    Retriable,
    SeeOther,
    TemporaryRedirect,
    UnparseableResponse,
    status_to_error_map,
)
from ._url import URL
from .errors import InvalidURL

_REDIRECTS = (MovedPermanently, Found, SeeOther, TemporaryRedirect, PermanentRedirect)
_WITH_BODY = ("PUT", "POST", "PATCH")


class HttpSuite:
    """The verbs of HTTP for one kind of content.

    The plain verbs return the body; those that end in ``_`` return status, headers and body. They
    raise `ConnectionError`, or the subclass that belongs to the status, for each status that is
    not in `ok` (by default 200, 201 and 204), and other kinds of `HTTPError` if no answer came.

    All verbs take these arguments:

    - `url`: ``http:``, ``https:``, or for get, head, put and delete ``file:``.
    - `headers`: a mapping; it is not changed.
    - `use_proxy`: go through the proxy that ``http_proxy`` or ``ALL_PROXY`` name, else through the
      one on port 3128 of this machine.
    - `ok`: the statuses that are returned rather than raised.
    - `aux`: anything; it is found again as ``params.aux`` of an exception.
    - `connection`: what `connect` has returned, to be used instead of the shared ones. It stays
      open.

    Arguments:
        dumper: makes bytes or text of what put and post are given; None takes bytes and text.
        loader: makes something of the bytes that come; None returns the bytes.
        fallback_content_type: what is sent and accepted unless the caller says otherwise.
    """

    def __init__(
        self,
        dumper: Callable[[Any], Any] | None,
        loader: Callable[[bytes], Any] | None,
        fallback_content_type: str,
    ) -> None:
        self.dumper = dumper
        self.loader = loader
        self.fallback_content_type = fallback_content_type

    def request_(self, params: Params, connection: Any = None) -> tuple[int, Headers, Any]:
        """Carry out a request, and return status, headers and body."""
        return _triple(self._perform(self._own(params), connection))

    def request(self, params: Params, connection: Any = None) -> Any:
        """Carry out a request, and return the body."""
        return self._perform(self._own(params), connection)[1]

    def head_(
        self,
        url: str,
        headers: HeaderTypes = None,
        use_proxy: bool = False,
        ok: Collection[int] | None = None,
        aux: Any = None,
        connection: Any = None,
    ) -> tuple[int, Headers, Any]:
        """Ask for the headers of a URL; return status, headers and body, which is empty."""
        params = self._params(url, "HEAD", headers, use_proxy=use_proxy, ok=ok, aux=aux)
        return self.request_(params, connection)

    def head(self, *args: Any, **kwargs: Any) -> Any:
        """Ask as `head_`, and return the body, which is empty."""
        return self.head_(*args, **kwargs)[-1]

    def get_(
        self,
        url: str,
        headers: HeaderTypes = None,
        use_proxy: bool = False,
        ok: Collection[int] | None = None,
        aux: Any = None,
        max_retries: int = 8,
        connection: Any = None,
    ) -> tuple[int, Headers, Any]:
        """Fetch a URL; return status, headers and body.

        Arguments:
            max_retries: how many redirects are followed; the next one is raised as the exception
                of its status.
        """
        return _triple(self._fetch(url, headers, use_proxy, ok, aux, max_retries, connection))

    def get(
        self,
        url: str,
        headers: HeaderTypes = None,
        use_proxy: bool = False,
        ok: Collection[int] | None = None,
        aux: Any = None,
        max_retries: int = 8,
        connection: Any = None,
    ) -> Any:
        """Fetch as `get_`, and return the body."""
        return self._fetch(url, headers, use_proxy, ok, aux, max_retries, connection)[1]

    def put_(
        self,
        url: str,
        data: Any,
        headers: HeaderTypes = None,
        content_type: str | None = None,
        ok: Collection[int] | None = None,
        aux: Any = None,
        connection: Any = None,
    ) -> tuple[int, Headers, Any]:
        """Store `data`, after the dumper, at a URL; return status, headers and body.

        Arguments:
            content_type: what `data` is then; by default the suite's.
        """
        params = self._params(url, "PUT", headers, body=data, ok=ok, aux=aux)
        self._describe(params, content_type)
        return self.request_(params, connection)

    def put(self, *args: Any, **kwargs: Any) -> Any:
        """Store as `put_`, and return the body of the answer."""
        return self.put_(*args, **kwargs)[-1]

    def post_(
        self,
        url: str,
        data: Any = "",
        headers: HeaderTypes = None,
        use_proxy: bool = False,
        content_type: str | None = None,
        ok: Collection[int] | None = None,
        aux: Any = None,
        connection: Any = None,
    ) -> tuple[int, Headers, Any]:
        """Send `data`, after the dumper, to a URL; return status, headers and body.

        Arguments:
            content_type: what `data` is then; by default the suite's.
        """
        params = self._params(url, "POST", headers, body=data, use_proxy=use_proxy, ok=ok, aux=aux)
        self._describe(params, content_type)
        return self.request_(params, connection)

    def post(self, *args: Any, **kwargs: Any) -> Any:
        """Send as `post_`, and return the body of the answer."""
        return self.post_(*args, **kwargs)[-1]

    def delete_(
        self,
        url: str,
        ok: Collection[int] | None = None,
        aux: Any = None,
        connection: Any = None,
        *,
        headers: HeaderTypes = None,
        use_proxy: bool = False,
    ) -> tuple[int, Headers, Any]:
        """Remove what is at a URL; return status, headers and body."""
        params = self._params(url, "DELETE", headers, use_proxy=use_proxy, ok=ok, aux=aux)
        return self.request_(params, connection)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        """Remove as `delete_`, and return the body of the answer."""
        return self.delete_(*args, **kwargs)[-1]

    def _fetch(
        self, url: str, headers: HeaderTypes, use_proxy: bool, ok: Collection[int] | None,
        aux: Any, max_retries: int, connection: Any,
    ) -> tuple[Any, Any]:  # fmt: skip
        """Carry out a GET, following redirects."""
        if not isinstance(max_retries, int):
            raise TypeError(f"max_retries is how many redirects to follow, not {max_retries!r}")
        response = None
        if headers is None and ok is None and connection is None and not use_proxy:
            response = self._get_simply(url)
            if response is not None and response.status in DEFAULT_OK and self.loader is None:
                return response, response.content
        params = self._params(url, "GET", headers, use_proxy=use_proxy, ok=ok, aux=aux)
        if "accept" not in params.headers:
            params.headers.add("Accept", _accept(self.fallback_content_type))
        for _ in range(max_retries):
            try:
                return self._perform(params, connection, response)
            except _REDIRECTS as redirect:
                params, connection = self._follow(redirect, params, connection)
                response = None
        return self._perform(params, connection, response)

    def _get_simply(self, url: str) -> ClassicResponse | None:
        """Carry out the simplest kind of GET, without `Params`; None if this one is not simple."""
        if not isinstance(url, str) or url[:4] != "http":
            return None
        parsed = URL.parse(url)
        if parsed.username is not None:
            return None
        fields = _simple_fields(self.fallback_content_type)
        return perform(shared_transport(), Request("GET", parsed, fields, None, CLASSIC_BUDGET))

    def _perform(
        self, params: Params, connection: Any, response: ClassicResponse | None = None
    ) -> tuple[Any, Any]:
        """Carry out a request that is ours to change; return the response, and what was loaded.

        Arguments:
            response: the answer, if it is here already.
        """
        params.instance = self
        params.body = self._dumped(params)
        if response is None:
            response = _ask(params, connection)
        else:
            params.path = URL.parse(params.url).target
        params.response = response
        params.response_body = body = response.read()
        if response.status not in params.ok:
            raise status_to_error_map.get(response.status, ConnectionError)(params)
        return response, self._loaded(params, body)

    def _params(
        self,
        url: str,
        method: str,
        headers: HeaderTypes,
        *,
        body: Any = "",
        use_proxy: bool = False,
        ok: Collection[int] | None,
        aux: Any,
    ) -> Params:
        given = dict(pairs_of(headers))
        return Params(url, method, body, given, self.dumper, self.loader, use_proxy, ok, aux)

    def _own(self, params: Params) -> Params:
        if not isinstance(params, Params):
            raise TypeError(f"a request is a Params, not {params!r}; for a URL use get()")
        return params.copy(self)

    def _describe(self, params: Params, content_type: str | None) -> None:
        kind = params.headers.setdefault("Content-Type", content_type or self.fallback_content_type)
        params.headers.setdefault("Accept", _accept(kind))

    def _follow(self, error: Retriable, params: Params, connection: Any) -> tuple[Params, Any]:
        """Return what to ask next; a connection that was passed leads to one origin only."""
        moved = error.params.moved(error.retry_method(), error.retry_url())
        is_same = URL.parse(moved.url).origin == URL.parse(params.url).origin
        return moved, connection if is_same else None

    def _dumped(self, params: Params) -> Any:
        params.orig_body = params.body
        if params.method not in _WITH_BODY:
            return b""
        return params.body if params.dumper is None else params.dumper(params.body)

    def _loaded(self, params: Params, body: bytes) -> Any:
        if params.loader is None:
            return body
        try:
            return params.loader(body)
        except Exception as error:
            kind = params.response.headers.get("content-type")
            raise UnparseableResponse(kind, params.loader, body, params.url, params) from error


def _accept(kind: str) -> str:
    return f"{kind};q=1,*/*;q=0"


@lru_cache
def _simple_fields(kind: str) -> tuple[tuple[str, str], ...]:
    """Return the headers of a GET for which nobody has given any."""
    return checked("Accept", _accept(kind)), ("Accept-Encoding", accepted_codings())


def _triple(answer: tuple[Any, Any]) -> tuple[int, Headers, Any]:
    response, body = answer
    return response.status, response.headers, body


def _ask(params: Params, connection: Any) -> Any:
    """Send a request on `connection`, or on a shared one; return the response."""
    if isinstance(params.url, str) and params.url[:5].lower() == "file:":
        params.path = urlsplit(params.url).path
        connection = connection or connect(params.url)
    else:
        url = URL.parse(params.url)
        params.path = url.target
        if connection is None:
            request = prepare(params.method, url, params.body, params.headers)
            return perform(transport_for(params.use_proxy), request)
    connection.request(params.method, params.path, params.body, params.headers)
    return connection.getresponse()


def connect(url: str, use_proxy: bool = False) -> HttpClient | FileScheme:
    """Return a connection to the server of a URL, for the `connection` argument of the verbs.

    Arguments:
        use_proxy: go through the proxy that the environment names.

    Raises:
        InvalidURL: the scheme is unknown, or the URL is not safe; also a `ValueError`.
        HTTPError: the connection could not be made.
    """
    if not isinstance(url, str):
        raise InvalidURL(url, "a URL is text")
    parts = urlsplit(url)
    return make_connection(parts.scheme.lower(), parts.netloc.rpartition("@")[-1], use_proxy)


def make_connection(scheme: str, location: str, use_proxy: bool) -> HttpClient | FileScheme:
    """Return a connection to a server, ready for requests.

    Arguments:
        scheme: "http", "https" or "file".
        location: host, or ``host:port``.
        use_proxy: go through the proxy that the environment names.

    Raises:
        InvalidURL: the scheme is unknown, or the location is not safe; also a `ValueError`.
        HTTPError: the connection could not be made.
    """
    if scheme == "file":
        return FileScheme(location)
    if scheme not in ("http", "https"):
        raise InvalidURL(f"{scheme}://{location}", f"Unknown url scheme {scheme!r}")
    proxy = environment_proxy(os.environ) if use_proxy else None
    kind = HttpsClient if scheme == "https" else HttpClient
    connection = kind(location, proxy=proxy)
    connection.connect()
    return connection


def make_suite(
    dumper: Callable[[Any], Any] | None,
    loader: Callable[[bytes], Any] | None,
    fallback_content_type: str,
) -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
    """Return the functions get, put, delete and post of a new `HttpSuite`.

    Arguments:
        dumper, loader, fallback_content_type: as for `HttpSuite`.
    """
    suite = HttpSuite(dumper, loader, fallback_content_type)
    return suite.get, suite.put, suite.delete, suite.post


def host_and_port_from_url(url: str) -> tuple[str, int | None]:
    """Return host and port of a URL; the port is None if the URL names none.

    Raises:
        InvalidURL: the URL cannot be requested safely.
    """
    parsed = URL.parse(url)
    place = urlsplit(url).netloc.rpartition("@")[-1]
    has_port = place.rpartition(":")[-1].isdigit() and not place.endswith("]")
    return parsed.host, parsed.port if has_port else None
