"""A slice of the session `clients`: what needs no server but our own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("name", ["requests", "urllib3"])
def test_a_client_is_green_patched_first_and_last(name: str) -> None:
    pytest.importorskip(name, reason="the sessions integration and clients install it")
    done = subprocess.run(
        [sys.executable, "-m", "tests.clients", name],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
