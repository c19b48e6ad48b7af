"""Cookies, kept and sent by the rules of `http.cookiejar`."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator, Mapping, MutableMapping
from email.message import Message
from http.client import HTTPResponse
from http.cookiejar import Cookie, CookieJar
from typing import TypeAlias, cast

from ._headers import Headers, checked
from ._url import URL

CookieTypes: TypeAlias = "Cookies | CookieJar | Mapping[str, str] | None"


class Cookies(MutableMapping[str, str]):
    """Names and values of cookies; also a jar, with their domains and paths.

    Arguments:
        cookies: a jar is used as it is, and filled; the cookies of a mapping are for every host.

    Raises:
        InvalidRequest: a cookie that could not be sent safely.
        TypeError: `cookies` is nothing of the kind.

    Attributes:
        jar: the `http.cookiejar.CookieJar` behind; without the cookies that are for every host.
        may_have_some: False as long as nothing has been put in.
    """

    def __init__(self, cookies: CookieTypes = None) -> None:
        self._everywhere: dict[str, str] = {}
        # Asking a jar whether it is empty costs more than the rest of a small request.
        self.may_have_some = isinstance(cookies, CookieJar)
        self.jar = cookies if isinstance(cookies, CookieJar) else CookieJar()
        if isinstance(cookies, Cookies):
            self._everywhere.update(cookies._everywhere)
            self.may_have_some = cookies.may_have_some
            for cookie in cookies.jar:
                self.jar.set_cookie(cookie)
        elif cookies is not None and not isinstance(cookies, CookieJar):
            if not isinstance(cookies, Mapping):
                raise TypeError(f"cookies are a mapping or a CookieJar, not {cookies!r}")
            for name, value in cookies.items():
                self.set(name, value)

    def set(self, name: str, value: str, domain: str = "", path: str = "/") -> None:
        """Keep a cookie until the program ends.

        Arguments:
            domain: the host it is for; "" for every host.
            path: what the URLs on that host begin with.

        Raises:
            InvalidRequest: it could not be sent safely.
        """
        checked(name, value.replace(";", "\0"))  # a semicolon would begin another cookie
        self.may_have_some = True
        if not domain:
            self._everywhere[name] = value
            return
        self.jar.set_cookie(
            Cookie(
                version=0, name=name, value=value, port=None, port_specified=False, domain=domain,
                domain_specified=True, domain_initial_dot=domain.startswith("."),
                path=path, path_specified=True, secure=False, expires=None, discard=True,
                comment=None, comment_url=None, rest={},
            )
        )  # fmt: skip

    def header_for(self, url: URL, *, is_home: bool = True) -> str | None:
        """Return the ``Cookie`` header for a request to `url`, or None for no header.

        Arguments:
            is_home: whether this is the origin that was asked for, not one that we were sent to;
                there, cookies for every host stay away.
        """
        if not self.may_have_some:
            return None
        request = urllib.request.Request(str(url))
        self.jar.add_cookie_header(request)
        chosen = request.get_header("Cookie")
        parts = [] if chosen is None else [chosen]
        if is_home:
            parts += [f"{name}={value}" for name, value in self._everywhere.items()]
        return "; ".join(parts) or None

    def take(self, url: URL, headers: Headers) -> None:
        """Keep what an answer from `url` wants to be kept."""
        self.may_have_some = True
        message = Message()
        for value in headers.get_list("set-cookie"):
            message["Set-Cookie"] = value
        response = cast(HTTPResponse, _Answer(message))
        self.jar.extract_cookies(response, urllib.request.Request(str(url)))

    def __getitem__(self, name: str) -> str:
        for cookie in self.jar:
            if cookie.name == name:
                return cookie.value or ""
        return self._everywhere[name]

    def __setitem__(self, name: str, value: str) -> None:
        self.set(name, value)

    def __delitem__(self, name: str) -> None:
        found = [cookie for cookie in self.jar if cookie.name == name]
        for cookie in found:
            self.jar.clear(cookie.domain, cookie.path, cookie.name)
        if self._everywhere.pop(name, None) is None and not found:
            raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter({**{cookie.name: None for cookie in self.jar}, **self._everywhere})

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __bool__(self) -> bool:
        return self.may_have_some and len(self) > 0

    def __repr__(self) -> str:
        return f"Cookies({dict(self)!r})"


class _Answer:
    """An answer as far as `http.cookiejar` looks at it."""

    def __init__(self, message: Message) -> None:
        self._message = message

    def info(self) -> Message:
        return self._message
