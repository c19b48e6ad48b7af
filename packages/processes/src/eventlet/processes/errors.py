"""What can go wrong with child processes, named by who is at fault."""

from __future__ import annotations

__all__ = ["DeadProcess", "PoolClosed", "ProcessError", "RemoteError", "RemoteTraceback"]


class ProcessError(RuntimeError):
    """Root of the errors that this package raises about child processes."""


class DeadProcess(ProcessError):
    """A child can't be talked to any more: it has ended, or the pipe to or from it is closed.

    Start another one.

    Arguments:
        reason: what was found out.
        pid: of the child.
        returncode: its exit code; None if it has not ended.
    """

    def __init__(self, reason: str = "", pid: int | None = None, returncode: int | None = None):
        super().__init__(reason, pid, returncode)
        self.reason = reason
        self.pid = pid
        self.returncode = returncode

    def __str__(self) -> str:
        if self.pid is None:
            return self.reason
        ended = "" if self.returncode is None else f", which has ended with code {self.returncode}"
        return f"{self.reason} (process {self.pid}{ended})"


class PoolClosed(ProcessError):
    """A pool of processes was closed, and starts no more of them; make a new pool."""


class RemoteError(ProcessError):
    """Stands for an exception in a child that can't be pickled; its text says what it was."""


class RemoteTraceback(ProcessError):
    """The cause of each exception that comes from a child: its text is the traceback there."""

    def __init__(self, text: str = "") -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return f"\n{self.text}"
