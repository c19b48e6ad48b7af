"""The examples of the pages in docs/ give the results that are printed there."""

import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parent.parent / "docs"
MADE = {"_build", "reference"}
PAGES = [page for page in sorted(DOCS.rglob("*.md")) if not MADE & {*page.relative_to(DOCS).parts}]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_the_examples_give_what_is_printed(page: Path) -> None:
    # In an interpreter of its own: a page may replace hooks and leave green threads behind.
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "doctest", "-o", "ELLIPSIS", str(page)],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
