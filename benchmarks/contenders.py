"""Who is measured, and the virtual environment that each of them runs in."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from tools import workspace

ENVIRONMENTS = workspace.ROOT / ".nox" / "benchmarks"


@dataclass(frozen=True)
class Contender:
    """One way to do the work.

    Attributes:
        environment: what it shares with others that can be installed together with it.
        adapter: the name of its function in the subjects' modules.
        runner: the name of the function in `benchmarks.worker` that runs the work.
        distribution: whose version is reported; empty for the standard library.
    """

    environment: str
    adapter: str
    runner: str = "plain"
    distribution: str = ""


# What the environments hold; that of ours holds what the packages declare as well.
_REQUIREMENTS = {
    "ours": ["requests>=2.32"],
    "gevent": ["gevent>=26", "geventhttpclient>=2.3", "requests>=2.32", "urllib3>=2.2"],
    "eventlet": ["eventlet>=0.41,<0.42", "requests>=2.32"],
    "peers": [
        "aiohttp>=3.12", "httpx>=0.28", "pycurl>=7.45", "requests>=2.32", "trio>=0.31",
        "uvloop>=0.21",
    ],
}  # fmt: skip

CONTENDERS = {
    "ours": Contender("ours", "ours", distribution="greenlet"),
    # Ours from another checkout; takes part when asked for with --before.
    "before": Contender("ours", "ours"),
    "gevent": Contender("gevent", "gevent", distribution="gevent"),
    "eventlet": Contender("eventlet", "eventlet", distribution="eventlet"),
    "asyncio": Contender("peers", "asyncio", "asyncio"),
    "uvloop": Contender("peers", "asyncio", "uvloop", distribution="uvloop"),
    "trio": Contender("peers", "trio", "trio", distribution="trio"),
    "threads": Contender("peers", "threads"),
    # Objects in a child process, as in the standard library.
    "managers": Contender("peers", "managers"),
    # No peers, but limits: see `_echo.c`, and `_floor.py`.
    "c": Contender("ours", "c"),
    "floor": Contender("ours", "floor"),
    # HTTP clients, each in the company that suits it best.
    "aiohttp": Contender("peers", "aiohttp", "uvloop", distribution="aiohttp"),
    "httpx": Contender("peers", "httpx", "uvloop", distribution="httpx"),
    "pycurl": Contender("peers", "pycurl", distribution="pycurl"),
    "geventhttpclient": Contender("gevent", "geventhttpclient", distribution="geventhttpclient"),
    "urllib3": Contender("gevent", "urllib3", distribution="urllib3"),
    "requests": Contender("gevent", "requests", distribution="requests"),
}

# Nobody would use them; they show what a machine, and what Python, can do at best.
LIMITS = frozenset({"c", "floor"})


def set_up(environment: str) -> Path:
    """Make an environment or bring it up to date, and return its interpreter."""
    folder = ENVIRONMENTS / f"{environment}-{sys.version_info[0]}.{sys.version_info[1]}"
    python = workspace.python_of(folder)
    stamp = folder / "requirements.json"
    requirements = _requirements(environment)
    wanted = [sys.version, requirements]
    found = json.loads(stamp.read_text("utf-8")) if stamp.exists() else [None, None]
    if found != wanted:
        print(f"benchmarks: setting up the environment of {environment}", file=sys.stderr)
        if found[0] != sys.version:
            base = getattr(sys, "_base_executable", sys.executable)
            subprocess.run([base, "-m", "venv", "--clear", str(folder)], check=True)
        if requirements:
            command = [str(python), "-m", "pip", "install", "--quiet", *requirements]
            subprocess.run(command, check=True)
        stamp.write_text(json.dumps(wanted), "utf-8")
    return python


def _requirements(environment: str) -> list[str]:
    found = _REQUIREMENTS[environment]
    if environment == "ours":
        packages = workspace.load()
        every = {text for package in packages.values() for text in package.requirements}
        found = [*found, *every]
        return sorted(text for text in found if workspace.requirement_name(text) not in packages)
    return found


def search_path(environment: str, checkout: Path) -> str:
    """Return the PYTHONPATH of an environment: the benchmarks, and ours from a checkout."""
    found = [workspace.ROOT]
    if environment == "ours":
        found += [*sorted(checkout.glob("packages/*/src")), _metadata_of(checkout)]
    return os.pathsep.join(map(str, found))


@cache
def _metadata_of(checkout: Path) -> Path:
    """Write what an installation of the packages would say of their entry points; return where.

    Patching finds its patches by them, and ours run from their sources.
    """
    folder = ENVIRONMENTS / f"metadata-{sha256(os.fsencode(checkout)).hexdigest()[:16]}"
    shutil.rmtree(folder, ignore_errors=True)
    for file in sorted(checkout.glob("packages/*/pyproject.toml")):
        package = workspace.Package(file.parent)
        lines = []
        for group, points in package.pyproject["project"].get("entry-points", {}).items():
            lines += [f"[{group}]", *(f"{name} = {value}" for name, value in points.items())]
        information = folder / f"{package.file_name}-0.dist-info"
        information.mkdir(parents=True)
        (information / "METADATA").write_text(f"Name: {package.name}\nVersion: 0\n", "utf-8")
        (information / "entry_points.txt").write_text("\n".join(lines), "utf-8")
    return folder
