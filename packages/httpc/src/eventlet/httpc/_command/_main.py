"""The command ``httpc``: ``get`` for some URLs, ``crawl`` for all they lead to."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, TypeVar

from .._request import checked_method
from .._version import __version__
from ..errors import InvalidRequest
from ._options import INTERRUPTED, CommandError

if TYPE_CHECKING:
    _Commands = argparse._SubParsersAction[argparse.ArgumentParser]

_Number = TypeVar("_Number", int, float)

# Else a server that sends a byte now and then would never let a crawl end, in seconds.
_CRAWL_TIMEOUT = 60.0

# The first is argparse's for a command line that makes no sense; the second tells a missing extra
# from that; the last is what shells use for a program that a signal has ended.
_WRONG = 2
_MISSING = 3
_BROKEN_PIPE = 128 + 13  # SIGPIPE, which not every platform has

_STATUSES = """\
exit status:
  0 every URL that was given had a good answer
  1 one of them had not, or its host has stopped answering
  2 the command cannot do what it was asked to
  3 a package of the extra "cli" is missing
  130 Ctrl-C has ended it
  141 nobody has read its output to the end
"""
_EXAMPLES = """\
examples:
  httpc crawl https://www.example.com/
  httpc crawl --resume pages.jsonl --report report.html https://www.example.com/

"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, and return its exit status: 0 if all went well.

    Arguments:
        arguments: those of the command line; None takes them from there.
    """
    options = make_parser().parse_args(arguments)
    missing = [name for name in ("rich", "selectolax") if find_spec(name) is None]
    if missing:
        needed = " and ".join(missing)
        return _fail(f"this needs {needed}: pip install 'eventlet-httpc[cli]'", _MISSING)
    try:
        return _run(options)
    except CommandError as error:
        return _fail(str(error), _WRONG)
    except BrokenPipeError:
        # Nobody reads the rest, and the interpreter must not try to write it as it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _BROKEN_PIPE
    except KeyboardInterrupt:
        return INTERRUPTED


def _run(options: argparse.Namespace) -> int:
    if options.command == "get":
        from ._get import get

        return get(options)
    from ._crawl import crawl

    return crawl(options)


def _fail(text: str, status: int) -> int:
    print(f"httpc: {text}", file=sys.stderr)  # noqa: T201 - the command's own output
    return status


def make_parser() -> argparse.ArgumentParser:
    """Return what understands the command line."""
    parser = argparse.ArgumentParser(
        "httpc",
        description="Fetch URLs, or crawl what they lead to.",
        epilog=_STATUSES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"httpc {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    get = "fetch URLs, all at once, and print their bodies in order"
    crawl = "fetch URLs and all pages of the same sites that they lead to"
    _add_get(_add_command(commands, "get", get, _STATUSES))
    _add_crawl(_add_command(commands, "crawl", crawl, _EXAMPLES + _STATUSES))
    return parser


def _add_command(
    commands: _Commands, name: str, purpose: str, epilog: str
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=purpose,
        description=f"{purpose[0].upper()}{purpose[1:]}.",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("urls", nargs="+", metavar="URL", help="begins with http:// or https://")
    return parser


def _add_requests(parser: argparse.ArgumentParser, timeout: float | None) -> None:
    add = parser.add_argument_group("requests").add_argument
    add("-H", "--header", action="append", default=[], metavar="'NAME: VALUE'",
        help="send this header, too; may be given more than once")  # fmt: skip
    add("--http2", action="store_true", help="let servers choose HTTP/2 (needs the extra h2)")
    add("-k", "--insecure", action="store_true", help="do not check certificates")
    add("--proxy", metavar="URL", help="go through this proxy, such as socks5://127.0.0.1:1080")
    limit = "no limit" if timeout is None else f"{timeout:g}"
    add("--timeout", type=_positive_seconds, default=timeout, metavar="SECONDS",
        help=f"for each request, up to its last byte (default: {limit})")  # fmt: skip


def _add_get(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("-i", "--include", action="store_true", help="print the headers, too, on standard error")
    add("-t", "--timing", action="store_true", help="print where the time went, on standard error")
    add("-X", "--method", type=_method, metavar="METHOD", help="default: GET, or POST with data")
    add("-d", "--data", metavar="TEXT", help="send this body; @FILE sends what is in a file")
    _add_requests(parser, None)


def _add_crawl(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument_group("what to fetch").add_argument
    add("--depth", type=_natural, metavar="N",
        help="follow at most N links in a row; 0 fetches the URLs alone")  # fmt: skip
    add("--max-pages", type=_count, metavar="N", help="fetch at most N pages")
    add("--any-site", action="store_true", help="also follow links to other hosts")
    add("--ignore-robots", action="store_true", help="do not ask for robots.txt")
    add = parser.add_argument_group("how fast").add_argument
    add("--concurrency", type=_count, default=64, metavar="N",
        help="pages at once (default: 64)")  # fmt: skip
    add("--per-host", type=_count, default=8, metavar="N",
        help="pages at once from one host (default: 8)")  # fmt: skip
    add("--delay", type=_seconds, default=0.0, metavar="SECONDS",
        help="between two pages of one host (default: what its robots.txt wants)")  # fmt: skip
    group = parser.add_argument_group("results")
    files = group.add_mutually_exclusive_group()
    files.add_argument("--output", metavar="FILE",
        help="write a JSON line for each page; - is standard output")  # fmt: skip
    files.add_argument("--resume", metavar="FILE",
        help="the same, but go on with what is in FILE, and fetch nothing twice")  # fmt: skip
    group.add_argument("--report", metavar="FILE", help="write a report in HTML")
    _add_requests(parser, _CRAWL_TIMEOUT)


def _seconds(text: str) -> float:
    value = _number(float, text)
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return value


def _positive_seconds(text: str) -> float:
    value = _seconds(text)
    if not value:
        raise argparse.ArgumentTypeError("0 seconds are too few for anything")
    return value


def _natural(text: str) -> int:
    value = _number(int, text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is less than 0")
    return value


def _count(text: str) -> int:
    value = _number(int, text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is less than 1")
    return value


def _number(kind: Callable[[str], _Number], text: str) -> _Number:
    try:
        return kind(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None


def _method(text: str) -> str:
    try:
        return checked_method(text)
    except InvalidRequest as error:
        raise argparse.ArgumentTypeError(str(error)) from None
