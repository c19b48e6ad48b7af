"""A signal handler may raise anywhere: that costs one operation, and nobody else a wake-up.

The interpreter runs handlers where a function begins, after a call and when a loop goes round. A
trace function that raises in such a place does the same, and can be told in which: so each scenario
is played once for every place in the scheduler that it passes.
"""

from __future__ import annotations

import dis
import functools
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any, Self

import pytest
from greenlet import getcurrent, greenlet

from eventlet.hub import GreenThread, Hub, Waiter, get_hub, set_unobserved_hook, sleep, spawn
from eventlet.hub._carrier import Carrier
from eventlet.hub.testing import virtual_clock

pytestmark = pytest.mark.skipif(
    sys.version_info[:2] == (3, 12)
    and sys.monitoring.get_tool(sys.monitoring.COVERAGE_ID) is not None,
    reason="Python 3.12 crashes when instructions are traced while the coverage is measured",
)

# No scenario passes so many places; one that is played more often goes round in circles.
MANY = 1000

Threads = list[GreenThread[Any]]
Scenario = Callable[[Threads, Waiter[None]], None]

# Those of the scenario that is played, which may end before it has closed them.
SOCKETS: list[socket.socket] = []


class Shock(BaseException):
    """What the handler raises."""


@functools.cache
def places(code: CodeType) -> frozenset[int]:
    """Return the offsets of the instructions before which a handler may run."""
    found = []
    before = ""
    for instruction in dis.get_instructions(code):
        name = instruction.opname
        # docs/design/hub.md says why this one costs a green thread.
        is_left_out = code is Carrier.run.__code__ and instruction.argval == "thread"
        if name in ("RESUME", "JUMP_BACKWARD") or (before.startswith("CALL") and not is_left_out):
            found.append(instruction.offset)
        before = name
    return frozenset(found)


class Handler:
    """A trace function that raises a shock in one place of the scheduler, the n-th that is passed.

    It counts from the moment it is armed. Since Python 3.12, instructions are traced only when some
    code has asked for it before; since 3.13, only of code that ran under a trace function before.

    Attributes:
        place: where that was, or None.
    """

    def __init__(self, n: int) -> None:
        self._left = n
        self._armed = False
        self.shock = Shock()
        self.place: str | None = None

    def __call__(self, frame: FrameType, event: str, _: object) -> Self | None:
        if not str(frame.f_globals.get("__name__")).startswith("eventlet.hub."):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if event == "opcode" and self._armed and frame.f_lasti in places(frame.f_code):
            self._left -= 1
            if not self._left:
                self._armed = False
                self.place = f"{frame.f_code.co_qualname}, line {frame.f_lineno}"
                raise self.shock
        return self

    def arm(self) -> None:
        sys.settrace(self)
        self._armed = True

    @contextmanager
    def active(self) -> Iterator[None]:
        previous = sys.gettrace()
        sys.settrace(self)
        try:
            yield
        finally:
            sys.settrace(previous)


@pytest.fixture(autouse=True)
def close_sockets_at_the_end() -> Iterator[None]:
    yield
    close_sockets()


def close_sockets() -> None:
    while SOCKETS:
        SOCKETS.pop().close()


@pytest.fixture
def reported() -> Iterator[list[BaseException]]:
    """What the hook for failures that nobody waits for has been told."""
    failures: list[BaseException] = []
    previous = set_unobserved_hook(lambda error, _: failures.append(error))
    yield failures
    set_unobserved_hook(previous)


def yielding(threads: Threads, _: Waiter[None]) -> None:
    def yield_twice() -> None:
        sleep(0)
        sleep(0)

    threads += [spawn(yield_twice) for _ in range(3)]
    sleep(0)


def sleeping(threads: Threads, _: Waiter[None]) -> None:
    threads += [spawn(sleep, seconds) for seconds in (1, 2, 2)]
    sleep(3)


def waiting_for_each_other(threads: Threads, _: Waiter[None]) -> None:
    threads += [spawn(lambda: spawn(sleep, 0).wait()) for _ in range(2)]
    for thread in threads:
        thread.wait(1)


def ending_while_others_wait(threads: Threads, _: Waiter[None]) -> None:
    threads.append(spawn(sleep, 0))
    threads += [spawn(threads[0].wait) for _ in range(2)]
    threads[0].link(lambda _: None)
    sleep(1)


def waiting_without_a_limit(threads: Threads, waiter: Waiter[None]) -> None:
    threads += [spawn(waiter.wait), spawn(sleep, 0)]
    sleep(1)


def running_greenlets_made_by_hand(threads: Threads, _: Waiter[None]) -> None:
    threads += [spawn(lambda: greenlet(sleep).switch(0)), spawn(sleep, 0)]
    greenlet(sleep).switch(1)


def switching_by_hand(threads: Threads, _: Waiter[None]) -> None:
    threads.append(spawn(sleep, 0))
    get_hub().call_soon(getcurrent().switch)
    get_hub().switch()


def waiting_for_a_descriptor(threads: Threads, _: Waiter[None]) -> None:
    close_sockets()
    here, there = socket.socketpair()
    SOCKETS.extend((here, there))

    def read() -> None:
        watch = get_hub().watch(here.fileno())
        watch.readable = False
        watch.until_readable(None)
        watch.close()

    try:
        threads += [spawn(sleep, 0), spawn(read)]
        sleep(0)
    finally:
        there.send(b"x")
    sleep(1)


SCENARIOS = [
    yielding,
    sleeping,
    waiting_for_each_other,
    ending_while_others_wait,
    waiting_without_a_limit,
    running_greenlets_made_by_hand,
    switching_by_hand,
    waiting_for_a_descriptor,
]


def play(scenario: Scenario, handler: Handler, reported: list[BaseException]) -> None:
    """Play a scenario, and make sure that all is well afterwards."""
    threads: Threads = []
    waiter: Waiter[None] = Waiter()
    seen: list[BaseException] = []
    try:
        with handler.active():
            rehearse(scenario)
            handler.arm()
            scenario(threads, waiter)
    except BaseException as error:  # whatever it is, it is compared below
        seen.append(error)
    waiter.switch()
    for _ in range(3):
        try:
            sleep(10)
        except Shock as error:
            seen.append(error)
    assert [thread.state for thread in threads if not thread.dead] == [], handler.place
    seen += [thread.exception for thread in threads if thread.exception is not None]
    assert {*seen, *reported} <= {handler.shock}, handler.place
    assert handler.place is None or seen or reported, f"nobody heard of it: {handler.place}"
    check_books(get_hub(), handler)


def rehearse(scenario: Scenario) -> None:
    waiter: Waiter[None] = Waiter()
    scenario([], waiter)
    waiter.switch()
    sleep(10)
    get_hub()._end_idle_carriers(0)  # to make some is part of the play


def check_books(hub: Hub, handler: Handler) -> None:
    stats = hub.stats()
    assert (stats.green_threads, stats.ready) == (0, 1), handler.place
    assert hub.ready[0] is hub.greenlet
    assert hub.carriers == {*hub.free}, handler.place
    assert spawn(lambda: "alive").wait() == "alive"


@pytest.mark.in_order
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_all_others_go_on_wherever_in_the_scheduler(
    scenario: Scenario, reported: list[BaseException]
) -> None:
    for number in range(1, MANY):
        reported.clear()
        handler = Handler(number)
        with virtual_clock():
            sleep(0)  # so that the main greenlet belongs to the hub
            play(scenario, handler, reported)
        if handler.place is None:
            assert number > 20
            return
    pytest.fail("the scenario has no end")


def test_an_idle_carrier_that_nobody_has_switched_to_is_used_again() -> None:
    with virtual_clock():
        spawn(sleep, 0).wait()
        hub = get_hub()
        sleep(1)
        carrier = hub.free.pop()  # and there a handler raises
        hub.mend()
        sleep(1)
        assert carrier in hub.free
