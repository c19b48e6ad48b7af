"""What the owners of sites allow to programs: ``robots.txt`` (RFC 9309)."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.robotparser import RobotFileParser

from eventlet.hub import GreenThread, spawn

from .._client import Client
from .._url import URL, Origin
from ..errors import HTTPError
from ._page import DISALLOWED

# The RFC wants at least this much of the file to be read, in bytes; more is ignored.
_MAX_FILE = 512 * 1024


class Disallowed(HTTPError):
    """The owner of a site does not want a page to be fetched by programs."""


class Robots:
    """Asks each origin once, when its first page is wanted.

    Arguments:
        client: fetches the files.
        agent: the name that we go by.
    """

    def __init__(self, client: Client, agent: str) -> None:
        self._client = client
        self._agent = agent
        self._rules: dict[Origin, GreenThread[RobotFileParser | HTTPError]] = {}

    def check(self, url: URL) -> float:
        """Return how many seconds the owner wants between two pages; 0 if they don't say.

        Waits for the file of the origin.

        Raises:
            Disallowed: the page may not be fetched.
            HTTPError: the origin cannot be asked. Who cannot be asked allows nothing (section
                2.3.1.4), and would not have the page either.
        """
        loading = self._rules.get(url.origin)
        if loading is None:
            loading = self._rules[url.origin] = spawn(self._load, url.join("/robots.txt"))
        rules = loading.wait()
        if isinstance(rules, HTTPError):
            raise rules
        if not rules.can_fetch(self._agent, str(url)):
            raise Disallowed(DISALLOWED)
        return float(rules.crawl_delay(self._agent) or 0)

    def _load(self, url: URL) -> RobotFileParser | HTTPError:
        try:
            with self._client.stream("GET", url.with_fragment(None)) as answer:
                status = answer.status
                text = b"" if status >= 400 else _first_bytes(answer.iter_bytes())
        except HTTPError as error:
            return error
        if status >= 500:
            return Disallowed(f"{DISALLOWED}: asked for it, the server answered {status}")
        return _parse(text.decode("utf-8-sig", "replace").splitlines())


def _first_bytes(pieces: Iterator[bytes]) -> bytes:
    start = bytearray()
    for piece in pieces:
        start += piece
        if len(start) > _MAX_FILE:
            break
    return bytes(start[:_MAX_FILE])


def _parse(lines: list[str]) -> RobotFileParser:
    rules = RobotFileParser()
    try:
        rules.parse(lines)
    except ValueError:  # it chokes on addresses and numbers that are none; the rest still holds
        rules = RobotFileParser()
        rules.parse([line for line in lines if _is_readable(line)])
    return rules


def _is_readable(line: str) -> bool:
    try:
        RobotFileParser().parse(["User-agent: *", line])
    except ValueError:
        return False
    return True
