"""What the reports say about green threads, waits and timers."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable
from typing import Any

import greenlet
import pytest

from eventlet.hub import (
    Hub,
    Timeout,
    Waiter,
    call_after,
    get_hub,
    getcurrent,
    sleep,
    spawn,
    spawn_after,
    trampoline,
    wait_readable,
    wait_writable,
)
from eventlet.hub import _report as report
from eventlet.hub import _wording as wording
from eventlet.hub.testing import VirtualClock

pytestmark = pytest.mark.may_leak  # they leave behind what they report on


@pytest.fixture
def clock(virtual_clock: VirtualClock) -> VirtualClock:
    return virtual_clock


def state_of(function: Callable[..., object], *args: Any) -> str:
    """Return what the report says about a green thread that is parked in `function`."""
    thread = spawn(function, *args)
    thread.name = "one"
    sleep(0)
    headline, _, _ = report.format_thread(thread).partition("\n")
    prefix = "GreenThread one, 0 ms old: "
    assert headline.startswith(prefix)
    return headline.removeprefix(prefix)


@pytest.mark.usefixtures("clock")
class TestWhatItWaitsFor:
    def test_a_descriptor(self, pair: tuple[socket.socket, socket.socket]) -> None:
        here, _there = pair
        fd = here.fileno()
        assert state_of(wait_readable, here) == f"waits for descriptor {fd} to be readable"
        while True:
            try:
                here.send(bytes(2**16))
            except BlockingIOError:
                break
        assert state_of(wait_writable, here) == f"waits for descriptor {fd} to be writable"
        assert state_of(trampoline, here, True, True) == f"waits for descriptor {fd} to be ready"

    def test_a_descriptor_for_some_time(self, pair: tuple[socket.socket, socket.socket]) -> None:
        here, _there = pair
        state = state_of(wait_readable, here, 5)
        assert state.endswith("to be readable, 5 s more at most")

    def test_time(self) -> None:
        assert state_of(sleep, 2.5) == "sleeps for 2.5 s more"
        assert state_of(sleep, 0.25) == "sleeps for 250 ms more"
        assert state_of(sleep, 123.4) == "sleeps for 123 s more"

    def test_another_green_thread(self) -> None:
        other = spawn(sleep, 10)
        other.name = "other"
        sleep(0)
        assert state_of(other.wait) == "waits for <GreenThread other waiting>"
        assert state_of(other.wait, 3).endswith("waiting>, 3 s more at most")

    def test_a_waiter_of_nobody_we_know(self) -> None:
        class Users:
            def wait(self) -> None:
                Waiter[None]().wait()

        assert state_of(Users().wait) == "waits for somebody to wake it"
        assert state_of(Waiter[None]().wait) == "waits for somebody to wake it"

    def test_an_object_of_the_library(self) -> None:
        class Library:
            def __repr__(self) -> str:
                return "<Library>"

        # As if it were written in one of the packages above the hub.
        source = "def wait_for(self):\n    waiter = Waiter()\n    waiter.wait()\n"
        names: dict[str, Any] = {"__name__": "eventlet.above", "Waiter": Waiter}
        exec(source, names)
        assert state_of(names["wait_for"], Library()) == "waits for <Library>"

        class Broken:
            def __repr__(self) -> str:
                raise ValueError

        assert "Broken instance" in state_of(names["wait_for"], Broken())

    def test_something_else(self) -> None:
        from eventlet.hub._fiber import park
        from eventlet.hub._registry import current_fiber

        thing = ("anything", 1)
        assert state_of(lambda: park(current_fiber(), thing)) == "waits for ('anything', 1)"
        assert state_of(lambda: park(current_fiber(), "is tired")) == "is tired"


class TestWhatItDoesOtherwise:
    def test_runs(self) -> None:
        def look() -> str:
            return report.format_thread(getcurrent())  # type: ignore[arg-type]  # it is one

        text = spawn(look).wait()
        assert "old: running\n" in text
        assert "return report.format_thread(getcurrent())" in text

    @pytest.mark.usefixtures("clock")
    def test_is_ready(self) -> None:
        assert state_of(sleep, 0).endswith("ready to run")

    def test_has_switched_away_by_hand(self) -> None:
        hub = get_hub()
        thread = spawn(hub.switch)
        sleep(0)
        assert "switched away by hand" in report.format_thread(thread)
        fiber = thread._fiber
        assert fiber is not None
        hub.call_soon(fiber.switch, "back")
        assert thread.wait() == "back"

    def test_has_not_begun(self) -> None:
        thread = spawn(len, "four")
        thread.name = "new"
        assert re.fullmatch(r"GreenThread new, .* old: not begun\n", report.format_thread(thread))
        assert "GreenThread new" in report.format_threads(get_hub())
        thread.wait()
        assert report.format_thread(thread).endswith("finished\n")

    def test_begins_later(self, clock: VirtualClock) -> None:
        thread = spawn_after(5, print)
        thread.name = "late"
        assert report.format_thread(thread) == "GreenThread late, 0 ms old: begins in 5 s\n"
        assert report.living_threads(get_hub()) == [thread]
        assert report.living_timers(get_hub()) == []
        thread.cancel()
        assert report.living_threads(get_hub()) == []


class TestFormatThreads:
    def test_shows_the_main_greenlet_and_the_oldest_first(self, clock: VirtualClock) -> None:
        def linger() -> None:
            sleep(100)

        def dawdle() -> None:
            sleep(100)

        for number in range(3):
            spawn(linger if number % 2 else dawdle).name = f"thread {number}"
            sleep(1)
        text = report.format_threads(get_hub())
        lines = [line for line in text.splitlines() if "File" not in line]
        assert lines[0] == "  the main greenlet: running"
        assert [line for line in lines if "thread " in line] == [
            "  GreenThread thread 0, 3 s old: sleeps for 97 s more",
            "  GreenThread thread 2, 1 s old: sleeps for 99 s more",
            "  GreenThread thread 1, 2 s old: sleeps for 98 s more",
        ]
        assert text.count("in dawdle\n      sleep(100)") == 1
        assert "_greenthread.py" not in text

    def test_looks_at_the_hub_of_another_native_thread(self) -> None:
        hubs: list[Hub] = []
        begun, finish = threading.Event(), threading.Event()

        def sleep_and_block() -> None:
            spawn(sleep, 100).name = "sleeper"
            sleep(0)
            hubs.append(get_hub())
            begun.set()
            finish.wait()

        thread = threading.Thread(target=sleep_and_block, name="other native thread")
        thread.start()
        begun.wait()
        [hub] = hubs
        text = report.format_hub(hub)
        finish.set()
        thread.join()
        assert "hub of other native thread: 1 green thread, 0 ready to run\n" in text
        assert "the main greenlet: running" in text
        assert "in sleep_and_block" in text
        assert "GreenThread sleeper" in text
        # And afterwards, when there is no such native thread any more.
        assert f"hub of native thread {hub.ident}" in report.describe_hub(hub)

    def test_is_the_report_of_a_deadlock(self, run_script: Any) -> None:
        done = run_script(
            """
            from eventlet.hub import Deadlock, Waiter, sleep, spawn
            class Consumer:
                def get(self):
                    return Waiter().wait()
            consumer = spawn(Consumer().get)
            consumer.name = "consumer"
            sleep(0)
            try:
                consumer.wait()
            except Deadlock as deadlock:
                print(deadlock.report)
            """
        )
        assert done.stderr == ""
        assert "the main greenlet: waits for <GreenThread consumer waiting>\n" in done.stdout
        assert "in get\n" in done.stdout

    def test_survives_a_native_thread_without_a_stack(self) -> None:
        hubs: list[Hub] = []

        def make_hub() -> None:
            hubs.append(get_hub())

        thread = threading.Thread(target=make_hub)
        thread.start()
        thread.join()
        assert report.format_threads(hubs[0]) == "  the main greenlet: running\n"
        assert report.living_threads(hubs[0]) == []


class TestDescribeTimer:
    @pytest.fixture(autouse=True)
    def hub(self, clock: VirtualClock) -> Hub:
        return get_hub()

    def test_says_when(self, hub: Hub, clock: VirtualClock) -> None:
        timer = hub.call_later(2, print)
        assert wording.describe_timer(timer, hub) == "in 2 s, calls print"
        clock.advance(3)
        assert wording.describe_timer(timer, hub) == "now, calls print"
        timer.cancel()
        assert wording.describe_timer(timer, hub).endswith("does nothing any more")

    def test_says_what_for(self, hub: Hub) -> None:
        def timer_for(function: Callable[..., object]) -> str:
            timer = hub.call_later(1, function)
            text = wording.describe_timer(timer, hub)
            timer.cancel()
            return text.removeprefix("in 1 s, ")

        line = type(self).test_says_what_for.__code__.co_firstlineno
        assert timer_for(self.test_says_what_for) == (
            f"calls TestDescribeTimer.test_says_what_for of {self!r} ({__file__}:{line})"
        )
        assert timer_for([].clear) == "calls list.clear of []"

    def test_names_the_function_behind_our_own(self, hub: Hub) -> None:
        timer = call_after(1, len)
        assert wording.describe_timer(timer, hub) == "in 1 s, calls len"
        timer.cancel()

    def test_names_whom_a_timeout_interrupts(self, hub: Hub) -> None:
        def wait() -> None:
            with Timeout(7):
                sleep(100)

        thread = spawn(wait)
        thread.name = "hasty"
        sleep(0)
        [timer] = report.living_timers(hub)
        text = wording.describe_timer(timer, hub)
        assert text.startswith("in 7 s, raises <Timeout 7 seconds at")
        assert text.endswith("in GreenThread hasty")

    def test_leaves_out_the_alarms_of_waits(self, hub: Hub) -> None:
        spawn(sleep, 100)
        sleep(0)
        assert report.living_timers(hub) == []


class TestDescribeFiber:
    def test_names_what_is_no_green_thread(self) -> None:
        hub = get_hub()
        assert wording.describe_fiber(hub.main) == "the main greenlet"
        assert wording.describe_fiber(hub.greenlet) == "a callback of the hub"
        texts = []

        def wait() -> None:
            sleep(0)
            texts.append(wording.describe_fiber(greenlet.getcurrent()))  # type: ignore[arg-type]

        by_hand = greenlet.greenlet(wait)
        by_hand.switch()
        sleep(0)
        sleep(0)
        assert texts[0].startswith("the bare <greenlet.greenlet object")


class TestUnobservedFailures:
    def test_name_the_green_thread(self, capsys: pytest.CaptureFixture[str]) -> None:
        def fail() -> None:
            raise KeyError("a reason")

        thread = spawn(fail)
        thread.name = "unlucky"
        sleep(0)
        assert thread.dead
        del thread
        first, *others = capsys.readouterr().err.splitlines()
        assert first == "GreenThread unlucky failed, and nobody waited for it:"
        assert others[-1] == "KeyError: 'a reason'"

    def test_name_the_callback(self, capsys: pytest.CaptureFixture[str]) -> None:
        def fail() -> None:
            raise KeyError("a reason")

        get_hub().call_soon(fail)
        sleep(0)
        first, *_others = capsys.readouterr().err.splitlines()
        where = f"{__file__}:{fail.__code__.co_firstlineno}"
        assert first == f"{fail.__qualname__} ({where}) failed, and nobody waited for it:"
