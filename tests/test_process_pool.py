"""The example of a pool of processes, from the outside."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path


def run(examples: Path, *paths: Path) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-W", "error", str(examples / "process_pool.py"), *map(str, paths)]
    return subprocess.run(line, capture_output=True, text=True, timeout=50, check=False)


def test_files_are_hashed_in_order(examples: Path, tmp_path: Path) -> None:
    paths = [tmp_path / str(number) for number in range(20)]
    for path in paths:
        path.write_text(path.name * 1000)
    done = run(examples, *paths)
    hashes = [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths]
    assert done.stdout.splitlines() == [
        f"{each} {path}" for each, path in zip(hashes, paths, strict=True)
    ]
    assert (done.returncode, done.stderr) == (0, "")


def test_a_file_that_is_not_there_is_told(examples: Path, tmp_path: Path) -> None:
    done = run(examples, tmp_path / "nowhere")
    assert done.stdout.startswith("cannot hash: [Errno 2]")
    assert (done.returncode, done.stderr) == (1, "")
