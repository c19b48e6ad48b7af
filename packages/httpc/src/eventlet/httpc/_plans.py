"""What need not be found out anew for each of the simplest requests: a GET without any options."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from ._budget import Budget
from ._request import head_of, serialise_fields

if TYPE_CHECKING:
    from ._budget import Trace
    from ._headers import Headers
    from ._options import Timeouts
    from ._url import URL, Origin

# A URL, and all that is sent to fetch it.
Plan: TypeAlias = "tuple[URL, bytes]"

# URLs that are remembered; a crawl passes by many once.
_MAX_PLANS = 1024


class Plans:
    """The simplest requests of a client, as long as nothing changes that they depend on.

    Native threads may use one at the same time; what comes of a change is a new one.

    Arguments:
        depends_on: all that they depend on.
        headers, timeouts, trace: those of the client.

    Attributes:
        depends_on: the same.
        fields: the headers.
        budget: for all requests, if none needs one of its own.
    """

    __slots__ = ("_blocks", "_by_url", "_is_simple", "budget", "depends_on", "fields")

    def __init__(
        self, depends_on: tuple[object, ...], headers: Headers, timeouts: Timeouts,
        trace: Trace | None,
    ) -> None:  # fmt: skip
        self.depends_on = depends_on
        self.fields = tuple(headers.multi_items())
        self.budget = Budget(timeouts) if timeouts.total is None and trace is None else None
        self._is_simple = "expect" not in headers
        self._by_url: dict[object, Plan | None] = {}
        self._blocks: dict[Origin, bytes | None] = {}

    def get(
        self, given: str | URL, resolve: Callable[..., URL], needs_auth: Callable[[URL], object]
    ) -> Plan | None:
        """Return the plan for what a caller has given as a URL; None if it needs more than this.

        Arguments:
            resolve: makes a `URL` of it.
            needs_auth: whether we have to make us known there.
        """
        try:
            return self._by_url[given]
        except (KeyError, TypeError):  # what cannot be looked up is no URL, as `resolve` will say
            url = resolve(given)
        block = self._block_for(url, needs_auth)
        plan = None if block is None else (url, head_of("GET", url.target, block))
        if len(self._by_url) >= _MAX_PLANS:
            self._by_url.clear()
            self._blocks.clear()
        self._by_url[given] = plan
        return plan

    def _block_for(self, url: URL, needs_auth: Callable[[URL], object]) -> bytes | None:
        if url.username is not None or not self._is_simple:
            return None
        origin = url.origin
        try:
            return self._blocks[origin]
        except KeyError:
            block = None if needs_auth(url) else serialise_fields(url.authority, self.fields)
            self._blocks[origin] = block
            return block
