"""What can go wrong on the way to an answer, named by who is at fault.

All derive from `HTTPError`. An answer that arrived, but with a status that was not asked for, is
an `eventlet.httpc.ConnectionError` or one of its subclasses, and these derive from it too.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "BodyTooLarge",
    "ClientClosed",
    "ConnectError",
    "ConnectTimeout",
    "DecodingError",
    "HTTPError",
    "InvalidRequest",
    "InvalidURL",
    "PoolTimeout",
    "ProtocolError",
    "ProxyError",
    "ReadError",
    "ReadTimeout",
    "StreamError",
    "TLSError",
    "TooManyRedirects",
    "TotalTimeout",
    "WriteError",
    "WriteTimeout",
]


class HTTPError(Exception):
    """Root of all errors of this package.

    Attributes:
        url: the URL that was being fetched, where it is known; else None.
    """

    url: str | None = None

    def __init__(self, message: str, *data: Any) -> None:
        super().__init__(message)
        self._data = data or (message,)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._data, {"url": self.url}


class InvalidURL(HTTPError, ValueError):
    """A URL cannot be requested safely; `reason` says what is wrong with it. Yours to mend."""

    def __init__(self, url: object, reason: str) -> None:
        super().__init__(f"cannot request {url!r}: {reason}", url, reason)
        self.url = url if isinstance(url, str) else None
        self.reason = reason


class InvalidRequest(HTTPError, ValueError):
    """A method, header or body cannot be sent safely; nothing was sent. Yours to mend."""


class ClientClosed(HTTPError, RuntimeError):
    """A client was used after its `close`. Make a new one."""


class StreamError(HTTPError, RuntimeError):
    """A body was read twice, or after its stream was left. Keep what you need of it."""


class _PeerError(HTTPError):
    """An error of a connection.

    Attributes:
        peer: who is at the other end, as ``"127.0.0.1 port 80"``.
        reason: what happened.
    """

    _text = "{reason}"

    def __init__(self, peer: str, reason: str) -> None:
        super().__init__(self._text.format(peer=peer, reason=reason), peer, reason)
        self.peer = peer
        self.reason = reason


class ConnectError(_PeerError):
    """No connection could be made. Nothing was sent, so the request may be tried again."""

    _text = "could not connect to {peer}: {reason}"


class ConnectTimeout(ConnectError, TimeoutError):
    """No connection was made within the limit ``connect``."""


class TLSError(ConnectError):
    """The peer's certificate or its TLS was not acceptable. Nothing was sent."""

    _text = "no safe connection to {peer}: {reason}"


class ProxyError(ConnectError):
    """The proxy refused to make the connection. Nothing was sent to the server behind it."""

    _text = "proxy {peer} made no connection: {reason}"


class WriteError(_PeerError):
    """The connection, or the request's stream of it, broke while the request was being sent."""

    _text = "could not send to {peer}: {reason}"


class WriteTimeout(WriteError, TimeoutError):
    """The peer took nothing of the request for the limit ``write``."""


class ReadError(_PeerError):
    """The connection, or the request's stream of it, broke before the whole answer had arrived."""

    _text = "could not read from {peer}: {reason}"


class ReadTimeout(ReadError, TimeoutError):
    """The peer sent nothing for the limit ``read``."""


class ProtocolError(_PeerError):
    """The peer sent something that is not HTTP. Nothing more is read of its answer."""

    _text = "{peer} does not speak proper HTTP: {reason}"


class PoolTimeout(_PeerError, TimeoutError):
    """No connection or stream came free within the limit ``pool``: raise that, or ask for less."""

    _text = "no free connection to {peer}: {reason}"


class TotalTimeout(_PeerError, TimeoutError):
    """The whole request took longer than the limit ``total``."""

    _text = "gave up on {peer}: {reason}"


class DecodingError(HTTPError, ValueError):
    """A body is not what its headers say it is.

    Attributes:
        encoding: the encoding that was announced.
        reason: what is wrong.
    """

    def __init__(self, encoding: str, reason: str) -> None:
        super().__init__(f"cannot decode a body as {encoding}: {reason}", encoding, reason)
        self.encoding = encoding
        self.reason = reason


class BodyTooLarge(HTTPError):
    """A body is longer than the limit that was set.

    Attributes:
        limit: in bytes.
    """

    def __init__(self, limit: int) -> None:
        super().__init__(f"the body is longer than the limit of {limit} bytes", limit)
        self.limit = limit


class TooManyRedirects(HTTPError):
    """A request was redirected more often than the limit allows.

    Attributes:
        limit: how often it may be.
    """

    def __init__(self, url: str, limit: int) -> None:
        super().__init__(f"{url} was the end of {limit} redirects, and redirects again", url, limit)
        self.url = url
        self.limit = limit
