"""One `communicate`: input on its way to the child, and output on its way back."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from eventlet.hub import GreenThread, spawn

from ._ends import CHUNK
from ._pipes import PipeReader, RawPipe


class Exchange:
    """Feeds a child and takes what it says, all at once, so that no pipe can get stuck.

    Whatever stops `run`, nothing is lost: the next one goes on where it has stopped.

    Arguments:
        stdin, stdout, stderr: the files of a `Popen`; None if there is none.
        input: what to write to `stdin`.
    """

    def __init__(self, stdin: Any, stdout: Any, stderr: Any, input: bytes | None) -> None:
        self._input = memoryview(input or b"").cast("B")
        self._stdin = stdin
        self._is_fed = stdin is None or stdin.closed is True
        self._outputs = [None if file is None else _Output(file) for file in (stdout, stderr)]

    def run(self) -> None:
        """Exchange all there is, and close the files."""
        jobs: list[Callable[[], None]] = [
            output.collect for output in self._outputs if output and not output.is_complete
        ]
        if not self._is_fed:
            jobs.append(self._feed)
        if jobs:
            _do_all(jobs)

    def collected(self) -> tuple[bytes | None, bytes | None]:
        """Return what has come through stdout and stderr so far; None where there is no pipe."""
        stdout, stderr = (output.collected() if output else None for output in self._outputs)
        return stdout, stderr

    def _feed(self) -> None:
        try:
            self._stdin.flush()
            while self._input:
                _raw(self._stdin).end.send(self._input[:CHUNK], self._note_sent)
        except BrokenPipeError:
            self._input = self._input[:0]  # the child doesn't want it, which is its own affair
        try:
            self._stdin.close()
        except BrokenPipeError:
            pass
        self._is_fed = True

    def _note_sent(self, size: int) -> None:
        self._input = self._input[size:]


class _Output:
    """What a child writes into one pipe."""

    def __init__(self, file: Any) -> None:
        self._file = file
        binary = getattr(file, "buffer", file)
        self._reader = PipeReader(binary) if isinstance(binary, RawPipe) else binary
        self._data: bytes | None = b"" if file.closed else None

    @property
    def is_complete(self) -> bool:
        return self._data is not None

    def collect(self) -> None:
        self._data = self._reader.read()
        self._file.close()

    def collected(self) -> bytes:
        return self._reader.pending() if self._data is None else self._data


def _raw(file: Any) -> RawPipe:
    while not isinstance(file, RawPipe):
        file = file.buffer if isinstance(file, io.TextIOWrapper) else file.raw
    return file


def _do_all(jobs: list[Callable[[], None]]) -> None:
    """Make the calls side by side; the last one here, as most of the time there is but one."""
    threads: list[GreenThread[None]] = [spawn(job) for job in jobs[:-1]]
    try:
        jobs[-1]()
        for thread in threads:
            thread.wait()
    except BaseException:  # whatever ends us ends them
        for thread in threads:
            thread.throw()
        raise
