"""Find the interpreters of this machine by running them.

A file called ``python3.12`` proves little: version managers put shims on the
path that only say "not installed". So each candidate is started, and the
interpreter behind it is asked who it is.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PROBE = "import sys; print(sys.version_info[:2], sys._base_executable, sep='|')"

# A cold start from a slow disk takes a second or two; a shim that waits for an
# answer to a question would take for ever.
PROBE_SECONDS = 20


def find(version: str) -> Path | None:
    """Return a working CPython of *version* (such as ``3.12``), or None."""
    for command in _candidates(version):
        if (found := _probe(command, version)) is not None:
            return found
    return None


def _probe(command: list[str], version: str) -> Path | None:
    """Run *command* and return the interpreter it leads to, if it is a *version*."""
    try:
        done = subprocess.run(
            [*command, "-I", "-c", PROBE],
            capture_output=True,
            text=True,
            timeout=PROBE_SECONDS,
            stdin=subprocess.DEVNULL,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    said, _, executable = done.stdout.strip().partition("|")
    major, _, minor = version.partition(".")
    return Path(executable) if said == f"({major}, {minor})" else None


def _candidates(version: str) -> Iterator[list[str]]:
    """Yield commands that may start *version*, likeliest first."""
    yield [sys.executable]
    names = [f"python{version}.exe", "python.exe"] if os.name == "nt" else [f"python{version}"]
    for folder in dict.fromkeys(os.get_exec_path()):
        yield from ([str(path)] for name in names if (path := Path(folder, name)).is_file())
    for home in _pyenv_homes(version):
        yield [str(home / "python.exe" if os.name == "nt" else home / "bin" / f"python{version}")]
    if launcher := shutil.which("py"):
        yield [launcher, f"-{version}"]
    if (managed := _uv_find(version)) is not None:
        yield [managed]


def _pyenv_homes(version: str) -> list[Path]:
    """Return pyenv's installations of *version*, the newest patch release first."""
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    homes = [*root.glob(f"versions/{version}.*"), *root.glob(f"pyenv-win/versions/{version}.*")]
    return sorted(homes, key=lambda home: (len(home.name), home.name), reverse=True)


def _uv_find(version: str) -> str | None:
    """Return the interpreter that uv knows for *version*, without downloading one."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "uv", "python", "find", "--no-python-downloads", version],
            capture_output=True,
            text=True,
            timeout=PROBE_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
