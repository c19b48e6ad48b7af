"""Proxies: which one a request goes through, and what it takes to get there."""

from __future__ import annotations

import base64
import ipaddress
from collections.abc import Mapping
from typing import NamedTuple, TypeAlias
from urllib.parse import urlsplit

from ._url import URL, Origin, is_address
from .errors import InvalidURL

_PORTS = {"http": 80, "https": 443, "socks5": 1080, "socks5h": 1080}


class Proxy(NamedTuple):
    """A server that makes connections for us.

    Attributes:
        scheme: "http"; "https", which is the same over TLS; "socks5", where we resolve names; or
            "socks5h", where it does.
        host, port: where it is.
        username, password: what it wants to know; None if nothing.
    """

    scheme: str
    host: str
    port: int
    username: str | None = None
    password: str | None = None

    @classmethod
    def parse(cls, text: str) -> Proxy:
        """Read the URL of a proxy, as ``http://user:password@host:3128``.

        Raises:
            InvalidURL: it is none.
        """
        if "://" not in text:
            text = "http://" + text
        scheme, rest = text.split("://", 1)
        scheme = scheme.lower()
        if scheme not in _PORTS:
            raise InvalidURL(text, f"a proxy's scheme is one of {', '.join(_PORTS)}")
        try:
            port = urlsplit(text).port or _PORTS[scheme]
        except ValueError as error:
            raise InvalidURL(text, str(error)) from None
        # The rules for hosts are those of any URL.
        url = URL.parse(f"http://{rest}")
        return cls(scheme, url.host, port, url.username, url.password)

    @property
    def is_socks(self) -> bool:
        """Whether it speaks SOCKS rather than HTTP."""
        return self.scheme.startswith("socks")

    @property
    def peer(self) -> str:
        """Name it for people."""
        return f"{self.host} port {self.port}"

    @property
    def authorization(self) -> bytes:
        """The header line with which we make ourselves known to it; empty if we don't."""
        if self.username is None:
            return b""
        secret = f"{self.username}:{self.password or ''}".encode()
        return b"Proxy-Authorization: Basic " + base64.b64encode(secret) + b"\r\n"


class Route(NamedTuple):
    """A way through a proxy; what connections through proxies are kept under.

    Attributes:
        origin: where a tunnel leads to; None if the proxy is asked for each URL.
        proxy: the proxy.
    """

    origin: Origin | None
    proxy: Proxy


ProxyTypes: TypeAlias = "str | Proxy | Mapping[str, str | Proxy | None] | None"


class ProxyMap:
    """Which proxy a URL is requested through.

    Arguments:
        proxies: by scheme of the URL, or by ``"scheme://host"``; the key ``"all"`` is for the
            rest. None as a value means none.
        bypass: hosts that are requested directly, as in ``NO_PROXY``: names (which include all
            below them), addresses, networks, each with a port if it matters, or ``"*"``.

    Raises:
        InvalidURL: a proxy's URL is none.
        TypeError: a proxy is something else than a URL, or a key than text.
    """

    def __init__(
        self, proxies: Mapping[str, str | Proxy | None], bypass: str | None = None
    ) -> None:
        self._proxies = {_checked_key(key): _proxy(value) for key, value in proxies.items()}
        self._bypass = [entry.strip().lower() for entry in (bypass or "").split(",")]

    @classmethod
    def of(cls, proxy: ProxyTypes) -> ProxyMap:
        """Return the map that the argument of a client stands for.

        Raises:
            InvalidURL: a proxy's URL is none.
        """
        if isinstance(proxy, Mapping):
            return cls(proxy)
        return cls({} if proxy is None else {"all": proxy})

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> ProxyMap:
        """Read ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY``, in either case.

        ``HTTP_PROXY`` in capitals is ignored where ``REQUEST_METHOD`` is set: in a CGI script it
        is a header of the request, which a stranger has chosen.

        Raises:
            InvalidURL: a proxy's URL is none.
        """
        proxies: dict[str, str | Proxy | None] = {}
        for scheme in ("http", "https", "all"):
            name = f"{scheme}_proxy"
            value = environ.get(name)
            if value is None and not (scheme == "http" and "REQUEST_METHOD" in environ):
                value = environ.get(name.upper())
            if value:
                proxies[scheme] = value
        return cls(proxies, environ.get("no_proxy") or environ.get("NO_PROXY"))

    def __bool__(self) -> bool:
        return bool(self._proxies)

    def choose(self, origin: Origin) -> Proxy | None:
        """Return the proxy for an origin, or None."""
        if any(_matches(entry, origin) for entry in self._bypass if entry):
            return None
        for key in (f"{origin.scheme}://{origin.host}", origin.scheme, "all"):
            if key in self._proxies:
                return self._proxies[key]
        return None


def _checked_key(key: str) -> str:
    if not isinstance(key, str):
        raise TypeError(f"proxies are found by 'http', 'all', 'https://host'..., not by {key!r}")
    return key.lower()


def _proxy(value: str | Proxy | None) -> Proxy | None:
    if isinstance(value, str):
        return Proxy.parse(value)
    if value is None or isinstance(value, Proxy):
        return value
    raise TypeError(f"a proxy is a URL, a Proxy or None, not {value!r}")


def _matches(entry: str, origin: Origin) -> bool:
    if entry == "*":
        return True
    host = origin.host
    if is_address(host):
        return _matches_address(entry, origin)
    name, colon, port = entry.partition(":")
    if colon and port != str(origin.port):
        return False
    name = name.lstrip("*").lstrip(".")
    return host == name or host.endswith("." + name)


def _matches_address(entry: str, origin: Origin) -> bool:
    name, colon, port = entry.rpartition(":")
    if colon and port == str(origin.port) and is_address(name.strip("[]")):
        entry = name
    try:
        network = ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return False
    return ipaddress.ip_address(origin.host) in network


def environment_proxy(environ: Mapping[str, str]) -> str:
    """Return the proxy of 2009's ``use_proxy=True``: from the environment, else a local Squid."""
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        if environ.get(name):
            return environ[name]
    return "http://localhost:3128"
