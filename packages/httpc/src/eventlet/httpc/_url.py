"""URLs as they are requested: taken apart, checked, and written so that nobody reads them twice.

The syntax is that of RFC 3986, with what people paste into programs taken in: characters that may
not stand in a URL are percent-encoded, names beyond ASCII become IDNA. Refused is what two
programs would read in two ways (a backslash or a second ``@`` in the authority, control
characters), because that is how a check in one place and a connection in another part company.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote_from_bytes, unquote, urljoin

import idna

from .errors import InvalidURL

DEFAULT_PORTS = {"http": 80, "https": 443}

_MAX_PORT = 65535
_MAX_NAME = 253  # RFC 1035, section 3.1, without the root's empty label

_PARTS = re.compile(
    r"(?:([A-Za-z][A-Za-z0-9+.\-]*):)?(?://([^/?#]*))?([^?#]*)(?:\?([^#]*))?(?:#(.*))?"
)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_NAME_CHARACTERS = re.compile(r"[a-z0-9_\-]+(\.[a-z0-9_\-]+)*\.?")
# What needs no work: most paths and queries. A dot after a slash may be a dot segment.
_CLEAN = re.compile(r"(?:/(?!\.)[A-Za-z0-9._~!$&'()*+,;=:@\-]*)+")
_CLEAN_QUERY = re.compile(r"[A-Za-z0-9._~!$&()*+,;=:@/?\-]*")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PATH_SAFE = "/!$&'()*+,;=:@%~"
_QUERY_SAFE = "/?!$&()*+,;=:@%~"

# Parsing costs as much as the rest of a small request; a crawl asks for the same URLs again.
_CACHE_SIZE = 4096


class Origin(NamedTuple):
    """What a connection leads to; requests with equal origins can share one."""

    scheme: str
    host: str
    port: int

    @property
    def peer(self) -> str:
        """Name the host for people, as error messages do."""
        return f"{self.host} port {self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{authority(self.host, self.port, self.scheme)}"


class URL:
    """A URL that can be requested; made by `URL.parse`. Immutable.

    Attributes:
        scheme: in lower case.
        username, password: decoded; None if absent.
        origin: scheme, host and port.
        target: path and query as they go on the wire.
        path: the path alone, percent-encoded.
        query: what follows the question mark, percent-encoded; None if there is no question mark.
        fragment: what follows the hash sign; never sent.
        authority: what the ``Host`` header says: the host, and the port unless it is the default.
    """

    __slots__ = (
        "_text", "authority", "fragment", "origin", "password", "path", "query", "target",
        "username",
    )  # fmt: skip

    def __init__(
        self,
        origin: Origin,
        path: str,
        query: str | None = None,
        fragment: str | None = None,
        username: str | None = None,
        password: str | None = None,
    ) -> None:
        self.origin = origin
        self.path = path
        self.query = query
        self.fragment = fragment
        self.username = username
        self.password = password
        self.target = path if query is None else f"{path}?{query}"
        place = authority(origin.host, origin.port, origin.scheme)
        name, percent, rest = place.partition("%25")
        self.authority = f"{name}]{rest.partition(']')[2]}" if percent else name  # RFC 6874, 4
        text = f"{origin.scheme}://{place}{self.target}"
        self._text = text if fragment is None else f"{text}#{fragment}"

    @staticmethod
    def parse(text: str | URL) -> URL:
        """Read a URL.

        Raises:
            InvalidURL: it cannot be requested safely; the message says why.
        """
        if isinstance(text, URL):
            return text
        if not isinstance(text, str):
            raise InvalidURL(text, "a URL is text")
        return _parse(text)

    @property
    def scheme(self) -> str:
        """The scheme, in lower case."""
        return self.origin.scheme

    @property
    def host(self) -> str:
        """The host, in lower case and in ASCII; an IPv6 address without its brackets."""
        return self.origin.host

    @property
    def port(self) -> int:
        """The port, given or by default of the scheme."""
        return self.origin.port

    def join(self, reference: str) -> URL:
        """Resolve a reference, such as a link in a page or a ``Location`` header.

        Raises:
            InvalidURL: what comes out cannot be requested safely.
        """
        try:
            joined = _parse(urljoin(str(self), reference))
        except InvalidURL:
            raise
        except ValueError as error:  # what urljoin makes of brackets that are not closed
            raise InvalidURL(reference, str(error)) from None
        if joined.fragment is None and self.fragment is not None:
            return joined.with_fragment(self.fragment)  # RFC 9110, section 10.2.2
        return joined

    def with_fragment(self, fragment: str | None) -> URL:
        """Return the same URL with another fragment, or with none."""
        return URL(self.origin, self.path, self.query, fragment, self.username, self.password)

    def with_query(self, extra: str) -> URL:
        """Return the same URL with a query appended to the one it has.

        Raises:
            InvalidURL: it has control characters.
        """
        if _CONTROLS.search(extra):
            raise InvalidURL(extra, "it has control characters")
        extra = _clean_query(extra.partition("#")[0])
        query = extra if not self.query else f"{self.query}&{extra}"
        return URL(self.origin, self.path, query, self.fragment, self.username, self.password)

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return f"URL({self._text!r})"

    def __eq__(self, other: object) -> bool:
        if isinstance(other, URL):
            return self._text == other._text
        return self._text == other if isinstance(other, str) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._text)


def authority(host: str, port: int, scheme: str) -> str:
    """Write host and port as a URL does, leaving out the scheme's default port."""
    name = f"[{host.replace('%', '%25')}]" if ":" in host else host
    return name if DEFAULT_PORTS.get(scheme) == port else f"{name}:{port}"


def is_address(host: str) -> bool:
    """Whether a host is an IP address rather than a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@lru_cache(_CACHE_SIZE)
def _parse(text: str) -> URL:
    if _CONTROLS.search(text):
        raise InvalidURL(text, "it has control characters")
    match = _PARTS.fullmatch(text)
    scheme, netloc, path, query, fragment = match.groups() if match else (None,) * 5
    scheme = (scheme or "").lower()
    if scheme not in DEFAULT_PORTS:
        raise InvalidURL(text, "it must begin with http:// or https://")
    if not netloc:
        raise InvalidURL(text, "it names no host")
    userinfo, at, place = netloc.rpartition("@")
    if "\\" in netloc or "@" in userinfo or " " in place:
        raise InvalidURL(text, "it is not clear where its host begins and ends")
    host, port = _split_place(text, place)
    username, colon, password = userinfo.partition(":")
    return URL(
        Origin(scheme, _clean_host(text, host), port or DEFAULT_PORTS[scheme]),
        _clean_path(path or "/"),
        None if query is None else _clean_query(query),
        fragment,
        unquote(username) if at else None,
        unquote(password) if colon else None,
    )


def _split_place(text: str, place: str) -> tuple[str, int | None]:
    if place.startswith("["):
        host, bracket, rest = place.partition("]")
        host += bracket
        colon, port = rest[:1], rest[1:]
        if not bracket or colon not in ("", ":"):
            raise InvalidURL(text, "the brackets around an IPv6 address are not closed")
    else:
        host, colon, port = place.partition(":")
    if not port:
        return host, None
    if not (port.isascii() and port.isdigit()) or not 0 < int(port) <= _MAX_PORT:
        raise InvalidURL(text, f"its port is not a number from 1 to {_MAX_PORT}")
    return host, int(port)


def _clean_host(text: str, host: str) -> str:
    if host.startswith("["):
        return _clean_ipv6(text, host[1:-1])
    if "%" in host:
        host = unquote(host)
    if not host.isascii():
        host = _to_ascii(text, host)
    host = host.lower()
    if not _NAME_CHARACTERS.fullmatch(host):
        raise InvalidURL(text, "its host is not a name or an address")
    if len(host) > _MAX_NAME:
        raise InvalidURL(text, f"its host has more than {_MAX_NAME} characters")
    return host


def _clean_ipv6(text: str, address: str) -> str:
    address, percent, zone = address.partition("%25")
    try:
        clean = str(ipaddress.IPv6Address(address))
    except ValueError:
        raise InvalidURL(text, f"{address!r} is not an IPv6 address") from None
    if percent and not _NAME_CHARACTERS.fullmatch(zone.lower()):
        raise InvalidURL(text, f"{zone!r} is not the name of a network interface")
    return f"{clean}%{zone}" if percent else clean


def _to_ascii(text: str, host: str) -> str:
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError as error:
        raise InvalidURL(text, f"its host is not a name: {error}") from error


def _clean_path(path: str) -> str:
    if _CLEAN.fullmatch(path):
        return path
    return _without_dot_segments(_encode(path, _PATH_SAFE))


def _clean_query(query: str) -> str:
    return query if _CLEAN_QUERY.fullmatch(query) else _encode(query, _QUERY_SAFE)


def _encode(text: str, safe: str) -> str:
    encoded = quote_from_bytes(text.encode("utf-8", "surrogatepass"), safe)
    return _BAD_PERCENT.sub("%25", encoded)


def _without_dot_segments(path: str) -> str:
    """Resolve ``.`` and ``..`` as RFC 3986, section 5.2.4, says; ``%2e`` counts as a dot."""
    segments = path.split("/")[1:]
    plain = [segment.lower().replace("%2e", ".") for segment in segments]
    kept: list[str] = []
    for segment, meaning in zip(segments, plain, strict=True):
        if meaning == "..":
            del kept[-1:]
        elif meaning != ".":
            kept.append(segment)
    if plain[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)
