"""Set 50,000 timers within the next 10 ms, in no particular order, and wait until all have fired.

trio has no timers apart from tasks that sleep, and threads have none worth the name.
"""

from collections.abc import Callable
from importlib import import_module
from random import Random

from benchmarks.subject import AsyncWork, Subject, Work

SUBJECT = Subject("50,000 timers set and fired", "timers/s")
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
