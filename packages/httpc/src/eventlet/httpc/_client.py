"""The client: one place for what all requests of a program share."""

from __future__ import annotations

import json as _json
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any, Self, TypedDict, Unpack

from eventlet.hub import get_hub, sleep

from ._auth import Auth, AuthTypes, BasicAuth, Netrc, make_auth
from ._body import Body, BytesBody, Content, make_body
from ._budget import Budget, Trace
from ._call import Call
from ._cookies import Cookies, CookieTypes
from ._decoding import accepted_codings
from ._dial import Dialer
from ._headers import Headers, HeaderTypes
from ._multipart import FilesTypes, FormTypes, Multipart, encode_form, encode_query
from ._options import Limits, Timeouts, TimeoutTypes, check_number
from ._params import checked_statuses
from ._plans import Plans
from ._pool import PoolStatistics
from ._proxy import ProxyMap, ProxyTypes
from ._request import checked_method
from ._response import Response
from ._retries import Retries, RetryTypes
from ._tls import Cert, Verify
from ._transport import Transport
from ._url import URL
from ._version import __version__
from .errors import HTTPError, InvalidRequest, TooManyRedirects

# What is left of an unwanted body is read up to this many bytes, rather than lose the connection.
_WORTH_READING = 64 * 1024

_UNSET: Any = object()


class RequestOptions(TypedDict, total=False):
    """What `Client.request` and the verbs take by name; see there."""

    params: FormTypes | str | None
    headers: HeaderTypes
    content: Content | None
    data: FormTypes | None
    files: FilesTypes | None
    json: Any
    cookies: CookieTypes
    auth: AuthTypes
    timeout: TimeoutTypes
    follow_redirects: bool | None
    ok: Collection[int] | None
    max_body: int | None


class Client:
    """Sends requests; keeps connections, cookies and defaults for all of them.

    Any number of green threads may share one, also in several native threads.

    Arguments:
        base_url: what relative URLs are resolved against, as links in a page are.
        headers: sent with each request, unless it has its own of that name.
        cookies: to begin with; those that servers set are added.
        auth: a pair of name and password, or `BearerAuth`, `DigestAuth`...; sent only to the
            origin of each call, and never along with a redirect to another one.
        timeout: seconds for each whole request, or `Timeouts`; None for no limits at all.
        limits: how many connections.
        retries: when to try again; a number says how often.
        follow_redirects: whether to.
        max_redirects: how many in a row.
        verify: True checks certificates, False trusts everybody; also the path of a file or
            folder of trusted certificates, or an `ssl.SSLContext`.
        cert: our certificate, for servers that want one: a file, or certificate and key, and
            perhaps its password.
        proxy: the URL of a proxy (``http``, ``https``, ``socks5``, ``socks5h``), or a mapping from
            ``"http"``, ``"https"``, ``"all"`` or ``"https://host"`` to one.
        trust_env: use ``HTTP_PROXY`` and its kind unless `proxy` is given, and the netrc file.
        uds: the path of a Unix socket that all requests go to, whatever their host.
        local_address: what to connect from.
        http2: let servers choose HTTP/2 when a connection is secured, on which any number of
            requests share a connection. Needs the extra ``h2``; a context given as `verify` has
            to offer it itself.
        max_body: how long the body of an answer may be, in bytes; None for no limit.
        trace: called with a `TraceEvent` each time a request has come to a point; must not wait.

    Raises:
        InvalidURL, InvalidRequest, ValueError, TypeError: an argument makes no sense.
        ImportError: `http2` needs the package ``h2``, which is not installed.
    """

    def __init__(
        self,
        *,
        base_url: str | URL | None = None,
        headers: HeaderTypes = None,
        cookies: CookieTypes = None,
        auth: AuthTypes = None,
        timeout: TimeoutTypes = _UNSET,
        limits: Limits | None = None,
        retries: RetryTypes = None,
        follow_redirects: bool = True,
        max_redirects: int = 20,
        verify: Verify = True,
        cert: Cert = None,
        proxy: ProxyTypes = None,
        trust_env: bool = True,
        uds: str | None = None,
        local_address: str | None = None,
        http2: bool = False,
        max_body: int | None = None,
        trace: Trace | None = None,
    ) -> None:
        self.base_url = None if base_url is None else URL.parse(base_url)
        self.headers = Headers(
            {
                "User-Agent": f"eventlet-httpc/{__version__}",
                "Accept": "*/*",
                "Accept-Encoding": accepted_codings(),
            }
        )
        self.headers.replace(headers)
        self.cookies = Cookies(cookies)
        self.auth = make_auth(auth)
        self.timeout = Timeouts() if timeout is _UNSET else Timeouts.of(timeout)
        self.retries = Retries.of(retries)
        self.follow_redirects = follow_redirects
        check_number("max_redirects", max_redirects, 0, "a number >= 0")
        self.max_redirects = max_redirects
        self.max_body = _checked_max_body(max_body)
        self.trace = trace
        self._trust_env = trust_env
        self._netrc = Netrc()
        self._plans = Plans((), self.headers, self.timeout, trace)
        proxies = ProxyMap.of(proxy)
        if trust_env and proxy is None and uds is None:
            proxies = ProxyMap.from_environment(os.environ)
        if not isinstance(limits, Limits | None):
            raise TypeError(f"limits is a Limits or None, not {limits!r}")
        if trace is not None and not callable(trace):
            raise TypeError(f"trace is called with each event, which {trace!r} cannot be")
        dialer = Dialer(verify, cert, uds=uds, local_address=local_address, http2=http2)
        self._transport = Transport(dialer, limits or Limits(), proxies)

    def request(
        self,
        method: str,
        url: str | URL,
        *,
        params: FormTypes | str | None = None,
        headers: HeaderTypes = None,
        content: Content | None = None,
        data: FormTypes | None = None,
        files: FilesTypes | None = None,
        json: Any = None,
        cookies: CookieTypes = None,
        auth: AuthTypes = None,
        timeout: TimeoutTypes = _UNSET,
        follow_redirects: bool | None = None,
        ok: Collection[int] | None = None,
        max_body: int | None = None,
    ) -> Response:
        """Send a request, and return the answer with its body read.

        Arguments:
            method: "GET" and its kind.
            url: absolute, or relative to the client's `base_url`.
            params: appended to the query: a mapping, pairs, or text that is encoded already.
            headers: instead of the client's of the same names.
            content: the body: bytes, text, a file, or an iterable of bytes, which is streamed.
            data: the body: fields of a form.
            files: the body: a form with files, streamed; `data` may have further fields. By name:
                the content, or file name and content, and perhaps the media type.
            json: the body: an object for `json.dumps`.
            cookies: sent with this request, besides the client's.
            auth, timeout, follow_redirects, max_body: instead of the client's.
            ok: raise the exception of the status if it is not one of these.

        Raises:
            InvalidURL, InvalidRequest: nothing was sent, because it could not be sent safely.
            ConnectError, ReadError, TooManyRedirects and others: see `eventlet.httpc.errors`.
            ConnectionError: the status is not in `ok`.
            OSError: a file that `verify` or `cert` names cannot be read.
        """
        ok = checked_statuses(ok)
        call = self._make_call(
            method, url, params, headers, _make_content(content, data, files, json),
            cookies, auth, timeout, max_body,
        )  # fmt: skip
        response = self._perform(call, follow_redirects, is_streamed=False)
        if ok is not None and response.status not in ok:
            raise response.error()
        return response

    @contextmanager
    def stream(
        self, method: str, url: str | URL, **options: Unpack[RequestOptions]
    ) -> Iterator[Response]:
        """Send a request, and give the block the answer while its body is still on the way.

        What the block leaves of the body is given up.

        Arguments and errors as for `request`.
        """
        follow_redirects = options.pop("follow_redirects", None)
        ok = checked_statuses(options.pop("ok", None))
        body = _make_content(
            options.pop("content", None), options.pop("data", None), options.pop("files", None),
            options.pop("json", None),
        )  # fmt: skip
        call = self._make_call(
            method, url, options.get("params"), options.get("headers"), body,
            options.get("cookies"), options.get("auth"), options.get("timeout", _UNSET),
            options.get("max_body"),
        )  # fmt: skip
        with self._perform(call, follow_redirects, is_streamed=True) as response:
            if ok is not None and response.status not in ok:
                raise response.error()
            yield response

    def get(self, url: str | URL, **options: Unpack[RequestOptions]) -> Response:
        """Fetch a URL; see `request`."""
        if not options:
            response = self._get_quickly(url)
            if response is not None:
                return response
        return self.request("GET", url, **options)

    def head(self, url: str | URL, **options: Unpack[RequestOptions]) -> Response:
        """Ask for the headers of a URL; see `request`."""
        return self.request("HEAD", url, **options)

    def options(self, url: str | URL, **options: Unpack[RequestOptions]) -> Response:
        """Ask what can be done with a URL; see `request`."""
        return self.request("OPTIONS", url, **options)

    def post(self, url: str | URL, **options: Unpack[RequestOptions]) -> Response:
        """Send something to a URL; see `request`."""
        return self.request("POST", url, **options)

    def put(self, url: str | URL, **options: Unpack[RequestOptions]) -> Response:
        """Store something at a URL; see `request`."""
        return self.request("PUT", url, **options)

    def patch(self, url: str | URL, **options: Unpack[RequestOptions]) -> Response:
        """Change something at a URL; see `request`."""
        return self.request("PATCH", url, **options)

    def delete(self, url: str | URL, **options: Unpack[RequestOptions]) -> Response:
        """Remove what is at a URL; see `request`."""
        return self.request("DELETE", url, **options)

    def close(self) -> None:
        """Close the connections: idle ones now, those in use as they come back."""
        self._transport.close()

    def statistics(self) -> PoolStatistics:
        """Return a snapshot of the connections of this native thread."""
        return self._transport.statistics()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return "<Client>" if self.base_url is None else f"<Client of {self.base_url}>"

    # From arguments to a call

    def _resolve(self, url: str | URL) -> URL:
        if self.base_url is None or isinstance(url, URL):
            return URL.parse(url)
        return self.base_url.join(url)

    def _make_call(
        self,
        method: str,
        url: str | URL,
        params: FormTypes | str | None,
        headers: HeaderTypes,
        content: tuple[Body | None, str | None],
        cookies: CookieTypes,
        auth: AuthTypes,
        timeout: TimeoutTypes,
        max_body: int | None,
    ) -> Call:
        target = self._resolve(url)
        if params is not None and (query := encode_query(params)):
            target = target.with_query(query)
        fields = self.headers.copy()
        fields.replace(headers)
        body, content_type = content
        if content_type is not None:
            fields.setdefault("Content-Type", content_type)
        timeouts = self.timeout if timeout is _UNSET else Timeouts.of(timeout)
        return Call(
            self, checked_method(method), target, fields, body, Budget(timeouts, self.trace),
            make_auth(auth) or self._auth_for(target), Cookies(cookies).header_for(target),
            self.max_body if max_body is None else _checked_max_body(max_body),
        )  # fmt: skip

    def _auth_for(self, url: URL) -> Auth | None:
        if url.username is not None:
            return BasicAuth(url.username, url.password or "")
        if self.auth is not None:
            return self.auth
        return self._netrc.auth_for(url.host) if self._trust_env else None

    # From a call to an answer

    def _perform(self, call: Call, follow_redirects: bool | None, *, is_streamed: bool) -> Response:
        if follow_redirects is None:
            follow_redirects = self.follow_redirects
        while True:
            response = self._try(call, is_streamed)
            if self._is_refused(call, response):
                response.discard(_WORTH_READING)
                call.is_read = False
                response = self._try(call, is_streamed)
            following = self._redirected(call, response) if follow_redirects else None
            if following is None:
                return response
            call = following

    def _redirected(self, call: Call, response: Response) -> Call | None:
        """Return the call that a redirect asks for, or None if the answer is none."""
        try:
            following = call.redirected(response)
        except BaseException:
            response.close()
            raise
        if following is not None:
            response.discard(_WORTH_READING)
            if len(following.history) > self.max_redirects:
                raise TooManyRedirects(str(call.url), self.max_redirects)
        return following

    def _try(self, call: Call, is_streamed: bool) -> Response:
        """Send a request as often as the policy says."""
        tried = 0
        while True:
            try:
                response = self._exchange(call, is_streamed)
            except HTTPError as error:
                pause = self.retries.after_error(tried, call.method, error)
                if pause is None or not _is_repeatable(call):
                    raise
            else:
                pause = self.retries.after_answer(
                    tried, call.method, response.status, response.headers
                )
                if pause is None or not _is_repeatable(call):
                    return response
                response.discard(_WORTH_READING)
            peer = call.url.origin.peer
            left = call.budget.cap(None, peer)
            if left is not None and left <= pause:
                raise call.budget.exhausted(peer)
            sleep(pause)
            tried += 1
            call.is_read = False

    def _exchange(self, call: Call, is_streamed: bool) -> Response:
        """Send a request once."""
        call.prepare(self.cookies.header_for(call.url, is_home=call.is_home))
        time = get_hub().time
        began = time()
        reply = self._transport.exchange(call)
        response = Response(reply, call, time() - began)
        try:
            if b"set-cookie" in reply.names:
                self.cookies.take(call.url, response.headers)
            if not is_streamed:
                response.read()
        except BaseException:  # whatever it was, nobody will read the rest
            response.close()
            raise
        return response

    def _get_quickly(self, url: str | URL) -> Response | None:
        """Send the simplest kind of request; return None if this one is not that simple."""
        headers, timeout, trace = self.headers, self.timeout, self.trace
        depends_on = headers, headers.version, timeout, trace, self.base_url, self.auth
        plans = self._plans
        if plans.depends_on != depends_on:
            plans = self._plans = Plans(depends_on, headers, timeout, trace)
        plan = plans.get(url, self._resolve, self._auth_for)
        if plan is None or self.cookies.may_have_some or self.retries.total:
            return None
        target, head = plan
        call = Call(
            self, "GET", target, self.headers, None,
            plans.budget or Budget(self.timeout, self.trace), None, None, self.max_body,
            plans.fields, head,
        )  # fmt: skip
        time = get_hub().time
        began = time()
        reply = self._transport.exchange(call)
        response = Response(reply, call, time() - began)
        if b"set-cookie" in reply.names:
            self.cookies.take(target, response.headers)
        response.read()
        if 300 <= response.status < 400:
            following = self._redirected(call, response) if self.follow_redirects else None
            if following is not None:
                return self._perform(following, None, is_streamed=False)
        return response

    def _is_refused(self, call: Call, response: Response) -> bool:
        """Whether to ask again, with the credentials that the refusal has asked for."""
        if response.status != 401 or call.auth is None or not _is_repeatable(call):
            return False
        challenges = response.headers.get_list("www-authenticate")
        return call.auth.take_challenge(call.url, challenges)


def _checked_max_body(value: int | None) -> int | None:
    if value is not None:
        check_number("max_body", value, 0, "bytes >= 0 or None")
    return value


def _is_repeatable(call: Call) -> bool:
    return call.body is None or call.body.is_repeatable


def _make_content(
    content: Content | None, data: FormTypes | None, files: FilesTypes | None, json: Any
) -> tuple[Body | None, str | None]:
    """Return the body that the arguments stand for, and its media type if it has one."""
    given = [content is not None, data is not None or files is not None, json is not None]
    if sum(given) > 1:
        raise InvalidRequest("a request has one body: content, data and files, or json")
    if content is not None:
        return make_body(content), "text/plain; charset=utf-8" if isinstance(content, str) else None
    if files is not None:
        form = Multipart(data or {}, files)
        return form, form.content_type
    if data is not None:
        return encode_form(data), "application/x-www-form-urlencoded"
    if json is not None:
        text = _json.dumps(json, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return BytesBody(text.encode("utf-8")), "application/json"
    return None, None
