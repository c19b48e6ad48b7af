"""Time that passes only when everybody waits for it.

A hub that has nothing to do would sleep until its next timer is due. With a virtual clock it asks
the system once whether a descriptor is ready, and if not, moves the clock to that deadline. So a
test takes as long as it computes, and timers still fire in their order.

Two things take real time whatever the clock says. While a job runs outside the hub, in the thread
pool or in a child process, the hub waits for it as usual, and the clock runs along for as long. And
what travels between sockets may need a moment: `VirtualClock.threshold` is how long, in real
seconds, nothing must have happened before the clock jumps.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from ._fresh_hub import replaced_hub
from ._hub import Hub
from ._pollers import Poller
from ._registry import make_poller
from ._seconds import check_seconds


class VirtualClock:
    """A clock for a `Hub` that stands still while something runs; made by `virtual_clock`.

    Call it for the time in seconds; it starts at 0.

    Arguments:
        threshold: real seconds of silence before the clock jumps.

    Raises:
        TypeError, ValueError: `threshold` is negative or not a number.
    """

    def __init__(self, threshold: float = 0.0) -> None:
        self.threshold = check_seconds("threshold is a number of seconds >= 0", threshold)
        self._time = 0.0
        self._running_since: float | None = None

    def __call__(self) -> float:
        if self._running_since is None:
            return self._time
        return self._time + (monotonic() - self._running_since)

    def advance(self, seconds: float) -> None:
        """Move the clock on, as if the caller had computed for so long.

        Raises:
            TypeError, ValueError: `seconds` is negative or not a number.
        """
        self._time += check_seconds("time moves on by a number of seconds >= 0", seconds)

    def jump(self, when: float) -> None:
        """Show `when`, unless it has passed already."""
        self._time = max(self._time, when)

    def run(self) -> None:
        """Go along with real time until `stop`."""
        self._running_since = monotonic()

    def stop(self) -> None:
        """Stand still again; harmless if it does."""
        self._time = self()
        self._running_since = None

    def __repr__(self) -> str:
        return f"<VirtualClock at {self():.6f} s>"


class VirtualHub(Hub):
    """A hub that moves its clock instead of sleeping."""

    def __init__(self, poller: Poller, clock: VirtualClock) -> None:
        super().__init__(poller, clock)
        self._clock = clock
        self._asked_at = 0.0
        self._asked_in_turn = -1

    def _poll(self) -> None:
        try:
            super()._poll()
        finally:
            self._clock.stop()

    def _idle_time(self) -> float | None:
        idle = super()._idle_time()
        deadline = self._next_deadline()
        if not idle or deadline is None:
            return idle
        if self.outside:
            self._clock.run()
            return idle
        if not self._was_silent():
            return self._clock.threshold
        self._clock.jump(deadline)
        return 0

    def _was_silent(self) -> bool:
        """Whether the last turn waited for the whole threshold and nothing came; begin anew."""
        now = monotonic()
        silent = (
            self._asked_in_turn == self.turns - 1 and now - self._asked_at >= self._clock.threshold
        )
        self._asked_in_turn = self.turns
        self._asked_at = now
        return silent


@contextmanager
def virtual_clock(poller: str | None = None, *, threshold: float = 0.0) -> Iterator[VirtualClock]:
    """Give this native thread a hub whose clock jumps to the next deadline when nothing is ready.

    For the length of the block; in the end as `fresh_hub`.

    Arguments:
        poller: a name from `available_hubs`; None takes the default.
        threshold: real seconds in which nothing must have happened before the clock jumps; more
            than 0 only where data travels that the system doesn't deliver at once.

    Raises:
        HubBusy: green threads live in the hub that is there now.
        ValueError: no poller of that name on this platform, or a negative `threshold`.
        OSError: there are no descriptors left for a new hub.
    """
    clock = VirtualClock(threshold)
    with replaced_hub(lambda: VirtualHub(make_poller(poller), clock)):
        yield clock
