"""An HTTP client whose requests wait without holding up other green threads."""

from __future__ import annotations

from ._auth import Auth as Auth
from ._auth import BasicAuth as BasicAuth
from ._auth import BearerAuth as BearerAuth
from ._auth import DigestAuth as DigestAuth
from ._budget import TraceEvent as TraceEvent
from ._classic import ClassicResponse as ClassicResponse
from ._classic import HttpClient as HttpClient
from ._classic import HttpsClient as HttpsClient
from ._client import Client as Client
from ._cookies import Cookies as Cookies
from ._dates import HTTP_TIME_FORMAT as HTTP_TIME_FORMAT
from ._dates import from_http_time as from_http_time
from ._dates import to_http_time as to_http_time
from ._file import FileScheme as FileScheme
from ._headers import Headers as Headers
from ._options import Limits as Limits
from ._options import Timeouts as Timeouts
from ._params import Params as Params
from ._pool import PoolStatistics as PoolStatistics
from ._proxy import Proxy as Proxy
from ._response import Response as Response
from ._retries import Retries as Retries
from ._status import Accepted as Accepted
from ._status import BadGateway as BadGateway
from ._status import BadRequest as BadRequest
from ._status import Conflict as Conflict
from ._status import ConnectionError as ConnectionError
from ._status import ExpectationFailed as ExpectationFailed
from ._status import FailedDependency as FailedDependency
from ._status import Forbidden as Forbidden
from ._status import Found as Found
from ._status import GatewayTimeout as GatewayTimeout
from ._status import Gone as Gone
from ._status import HTTPVersionNotSupported as HTTPVersionNotSupported
from ._status import InsufficientStorage as InsufficientStorage
from ._status import InternalServerError as InternalServerError
from ._status import LengthRequired as LengthRequired
from ._status import Locked as Locked
from ._status import LoopDetected as LoopDetected
from ._status import MethodNotAllowed as MethodNotAllowed
from ._status import MisdirectedRequest as MisdirectedRequest
from ._status import MovedPermanently as MovedPermanently
from ._status import MultipleChoices as MultipleChoices
from ._status import NetworkAuthenticationRequired as NetworkAuthenticationRequired
from ._status import NotAcceptable as NotAcceptable
from ._status import NotExtended as NotExtended
from ._status import NotFound as NotFound
from ._status import NotImplemented as NotImplemented
from ._status import NotModified as NotModified
from ._status import PaymentRequired as PaymentRequired
from ._status import PermanentRedirect as PermanentRedirect
from ._status import PreconditionFailed as PreconditionFailed
from ._status import PreconditionRequired as PreconditionRequired
from ._status import ProxyAuthenticationRequired as ProxyAuthenticationRequired
from ._status import RequestedRangeNotSatisfiable as RequestedRangeNotSatisfiable
from ._status import RequestEntityTooLarge as RequestEntityTooLarge
from ._status import RequestHeaderFieldsTooLarge as RequestHeaderFieldsTooLarge
from ._status import RequestTimeout as RequestTimeout
from ._status import RequestURITooLong as RequestURITooLong
from ._status import Retriable as Retriable
from ._status import SeeOther as SeeOther
from ._status import ServiceUnavailable as ServiceUnavailable
from ._status import TemporaryRedirect as TemporaryRedirect
from ._status import TooEarly as TooEarly
from ._status import TooManyRequests as TooManyRequests
from ._status import Unauthorized as Unauthorized
from ._status import UnavailableForLegalReasons as UnavailableForLegalReasons
from ._status import UnparseableResponse as UnparseableResponse
from ._status import UnprocessableContent as UnprocessableContent
from ._status import UnsupportedMediaType as UnsupportedMediaType
from ._status import UpgradeRequired as UpgradeRequired
from ._status import VariantAlsoNegotiates as VariantAlsoNegotiates
from ._status import status_to_error_map as status_to_error_map
from ._suite import HttpSuite as HttpSuite
from ._suite import connect as connect
from ._suite import host_and_port_from_url as host_and_port_from_url
from ._suite import make_connection as make_connection
from ._suite import make_suite as make_suite
from ._url import URL as URL
from ._verbs import delete as delete
from ._verbs import delete_ as delete_
from ._verbs import get as get
from ._verbs import get_ as get_
from ._verbs import head as head
from ._verbs import head_ as head_
from ._verbs import post as post
from ._verbs import post_ as post_
from ._verbs import put as put
from ._verbs import put_ as put_
from ._verbs import request as request
from ._verbs import request_ as request_
from ._verbs import suite as suite
from ._version import __version__ as __version__
from .errors import BodyTooLarge as BodyTooLarge
from .errors import ClientClosed as ClientClosed
from .errors import ConnectError as ConnectError
from .errors import ConnectTimeout as ConnectTimeout
from .errors import DecodingError as DecodingError
from .errors import HTTPError as HTTPError
from .errors import InvalidRequest as InvalidRequest
from .errors import InvalidURL as InvalidURL
from .errors import PoolTimeout as PoolTimeout
from .errors import ProtocolError as ProtocolError
from .errors import ProxyError as ProxyError
from .errors import ReadError as ReadError
from .errors import ReadTimeout as ReadTimeout
from .errors import StreamError as StreamError
from .errors import TLSError as TLSError
from .errors import TooManyRedirects as TooManyRedirects
from .errors import TotalTimeout as TotalTimeout
from .errors import WriteError as WriteError
from .errors import WriteTimeout as WriteTimeout

__all__ = [
    "HTTP_TIME_FORMAT",
    "URL",
    "Accepted",
    "Auth",
    "BadGateway",
    "BadRequest",
    "BasicAuth",
    "BearerAuth",
    "BodyTooLarge",
    "ClassicResponse",
    "Client",
    "ClientClosed",
    "Conflict",
    "ConnectError",
    "ConnectTimeout",
    "ConnectionError",
    "Cookies",
    "DecodingError",
    "DigestAuth",
    "ExpectationFailed",
    "FailedDependency",
    "FileScheme",
    "Forbidden",
    "Found",
    "GatewayTimeout",
    "Gone",
    "HTTPError",
    "HTTPVersionNotSupported",
    "Headers",
    "HttpClient",
    "HttpSuite",
    "HttpsClient",
    "InsufficientStorage",
    "InternalServerError",
    "InvalidRequest",
    "InvalidURL",
    "LengthRequired",
    "Limits",
    "Locked",
    "LoopDetected",
    "MethodNotAllowed",
    "MisdirectedRequest",
    "MovedPermanently",
    "MultipleChoices",
    "NetworkAuthenticationRequired",
    "NotAcceptable",
    "NotExtended",
    "NotFound",
    "NotImplemented",
    "NotModified",
    "Params",
    "PaymentRequired",
    "PermanentRedirect",
    "PoolStatistics",
    "PoolTimeout",
    "PreconditionFailed",
    "PreconditionRequired",
    "ProtocolError",
    "Proxy",
    "ProxyAuthenticationRequired",
    "ProxyError",
    "ReadError",
    "ReadTimeout",
    "RequestEntityTooLarge",
    "RequestHeaderFieldsTooLarge",
    "RequestTimeout",
    "RequestURITooLong",
    "RequestedRangeNotSatisfiable",
    "Response",
    "Retriable",
    "Retries",
    "SeeOther",
    "ServiceUnavailable",
    "StreamError",
    "TLSError",
    "TemporaryRedirect",
    "Timeouts",
    "TooEarly",
    "TooManyRedirects",
    "TooManyRequests",
    "TotalTimeout",
    "TraceEvent",
    "Unauthorized",
    "UnavailableForLegalReasons",
    "UnparseableResponse",
    "UnprocessableContent",
    "UnsupportedMediaType",
    "UpgradeRequired",
    "VariantAlsoNegotiates",
    "WriteError",
    "WriteTimeout",
    "__version__",
    "connect",
    "delete",
    "delete_",
    "from_http_time",
    "get",
    "get_",
    "head",
    "head_",
    "host_and_port_from_url",
    "make_connection",
    "make_suite",
    "post",
    "post_",
    "put",
    "put_",
    "request",
    "request_",
    "status_to_error_map",
    "suite",
    "to_http_time",
]

# Tracebacks, pickles and docs show the name that users type.
for _public in [globals()[_name] for _name in __all__]:
    if getattr(_public, "__module__", "").startswith(__name__ + "._"):
        _public.__module__ = __name__
