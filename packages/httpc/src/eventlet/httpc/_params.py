"""A request of the functions of 2009, with its answer once it is there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ._headers import ABOUT_BODY, CREDENTIALS, Headers
from ._url import URL

# Statuses that are returned, rather than raised, unless the caller says otherwise.
DEFAULT_OK = (200, 201, 204)


class Params:
    """What to ask for; and later, as ``params`` of an exception, what came of it.

    Arguments:
        url: where.
        method: in capitals.
        body: what the dumper makes bytes of.
        headers: are copied.
        dumper: makes bytes or text of the body of a PUT or POST; None leaves it as it is.
        loader: makes something of the bytes of the answer's body; None leaves them.
        use_proxy: go through the proxy that the environment names.
        ok: the statuses that are returned rather than raised; none: 200, 201 and 204.
        aux: anything; for the caller.

    Attributes:
        orig_body: the body as given; `body` is what was sent.
        path: what was asked for at the server.
        instance: the suite that made the request.
        response: the answer: status, reason, headers.
        response_body: its body, in bytes.
    """

    def __init__(
        self,
        url: str,
        method: str,
        body: Any = "",
        headers: Mapping[str, str] | None = None,
        dumper: Callable[[Any], Any] | None = None,
        loader: Callable[[bytes], Any] | None = None,
        use_proxy: bool = False,
        ok: Collection[int] | None = (),
        aux: Any = None,
    ) -> None:
        self.url = url
        self.path: str | None = None
        self.method = method
        self.body = body
        self.orig_body = body
        self.headers = Headers(headers)
        self.dumper = dumper
        self.loader = loader
        self.use_proxy = use_proxy
        self.ok: Collection[int] = checked_statuses(ok) or DEFAULT_OK
        self.aux = aux
        self.instance: Any = None
        self.response: Any = None
        self.response_body: Any = None

    def copy(self, instance: Any) -> Params:
        """Return the same request, for `instance` to carry out."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin.headers = self.headers.copy()
        twin.instance = instance
        return twin

    def resolve(self, location: str) -> str:
        """Return the URL that a ``Location`` of the answer means.

        Raises:
            InvalidURL: it cannot be requested safely.
        """
        return str(URL.parse(self.url).join(location))

    def moved(self, method: str, url: str) -> Params:
        """Return the same request to another URL; credentials don't go to another origin."""
        twin = self.copy(self.instance)
        twin.url = url
        twin.body = self.orig_body
        unwanted: tuple[str, ...] = ()
        if URL.parse(url).origin != URL.parse(self.url).origin:
            unwanted += CREDENTIALS
        if method != self.method:
            twin.method = method
            twin.body = twin.orig_body = ""
            unwanted += ABOUT_BODY
        for name in unwanted:
            twin.headers.pop(name, None)
        return twin

    def __repr__(self) -> str:
        return f"<Params {self.method} {self.url}>"


def checked_statuses(ok: Collection[int] | None) -> Collection[int] | None:
    """Return what a caller has given as `ok`, before a request is sent in vain.

    Raises:
        TypeError: a status can be in none of the kind.
    """
    if ok is None or (isinstance(ok, Collection) and not isinstance(ok, (str, bytes))):
        return ok
    raise TypeError(f"ok is a collection of statuses, such as (200, 404), not {ok!r}")
