"""The examples of all READMEs run as they stand, but for the addresses in them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
READMES = [ROOT / "README.md", *sorted(ROOT.glob("packages/*/README.md"))]

CODE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ADDRESS = re.compile(r"https?://www\.example\.(?:com|org)/")


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.parent.name)
def test_the_examples_run(readme: Path, site: str) -> None:
    examples = CODE.findall(readme.read_text("utf-8"))
    assert examples, f"{readme} has no example"
    for example in examples:
        # The example at the root leaves open which pages it fetches.
        script = f"urls = [{site!r}]\n" + ADDRESS.sub(site, example)
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", script],
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
        assert done.returncode == 0, f"{script}\n{done.stderr}"
        assert done.stdout, f"{script}\nprints nothing"
