"""What the tests of the processes share; each runs on both roads, with watches and with threads."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator

import pytest

from eventlet.hub import set_unobserved_hook
from eventlet.hub.testing import no_leaks
from eventlet.processes import Process, _ends, _popen
from eventlet.processes._pipes import PipeReader, PipeWriter, RawPipe

ROADS = ["threads"] if sys.platform == "win32" else ["watches", "threads"]


@pytest.fixture(autouse=True, params=ROADS)
def road(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """How pipes and children are waited for."""
    for module in (_ends, _popen):
        monkeypatch.setattr(module, "PORTABLE", request.param == "threads")
    return str(request.param)


@pytest.fixture(autouse=True)
def clean(road: str) -> Iterator[None]:
    """Fail if a test leaves green threads, timers, descriptors or children behind."""
    had_children = _has_children()
    with no_leaks():
        yield
    assert had_children or not _has_children()


def _has_children() -> bool:
    if not hasattr(os, "waitid"):
        return False
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


@pytest.fixture
def failures() -> Iterator[list[BaseException]]:
    """Collect the failures that nobody waits for, instead of printing them."""
    found: list[BaseException] = []
    previous = set_unobserved_hook(lambda error, source: found.append(error))
    yield found
    set_unobserved_hook(previous)


def python(script: str) -> tuple[str, list[str]]:
    """Return the command and the arguments that run a script in an interpreter of its own."""
    return sys.executable, ["-I", "-S", "-c", "import os, sys, time, signal\n" + script]


@pytest.fixture
def command() -> Callable[[str], list[str]]:
    """Make a script of Python into a command line."""

    def make(script: str) -> list[str]:
        program, args = python(script)
        return [program, *args]

    return make


@pytest.fixture
def start() -> Iterator[Callable[..., Process]]:
    """Start a script of Python as a `Process`; those that live at the end are killed."""
    started = []

    def start(script: str, *args: object, **options: object) -> Process:
        process = Process(*python(script), *args, **options)  # type: ignore[arg-type]
        started.append(process)
        return process

    yield start
    for process in started:
        process.destroy()


@pytest.fixture
def raw() -> Iterator[tuple[RawPipe, RawPipe]]:
    """Both ends of a pipe, for reading and for writing, without buffers."""
    reader, writer = os.pipe()
    ends = RawPipe(io.FileIO(reader, "rb")), RawPipe(io.FileIO(writer, "wb"))
    yield ends
    for end in reversed(ends):
        end.close()


@pytest.fixture
def pipe(raw: tuple[RawPipe, RawPipe]) -> Iterator[tuple[PipeReader, PipeWriter]]:
    """Both ends of a pipe, for reading and for writing, with buffers."""
    reader, writer = PipeReader(raw[0]), PipeWriter(raw[1])
    yield reader, writer
    writer.abandon()
    reader.close()
