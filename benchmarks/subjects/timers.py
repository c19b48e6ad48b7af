"""Set 50,000 timers within the next 10 ms, in no particular order, and wait until all have fired.

trio has no timers apart from tasks that sleep, and threads have none worth the name.
"""

from collections.abc import Callable
from importlib import import_module
from random import Random

from benchmarks.subject import AsyncWork, Subject, Work

SUBJECT = Subject("50,000 timers set and fired", "timers/s", limits=("floor",))
_DRAW = Random(1)
DELAYS = [_DRAW.random() / 100 for _ in range(50_000)]


def _counting(done: Callable[[], object]) -> Callable[[], None]:
    left = len(DELAYS)

    def fire() -> None:
        nonlocal left
        left -= 1
        if not left:
            done()

    return fire


def ours(_: int) -> Work:
    from eventlet.hub import Waiter, get_hub

    call_later = get_hub().call_later

    def work(repeats: int) -> int:
        for _ in range(repeats):
            waiter = Waiter[None]()
            fire = _counting(waiter.switch)
            for delay in DELAYS:
                call_later(delay, fire)
            waiter.wait()
        return repeats * len(DELAYS)

    return work


def gevent(_: int) -> Work:
    hub = import_module("gevent").get_hub()
    event = import_module("gevent.event").Event
    timer = hub.loop.timer

    def work(repeats: int) -> int:
        for _ in range(repeats):
            done = event()
            fire = _counting(done.set)
            hub.loop.update_now()
            timers = [timer(delay) for delay in DELAYS]
            for each in timers:
                each.start(fire)
            done.wait()
        return repeats * len(DELAYS)

    return work


def eventlet(_: int) -> Work:
    call_later = import_module("eventlet.hubs").get_hub().schedule_call_global
    event = import_module("eventlet.event").Event

    def work(repeats: int) -> int:
        for _ in range(repeats):
            done = event()
            fire = _counting(done.send)
            for delay in DELAYS:
                call_later(delay, fire)
            done.wait()
        return repeats * len(DELAYS)

    return work


def floor(_: int) -> Work:
    """A list that is sorted once, and a loop: all that is left without a library."""
    from operator import itemgetter
    from time import monotonic, sleep

    timers: list[tuple[float, Callable[[], None]]] = []

    def call_later(delay: float, function: Callable[[], None]) -> None:
        timers.append((monotonic() + delay, function))

    def work(repeats: int) -> int:
        for _ in range(repeats):
            fire = _counting(timers.clear)
            for delay in DELAYS:
                call_later(delay, fire)
            timers.sort(key=itemgetter(0))
            for deadline, function in tuple(timers):
                while monotonic() < deadline:
                    sleep(max(0.0, deadline - monotonic()))
                function()
        return repeats * len(DELAYS)

    return work


async def asyncio(_: int) -> AsyncWork:
    from asyncio import Event, get_running_loop

    call_later = get_running_loop().call_later

    async def work(repeats: int) -> int:
        for _ in range(repeats):
            done = Event()
            fire = _counting(done.set)
            for delay in DELAYS:
                call_later(delay, fire)
            await done.wait()
        return repeats * len(DELAYS)

    return work
