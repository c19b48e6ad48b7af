"""A child process as a partner to talk to."""

from __future__ import annotations

import contextlib
import io
import math
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from subprocess import PIPE, STDOUT, TimeoutExpired
from types import TracebackType
from typing import IO, Any, Self

from eventlet.hub import move_on_after, spawn
from eventlet.hub._seconds import check_seconds

from ._command import Text, check_callback, check_surroundings, make_command_line
from ._death import Death
from ._guard import Guard
from ._pipes import PipeReader, PipeWriter
from ._popen import Popen
from .errors import DeadProcess

_numbers = count(1)
# Absent on Windows, where SIGTERM ends a process in the same way.
_SIGKILL = getattr(signal, "SIGKILL", signal.SIGTERM)
_TIMEOUT = "a timeout must be a number of seconds >= 0 or None"
_GRACE = "grace must be a number of seconds >= 0"
_CLOSED = "the pipe to this child was closed on our side"


class Process:
    """Start a program, and talk to it through one pipe in and one pipe out.

    Leaving a ``with`` block kills and reaps the child. Without one, the child is reaped when it
    ends, whether or not anybody waits for that.

    Several green threads may share a process: what one call reads or writes stays together. A call
    that is killed or timed out leaves the process usable, and what it has read is there for the
    next one.

    Arguments:
        command: the program: a path, or a name to be looked up in ``PATH``.
        args: the arguments of the program, without its name.
        dead_callback: called once, without arguments, as soon as it turns out that the child is
            dead: that it has ended, that it has closed its output, or that `close` was called.
        stderr: where the errors of the child go: together with its output, which is
            `subprocess.STDOUT`; to a pipe of their own, which is `subprocess.PIPE`, and the
            attribute `stderr`; to `subprocess.DEVNULL`, a file or a descriptor; None: where ours
            go.
        cwd: the folder to start it in.
        env: all of its environment; by default, a copy of ours.
        start_new_session: whether it leads a session and process group of its own, so that Ctrl-C
            doesn't reach it.
        end_with_parent: whether it is killed as soon as this process has ended, however that came
            about. It costs one more process, which waits for that. A process that was forked from
            this one and lives on counts as this one.

    Attributes:
        command, args: as they were given.
        process_number: how many processes had been started when this was, and itself.
        child_stdin: the pipe to the child, as a binary file.
        child_stdout_stderr: the pipe from the child, as a binary file.
        stderr: the pipe for the child's errors, as a binary file; None unless it was asked for.

    Raises:
        FileNotFoundError: there is no such program, or no such folder `cwd`.
        PermissionError: the program is not executable.
        OSError: the system can't start it: descriptors have run out, for one.
        ValueError: `command` is empty, or there is a NUL character in it, in `args` or in `env`.
        TypeError: an argument is of the wrong type; `args` is a single text, for one.
    """

    def __init__(
        self,
        command: Text,
        args: Sequence[Text] = (),
        dead_callback: Callable[[], object] | None = None,
        *,
        stderr: int | IO[Any] | None = STDOUT,
        cwd: Text | None = None,
        env: Mapping[str, str] | None = None,
        start_new_session: bool = False,
        end_with_parent: bool = False,
    ) -> None:
        check_callback(dead_callback)
        check_surroundings(stderr, cwd, env)
        self.command = command
        self.args = args
        popen = Popen(
            make_command_line(command, args),
            stdin=PIPE,
            stdout=PIPE,
            stderr=stderr,
            cwd=cwd,
            env=env,
            start_new_session=start_new_session,
        )
        self.process_number = next(_numbers)
        # Not left with `popen`, which lives as long as the child: with the last reference to this
        # object its pipes are closed, from which most children take it that they are to end.
        self.child_stdin: PipeWriter = popen.stdin
        self.child_stdout_stderr: PipeReader = popen.stdout
        self.stderr: PipeReader | None = popen.stderr
        popen.stdin = popen.stdout = popen.stderr = None
        self._death = Death(popen, dead_callback)
        self._popen = popen
        # A text file closes its pipe when it is garbage.
        self._text_files: list[io.TextIOWrapper] = []
        if end_with_parent:
            try:
                self._death.guard = Guard(popen.pid)
            except BaseException:  # whatever it is, nobody gets to know the child
                self.destroy()
                raise
        spawn(self._death.await_it)

    # Reading

    def read(self, amount: int | None = None, timeout: float | None = None) -> bytes:
        """Read what the child writes.

        Arguments:
            amount: how many bytes, or less if the end comes first; None: all up to the end.
            timeout: seconds; None waits for ever.

        Raises:
            DeadProcess: nothing is left to read, because the child has ended, or because one of
                both sides has closed the pipe.
            TimeoutError: there was not enough in time; what has come is there for the next call.
            TypeError, ValueError: `amount` is not a whole number, or `timeout` no number >= 0.
        """
        with self._using(self.child_stdout_stderr, timeout):
            data = self.child_stdout_stderr.read(_to_size(amount))
        return self._check(data, amount)

    def recv(self, amount: int | None = None, timeout: float | None = None) -> bytes:
        """Read what is there, as soon as there is something, at most `amount` bytes.

        Without an amount, all up to the end. Errors as for `read`.
        """
        if amount is None:
            return self.read(timeout=timeout)
        with self._using(self.child_stdout_stderr, timeout):
            data = self.child_stdout_stderr.read1(_to_size(amount))
        return self._check(data, amount)

    def readline(self, timeout: float | None = None) -> bytes:
        r"""Read a line with its ``\n``, which only a last line may lack.

        Arguments and errors as for `read`.
        """
        with self._using(self.child_stdout_stderr, timeout):
            data = self.child_stdout_stderr.readline()
        return self._check(data, None)

    # Writing

    def write(self, data: bytes, timeout: float | None = None) -> int:
        """Write all of `data` to the child, and return how many bytes that were.

        Arguments:
            timeout: seconds; None waits for ever.

        Raises:
            DeadProcess: the child doesn't read any more, or the pipe to it was closed.
            TimeoutError: the child has not read it in time; some of it may have been written.
            TypeError: `data` is text: encode it.
            TypeError, ValueError: `timeout` is not a number >= 0.
        """
        if isinstance(data, str):
            raise TypeError(f"a process takes bytes, not the text {data!r}: encode it")
        with self._using(self.child_stdin, timeout):
            written = self.child_stdin.write(data)
            self.child_stdin.flush()
        return written

    def send(self, data: bytes) -> int:
        """Do the same as `write`."""
        return self.write(data)

    def sendall(self, data: bytes) -> None:
        """Do the same as `write`, but return nothing."""
        self.write(data)

    def flush(self) -> None:
        """Write what is left in the buffer of a file made by `makefile`.

        Raises:
            DeadProcess: as for `write`.
        """
        with self._using(self.child_stdin, None):
            self.child_stdin.flush()

    # The pipes

    def makefile(
        self,
        mode: str = "r",
        *,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
    ) -> IO[Any]:
        """Return a file to read from the child ("r", "rb") or to write to it ("w", "wb").

        A binary file is the pipe itself. A text file has a buffer of its own; don't mix it with
        other ways to read. To close either closes the pipe.

        Arguments:
            encoding, errors, newline: of a text file, as for `open`.

        Raises:
            TypeError, ValueError: there is no such mode.
        """
        if not isinstance(mode, str):
            raise TypeError(f"the mode must be 'r', 'w', 'rb' or 'wb', not {mode!r}")
        kind = mode.replace("b", "").replace("t", "")
        pipe: Any = {"r": self.child_stdout_stderr, "w": self.child_stdin}.get(kind)
        if pipe is None or ("b" in mode and "t" in mode):
            raise ValueError(f"the mode must be 'r', 'w', 'rb' or 'wb', not {mode!r}")
        if "b" in mode:
            file: IO[Any] = pipe
            return file
        text = io.TextIOWrapper(pipe, encoding or "utf-8", errors, newline, write_through=True)
        self._text_files.append(text)
        return text

    def close_stdin(self) -> None:
        """Close the pipe to the child, which reads its end; closing twice is harmless."""
        with contextlib.suppress(BrokenPipeError):
            self.child_stdin.close()

    def close(self) -> None:
        """Close all pipes to and from the child, which doesn't kill it; it counts as dead now.

        Whoever waits for one of the pipes gets `DeadProcess`. Closing twice is harmless.
        """
        try:
            self.close_stdin()
        finally:
            self._close_pipes()
            self._death.tell()

    # The child

    def kill(self, sig: int | None = None) -> None:
        """Send a signal to the child, unless it has ended.

        Arguments:
            sig: the signal; None stands for SIGTERM.

        Raises:
            TypeError: `sig` is no number.
            OSError, ValueError: there is no such signal.
        """
        if not isinstance(sig, int | None):
            raise TypeError(f"a signal is a number, as signal.SIGTERM is, not {sig!r}")
        self._popen.send_signal(signal.SIGTERM if sig is None else sig)

    def terminate(self, grace: float = 5.0) -> int:
        """Ask the child to end, and kill it if it doesn't; return its exit code.

        Arguments:
            grace: seconds between SIGTERM and SIGKILL. On Windows, the first kills already.

        Raises:
            TypeError, ValueError: `grace` is not a number >= 0; nothing was sent.
        """
        check_seconds(_GRACE, grace)
        self.kill()
        try:
            return self.wait(grace)
        except TimeoutError:
            self.kill(_SIGKILL)
            return self.wait()

    def wait(self, timeout: float | None = None) -> int:
        """Wait until the child has ended, and return its exit code.

        Arguments:
            timeout: seconds; None waits for ever.

        Returns:
            What it passed to ``exit``; the negative number of the signal if one has ended it. It
            is 0, with a warning, if somebody else has reaped the child.

        Raises:
            TimeoutError: the child has not ended in time.
            TypeError, ValueError: `timeout` is not a number >= 0.
        """
        if timeout is not None:
            check_seconds(_TIMEOUT, timeout)
        try:
            code = self._popen.wait(timeout)
        except TimeoutExpired:
            raise TimeoutError(f"{self!r} has not ended within {timeout} seconds") from None
        self._death.tell()
        return code

    def getpid(self) -> int:
        """Return the number of the process."""
        return self._popen.pid

    @property
    def dead(self) -> bool:
        """Whether the child has ended, or can't be talked to any more."""
        is_over = self._death.is_told or self.child_stdout_stderr.is_at_end
        return is_over or self._popen.poll() is not None

    @property
    def returncode(self) -> int | None:
        """The exit code of the child, as from `wait`; None as long as it has not ended."""
        return self._popen.poll()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.destroy()

    def destroy(self) -> int:
        """Kill the child, close its pipes and wait for its end; return its exit code.

        What `makefile` has left in a buffer is dropped.
        """
        self.kill(_SIGKILL)
        self.child_stdin.abandon()
        self._close_pipes()
        return self.wait()

    def __repr__(self) -> str:
        code = self._popen.returncode
        state = "running" if code is None else f"ended with code {code}"
        return f"<Process {os.fsdecode(self.command)!r} {self.getpid()}, {state}>"

    # Behind the scenes

    def _close_pipes(self) -> None:
        for pipe in (self.child_stdin, self.child_stdout_stderr, self.stderr):
            if pipe is not None:
                pipe.close()

    def _check(self, data: bytes, amount: int | None) -> bytes:
        if data or amount == 0:
            return data
        raise self._dead("nothing is left to read from this child")

    def _dead(self, reason: str) -> DeadProcess:
        self._death.tell()
        return DeadProcess(reason, self.getpid(), self._popen.poll())

    @contextlib.contextmanager
    def _using(self, pipe: PipeReader | PipeWriter, timeout: float | None) -> Iterator[None]:
        """Limit the time of a block, and say of what goes wrong that the child is dead."""
        seconds = math.inf if timeout is None else check_seconds(_TIMEOUT, timeout)
        if pipe.closed:
            raise self._dead(_CLOSED)
        try:
            with move_on_after(seconds) as scope:
                yield
        except BrokenPipeError as error:
            self.child_stdin.abandon()
            raise self._dead("this child doesn't read any more") from error
        except (OSError, ValueError) as error:
            if not pipe.closed:
                raise
            raise self._dead(_CLOSED) from error
        if scope.cancelled_caught:
            raise TimeoutError(f"{self!r} has not done its part within {timeout} seconds")


def _to_size(amount: int | None) -> int:
    """Return an amount as the files have it, where -1 stands for all."""
    if amount is None:
        return -1
    if not isinstance(amount, int):
        raise TypeError(f"an amount is a whole number of bytes or None, not {amount!r}")
    return amount
