"""A quick slice of the interpreter's own tests, patched; the session `stdlib` runs them all."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).parent / "stdlib" / "run.py"


@pytest.mark.skipif(
    importlib.util.find_spec("test.test_queue") is None, reason="this Python came without its tests"
)
@pytest.mark.parametrize(
    ("module", "pattern"),
    [
        ("test_contextlib", "ContextManager"),
        ("test_queue", "FailingQueue"),
        ("test_select", ""),
        ("test_threading", "EventTests"),
        ("test_xmlrpc", "SimpleServerTestCase"),
    ],
)
def test_nothing_is_lost(module: str, pattern: str) -> None:
    done = subprocess.run(
        [sys.executable, RUN, module, "-k", pattern], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    row = next(line for line in done.stdout.splitlines() if line.startswith(module))
    unpatched, patched, excluded, lost = map(int, row.split()[1:])
    assert unpatched == patched + excluded > 0
    assert lost == 0
