"""Every place where a green thread can wait, and all that can strike it there.

It may come while the wait goes on, or in the very round in which the wait ends. Whoever was struck
leaves nothing behind and takes nothing with him: those who wait beside him are woken as often as
somebody wakes them, and the same wait can be made again.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from threading import Event, Thread
from typing import Any, NamedTuple

import pytest
from greenlet import GreenletExit, greenlet
from greenlet import getcurrent as getgreenlet

from eventlet.hub import (
    GreenThread,
    HubError,
    Timeout,
    Waiter,
    _children,
    _signal_waits,
    available_hubs,
    fail_after,
    get_hub,
    kill,
    sleep,
    spawn,
    testing,
    trampoline,
    wait_child,
    wait_readable,
    wait_writable,
)
from eventlet.hub._threadpool import ThreadPool
from eventlet.hub.testing import VirtualClock, wait_until_idle

# Seconds: of a limit that doesn't matter, of one that strikes, and of real time for all others.
LONG = 60.0
SHORT = 1.0
PATIENCE = 20


class Place(NamedTuple):
    """Somewhere to wait.

    `wake` lets one of those who wait go on, or all of them; `waits` is false where nobody has to.
    """

    wait: Callable[[], object]
    wake: Callable[[], object]
    waits: bool = True


@contextmanager
def turn(_: VirtualClock) -> Iterator[Place]:
    yield Place(sleep, lambda: None, waits=False)


@contextmanager
def turn_after_a_kill(_: VirtualClock) -> Iterator[Place]:
    yield Place(lambda: spawn(sleep, LONG).kill(), lambda: None, waits=False)


@contextmanager
def turn_after_a_kill_of_a_greenlet(_: VirtualClock) -> Iterator[Place]:
    def wait() -> None:
        bare = greenlet(lambda: sleep(LONG), parent=get_hub().greenlet)
        get_hub().call_soon(bare.switch)
        sleep(0)
        kill(bare)

    yield Place(wait, lambda: None, waits=False)


@contextmanager
def sleeping(clock: VirtualClock) -> Iterator[Place]:
    yield Place(lambda: sleep(LONG), lambda: clock.advance(LONG))


@contextmanager
def waiter(_: VirtualClock, *limit: float) -> Iterator[Place]:
    waiters: list[Waiter[None]] = []

    def wait() -> None:
        waiters.append(Waiter())
        waiters[-1].wait(*limit)

    yield Place(wait, lambda: [each.switch() for each in waiters])


@contextmanager
def waiter_with_a_limit(clock: VirtualClock) -> Iterator[Place]:
    with waiter(clock, LONG) as place:
        yield place


@contextmanager
def green_thread(_: VirtualClock, *limit: float) -> Iterator[Place]:
    targets: list[tuple[GreenThread[None], Waiter[None]]] = []

    def new_target() -> None:
        end: Waiter[None] = Waiter()
        targets.append((spawn(end.wait), end))

    def wake() -> None:
        targets[-1][1].switch()
        new_target()

    new_target()
    yield Place(lambda: targets[-1][0].wait(*limit), wake)
    wake()
    targets[-1][0].kill()


@contextmanager
def green_thread_with_a_limit(clock: VirtualClock) -> Iterator[Place]:
    with green_thread(clock, LONG) as place:
        yield place


@contextmanager
def switch_by_hand(_: VirtualClock) -> Iterator[Place]:
    waiting: list[greenlet] = []

    def wait() -> None:
        me = getgreenlet()
        waiting.append(me)
        try:
            get_hub().switch()
        finally:
            if me in waiting:
                waiting.remove(me)

    def wake() -> None:
        while waiting:
            get_hub().call_soon(waiting.pop().switch)

    yield Place(wait, wake)


@contextmanager
def sockets() -> Iterator[tuple[socket.socket, socket.socket]]:
    with (pair := socket.socketpair())[0], pair[1]:
        pair[0].setblocking(False)
        yield pair


@contextmanager
def reading(_: VirtualClock, *limit: float) -> Iterator[Place]:
    with sockets() as (mine, other):
        watch = get_hub().watch(mine.fileno())
        watch.readable = False

        def wait() -> bytes:
            while True:
                watch.wait_readable(*limit)
                try:
                    return mine.recv(1)
                except BlockingIOError:
                    watch.readable = False

        yield Place(wait, lambda: other.send(b"x"))
        watch.close()


@contextmanager
def reading_with_a_limit(clock: VirtualClock) -> Iterator[Place]:
    with reading(clock, LONG) as place:
        yield place


@contextmanager
def full_socket() -> Iterator[tuple[socket.socket, Callable[[], None]]]:
    """A socket that cannot be written to, and what empties it."""
    with sockets() as (mine, other):
        other.setblocking(False)

        def fill() -> None:
            try:
                while True:
                    mine.send(bytes(4096))
            except BlockingIOError:
                pass

        def drain() -> None:
            fill()
            try:
                while True:
                    other.recv(1 << 16)
            except BlockingIOError:
                pass

        fill()
        yield mine, drain


@contextmanager
def writing(_: VirtualClock, *limit: float) -> Iterator[Place]:
    with full_socket() as (mine, drain):
        watch = get_hub().watch(mine.fileno())
        watch.writable = False

        def wake() -> None:
            watch.writable = False
            drain()

        yield Place(lambda: watch.wait_writable(*limit), wake)
        watch.close()


@contextmanager
def writing_with_a_limit(clock: VirtualClock) -> Iterator[Place]:
    with writing(clock, LONG) as place:
        yield place


@contextmanager
def readable_descriptor(_: VirtualClock) -> Iterator[Place]:
    with sockets() as (mine, other):
        yield Place(lambda: wait_readable(mine, LONG), lambda: other.send(b"x"))


@contextmanager
def writable_descriptor(_: VirtualClock) -> Iterator[Place]:
    with full_socket() as (mine, drain):
        yield Place(lambda: wait_writable(mine), drain)


@contextmanager
def descriptor_both_ways(_: VirtualClock) -> Iterator[Place]:
    with full_socket() as (mine, drain):
        yield Place(lambda: trampoline(mine, read=True, write=True), drain)


@contextmanager
def child(_: VirtualClock) -> Iterator[Place]:
    children: list[subprocess.Popen[bytes]] = []

    def wait() -> None:
        process = subprocess.Popen(["sleep", "60"])
        process.returncode = 0  # it must not wait for itself
        children.append(process)
        try:
            wait_child(process.pid)
        except BaseException:  # struck: the child would outlive the test
            os.kill(process.pid, signal.SIGKILL)
            os.waitpid(process.pid, 0)
            raise
        finally:
            children.remove(process)

    def wake() -> None:
        for process in children:
            os.kill(process.pid, signal.SIGKILL)
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)

    yield Place(wait, wake)


@contextmanager
def child_in_a_native_thread(clock: VirtualClock) -> Iterator[Place]:
    with pytest.MonkeyPatch.context() as patch, child(clock) as place:
        patch.setattr(_children, "PORTABLE", True)

        def wake() -> None:
            place.wake()
            until(lambda: not _children._vigils)

        yield place._replace(wake=wake)
        until(lambda: not _children._vigils)


@contextmanager
def call_in_a_native_thread(_: VirtualClock, size: int = 4) -> Iterator[Place]:
    pool = ThreadPool(size)
    gates: list[Event] = [Event()]

    def wake() -> None:
        gates.pop().set()
        gates.append(Event())
        until(lambda: pool.statistics().idle == pool.statistics().workers)

    yield Place(lambda: pool.execute(gates[-1].wait, PATIENCE), wake)
    wake()
    pool.killall()


@contextmanager
def call_that_has_not_begun(clock: VirtualClock) -> Iterator[Place]:
    with call_in_a_native_thread(clock, 1) as place:
        first = spawn(place.wait)
        sleep(0)
        yield place
        place.wake()
        first.wait(PATIENCE)


@contextmanager
def end_of_native_threads(_: VirtualClock) -> Iterator[Place]:
    pool = ThreadPool(2)
    gate = Event()
    call = spawn(pool.execute, gate.wait, PATIENCE)
    sleep(0)

    def wake() -> None:
        gate.set()
        until(lambda: not pool.statistics().workers)

    yield Place(pool.killall, wake)
    assert call.wait(PATIENCE)


@contextmanager
def any_signal(_: VirtualClock) -> Iterator[Place]:
    previous = signal.signal(signal.SIGUSR1, lambda *_: None)
    yield Place(_signal_waits.pause, lambda: signal.raise_signal(signal.SIGUSR1))
    signal.signal(signal.SIGUSR1, previous)


@contextmanager
def blocked_signal(
    _: VirtualClock, wait: Callable[[set[int]], object] = _signal_waits.sigwait
) -> Iterator[Place]:
    signals: set[int] = {signal.SIGUSR2}
    previous = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    # To this native thread, or any other would have it that doesn't block it.
    yield Place(lambda: wait(signals), lambda: signal.raise_signal(signal.SIGUSR2))
    while signal.sigtimedwait(signals, 0):
        pass
    signal.pthread_sigmask(signal.SIG_SETMASK, previous)


@contextmanager
def blocked_signal_with_a_limit(clock: VirtualClock) -> Iterator[Place]:
    with blocked_signal(clock, lambda signals: _signal_waits.sigtimedwait(signals, LONG)) as place:
        yield place


@contextmanager
def idleness(_: VirtualClock) -> Iterator[Place]:
    busy: list[GreenThread[None]] = []

    def work() -> None:
        while True:
            sleep(0)

    def wait() -> None:
        if not busy:
            busy.append(spawn(work))
        wait_until_idle()

    def wake() -> None:
        while busy:
            busy.pop().throw()

    yield Place(wait, wake)
    wake()


Where = Callable[[VirtualClock], AbstractContextManager[Place]]

PLACES: list[Where] = [
    turn,
    turn_after_a_kill,
    turn_after_a_kill_of_a_greenlet,
    sleeping,
    waiter,
    waiter_with_a_limit,
    green_thread,
    green_thread_with_a_limit,
    switch_by_hand,
    call_in_a_native_thread,
    call_that_has_not_begun,
    end_of_native_threads,
    idleness,
]
# Those in which the poller has a part.
POLLED: list[Where] = [
    reading,
    reading_with_a_limit,
    writing,
    writing_with_a_limit,
    readable_descriptor,
    writable_descriptor,
    descriptor_both_ways,
]
if sys.platform != "win32":
    PLACES += [child_in_a_native_thread]
    POLLED += [child, any_signal]
if _signal_waits.has_signalfd():
    POLLED += [blocked_signal, blocked_signal_with_a_limit]

EVERYWHERE = [pytest.param(where, None, id=where.__name__) for where in PLACES] + [
    pytest.param(where, name, id=f"{where.__name__}-{name}")
    for where in POLLED
    for name in available_hubs()
]


def until(condition: Callable[[], bool]) -> None:
    """Wait for other native threads, without letting the hub run."""
    limit = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.0001)


class Mine(BaseException):
    pass


def in_a_native_thread(function: Callable[[], object]) -> None:
    native = Thread(target=function)
    native.start()
    native.join()


class Strike(NamedTuple):
    """What strikes one who waits: in which block he does, what lets it come, and what he sees."""

    block: Callable[[], AbstractContextManager[object]]
    come: Callable[[GreenThread[None], VirtualClock], object]
    expected: type[BaseException]


STRIKES = {
    "a kill": Strike(nullcontext, lambda victim, _: victim.throw(), GreenletExit),
    "another exception": Strike(nullcontext, lambda victim, _: victim.throw(Mine), Mine),
    "a kill from another native thread": Strike(
        nullcontext, lambda victim, _: in_a_native_thread(victim.throw), GreenletExit
    ),
    "a timeout": Strike(lambda: Timeout(SHORT), lambda _, clock: clock.advance(SHORT), Timeout),
    "a scope": Strike(
        lambda: fail_after(SHORT), lambda _, clock: clock.advance(SHORT), TimeoutError
    ),
}


@pytest.fixture
def clock(poller: str | None) -> Iterator[VirtualClock]:
    with testing.virtual_clock(poller) as clock:
        yield clock


@pytest.fixture
def place(where: Where, clock: VirtualClock) -> Iterator[Place]:
    hub = get_hub()
    with where(clock) as place:
        yield place
    wait_until_idle()
    with Timeout(PATIENCE):
        while hub.outside:
            sleep(0.001)
    assert hub.stats().watches == 0
    assert hub.stats().ready == 1, "the hub itself"
    assert hub.main.pending == []


@pytest.fixture(params=STRIKES)
def strike(request: pytest.FixtureRequest) -> Strike:
    return STRIKES[request.param]


def begin(strike: Strike, place: Place, woken: list[str]) -> list[GreenThread[Any]]:
    """Let three wait, the second of whom will be struck."""

    def work() -> None:
        with strike.block():
            place.wait()
            woken.append("victim")
            Waiter[None]().wait()

    def wait_beside(name: str) -> None:
        place.wait()
        woken.append(name)

    threads = [spawn(wait_beside, "first"), spawn(work), spawn(wait_beside, "last")]
    sleep(0)
    return threads


def finish(place: Place, others: list[GreenThread[Any]], wakes: int) -> None:
    """Wake the others as often as they must be; then wait once more."""
    for _ in range(wakes):
        place.wake()
        wait_until_idle()
    for each in others:
        each.wait(PATIENCE)
    again = spawn(place.wait)
    sleep(0)
    place.wake()
    again.wait(PATIENCE)


@pytest.mark.parametrize(("where", "poller"), EVERYWHERE)
def test_one_who_waits_is_struck(place: Place, strike: Strike, clock: VirtualClock) -> None:
    woken: list[str] = []
    first, victim, last = begin(strike, place, woken)
    strike.come(victim, clock)
    with pytest.raises(strike.expected):
        victim.wait(PATIENCE)
    if place.waits:
        assert woken == []
    finish(place, [first, last], 2)


@pytest.mark.parametrize(("where", "poller"), EVERYWHERE)
@pytest.mark.parametrize("order", ["struck first", "woken first", "struck by the hub"])
def test_one_is_struck_in_the_round_in_which_he_is_woken(
    place: Place, strike: Strike, order: str, clock: VirtualClock
) -> None:
    woken: list[str] = []
    first, victim, last = begin(strike, place, woken)
    if order == "struck first":
        strike.come(victim, clock)
        place.wake()
    elif order == "woken first":
        place.wake()
        strike.come(victim, clock)
    else:
        place.wake()
        get_hub().call_soon(strike.come, victim, clock)
    with pytest.raises(strike.expected):
        victim.wait(PATIENCE)
    finish(place, [first, last], 2 if "victim" in woken else 1)


@pytest.mark.parametrize(("where", "poller"), EVERYWHERE)
def test_one_who_was_struck_before_does_not_begin_to_wait(place: Place) -> None:
    gate: Waiter[None] = Waiter()

    def work() -> None:
        gate.wait()
        place.wait()

    victim = spawn(work)
    sleep(0)
    gate.switch()
    victim.throw(Mine)
    with pytest.raises(Mine):
        victim.wait(PATIENCE)
    finish(place, [], 0)


@pytest.mark.parametrize(("where", "poller"), EVERYWHERE)
def test_the_hubs_own_greenlet_cannot_wait(
    place: Place, request: pytest.FixtureRequest, failures: list[BaseException]
) -> None:
    other = spawn(place.wait)
    sleep(0)
    get_hub().call_soon(place.wait)
    wait_for_call: Waiter[None] = Waiter()
    get_hub().call_soon(wait_for_call.switch)
    wait_for_call.wait()
    # To kill another one is allowed there, and doesn't yield.
    expected = [] if "kill]" in request.node.name else [HubError]
    assert [type(each) for each in failures] == expected
    finish(place, [other], 1)
