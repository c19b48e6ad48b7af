"""The death of a child whose parent has died.

A process of its own reads from a pipe that only the parent can write to, and never does: the end
comes when the parent ends, whatever it ends of. That works everywhere. ``PR_SET_PDEATHSIG`` of
Linux is about the native thread that has started the child, and those come and go here.
"""

from __future__ import annotations

import sys
from subprocess import DEVNULL, PIPE

from ._popen import Popen

# Windows, which lacks SIGKILL, ends a process with any other signal but two.
_WATCH = """\
import os, signal, sys
sys.stdin.buffer.read()
try:
    os.kill(int(sys.argv[1]), getattr(signal, "SIGKILL", signal.SIGTERM))
except OSError:
    pass
"""


class Guard:
    """Kills a child as soon as this process has ended, until it is told to stand down.

    Raises:
        OSError: the system can't start one more process.
    """

    def __init__(self, pid: int) -> None:
        # In a session of its own, so that a Ctrl-C at the terminal doesn't end it.
        self._watcher = Popen(
            [sys.executable, "-I", "-S", "-c", _WATCH, str(pid)],
            stdin=PIPE,
            stdout=DEVNULL,
            stderr=DEVNULL,
            start_new_session=True,
        )

    def stand_down(self) -> None:
        """Stop without killing, as the child has ended."""
        self._watcher.kill()
        self._watcher.stdin.abandon()
        self._watcher.wait()
