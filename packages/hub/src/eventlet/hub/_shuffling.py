"""A reproducible disorder, to find code that depends on who runs first.

One order is a promise, and kept: who calls ``sleep(0)`` runs after all that were ready before. So
each entry of a round draws its place at random, but one that *yields* draws it behind all that it
was behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random
from types import FrameType
from typing import Any
from weakref import WeakKeyDictionary

from ._carrier import Starter
from ._fiber import Switchable
from ._greenthread import GreenThread, sleep
from ._hub import Hub
from ._registry import all_hubs

_Reorder = Callable[[Hub], None]

# What is in the ready queue, and which green thread it stands for if it is a starter.
_Entry = tuple[Switchable, GreenThread[Any] | None]


@contextmanager
def shuffled(seed: int | str) -> Iterator[None]:
    """Let the green threads that are ready run in a random order for the length of a block.

    The one order that is promised holds: ``sleep(0)`` lets all that are ready go first.

    In every hub of the process. Each hub draws its own series from `seed`, so that native threads
    don't disturb each other's; the same seed gives the same order again, as far as the same green
    threads are ready in the same rounds.
    """
    series: WeakKeyDictionary[Hub, Random] = WeakKeyDictionary()

    def reorder(hub: Hub) -> None:
        """Change the order of the round that begins."""
        random = series.get(hub)
        if random is None:
            random = series[hub] = Random(seed)
        _shuffle(hub, random)

    previous = Hub.initial_reorder
    _set_order(None, reorder)
    try:
        yield
    finally:
        _set_order(reorder, previous)


def _set_order(old: _Reorder | None, new: _Reorder | None) -> None:
    """Set what hubs do to their order, those that are there and those that are made from now on."""
    Hub.initial_reorder = new
    for hub in all_hubs():
        if old is None or hub.reorder is old:
            hub.reorder = new


def _shuffle(hub: Hub, random: Random) -> None:
    keys = []
    highest = 0.0
    before = list(_entries(hub))
    for item, _ in before:
        keys.append(random.uniform(highest if _yields(item) else 0.0, 1.0))
        highest = max(highest, keys[-1])
    order = sorted(range(len(before)), key=keys.__getitem__)
    after = [before[index] for index in order]
    # Place by place, because a signal handler may add to the queue meanwhile.
    for index, (item, _) in enumerate(after):
        hub.ready[index] = item
    for index, thread in enumerate(thread for _, thread in after if thread is not None):
        hub.fresh[index] = thread


def _entries(hub: Hub) -> Iterator[_Entry]:
    fresh = iter(list(hub.fresh))
    for item in list(hub.ready):
        yield item, next(fresh) if isinstance(item, Starter) else None


def _yields(item: Switchable) -> bool:
    """Whether it is a fiber that called ``sleep(0)``, as its stack says."""
    frame: FrameType | None = getattr(item, "gr_frame", None)
    while frame is not None and frame.f_code is Starter.switch.__code__:
        frame = frame.f_back  # which hands control on to a green thread that has not begun
    return frame is not None and frame.f_code is sleep.__code__
