"""Statuses as exceptions: one class for each status that calls for a decision.

The names are those of 2009, and of the standard for the statuses that came later.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

from ._dates import from_http_time
from .errors import HTTPError

if TYPE_CHECKING:
    from ._params import Params

# How much of a body an error message shows, in characters.
_SHOWN = 1000


class ConnectionError(HTTPError):
    """An answer came, with a status that was not asked for.

    Arguments:
        params: the request and its answer; see `Params`.

    Attributes:
        params: the same.
    """

    def __init__(self, params: Params) -> None:
        super().__init__(_describe(self, params), params)
        self.params = params
        self.url = params.url

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.params,)

    @property
    def status(self) -> int:
        """The status of the answer."""
        return int(self.params.response.status)

    def location(self) -> str | None:
        """Return the ``Location`` header of the answer, or None."""
        value: str | None = self.params.response.headers.get("location")
        return value

    def expired(self) -> bool:
        """Return whether the answer's ``Expires`` is past; without a valid one it is."""
        expires = from_http_time(self.params.response.headers.get("expires"))
        return expires is None or time.time() > expires

    def describe_body(self, body: Any) -> str:
        """Return what is shown of the answer's body in the error message."""
        return _text(body)

    def __str__(self) -> str:
        return _describe(self, self.params)

    def __repr__(self) -> str:
        return f"<{self}>"


def _describe(error: ConnectionError, params: Params) -> str:
    response = params.response
    line = f"{type(error).__name__}: {params.method} {params.url} returned"
    status = f"{line} {response.status} {response.reason}".rstrip()
    body = error.describe_body(params.response_body)
    return f"{status}: {body}" if body else status


def _text(body: Any) -> str:
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body or "")
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}... ({len(text)} characters)"


class UnparseableResponse(ConnectionError):
    """The loader of a suite could not read the body.

    Attributes:
        content_type: what the answer says it is.
        parser: the loader.
        response: the body.
        url: where it came from.
    """

    def __init__(
        self, content_type: str | None, parser: Any, response: Any, url: str, params: Any = None
    ) -> None:
        HTTPError.__init__(
            self,
            f"could not read the body of {url}, of type {content_type!r}, with {parser!r}:"
            f" {_text(response)}",
        )
        self.content_type = content_type
        self.parser = parser
        self.response = response
        self.url: str = url
        self.params = params

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (
            self.content_type,
            self.parser,
            self.response,
            self.url,
            self.params,
        )

    def __str__(self) -> str:
        return str(self.args[0])


class Retriable(ConnectionError):
    """The request may have another outcome somewhere else, or later."""

    def retry_method(self) -> str:
        """Return the method to try again with."""
        return self.params.method

    def retry_url(self) -> str:
        """Return where to try again: ``Location``, which may be relative, else the same URL.

        Raises:
            InvalidURL: the server names a place that cannot be requested safely.
        """
        location = self.location()
        return self.params.url if location is None else self.params.resolve(location)

    def retry_(self) -> tuple[int, Any, Any]:
        """Try again, and return status, headers and body; credentials stay with their origin."""
        again = self.params.moved(self.retry_method(), self.retry_url())
        result: tuple[int, Any, Any] = again.instance.request_(again)
        return result

    def retry(self) -> Any:
        """Try again, and return the body."""
        return self.retry_()[-1]


# Successes that are not an answer yet, and redirects


class Accepted(ConnectionError):
    """202: the request was taken, and will be worked on later."""


class MultipleChoices(ConnectionError):
    """300: there are several answers to choose from."""


class MovedPermanently(Retriable):
    """301: ask somewhere else, from now on."""


class Found(Retriable):
    """302: ask somewhere else, this time."""


class SeeOther(Retriable):
    """303: the answer is somewhere else, to be fetched with GET."""

    def retry_method(self) -> str:
        """Return the method to try again with: GET, or HEAD if it was that."""
        return "HEAD" if self.params.method == "HEAD" else "GET"


class NotModified(ConnectionError):
    """304: what you have is still good."""


class TemporaryRedirect(Retriable):
    """307: ask somewhere else, this time, with the same method and body."""


class PermanentRedirect(Retriable):
    """308: ask somewhere else, from now on, with the same method and body."""


# What the client did wrong


class BadRequest(ConnectionError):
    """400: the server does not understand the request."""


class Unauthorized(ConnectionError):
    """401: say who you are."""


class PaymentRequired(ConnectionError):
    """402: pay first."""


class Forbidden(ConnectionError):
    """403: not for you."""


class NotFound(ConnectionError):
    """404: there is nothing at this URL."""


class MethodNotAllowed(ConnectionError):
    """405: not with this method."""


class NotAcceptable(ConnectionError):
    """406: not in any form that you accept."""


class ProxyAuthenticationRequired(ConnectionError):
    """407: tell the proxy who you are."""


class RequestTimeout(ConnectionError):
    """408: the request took too long to arrive."""


class Conflict(ConnectionError):
    """409: not in the state that things are in."""


class Gone(ConnectionError):
    """410: there was something at this URL, and will not be again."""


class LengthRequired(ConnectionError):
    """411: say how long the body is."""


class PreconditionFailed(ConnectionError):
    """412: a condition of yours is not met."""


class RequestEntityTooLarge(ConnectionError):
    """413: the body is too large."""


class RequestURITooLong(ConnectionError):
    """414: the URL is too long."""


class UnsupportedMediaType(ConnectionError):
    """415: not in this format."""


class RequestedRangeNotSatisfiable(ConnectionError):
    """416: there is no such part of it."""


class ExpectationFailed(ConnectionError):
    """417: the server cannot do what ``Expect`` wants."""


class MisdirectedRequest(ConnectionError):
    """421: this server does not answer for this host."""


class UnprocessableContent(ConnectionError):
    """422: understood, but it makes no sense."""


class Locked(ConnectionError):
    """423: somebody holds a lock on it."""


class FailedDependency(ConnectionError):
    """424: something that this depends on has failed."""


class TooEarly(ConnectionError):
    """425: not before the handshake has ended."""


class UpgradeRequired(ConnectionError):
    """426: not in this version of the protocol."""


class PreconditionRequired(ConnectionError):
    """428: say on what condition."""


class TooManyRequests(Retriable):
    """429: ask more slowly; ``Retry-After`` may say how much."""


class RequestHeaderFieldsTooLarge(ConnectionError):
    """431: the headers are too large."""


class UnavailableForLegalReasons(ConnectionError):
    """451: the law forbids it."""


# What the server could not do


class InternalServerError(ConnectionError):
    """500: something went wrong in the server.

    A body that is a JSON object with a ``stack-trace`` is shown as that.
    """

    def describe_body(self, body: Any) -> str:
        """Return the stack trace in the body, if there is one, else the body."""
        try:
            details = json.loads(body)
        except (TypeError, ValueError):
            return super().describe_body(body)
        trace = details.get("stack-trace") if isinstance(details, dict) else None
        if not trace:
            return super().describe_body(body)
        lines = trace if isinstance(trace, list) else [trace]
        words = [str(details[key]) for key in ("error", "description") if key in details]
        return "\n".join([*words, *(str(line).rstrip("\n") for line in lines)])


class NotImplemented(ConnectionError):
    """501: the server cannot do that."""


class BadGateway(ConnectionError):
    """502: the server behind this one gave a bad answer."""


class ServiceUnavailable(Retriable):
    """503: not now; ``Retry-After`` may say when."""


class GatewayTimeout(Retriable):
    """504: the server behind this one gave no answer in time."""


class HTTPVersionNotSupported(ConnectionError):
    """505: not in this version of HTTP."""


class VariantAlsoNegotiates(ConnectionError):
    """506: the server is at odds with itself."""


class InsufficientStorage(ConnectionError):
    """507: the server has no room for it."""


class LoopDetected(ConnectionError):
    """508: it leads back to itself."""


class NotExtended(ConnectionError):
    """510: only with an extension of HTTP."""


class NetworkAuthenticationRequired(ConnectionError):
    """511: log in to the network first."""


#: The exception for each status that has one.
status_to_error_map: dict[int, type[ConnectionError]] = {
    202: Accepted,
    300: MultipleChoices,
    301: MovedPermanently,
    302: Found,
    303: SeeOther,
    304: NotModified,
    307: TemporaryRedirect,
    308: PermanentRedirect,
    400: BadRequest,
    401: Unauthorized,
    402: PaymentRequired,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    406: NotAcceptable,
    407: ProxyAuthenticationRequired,
    408: RequestTimeout,
    409: Conflict,
    410: Gone,
    411: LengthRequired,
    412: PreconditionFailed,
    413: RequestEntityTooLarge,
    414: RequestURITooLong,
    415: UnsupportedMediaType,
    416: RequestedRangeNotSatisfiable,
    417: ExpectationFailed,
    421: MisdirectedRequest,
    422: UnprocessableContent,
    423: Locked,
    424: FailedDependency,
    425: TooEarly,
    426: UpgradeRequired,
    428: PreconditionRequired,
    429: TooManyRequests,
    431: RequestHeaderFieldsTooLarge,
    451: UnavailableForLegalReasons,
    500: InternalServerError,
    501: NotImplemented,
    502: BadGateway,
    503: ServiceUnavailable,
    504: GatewayTimeout,
    505: HTTPVersionNotSupported,
    506: VariantAlsoNegotiates,
    507: InsufficientStorage,
    508: LoopDetected,
    510: NotExtended,
    511: NetworkAuthenticationRequired,
}
