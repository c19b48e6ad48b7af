"""Telling a server who we are: Basic (RFC 7617), Bearer (RFC 6750), Digest (RFC 7616), netrc."""

from __future__ import annotations

import hashlib
import netrc
import os
import re
import secrets
from base64 import b64encode
from functools import cached_property
from typing import TypeAlias

from ._url import URL, Origin
from .errors import InvalidRequest


class Auth:
    """Something that makes us known; the base class makes us known to nobody."""

    def header_for(self, method: str, url: URL) -> str | None:
        """Return the ``Authorization`` header to send, or None for none."""
        return None

    def take_challenge(self, url: URL, challenges: list[str]) -> bool:
        """Learn from the ``WWW-Authenticate`` headers of a refusal.

        Returns:
            Whether it is worth asking again.
        """
        return False


class BasicAuth(Auth):
    """Name and password, sent with each request; only as safe as the connection.

    Raises:
        InvalidRequest: the name has a colon, or either has control characters.
    """

    def __init__(self, username: str, password: str) -> None:
        if ":" in username or re.search(r"[\x00-\x1f\x7f]", username + password):
            raise InvalidRequest("a name has no colon, and neither part has control characters")
        self._header = basic(username, password)

    def header_for(self, method: str, url: URL) -> str:
        """Return the header."""
        return self._header


class BearerAuth(Auth):
    """A token, sent with each request."""

    def __init__(self, token: str) -> None:
        self._header = f"Bearer {token}"

    def header_for(self, method: str, url: URL) -> str:
        """Return the header."""
        return self._header


class DigestAuth(Auth):
    """Name and password, proven to the server without being shown to it.

    The first request is sent without; the server's refusal says how to prove it.
    """

    def __init__(self, username: str, password: str) -> None:
        self._username = username
        self._password = password
        self._challenges: dict[Origin, _Challenge] = {}

    def header_for(self, method: str, url: URL) -> str | None:
        """Return the header, once the server has said how; else None."""
        challenge = self._challenges.get(url.origin)
        if challenge is None:
            return None
        return challenge.answer(method, url.target, self._username, self._password)

    def take_challenge(self, url: URL, challenges: list[str]) -> bool:
        """Learn how the server wants it proven; see the base class."""
        for text in challenges:
            challenge = _Challenge.parse(text)
            if challenge is None:
                continue
            known = self._challenges.get(url.origin)
            self._challenges[url.origin] = challenge
            # A second refusal means that name or password are wrong, unless the first was too old.
            return known is None or challenge.is_stale
        return False


class _Challenge:
    _HASHES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}  # noqa: RUF012

    def __init__(self, fields: dict[str, str]) -> None:
        self._realm = fields.get("realm", "")
        self._nonce = fields["nonce"]
        self._opaque = fields.get("opaque")
        self._algorithm = fields.get("algorithm", "MD5")
        name = self._algorithm.upper()
        self._is_session = name.endswith("-SESS")
        self._hash = self._HASHES[name.removesuffix("-SESS")]
        choices = [choice.strip() for choice in fields.get("qop", "").split(",")]
        self._has_qop = "auth" in choices
        self.is_stale = fields.get("stale", "").lower() == "true"
        self._count = 0

    @classmethod
    def parse(cls, text: str) -> _Challenge | None:
        """Read a challenge; None if it isn't one of Digest that can be answered."""
        match = re.match(r"\s*digest\s+", text, re.IGNORECASE)
        if match is None:
            return None
        found = re.findall(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))', text[match.end() :])
        fields = {
            name.lower(): re.sub(r"\\(.)", r"\1", quoted) or bare for name, quoted, bare in found
        }
        qop = [choice.strip() for choice in fields.get("qop", "auth").split(",")]
        algorithm = fields.get("algorithm", "MD5").upper().removesuffix("-SESS")
        if "nonce" not in fields or algorithm not in cls._HASHES or "auth" not in qop:
            return None
        return cls(fields)

    def answer(self, method: str, target: str, username: str, password: str) -> str:
        """Return the header that proves it, for one request."""
        self._count += 1
        count = f"{self._count:08x}"
        cnonce = secrets.token_hex(8)
        secret = self._digest(f"{username}:{self._realm}:{password}")
        if self._is_session:
            secret = self._digest(f"{secret}:{self._nonce}:{cnonce}")
        what = self._digest(f"{method}:{target}")
        middle = f"{self._nonce}:{count}:{cnonce}:auth" if self._has_qop else self._nonce
        fields = {
            "username": _quoted(username),
            "realm": _quoted(self._realm),
            "nonce": _quoted(self._nonce),
            "uri": _quoted(target),
            "response": _quoted(self._digest(f"{secret}:{middle}:{what}")),
            "algorithm": self._algorithm,
        }
        if self._opaque is not None:
            fields["opaque"] = _quoted(self._opaque)
        if self._has_qop:
            fields |= {"qop": "auth", "nc": count}
        if self._has_qop or self._is_session:
            fields["cnonce"] = _quoted(cnonce)
        return "Digest " + ", ".join(f"{name}={value}" for name, value in fields.items())

    def _digest(self, text: str) -> str:
        return hashlib.new(self._hash, text.encode("utf-8"), usedforsecurity=False).hexdigest()


AuthTypes: TypeAlias = "Auth | tuple[str, str] | None"


def make_auth(auth: AuthTypes) -> Auth | None:
    """Return the object that `auth` stands for; a pair is a name and a password for Basic.

    Raises:
        TypeError: it stands for none.
        InvalidRequest: it could not be sent safely.
    """
    if auth is None or isinstance(auth, Auth):
        return auth
    if isinstance(auth, tuple) and len(auth) == 2:
        return BasicAuth(*auth)
    raise TypeError(
        f"auth is a pair of name and password, or an Auth such as BearerAuth, not {auth!r}"
    )


class Netrc:
    """The user's netrc file (``NETRC``, else ``~/.netrc``), read when somebody first asks for it.

    One that cannot be read, or that others may read, counts as empty.
    """

    def auth_for(self, host: str) -> Auth | None:
        """Return what the file has for a host, or None."""
        entry = None if self._file is None else self._file.authenticators(host)
        if entry is None or not entry[0] or entry[2] is None:
            return None
        return BasicAuth(entry[0], entry[2])

    @cached_property
    def _file(self) -> netrc.netrc | None:
        path = os.environ.get("NETRC") or os.path.expanduser("~/.netrc")
        try:
            return netrc.netrc(path)
        except (OSError, netrc.NetrcParseError):
            return None


def basic(username: str, password: str) -> str:
    """Return the ``Authorization`` header of the scheme Basic, in UTF-8."""
    return "Basic " + b64encode(f"{username}:{password}".encode()).decode("ascii")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
