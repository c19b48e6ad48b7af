"""Programs that are patched before and after they have made use of what is replaced."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parent / "programs"
METHODS = multiprocessing.get_all_start_methods()

both = pytest.mark.parametrize("when", ["first", "last"])


def run(name: str, *arguments: str) -> list[str]:
    """Run a program, and return the lines that it prints."""
    command = [sys.executable, str(PROGRAMS / name), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


@both
def test_event_loops_of_asyncio_run_side_by_side(when: str) -> None:
    results = [str((number, b"hello", b"child")) for number in range(4)]
    assert run("event_loops.py", when) == ["no running event loop", *results]


@both
@pytest.mark.parametrize("method", METHODS)
def test_multiprocessing(when: str, method: str) -> None:
    assert run("children.py", when, method) == [
        "queue 42",
        "child 0",
        "pool [0, 1, 4, 9]",
        "executor [0, 1, 4, 9]",
        "lock True",
        "others ran True",
    ]


@both
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_child_goes_on_with_green_threads(when: str) -> None:
    assert run("children.py", when, "fork()") == ["fork 9", "others ran True"]


def test_requests_are_made_side_by_side_although_patching_comes_last() -> None:
    pytest.importorskip("requests", reason="the session integration installs it")
    *logged, result = run("crawl.py")
    assert len(logged) == 50
    assert result == "True True"
