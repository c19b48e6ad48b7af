"""What this distribution makes green in the standard library, for `eventlet.hub.patching`."""

from __future__ import annotations

from eventlet.hub.patching import Patch

from . import _waiting
from .subprocess import Popen


def subprocess() -> Patch:
    """Make the children of the standard `subprocess` module green."""
    # Its functions start theirs with the `Popen` that they find in their module.
    return Patch("subprocess", {"Popen": Popen}, rebase=["Popen"])


def os() -> Patch:
    """Make those functions of `os` green that wait for child processes."""
    names = ("popen", "system", "wait", "wait3", "wait4", "waitid", "waitpid")
    return Patch("os", {name: getattr(_waiting, name) for name in names})


def multiprocessing() -> list[Patch]:
    """Make the locks and semaphores green that processes share, and with them queues and pools."""
    try:
        from . import _semaphores
    except ImportError:  # pragma: no cover - the system has none
        return []
    made = {"SemLock": _semaphores.SemLock}
    return [Patch("_multiprocessing", made, finish=_semaphores.report_earlier)]
