"""Signals that come all the time: no wait ends early, none loses anything, handlers run meanwhile.

What the system interrupts with ``EINTR`` goes on as if nothing had happened (PEP 475).
"""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from itertools import count
from threading import Event, Thread
from types import FrameType
from typing import Self

import pytest
from greenlet import GreenletExit

from eventlet.hub import (
    Timeout,
    Waiter,
    _children,
    get_hub,
    move_on_after,
    sleep,
    spawn,
    tpool,
    wait_child,
    wait_readable,
    wait_writable,
)
from eventlet.hub.testing import wait_until_idle

if not hasattr(signal, "setitimer"):
    pytest.skip("needs an interval timer", allow_module_level=True)

# Seconds between two signals; and how many a test sees before it ends.
INTERVAL = 0.0005
TICKS = 20
# Seconds; each wait is long enough for several signals.
A_WHILE = 0.004

Pair = tuple[socket.socket, socket.socket]


class Storm:
    """A signal that comes again and again from the moment `begin` is called."""

    def __init__(self, handler: Callable[..., object] | int | None = None) -> None:
        self._handler = handler
        self._calls = count()
        self.ticks = 0

    def __enter__(self) -> Self:
        self._previous = signal.signal(signal.SIGALRM, self._count)
        if self._handler is not None:
            signal.signal(signal.SIGALRM, self._handler)
        signal.setitimer(signal.ITIMER_REAL, INTERVAL, INTERVAL)
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, self._previous)

    def _count(self, *_: object) -> None:
        self.ticks += 1

    def goes_on(self) -> bool:
        """Whether the test has not seen enough of it yet."""
        return next(self._calls) < TICKS if self._handler is not None else self.ticks < TICKS


@pytest.fixture(params=["handled", "ignored"])
def storm(request: pytest.FixtureRequest, poller: str) -> Iterator[Storm]:
    with Storm(signal.SIG_IGN if request.param == "ignored" else None) as storm:
        yield storm


def a_sleep() -> None:
    sleep(A_WHILE)


def a_wait_with_a_timeout() -> None:
    with pytest.raises(TimeoutError):
        Waiter[None]().wait(A_WHILE)


def a_timeout() -> None:
    with Timeout(A_WHILE, False):
        Waiter[None]().wait()


def a_scope() -> None:
    with move_on_after(A_WHILE):
        Waiter[None]().wait()


def a_descriptor_that_stays_silent() -> None:
    with (pair := socket.socketpair())[0], pair[1]:
        with pytest.raises(TimeoutError):
            wait_readable(pair[0], A_WHILE)


def another_green_thread() -> None:
    def work() -> str:
        sleep(A_WHILE)
        return "result"

    assert spawn(work).wait() == "result"


def a_native_thread() -> None:
    def work() -> str:
        time.sleep(A_WHILE)
        return "result"

    assert tpool.execute(work) == "result"


def a_child() -> None:
    process = subprocess.Popen(["sh", "-c", f"sleep {A_WHILE}; exit 3"])
    process.returncode = 3  # it must not wait for itself
    assert wait_child(process.pid) == 3


@pytest.mark.parametrize(
    "wait",
    [
        a_sleep,
        a_wait_with_a_timeout,
        a_timeout,
        a_scope,
        a_descriptor_that_stays_silent,
        another_green_thread,
        a_native_thread,
        a_child,
    ],
)
def test_no_wait_ends_early(wait: Callable[[], None], storm: Storm) -> None:
    while storm.goes_on():
        start = time.monotonic()
        wait()
        assert time.monotonic() - start >= A_WHILE


def test_a_wait_for_a_child_in_a_native_thread_goes_on(
    storm: Storm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_children, "PORTABLE", True)
    while storm.goes_on():
        a_child()


def test_nothing_that_arrives_is_lost(storm: Storm, pair: Pair) -> None:
    """One byte after the other, there and back, each of which somebody waits for."""
    mine, other = pair
    other.setblocking(True)

    def echo() -> None:
        while data := other.recv(1):
            other.sendall(data)

    native = Thread(target=echo)
    native.start()
    watch = get_hub().watch(mine.fileno())
    numbers = count()
    while storm.goes_on() or next(numbers) < 100:
        mine.send(b"x")
        watch.readable = False
        watch.wait_readable(10)
        assert mine.recv(2) == b"x"
        mine.send(b"y")
        wait_readable(mine, 10)
        assert mine.recv(2) == b"y"
    watch.close()
    mine.shutdown(socket.SHUT_WR)
    native.join()


def test_no_room_that_appears_is_missed(storm: Storm, pair: Pair) -> None:
    mine, other = pair
    other.setblocking(True)
    received = []

    def drain() -> None:
        while data := other.recv(1 << 16):
            received.append(len(data))

    native = Thread(target=drain)
    native.start()
    sent = 0
    while storm.goes_on() or sent < 1 << 22:
        try:
            sent += mine.send(bytes(1 << 16))
        except BlockingIOError:
            wait_writable(mine, 10)
    mine.shutdown(socket.SHUT_WR)
    native.join()
    assert sum(received) == sent


def test_no_call_from_another_native_thread_is_lost(storm: Storm) -> None:
    while storm.goes_on():
        done: Waiter[str] = Waiter()
        native = Thread(target=done.switch, args=("called",))
        native.start()
        assert done.wait(10) == "called"
        native.join()


class TestPromptness:
    """Each wait lasts until a handler has run."""

    @pytest.fixture(params=["at once", "when everybody waits"])
    def on_signal(
        self, poller: str, request: pytest.FixtureRequest
    ) -> Iterator[Callable[[Callable[[], object]], None]]:
        """Have a function called by the handler of a signal that comes now or a little later."""
        previous = signal.getsignal(signal.SIGALRM)
        delay = 1e-6 if request.param == "at once" else 0.01

        def call(function: Callable[[], object]) -> None:
            signal.signal(signal.SIGALRM, lambda *_: function())
            signal.setitimer(signal.ITIMER_REAL, delay)

        yield call
        signal.signal(signal.SIGALRM, previous)

    def test_of_one_that_ends_a_sleep(
        self, on_signal: Callable[[Callable[[], object]], None]
    ) -> None:
        sleeper = spawn(sleep, 60)
        on_signal(sleeper.throw)
        with Timeout(10), pytest.raises(GreenletExit):
            sleeper.wait()

    def test_of_one_that_lets_a_native_thread_go_on(
        self, on_signal: Callable[[Callable[[], object]], None]
    ) -> None:
        event = Event()
        on_signal(event.set)
        with Timeout(10):
            assert tpool.execute(event.wait, 20)

    @pytest.mark.parametrize("portable", [False, True])
    def test_of_one_that_ends_a_child(
        self,
        on_signal: Callable[[Callable[[], object]], None],
        portable: bool,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(_children, "PORTABLE", portable)
        process = subprocess.Popen(["sleep", "60"])
        process.returncode = 0  # it must not wait for itself
        on_signal(lambda: os.kill(process.pid, signal.SIGKILL))
        assert wait_child(process.pid, 10) == -signal.SIGKILL

    def test_of_one_that_sends_what_is_waited_for(
        self, on_signal: Callable[[Callable[[], object]], None], pair: Pair
    ) -> None:
        on_signal(lambda: pair[1].send(b"x"))
        wait_readable(pair[0], 10)
        assert pair[0].recv(2) == b"x"


class Shock(BaseException):
    """What a handler raises."""


def shock(_: int, frame: FrameType | None) -> None:
    """Raise while the hub polls."""
    if frame is not None and frame.f_code is type(get_hub().poller).poll.__code__:
        raise Shock


class TestHandlersThatRaise:
    """What they raise while the hub polls reaches the main greenlet, and that is all."""

    def test_nothing_that_arrives_is_lost(self, poller: str, pair: Pair) -> None:
        mine, other = pair
        other.setblocking(True)

        def echo() -> None:
            while data := other.recv(1):
                other.sendall(data)

        def converse() -> int:
            watch = get_hub().watch(mine.fileno())
            for number in range(100):
                mine.send(b"x")
                watch.readable = False
                watch.wait_readable(10)
                assert mine.recv(2) == b"x"
                sleep(INTERVAL)
                assert tpool.execute(abs, number) == number
            watch.close()
            return 100

        native = Thread(target=echo)
        native.start()
        talk = spawn(converse)
        shocks = 0
        with Storm(shock):
            while not talk.dead or shocks < TICKS:
                try:
                    sleep(A_WHILE)
                except Shock:
                    shocks += 1
        assert talk.wait() == 100
        mine.shutdown(socket.SHUT_WR)
        native.join()

    @pytest.mark.parametrize("how", ["watch", "guest"])
    def test_not_even_what_the_poll_was_about_to_report(
        self, how: str, late_shocks: list[Shock], pair: Pair
    ) -> None:
        watch = get_hub().watch(pair[0].fileno())
        watch.readable = False
        reader = spawn(watch.wait_readable if how == "watch" else lambda: wait_readable(pair[0]))
        wait_until_idle()
        pair[1].send(b"x")
        late_shocks.append(Shock())
        with pytest.raises(Shock):
            sleep(10)
        reader.wait(10)
        watch.close()

    def test_not_even_a_call_from_another_native_thread(self, late_shocks: list[Shock]) -> None:
        done: Waiter[None] = Waiter()
        hub = get_hub()

        def call() -> None:
            while not hub.polling:
                time.sleep(0)
            done.switch()

        native = Thread(target=call)
        native.start()
        late_shocks.append(Shock())
        with pytest.raises(Shock):
            sleep(10)
        done.wait(10)
        native.join()
        assert tpool.execute(lambda: "called") == "called"

    def test_one_may_come_while_the_hub_gets_over_another(
        self, late_shocks: list[Shock], pair: Pair, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        poller = get_hub().poller
        register = poller.register
        second = [Shock()]

        def interrupted(fd: int) -> bool:
            if second:
                raise second.pop()
            return register(fd)

        reader = spawn(wait_readable, pair[0])
        wait_until_idle()
        monkeypatch.setattr(poller, "register", interrupted)
        pair[1].send(b"x")
        late_shocks.append(Shock())
        for _ in range(2):
            with pytest.raises(Shock):
                sleep(10)
        reader.wait(10)

    def test_a_poller_that_has_failed_for_good_hides_nothing(
        self, poller: str, pair: Pair, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> object:
            raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

        with monkeypatch.context() as broken:
            broken.setattr(get_hub().poller, "poll", fail)
            broken.setattr(get_hub().poller, "register", fail)
            for _ in range(3):
                with pytest.raises(OSError, match=os.strerror(errno.ENOMEM)):
                    sleep(10)
        sleep(0.001)
        assert spawn(lambda: "alive").wait() == "alive"

    @pytest.fixture
    def late_shocks(self, poller: str, monkeypatch: pytest.MonkeyPatch) -> list[Shock]:
        """What a handler raises that runs when a poll has found something, but not returned it."""
        shocks: list[Shock] = []
        poll = get_hub().poller.poll

        def interrupted(timeout: float | None) -> object:
            events = poll(timeout)
            if events and shocks:
                raise shocks.pop()
            return events

        monkeypatch.setattr(get_hub().poller, "poll", interrupted)
        return shocks
