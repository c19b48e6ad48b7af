"""The connections of 2009: ask with `request`, then call `getresponse`; over today's engine."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

from ._auth import basic
from ._body import make_body
from ._budget import Budget
from ._decoding import accepted_codings, codings_of, decode_all
from ._dial import Dialer
from ._headers import Headers, HeaderTypes
from ._options import Limits, Timeouts
from ._proxy import ProxyMap, environment_proxy
from ._request import Request, checked_method
from ._transport import Transport
from ._url import URL, authority
from .errors import InvalidRequest, StreamError

# The limits of all requests that are not made by a client.
CLASSIC_BUDGET = Budget(Timeouts())


class ClassicResponse:
    """An answer, as the connections of 2009 return it.

    Attributes:
        status, reason: of the status line.
        content: the body.
        version: 10 or 11.
    """

    def __init__(
        self,
        status: int,
        reason: str,
        headers: Headers | list[tuple[bytes, bytes]],
        content: bytes,
        version: int = 11,
    ) -> None:
        self.status = status
        self.reason = reason
        self._headers = headers
        self.content = content
        self.version = version
        self._position = 0

    @property
    def headers(self) -> Headers:
        """The headers, a mapping without regard to case."""
        if not isinstance(self._headers, Headers):
            self._headers = Headers.received(self._headers)
        return self._headers

    @property
    def msg(self) -> Headers:
        """The headers, by the name they had in 2009."""
        return self.headers

    def getheader(self, name: str, default: str | None = None) -> str | None:
        """Return a header, or `default`."""
        return self.headers.get(name, default)

    def getheaders(self) -> list[tuple[str, str]]:
        """Return all headers in their order."""
        return self.headers.multi_items()

    def read(self, amount: int | None = None) -> bytes:
        """Return the rest of the body, or the next `amount` bytes of it."""
        start = self._position
        end = len(self.content) if amount is None else min(start + amount, len(self.content))
        self._position = end
        return self.content[start:end]

    def __repr__(self) -> str:
        return f"<ClassicResponse {self.status} {self.reason}, {len(self.content)} bytes>"


class HttpClient:
    """One connection to one server, kept as long as both sides want.

    Arguments:
        host: a name or an address, perhaps with ``:port``.
        port: by default that of the scheme.
        strict: ignored; answers are always read strictly.
        proxy: the URL of a proxy to go through; None for none.

    Raises:
        TypeError: `host` is not text.
        InvalidURL: it is not safe.
    """

    scheme = "http"

    def __init__(
        self,
        host: str,
        port: int | None = None,
        strict: bool | None = None,
        *,
        proxy: str | None = None,
    ) -> None:
        if not isinstance(host, str):
            raise TypeError(f"a host is a name or an address, as text, not {host!r}")
        place = host if port is None else f"{host}:{port}"
        self._base = URL.parse(f"{self.scheme}://{place}/")
        self._transport = make_transport(proxy, Limits(1, 1, 1))
        self._request: Request | None = None

    @property
    def host(self) -> str:
        """The host at the other end."""
        return self._base.host

    @property
    def port(self) -> int:
        """The port at the other end."""
        return self._base.port

    def connect(self) -> None:
        """Connect now rather than with the first request.

        Raises:
            ConnectError: it did not work; as all errors it is an `HTTPError`.
        """
        self._transport.connect(self._base, CLASSIC_BUDGET)

    def request(
        self, method: str, path: str, body: Any = None, headers: HeaderTypes = None
    ) -> None:
        """Prepare a request; `getresponse` sends it.

        Raises:
            InvalidRequest, InvalidURL: something in it cannot be sent safely.
        """
        url = self._base.join(path)
        if url.origin != self._base.origin:
            raise InvalidRequest(f"{url} is not at {self._base.origin}, which this is connected to")
        self._request = prepare(method, url, body, Headers(headers))

    def getresponse(self) -> ClassicResponse:
        """Send the request and return its answer, with the body read.

        Raises:
            StreamError: there is no request.
            HTTPError: of some kind; see `eventlet.httpc.errors`.
        """
        request, self._request = self._request, None
        if request is None:
            raise StreamError("ask with request() before you ask for the response")
        return perform(self._transport, request)

    def close(self) -> None:
        """Close the connection; a later request would open another one."""
        self._transport.drop_idle()

    def __repr__(self) -> str:
        where = authority(self.host, self.port, self.scheme)
        return f"<{type(self).__name__} {self.scheme}://{where}>"


class HttpsClient(HttpClient):
    """One connection to one server, with TLS; its certificate is checked."""

    scheme = "https"


def prepare(method: str, url: URL, body: Any, headers: Headers) -> Request:
    """Make a request of what people pass.

    Raises:
        InvalidRequest: something in it cannot be sent safely.
    """
    # Framing is ours; a length that a program of 2009 passes along is what we find anyway.
    fields = [field for field in headers.multi_items() if field[0].lower() != "content-length"]
    if "accept-encoding" not in headers:
        fields.append(("Accept-Encoding", accepted_codings()))
    if url.username is not None and "authorization" not in headers:
        fields.append(("Authorization", basic(url.username, url.password or "")))
    content = None if body is None or body in (b"", "") else make_body(body)
    return Request(checked_method(method), url, fields, content, CLASSIC_BUDGET)


def perform(transport: Transport, request: Request) -> ClassicResponse:
    """Send a request, and return the answer with its body read and decoded.

    Raises:
        HTTPError: of some kind; see `eventlet.httpc.errors`.
    """
    reply = transport.exchange(request)
    content = reply.read()
    if content and b"content-encoding" in reply.names:
        headers = Headers.received(reply.headers)
        content = decode_all(content, codings_of(headers.get_list("content-encoding")))
    version = 10 if reply.version == "1.0" else 11
    return ClassicResponse(
        reply.status, reply.reason.decode("latin-1"), reply.headers, content, version
    )


def make_transport(proxy: str | None, limits: Limits) -> Transport:
    """Return an engine that goes through a proxy, or directly."""
    return Transport(Dialer(), limits, ProxyMap.of(proxy))


@cache
def shared_transport(proxy: str | None = None) -> Transport:
    """Return the engine behind `get` and its kind; it keeps connections between the calls."""
    return make_transport(proxy, Limits())


def transport_for(use_proxy: bool) -> Transport:
    """Return the shared engine for requests that go through the environment's proxy, or don't."""
    return shared_transport(environment_proxy(os.environ) if use_proxy else None)
