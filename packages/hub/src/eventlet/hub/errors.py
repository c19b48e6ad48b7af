"""What can go wrong in the hub, named by who is at fault."""

from __future__ import annotations

__all__ = [
    "Cancelled",
    "Deadlock",
    "HubBusy",
    "HubError",
    "SelectLimit",
    "UnknownPatch",
    "WrongThread",
]


class HubError(RuntimeError):
    """Root of the errors that the hub raises about its own use."""


class HubBusy(HubError):
    """The hub cannot do this now; the message says what is in the way."""


class WrongThread(HubError):
    """An object of one native thread's hub was waited on in another native thread.

    Use `Hub.call_soon_threadsafe` of the hub that owns it, or make the object where it is used.
    """


class SelectLimit(HubError, ValueError):
    """A descriptor is too large for ``select(2)``; choose another poller."""

    def __init__(self, fd: int, limit: int) -> None:
        super().__init__(fd, limit)
        self.fd = fd
        self.limit = limit

    def __str__(self) -> str:
        return (
            f"select() cannot wait for descriptor {self.fd}: it takes numbers below {self.limit};"
            " choose another poller with EVENTLET_HUB=poll or use_hub('poll')"
        )


class Deadlock(HubError):
    """The main greenlet waits and nothing can ever wake it.

    Raised in the main greenlet when no green thread is ready, no timer is set, nobody waits for a
    descriptor, a child or a native thread, and no signal handler could send anything. `report`
    lists every parked green thread with the line it is parked on.
    """

    def __init__(self, report: str) -> None:
        super().__init__(report)
        self.report = report

    def __str__(self) -> str:
        return (
            "the main greenlet waits, and nothing is left that could wake it.\n"
            "Parked green threads, and where:\n" + self.report
        )


class Cancelled(BaseException):
    """Unwinds a green thread to the end of a cancel scope that was cancelled or ran out.

    Derived from `BaseException` so that ``except Exception`` cannot eat it. Let it pass: the scope
    it belongs to catches it.
    """


class UnknownPatch(HubError, ValueError):
    """No installed distribution knows how to patch what was asked for.

    Install the one that does: each declares what it can patch.

    Arguments:
        names: what is unknown.
        available: what is not.
    """

    def __init__(self, names: list[str], available: list[str]) -> None:
        super().__init__(names, available)
        self.names = names
        self.available = available

    def __str__(self) -> str:
        wanted = ", ".join(map(repr, self.names))
        known = ", ".join(self.available) or "none"
        return f"nothing that is installed can patch {wanted}; there are patches for: {known}"
