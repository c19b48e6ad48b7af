"""A hub of its own for one test, on any poller and any clock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from . import _leaks
from ._greenthread import sleep
from ._hub import Hub
from ._registry import get_hub, make_poller, use_hub
from ._report import living_threads

# How often what was killed may wait once more before the hub ends without asking any further.
_LAST_ROUNDS = 10


@contextmanager
def fresh_hub(
    poller: str | None = None, clock: Callable[[], float] = time.monotonic
) -> Iterator[Hub]:
    """Give this native thread a new hub for the length of a block.

    In the end, green threads that still live in it are killed, its timers are dropped, and the
    native thread gets a new hub of the default kind.

    Arguments:
        poller: a name from `available_hubs`; None takes the default.
        clock: as for `Hub`.

    Raises:
        HubBusy: green threads live in the hub that is there now.
        ValueError: no poller of that name on this platform.
        OSError: there are no descriptors left for a new hub.
    """
    with replaced_hub(lambda: Hub(make_poller(poller), clock)) as hub:
        yield hub


@contextmanager
def replaced_hub(make: Callable[[], Hub]) -> Iterator[Hub]:
    """As `fresh_hub`, with a hub that `make` returns once the old one is gone."""
    get_hub().destroy()
    try:
        yield use_hub(make())
    finally:
        try:
            _leaks.note_leftovers(get_hub())
            end_hub(get_hub())
        finally:
            use_hub()


def end_hub(hub: Hub) -> None:
    """Kill what lives in a hub, let it clean up, and close the hub."""
    try:
        for thread in living_threads(hub):
            thread.throw()
        for _ in range(_LAST_ROUNDS):
            if not living_threads(hub):
                break
            sleep(0)
    finally:
        hub.close()
