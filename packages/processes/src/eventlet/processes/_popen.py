"""`subprocess.Popen` on whose child and pipes only the calling green thread waits.

It starts children as the standard class does, of which it is a subclass. What it changes is how one
waits: for the end of a child, and for its pipes.
"""

from __future__ import annotations

import io
import math
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, cast

from eventlet.hub import CancelScope, GreenThread, getcurrent, move_on_after, spawn
from eventlet.hub._children import wait_for_end
from eventlet.hub._native import allocate_lock
from eventlet.hub._portable import PORTABLE
from eventlet.hub._registry import current_fiber, deadline_after

from ._ends import get_threads
from ._exchange import Exchange
from ._pipes import PipeReader, PipeWriter, RawPipe

_TEXT_OPTIONS = ("encoding", "errors", "line_buffering", "write_through")


class Popen(subprocess.Popen[Any]):
    """Start a child process, and talk to it and wait for it without blocking other green threads.

    Arguments, attributes, methods and errors are those of `subprocess.Popen`. Several green threads
    may share one child, and one of its pipes.
    """

    # False for those that a patch has made green when they had begun already.
    _has_green_files = False
    # Of `communicate`, from the first call on.
    _exchange: Exchange | None = None
    # What waits for the end of the child in a native thread; see `_await_in_thread`.
    _vigil: GreenThread[int] | None = None

    if TYPE_CHECKING:
        from _thread import LockType

        # What the standard class has and its type stubs don't mention.
        stdin: Any
        stdout: Any
        stderr: Any
        text_mode: object
        _waitpid_lock: LockType

        def _handle_exitstatus(self, sts: int) -> None: ...
        def _remaining_time(self, endtime: float) -> float: ...
        def _translate_newlines(self, data: bytes, encoding: str, errors: str) -> str: ...

    else:

        @wraps(subprocess.Popen.__init__)
        def __init__(self, args: Any, bufsize: int = -1, *others: Any, **options: Any) -> None:
            start = partial(super().__init__, args, bufsize, *others, **options)
            preexec_fn = others[4] if len(others) > 4 else options.get("preexec_fn")
            # Not to be interrupted, because nobody would know the child.
            with CancelScope(shield=True):
                if preexec_fn is None and not _starts_at_once():
                    get_threads().execute(start)
                else:
                    start()
            # The standard class makes one that turns green in a patched process, where it would be
            # of no use to native threads.
            self._waitpid_lock = allocate_lock()
            self.stdin = _make_green(self.stdin, bufsize)
            self.stdout = _make_green(self.stdout, bufsize)
            self.stderr = _make_green(self.stderr, bufsize)
            self._has_green_files = True

    # The standard class calls these two; everything public that waits ends up in them.

    def _wait(self, timeout: float | None) -> int:
        """Wait until the child has ended, and reap it."""
        if self.returncode is None:
            hub = current_fiber().hub
            deadline = deadline_after(hub, timeout and max(0, timeout))
            try:
                if PORTABLE:
                    self._await_in_thread(deadline)
                else:
                    self._await_end(deadline)
            except TimeoutError:
                if timeout is None or hub.time() < cast(float, deadline):
                    raise  # thrown in by somebody
                raise subprocess.TimeoutExpired(self.args, timeout) from None
        return cast(int, self.returncode)

    def _communicate(
        self, input: Any, endtime: float | None, orig_timeout: float | None
    ) -> tuple[Any, Any]:
        """Exchange all there is within the time, and wait for the end of the child."""
        if not self._has_green_files:
            return super()._communicate(input, endtime, orig_timeout)  # type: ignore[misc,no-any-return]
        if self._exchange is None:
            self._exchange = Exchange(self.stdin, self.stdout, self.stderr, self._encode(input))
        remaining = math.inf if endtime is None else max(0, self._remaining_time(endtime))
        with move_on_after(remaining) as scope:
            self._exchange.run()
            self._wait(None)
        outputs = self._exchange.collected()
        if scope.cancelled_caught:
            sofar = [output or None for output in outputs]
            raise subprocess.TimeoutExpired(self.args, cast(float, orig_timeout), *sofar)
        stdout, stderr = map(self._decode, (self.stdout, self.stderr), outputs)
        return stdout, stderr

    def _encode(self, input: Any) -> bytes | None:
        if self.text_mode and input:
            input = input.encode(self.stdin.encoding, self.stdin.errors)
        data: bytes | None = input
        return data

    def _decode(self, file: Any, output: bytes | None) -> Any:
        if output is None or not self.text_mode:
            return output
        return self._translate_newlines(output, file.encoding, file.errors)

    def _await_end(self, deadline: float | None) -> None:
        hub = current_fiber().hub
        while not self._reap():
            try:
                wait_for_end(hub, self.pid, deadline)
            except ChildProcessError:
                pass  # somebody else was faster: the next look tells

    def _reap(self) -> bool:
        """Take note of the child's end, unless it is still to come; return whether it was."""
        if not self._waitpid_lock.acquire(blocking=False):
            return False  # another native thread is about to
        try:
            is_stolen = self.returncode is None and self._reap_under_lock()
        finally:
            self._waitpid_lock.release()
        if is_stolen:
            warnings.warn(
                f"the exit code of process {self.pid} is lost, and taken for 0: somebody else has"
                " reaped it (os.wait() does, and the system itself while SIGCHLD is ignored)",
                RuntimeWarning,
                stacklevel=5,
            )
        return self.returncode is not None

    def _reap_under_lock(self) -> bool:
        """As `_reap`, but return whether somebody else has reaped the child."""
        try:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:
            self.returncode = 0
            return True
        if pid:
            self._handle_exitstatus(status)
        return False

    def _await_in_thread(self, deadline: float | None) -> None:
        # One native thread for all who wait, now or later: it can't be told to stop.
        vigil = self._vigil
        if vigil is None or vigil.dead:
            wait: Callable[[None], int] = super()._wait  # type: ignore[misc]  # not in the stubs
            self._vigil = vigil = spawn(get_threads().execute, wait, None)
        vigil.wait(None if deadline is None else max(0, deadline - vigil.hub.time()))


def _starts_at_once() -> bool:
    """Whether nobody else can run while a child starts, and a native thread would be of no use.

    On Linux, the interpreter keeps its lock until the child executes its program; see vfork(2).
    """
    return (sys.platform == "linux" and not PORTABLE) or not isinstance(getcurrent(), GreenThread)


def _make_green(file: Any, bufsize: int | None) -> Any:
    """Return a file like the one given, over the same pipe, which it takes over."""
    if file is None:
        return None
    if isinstance(file, io.TextIOWrapper):
        options = {name: getattr(file, name) for name in _TEXT_OPTIONS}
        return io.TextIOWrapper(_make_green(file.detach(), bufsize), **options)
    if isinstance(file, io.FileIO):
        return RawPipe(file)
    raw = RawPipe(file.detach())
    if raw.readable():
        return PipeReader(raw)
    # 1 stands for lines, which are up to the text file on top.
    return PipeWriter(raw, bufsize if bufsize and bufsize > 1 else io.DEFAULT_BUFFER_SIZE)
