"""Requests as they go on the wire: checked, serialised once, no I/O."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from .errors import InvalidRequest

if TYPE_CHECKING:
    from ._body import Body
    from ._budget import Budget
    from ._url import URL

_METHOD = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

# RFC 9110, section 9.2.2: doing these twice has the effect of doing them once.
IDEMPOTENT = frozenset({"GET", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"})
# Those whose length a server wants to know even if there is no body (RFC 9110, section 8.6).
_WITH_LENGTH = frozenset({"POST", "PUT", "PATCH"})
# What frames a message, and so is written here and nowhere else.
_FRAMING = ("content-length", "transfer-encoding")

_CACHE_SIZE = 256


class Request:
    """One request, ready to be sent.

    Arguments:
        method: in capitals, checked.
        url: where to.
        fields: checked headers, without ``Host`` unless it is to differ from the URL's, and
            without those that frame the body.
        body: what to send after the headers; None for nothing.
        budget: the time it has.
        expects_continue: whether the fields ask the server to say that it wants the body.
        kept_head: what `head` returns without arguments, if somebody has kept it.
    """

    __slots__ = ("body", "budget", "expects_continue", "fields", "kept_head", "method", "url")

    def __init__(
        self,
        method: str,
        url: URL,
        fields: Sequence[tuple[str, str]],
        body: Body | None,
        budget: Budget,
        expects_continue: bool = False,
        kept_head: bytes | None = None,
    ) -> None:
        self.method = method
        self.url = url
        self.fields = fields
        self.body = body
        self.budget = budget
        self.expects_continue = expects_continue
        self.kept_head = kept_head

    @property
    def is_repeatable(self) -> bool:
        """Whether it may be sent again after a connection broke without an answer."""
        if self.method not in IDEMPOTENT:
            return False
        return self.body is None or self.body.is_repeatable

    def head(self, target: str | None = None, extra: bytes = b"") -> bytes:
        """Serialise everything before the body.

        Arguments:
            target: what to write instead of the URL's path, for a proxy.
            extra: further header lines, checked and serialised.
        """
        block = serialise_fields(self.url.authority, tuple(self.fields))
        return head_of(
            self.method, target or self.url.target, b"%b%b%b" % (block, self._framing(), extra)
        )

    def _framing(self) -> bytes:
        body = self.body
        if body is None:
            return b"Content-Length: 0\r\n" if self.method in _WITH_LENGTH else b""
        if body.length is None:
            return b"Transfer-Encoding: chunked\r\n"
        return b"Content-Length: %d\r\n" % body.length


def head_of(method: str, target: str, lines: bytes) -> bytes:
    """Write a request line, header lines, and the empty line after them."""
    return b"%b %b HTTP/1.1\r\n%b\r\n" % (method.encode("ascii"), target.encode("ascii"), lines)


# Most requests of a program differ in nothing but their targets.
@lru_cache(_CACHE_SIZE)
def serialise_fields(host: str, fields: tuple[tuple[str, str], ...]) -> bytes:
    """Serialise checked headers, beginning with ``Host`` unless the fields have one.

    Raises:
        InvalidRequest: a header frames the body, which is not the caller's to write, or there are
            several ``Host``.
    """
    lines: list[str] = []
    has_host = False
    for name, value in fields:
        lowered = name.lower()
        if lowered in _FRAMING:
            raise InvalidRequest(
                f"header {name!r} is written by the client, to match the body; leave it out"
            )
        if lowered == "host":
            if has_host:
                raise InvalidRequest("a request has one Host header; these are several")
            has_host = True
            lines.insert(0, f"{name}: {value}\r\n")
        else:
            lines.append(f"{name}: {value}\r\n")
    if not has_host:
        lines.insert(0, f"Host: {host}\r\n")
    return "".join(lines).encode("latin-1")


def checked_method(method: str) -> str:
    """Return a method as it is sent, in capitals.

    Raises:
        InvalidRequest: it is not one word, or one that this client cannot carry out.
    """
    if not isinstance(method, str) or not _METHOD.fullmatch(method):
        raise InvalidRequest(f"a method is a word like 'GET', not {method!r}")
    if method.upper() == "CONNECT":
        raise InvalidRequest("CONNECT is for proxies, and made by the client where it needs it")
    return method.upper()
