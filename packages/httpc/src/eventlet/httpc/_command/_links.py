"""Which pages a page leads to."""

from __future__ import annotations

from selectolax.lexbor import LexborHTMLParser

from .._url import URL
from ..errors import InvalidURL

_LINKS = "a[href], area[href], iframe[src], frame[src]"


def links(content: bytes | str, url: URL) -> list[str]:
    """Return the URLs that an HTML page leads to, each once, in their order, without fragments.

    Arguments:
        content: the page.
        url: where it came from; its ``<base>`` counts more.
    """
    page = LexborHTMLParser(content)
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


def _join(base: URL, reference: str | None) -> URL | None:
    """Resolve a reference as browsers do; None if it leads nowhere that can be fetched."""
    # Line breaks and tabs inside, and blanks around, are no part of it (WHATWG URL, 4.4).
    cleaned = (reference or "").translate({9: None, 10: None, 13: None}).strip(" \f")
    try:
        return base.join(cleaned)
    except (InvalidURL, ValueError):
        return None
