"""What came of fetching one page, and the file that remembers it for the next run."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple


class Page(NamedTuple):
    """One line of the results.

    Attributes:
        url: what was asked for.
        depth: how many links lead to it from where the crawl began.
        status: of the answer; None if there was none.
        final_url: where the answer came from, after redirects.
        size: of the body, in bytes.
        seconds: how long it took.
        content_type: of the answer.
        error: why there is no answer; None if there is one.
        links: where it leads to.
    """

    url: str
    depth: int
    status: int | None = None
    final_url: str | None = None
    size: int = 0
    seconds: float = 0.0
    content_type: str | None = None
    error: str | None = None
    links: tuple[str, ...] = ()

    def to_json(self) -> str:
        """Return it as one line."""
        return json.dumps(self._asdict(), ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, line: str) -> Page:
        """Read such a line.

        Raises:
            ValueError: it is none.
        """
        try:
            fields = json.loads(line)
            return cls(**{**fields, "links": tuple(fields["links"])})
        except (TypeError, KeyError) as error:
            raise ValueError(f"this is no line of a crawl: {line!r}") from error


class Journal:
    """The results of a crawl as a file of JSON lines, which the next run can go on with.

    Arguments:
        path: the file; None keeps nothing.
        resume: read what is in it first, and append; else it is written anew.

    Raises:
        OSError: the file cannot be read or written.
        ValueError: the file is something else.
    """

    def __init__(self, path: Path | None, *, resume: bool = False) -> None:
        self._file: IO[bytes] | None = None
        self.known: list[Page] = []
        if path is None:
            return
        if resume and path.exists():
            self.known = list(self._recover(path))
        self._file = path.open("ab" if resume else "wb")

    def write(self, page: Page) -> None:
        """Append a page, so that it is there whatever happens next."""
        if self._file is not None:
            self._file.write(page.to_json().encode("utf-8") + b"\n")
            self._file.flush()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _recover(self, path: Path) -> Iterator[Page]:
        """Yield the pages in the file, and cut off a last line that was not finished."""
        complete = 0
        with path.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    break
                yield Page.from_json(line.decode("utf-8"))
                complete += len(line)
        os.truncate(path, complete)
