"""Set a timeout around nothing and cancel it, with 0, 1,000 or 50,000 others pending.

The cases with a "+" yield once inside the block, so that the loop gets to see the timeout.
"""

from importlib import import_module

from benchmarks.subject import AsyncWork, Subject, Work

# Those that yield are negative.
SUBJECT = Subject(
    "a timeout set and cancelled, others pending",
    "timeouts/s",
    {"0": 0, "1000": 1000, "50000": 50_000, "0+": -1, "50000+": -50_000},
)
SECONDS = 10
PENDING_SECONDS = 1000
_TIMES = range(1000)


def ours(pending: int) -> Work:
    from eventlet.hub import Timeout, get_hub, sleep

    for _ in range(abs(pending)):
        get_hub().call_later(PENDING_SECONDS, _TIMES.count, 0)

    def work(repeats: int) -> int:
        for _ in range(repeats):
            for _ in _TIMES:
                with Timeout(SECONDS):
                    pass
        return repeats * len(_TIMES)

    def yielding_work(repeats: int) -> int:
        for _ in range(repeats):
            for _ in _TIMES:
                with Timeout(SECONDS):
                    sleep(0)
        return repeats * len(_TIMES)

    return yielding_work if pending < 0 else work


def gevent(pending: int) -> Work:
    peer = import_module("gevent")
    timeout, sleep = peer.Timeout, peer.sleep
    kept = [peer.get_hub().loop.timer(PENDING_SECONDS) for _ in range(abs(pending))]
    for timer in kept:
        timer.start(_TIMES.count, 0)

    def work(repeats: int) -> int:
        for _ in range(repeats):
            for _ in _TIMES:
                with timeout(SECONDS):
                    pass
        return repeats * len(_TIMES)

    def yielding_work(repeats: int) -> int:
        assert len(kept) == abs(pending)
        for _ in range(repeats):
            for _ in _TIMES:
                with timeout(SECONDS):
                    sleep(0)
        return repeats * len(_TIMES)

    return yielding_work if pending < 0 else work


def eventlet(pending: int) -> Work:
    peer = import_module("eventlet")
    timeout, sleep = peer.Timeout, peer.sleep
    hub = import_module("eventlet.hubs").get_hub()
    for _ in range(abs(pending)):
        hub.schedule_call_global(PENDING_SECONDS, _TIMES.count, 0)

    def work(repeats: int) -> int:
        for _ in range(repeats):
            for _ in _TIMES:
                with timeout(SECONDS):
                    pass
        return repeats * len(_TIMES)

    def yielding_work(repeats: int) -> int:
        for _ in range(repeats):
            for _ in _TIMES:
                with timeout(SECONDS):
                    sleep(0)
        return repeats * len(_TIMES)

    return yielding_work if pending < 0 else work


async def asyncio(pending: int) -> AsyncWork:
    from asyncio import get_running_loop, sleep, timeout

    loop = get_running_loop()
    for _ in range(abs(pending)):
        loop.call_later(PENDING_SECONDS, _TIMES.count, 0)

    async def work(repeats: int) -> int:
        for _ in range(repeats):
            for _ in _TIMES:
                async with timeout(SECONDS):
                    pass
        return repeats * len(_TIMES)

    async def yielding_work(repeats: int) -> int:
        for _ in range(repeats):
            for _ in _TIMES:
                async with timeout(SECONDS):
                    await sleep(0)
        return repeats * len(_TIMES)

    return yielding_work if pending < 0 else work
