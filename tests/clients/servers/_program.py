"""Finds, starts and stops the programs that serve."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from glob import glob
from pathlib import Path

HOST = "127.0.0.1"

# Cold starts from a slow disk, on a busy machine.
PATIENCE = 60

# How often somebody knocks at a server that is starting, in seconds.
PAUSE = 0.05


class Missing(Exception):
    """A program is not installed; the message says how to get it."""


def find(program: str, package: str, *folders: str) -> str:
    """Return the path of a program, looked for in *folders*, which may have wildcards, too.

    Raises:
        Missing: it is not there.
    """
    places = [place for folder in folders for place in sorted(glob(folder), reverse=True)]
    path = shutil.which(program, path=os.pathsep.join([*places, os.environ.get("PATH", "")]))
    if path is None:
        raise Missing(f"{program} is not installed; on Debian: apt-get install {package}")
    return path


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def account(name: str) -> str | None:
    """Return the account for a server that refuses to run as root; None keeps the present one."""
    return name if os.geteuid() == 0 else None


@contextmanager
def running(
    command: Sequence[str],
    port: int,
    folder: Path,
    *,
    user: str | None = None,
    env: Mapping[str, str] | None = None,
    knock: Callable[[int], bool] | None = None,
) -> Iterator[None]:
    """Run a server for a ``with`` block, from the moment that it answers.

    Arguments:
        port: where it is going to listen.
        folder: gets its output.
        user: whose account it runs under; None keeps the present one.
        env: variables to add.
        knock: whether something answers at a port; None tries to connect.

    Raises:
        RuntimeError: it has ended, or did not answer within `PATIENCE` seconds.
    """
    log = folder / "output"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            user=user,
            group=user,
            extra_groups=[] if user else None,
            env={**os.environ, **(env or {})},
        )
    try:
        _await(process, port, log, knock or _answers)
        yield
    finally:
        _stop(process)


@contextmanager
def running_module(module: str, folder: Path) -> Iterator[int]:
    """Run a module of this package as a server for a ``with`` block; its port."""
    port = free_port()
    with running([sys.executable, "-m", module, HOST, str(port)], port, folder):
        yield port


def give(folder: Path, user: str | None) -> None:
    """Make a folder the property of *user*, if that is somebody else."""
    if user is not None:
        shutil.chown(folder, user, user)


def _await(
    process: subprocess.Popen[bytes], port: int, log: Path, knock: Callable[[int], bool]
) -> None:
    deadline = time.monotonic() + PATIENCE
    while not knock(port):
        if process.poll() is not None or time.monotonic() > deadline:
            said = log.read_text("utf-8", "replace")
            raise RuntimeError(f"{process.args!r} does not answer, and said: {said}")
        time.sleep(PAUSE)


def _answers(port: int) -> bool:
    try:
        socket.create_connection((HOST, port), 1).close()
    except OSError:
        return False
    return True


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
