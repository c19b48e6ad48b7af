"""What the owners of sites allow to programs: ``robots.txt`` (RFC 9309)."""

from __future__ import annotations

from urllib.robotparser import RobotFileParser

from eventlet.hub import GreenThread, spawn

from .._client import Client
from .._url import URL, Origin
from ..errors import HTTPError

# The RFC wants at least this much of the file to be read, in bytes; more is ignored.
_MAX_FILE = 512 * 1024


class Robots:
    """Asks each origin once, when its first page is wanted.

    Arguments:
        client: fetches the files.
        agent: the name that we go by.
    """

    def __init__(self, client: Client, agent: str) -> None:
        self._client = client
        self._agent = agent
        self._rules: dict[Origin, GreenThread[RobotFileParser]] = {}

    def allows(self, url: URL) -> bool:
        """Return whether a page may be fetched; waits for the file of its origin."""
        return self._rules_of(url).can_fetch(self._agent, str(url))

    def delay_of(self, url: URL) -> float:
        """Return how many seconds the owner wants between two pages; 0 if they don't say."""
        delay = self._rules_of(url).crawl_delay(self._agent)
        return float(delay or 0)

    def _rules_of(self, url: URL) -> RobotFileParser:
        loading = self._rules.get(url.origin)
        if loading is None:
            loading = self._rules[url.origin] = spawn(self._load, url.join("/robots.txt"))
        return loading.wait()

    def _load(self, url: URL) -> RobotFileParser:
        rules = RobotFileParser()
        try:
            with self._client.stream("GET", url.with_fragment(None), max_body=_MAX_FILE) as answer:
                status = answer.status
                text = answer.text if status < 300 else ""
        except HTTPError:
            status, text = 599, ""  # section 2.3.1.4: who cannot be asked allows nothing
        if status >= 500:
            text = "User-agent: *\nDisallow: /"
        rules.parse(text.splitlines())
        return rules
