"""What came of fetching one page, and the file that remembers it for the next run."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import NamedTuple

from ._options import CommandError

DISALLOWED = "disallowed by robots.txt"

# How each line begins, and by which one that was cut off is still known as ours.
_OPENING = b'{"url":"'


class Page(NamedTuple):
    """One line of the results.

    Attributes:
        url: what was asked for.
        depth: how many links lead to it from where the crawl began.
        status: of the answer; None if there was none.
        size: of the body, in bytes.
        seconds: how long it took.
        content_type: of the answer.
        error: why there is no answer; None if there is one.
        referrer: the page that led to it; None where the crawl began.
        links: where it leads to; of a redirect, the one place.
    """

    url: str
    depth: int
    status: int | None = None
    size: int = 0
    seconds: float = 0.0
    content_type: str | None = None
    error: str | None = None
    referrer: str | None = None
    links: tuple[str, ...] = ()

    @property
    def is_redirect(self) -> bool:
        """Whether it leads to one place, without any further click."""
        return self.status is not None and 300 <= self.status < 400 and bool(self.links)

    @property
    def is_broken(self) -> bool:
        """Whether something is wrong with it, or with what leads to it."""
        return self.error is not None or (self.status or 0) >= 400

    @property
    def is_disallowed(self) -> bool:
        """Whether it was not asked for, as its owner wishes."""
        return self.error is not None and self.error.startswith(DISALLOWED)

    def to_json(self) -> str:
        """Return it as one line."""
        return json.dumps(self._asdict(), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, line: bytes) -> Page:
        """Read such a line.

        Raises:
            ValueError: it is none.
        """
        try:
            fields = json.loads(line)
            page = cls(**{**fields, "links": tuple(map(str, fields["links"]))})
        except (TypeError, KeyError) as error:
            raise ValueError(str(error)) from error
        if not (isinstance(page.url, str) and isinstance(page.depth, int)):
            raise ValueError("no URL, or no depth")
        return page


def read_journal(path: Path) -> list[Page]:
    """Return the pages in a file of results, and cut off a last line that was not finished.

    Arguments:
        path: the file; if there is none, there are no pages.

    Raises:
        CommandError: it cannot be read, or is something else; then it is left as it is.
    """
    try:
        return list(_recover(path)) if path.exists() else []
    except OSError as error:
        raise CommandError.about("read", path, error) from error


def _recover(path: Path) -> Iterator[Page]:
    complete = 0
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            is_whole = line.endswith(b"\n")
            try:
                if not is_whole and _OPENING.startswith(line[: len(_OPENING)]):
                    break
                yield Page.from_json(line)
            except ValueError:
                raise CommandError(
                    f"cannot resume from {path}: its line {number} was not written by a crawl"
                ) from None
            complete += len(line)
        else:
            return
    os.truncate(path, complete)


class Journal:
    """The results of a crawl as JSON lines, which the next run can go on with.

    Arguments:
        name: the file; ``-`` for standard output, None for nowhere.
        appends: keep what is in the file.

    Raises:
        CommandError: the file cannot be written.
    """

    def __init__(self, name: str | None, *, appends: bool = False) -> None:
        self._name = name
        self._file: FileIO | None = None
        try:
            # Without a buffer: what could not be written is not tried again at the end.
            if name == "-":
                self._file = FileIO(sys.stdout.fileno(), "w", closefd=False)
            elif name is not None:
                self._file = FileIO(name, "a" if appends else "w")
        except OSError as error:
            raise CommandError.about("write", name or "", error) from error

    def write(self, page: Page) -> None:
        """Append a page, so that it is there whatever happens next.

        Raises:
            CommandError: the file cannot be written any more.
            BrokenPipeError: nobody reads it any more.
        """
        if self._file is None or self._name is None:
            return
        line = page.to_json().encode("utf-8") + b"\n"
        try:
            while line:
                line = line[self._file.write(line) :]
        except BrokenPipeError:
            raise
        except OSError as error:
            raise CommandError.about("write", self._name, error) from error

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
