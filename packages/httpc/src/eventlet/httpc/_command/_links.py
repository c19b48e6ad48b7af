"""Which pages a page leads to."""

from __future__ import annotations

import re
from collections import Counter

from selectolax.lexbor import LexborHTMLParser

from .._charset import charset_in, encoding_of
from .._url import URL
from ..errors import HTTPError, InvalidURL

_LINKS = "a[href], area[href], iframe[src], frame[src]"
# Where a page names its encoding itself (WHATWG HTML, 13.2.3.2); browsers look no further either.
_IN_PAGE = re.compile(rb"<meta[^>]+?charset\s*=[^>]+", re.IGNORECASE)
_PRESCAN = 1024

# HTML's rules look through all open elements at each <div>: the time grows with the square of the
# depth. Browsers stop at 512; so many take tenths of a second.
_MAX_DEPTH = 10_000
_TAG = re.compile(rb"<(/?)([A-Za-z][A-Za-z0-9]*)")
# Those that end by themselves, sooner or later, and so do not nest without end.
_FLAT = frozenset(
    b"a area base br col colgroup dd dt embed hr img input li link meta option p source tbody td"
    b" tfoot th thead tr track wbr".split()
)


class TooDeep(HTTPError):
    """A page nests its elements deeper than anybody could mean it."""


def links(content: bytes, content_type: str, url: URL) -> list[str]:
    """Return the URLs that an HTML page leads to, each once, in their order, without fragments.

    Arguments:
        content: the page.
        content_type: what its header says; its encoding counts more than that in the page.
        url: where it came from; its ``<base>`` counts more.

    Raises:
        TooDeep: reading it might take for ever.
    """
    if content.count(b"<") > _MAX_DEPTH and _is_deep(content):
        raise TooDeep(f"the page nests more than {_MAX_DEPTH:,} elements")
    page = LexborHTMLParser(_as_utf8(content, content_type))
    base = url
    first_base = page.css_first("base[href]")
    if first_base is not None:
        base = _join(url, first_base.attributes["href"]) or url
    found: dict[str, None] = {}
    for node in page.css(_LINKS):
        reference = node.attributes.get("href") or node.attributes.get("src")
        target = _join(base, reference)
        if target is not None:
            found[str(target.with_fragment(None))] = None
    return list(found)


def _is_deep(content: bytes) -> bool:
    unclosed: Counter[bytes] = Counter()
    depth = 0
    for tag in _TAG.finditer(content):
        slash, name = tag[1], tag[2].lower()
        if slash and unclosed[name]:
            unclosed[name] -= 1
            depth -= 1
        elif not slash and name not in _FLAT:
            unclosed[name] += 1
            depth += 1
            if depth > _MAX_DEPTH:
                return True
    return False


def _as_utf8(content: bytes, content_type: str) -> bytes:
    charset = charset_in(content_type) or _charset_inside(content) or "utf-8"
    text = content.decode(encoding_of(content, charset), "replace")
    return text.encode("utf-8", "replace")


def _charset_inside(content: bytes) -> str | None:
    found = _IN_PAGE.search(content, 0, _PRESCAN)
    return None if found is None else charset_in(found[0].decode("latin-1"))


def _join(base: URL, reference: str | None) -> URL | None:
    """Resolve a reference as browsers do; None if it leads nowhere that can be fetched."""
    # Line breaks and tabs inside, and blanks around, are no part of it (WHATWG URL, 4.4).
    cleaned = (reference or "").translate({9: None, 10: None, 13: None}).strip(" \f")
    try:
        return base.join(cleaned)
    except InvalidURL:
        return None
