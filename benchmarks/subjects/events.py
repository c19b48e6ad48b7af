"""Wake 1,000 green threads that wait for one event."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks.subject import AsyncWork, Subject, Work

SUBJECT = Subject("one event for 1,000 waiters", "wake-ups/s")
_PARTIES = range(1000)


class _Roll:
    """Calls a function whenever all parties have answered."""

    def __init__(self, complete: Callable[[], object]) -> None:
        self._complete = complete
        self._missing = len(_PARTIES)

    def answer(self) -> None:
        self._missing -= 1
        if not self._missing:
            self._missing = len(_PARTIES)
            self._complete()


def _work(spawn: Callable[..., Any], event: Callable[[], Any], send: str) -> Work:
    def work(repeats: int) -> int:
        calls = [event() for _ in range(repeats)]
        replies = iter([event() for _ in range(repeats + 1)])
        expected = next(replies)

        def complete() -> None:
            getattr(expected, send)()

        roll = _Roll(complete)

        def party() -> None:
            roll.answer()
            for call in calls:
                call.wait()
                roll.answer()

        kept = [spawn(party) for _ in _PARTIES]
        expected.wait()
        for call in calls:
            expected = next(replies)
            getattr(call, send)()
            expected.wait()
        return repeats * len(kept)

    return work


def ours(_: int) -> Work:
    from eventlet.coros import Event
    from eventlet.hub import spawn

    return _work(spawn, Event[None], "send")


def gevent(_: int) -> Work:
    return _work(import_module("gevent").spawn, import_module("gevent.event").Event, "set")


def eventlet(_: int) -> Work:
    return _work(import_module("eventlet").spawn, import_module("eventlet.event").Event, "send")


async def asyncio(_: int) -> AsyncWork:
    from asyncio import Event, create_task

    async def work(repeats: int) -> int:
        calls = [Event() for _ in range(repeats)]
        replies = iter([Event() for _ in range(repeats + 1)])
        expected = next(replies)

        def complete() -> None:
            expected.set()

        roll = _Roll(complete)

        async def party() -> None:
            roll.answer()
            for call in calls:
                await call.wait()
                roll.answer()

        kept = [create_task(party()) for _ in _PARTIES]
        await expected.wait()
        for call in calls:
            expected = next(replies)
            call.set()
            await expected.wait()
        return repeats * len(kept)

    return work
