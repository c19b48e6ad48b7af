"""The command ``httpc``: ``get`` for some URLs, ``crawl`` for all they lead to."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.util import find_spec

from .._version import __version__

_MISSING = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, and return its exit status: 0 if all went well.

    Arguments:
        arguments: those of the command line; None takes them from there.
    """
    options = make_parser().parse_args(arguments)
    missing = [name for name in ("rich", "selectolax") if find_spec(name) is None]
    if missing:
        print(  # noqa: T201 - the command's own output
            f"httpc needs {' and '.join(missing)}: pip install 'eventlet-httpc[cli]'",
            file=sys.stderr,
        )
        return _MISSING
    if options.command == "get":
        from ._get import get

        return get(options)
    from ._crawl import crawl

    return crawl(options)


def make_parser() -> argparse.ArgumentParser:
    """Return what understands the command line."""
    parser = argparse.ArgumentParser("httpc", description="Fetch URLs, or crawl what they lead to.")
    parser.add_argument("--version", action="version", version=f"httpc {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    _add_get(commands.add_parser("get", help="fetch URLs and print their bodies"))
    _add_crawl(commands.add_parser("crawl", help="fetch URLs and all pages they lead to"))
    return parser


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("urls", nargs="+", metavar="URL")
    parser.add_argument(
        "-H", "--header", action="append", default=[], metavar="NAME: VALUE", help="send a header"
    )
    parser.add_argument("-k", "--insecure", action="store_true", help="do not check certificates")
    parser.add_argument("--proxy", metavar="URL", help="go through this proxy")
    parser.add_argument("--timeout", type=_positive, metavar="SECONDS", help="for each request")


def _add_get(parser: argparse.ArgumentParser) -> None:
    _add_common(parser)
    parser.add_argument("-X", "--method", metavar="METHOD", help="default: GET, or POST with data")
    parser.add_argument("-d", "--data", metavar="TEXT", help="send this body; @FILE sends a file")
    parser.add_argument("-i", "--include", action="store_true", help="print the headers as well")
    parser.add_argument("-t", "--timing", action="store_true", help="print where the time went")


def _add_crawl(parser: argparse.ArgumentParser) -> None:
    _add_common(parser)
    add = parser.add_argument
    add("--any-site", action="store_true", help="also follow links to other hosts")
    add("--depth", type=_natural, metavar="N", help="how many links from the beginning")
    add("--max-pages", type=_natural, metavar="N", help="how many pages in all")
    add("--concurrency", type=_count, default=64, metavar="N", help="pages at once (64)")
    add("--per-host", type=_count, default=8, metavar="N", help="pages at once from a host (8)")
    add("--delay", type=_positive, default=0.0, metavar="SECONDS", help="between pages of a host")
    add("--ignore-robots", action="store_true", help="do not ask for robots.txt")
    add("--output", metavar="FILE", help="write a JSON line for each page")
    add("--resume", metavar="FILE", help="go on with such a file; fetch nothing twice")
    add("--report", metavar="FILE", help="write a report in HTML")


def _positive(text: str) -> float:
    value = float(text)
    if not value >= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return value


def _natural(text: str) -> int:
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is less than 0")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is less than 1")
    return value
