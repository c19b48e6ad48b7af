"""One call of a client: the request as it stands now, on its way through redirects and retries."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ._auth import Auth
from ._body import Body
from ._budget import Budget
from ._headers import ABOUT_BODY, CREDENTIALS, Headers
from ._request import Request
from .errors import ClientClosed, InvalidRequest

if TYPE_CHECKING:
    from ._client import Client
    from ._params import Params
    from ._response import Response
    from ._url import URL


class Call(Request):
    """What a client is asked to do, and how far it has come: the request, in its present form.

    Arguments:
        client: who is asked.
        method, url, headers, body: the next request.
        budget: the time for all of it.
        auth: makes us known at this origin; None for nobody.
        cookies: sent along at this origin, besides those of the client.
        max_body: how long the body of the answer may be, in bytes; None for no limit.
        fields, kept_head: of the request, where they need no work.

    Attributes:
        history: the redirects so far.
        is_home: whether we are still at the origin that was asked first.
        is_read: whether somebody has begun to read the body of the answer.
    """

    __slots__ = (
        "auth",
        "client",
        "cookies",
        "headers",
        "history",
        "is_home",
        "is_read",
        "max_body",
    )

    def __init__(
        self,
        client: Client,
        method: str,
        url: URL,
        headers: Headers,
        body: Body | None,
        budget: Budget,
        auth: Auth | None = None,
        cookies: str | None = None,
        max_body: int | None = None,
        fields: Sequence[tuple[str, str]] = (),
        kept_head: bytes | None = None,
    ) -> None:
        self.client = client
        self.method = method
        self.url = url
        self.headers = headers
        self.fields = fields
        self.body = body
        self.budget = budget
        self.expects_continue = False
        self.kept_head = kept_head
        self.auth = auth
        self.cookies = cookies
        self.max_body = max_body
        self.history: list[Response] = []
        self.is_home = True
        self.is_read = False

    def prepare(self, client_cookies: str | None) -> None:
        """Put together what is sent next, with cookies and credentials as they are now."""
        fields = self.headers
        cookies = [cookie for cookie in (client_cookies, self.cookies) if cookie]
        if cookies and "cookie" not in fields:
            fields = fields.copy()
            fields.add("Cookie", "; ".join(cookies))
        if self.auth is not None and "authorization" not in fields:
            header = self.auth.header_for(self.method, self.url)
            if header is not None:
                fields = fields.copy()
                fields.add("Authorization", header)
        self.fields = fields.multi_items()
        self.expects_continue = fields.get("expect", "").lower() == "100-continue"
        self.kept_head = None

    @property
    def retrier(self) -> Retrier:
        """What an exception of 2009 asks to try again."""
        return Retrier(self.client)

    def redirected(self, response: Response) -> Call | None:
        """Return the call that a redirect asks for, or None if the answer is none.

        Raises:
            InvalidURL: it leads where one cannot safely go.
            InvalidRequest: the body would have to be sent again, and cannot be.
        """
        location = response.next_url
        if location is None:
            return None
        method = _method_after(response.status, self.method)
        call = Call(
            self.client, method, self.url.join(location), self.headers.copy(), self.body,
            self.budget, self.auth, self.cookies, self.max_body,
        )  # fmt: skip
        call.is_home = self.is_home
        call.history = [*self.history, response]
        if method != self.method:
            call._drop_body()
        elif self.body is not None and not self.body.is_repeatable:
            raise InvalidRequest(
                f"{self.url} redirects to {call.url}, but the body cannot be sent a second time;"
                " pass it as bytes or as a file that can be rewound"
            )
        if call.url.origin != self.url.origin:
            call._drop_credentials()
        return call

    def _drop_body(self) -> None:
        self.body = None
        for name in ABOUT_BODY:
            self.headers.pop(name, None)

    def _drop_credentials(self) -> None:
        self.is_home = False
        self.auth = self.cookies = None
        for name in CREDENTIALS:
            self.headers.pop(name, None)


def _method_after(status: int, method: str) -> str:
    """Return the method that follows a redirect (RFC 9110, section 15.4)."""
    if status == 303 and method != "HEAD":
        return "GET"
    if status in (301, 302) and method == "POST":
        return "GET"
    return method


class Retrier:
    """Lets `Retriable.retry` ask again through the client that asked before.

    Arguments:
        client: that client; None after a detour through `pickle`.
    """

    def __init__(self, client: Client | None) -> None:
        self._client = client

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (None,)

    def request_(self, params: Params) -> tuple[int, Headers, Any]:
        """Carry out a request; return status, headers and body.

        Raises:
            ClientClosed: this object comes from another process.
            HTTPError: of some kind.
        """
        if self._client is None:
            raise ClientClosed("the client of this exception is in another process; ask anew")
        response = self._client.request(
            params.method,
            params.url,
            headers=params.headers,
            content=params.body or None,
            ok=params.ok,
        )
        return response.status, response.headers, response.content
