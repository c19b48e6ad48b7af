"""The examples of the pages in docs/ give the results that are printed there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import eventlet.coros.queue as green_queue
from eventlet import coros

DOCS = Path(__file__).resolve().parent.parent / "docs"
MADE = {"_build", "reference"}
PAGES = [page for page in sorted(DOCS.rglob("*.md")) if not MADE & {*page.relative_to(DOCS).parts}]


PLAIN = re.compile(r"^(<!-- not run: .+ -->\n)?```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADDRESS = re.compile(r"https?://www\.example\.(?:com|org)/")


def plain_blocks(page: Path) -> list[str]:
    """Return the blocks of Python that show no results, but those that say why they cannot run."""
    found = PLAIN.findall(page.read_text("utf-8"))
    return [code for reason, code in found if not reason and ">>>" not in code]


@pytest.mark.parametrize(
    "page", [page for page in PAGES if plain_blocks(page)], ids=lambda path: path.stem
)
def test_blocks_without_results_run(page: Path, site: str, tmp_path: Path) -> None:
    script = ADDRESS.sub(site, "\n".join(plain_blocks(page)))  # later ones may go on from earlier
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stderr}"


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


def test_the_page_of_the_primitives_shows_each_of_them() -> None:
    lines = (DOCS / "coros.md").read_text("utf-8").splitlines()
    shown = {
        word
        for line in lines
        if line.startswith((">>> ", "... "))
        for word in re.findall(r"\w+", line)
    }
    helpers = {"NOT_USED", "Token", "__version__", *coros.errors.__all__}
    wanted = {name for name in coros.__all__ if not name.endswith("Statistics")} - helpers
    wanted |= {name for name in green_queue.__all__ if name.endswith("Queue")} | {"Thread", "Timer"}
    assert sorted(wanted - shown) == []
