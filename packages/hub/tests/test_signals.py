"""Signals: Ctrl-C in every state, handlers that run promptly, the program's end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from threading import Thread

import pytest

from eventlet.hub import Waiter, _signals, available_hubs, get_hub, sleep, spawn, use_hub

RunScript = Callable[..., "subprocess.CompletedProcess[str]"]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")

# Each runs until Ctrl-C comes, which is sent when it has printed "ready".
STATES = {
    "the hub polls and the main greenlet sleeps": "say(); sleep(60)",
    "the main greenlet waits for ever": """
        import os
        spawn(wait_readable, os.pipe()[0])
        get_hub().call_soon(say)
        Waiter().wait()
    """,
    "the main greenlet waits for a green thread": "say(); spawn(sleep, 60).wait()",
    "the main greenlet waits behind a shield": """
        say()
        with move_on_after(60, shield=True):
            sleep(60)
    """,
    "the main greenlet computes": """
        say()
        while True:
            pass
    """,
    "a green thread computes": """
        def compute():
            say()
            while True:
                pass
        spawn(compute)
        sleep(60)
    """,
    "a green thread computes and somebody waits for it": """
        def compute():
            say()
            while True:
                pass
        spawn(compute).wait()
    """,
    "green threads yield without end": """
        def loop():
            while True:
                sleep(0)
        for _ in range(3):
            spawn(loop)
        say()
        sleep(60)
    """,
    "the main greenlet yields without end": """
        say()
        while True:
            sleep(0)
    """,
    "green threads are spawned without end": """
        def again():
            spawn(again)
        say()
        again()
        sleep(60)
    """,
    "a callback computes": """
        def compute():
            say()
            while True:
                pass
        get_hub().call_soon(compute)
        sleep(60)
    """,
    "callbacks call themselves without end": """
        def again():
            get_hub().call_soon(again)
        say()
        again()
        sleep(60)
    """,
    "timers are set and cancelled without end": """
        say()
        while True:
            with Timeout(10):
                sleep(0)
    """,
    "a bare greenlet waits": """
        from greenlet import greenlet
        say()
        greenlet(lambda: sleep(60)).switch()
    """,
}
PROLOGUE = """
import signal, sys
from eventlet.hub import *
def say():
    print("ready", flush=True)
sleep(0)
"""
EPILOGUE = """
except KeyboardInterrupt:
    sleep(0.001)
    print("interrupted", spawn(lambda: "and alive").wait(), flush=True)
"""


def indented(body: str) -> str:
    return textwrap.indent(textwrap.dedent(body).strip(), "    ")


def interrupt_script(script: str, **environment: str) -> tuple[int, str, str]:
    """Run a script, send it Ctrl-C when it is ready, and return what came of it."""
    child = subprocess.Popen(
        [sys.executable, "-X", "dev", "-W", "error", "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(0.02)  # into the very state
        child.send_signal(signal.SIGINT)
        output, errors = child.communicate(timeout=30)
    finally:
        child.kill()
        child.wait()
    return child.returncode, output, errors


@pytest.mark.parametrize("state", STATES)
def test_ctrl_c_reaches_the_main_greenlet_when(state: str) -> None:
    script = PROLOGUE + "try:\n" + indented(STATES[state]) + EPILOGUE
    code, output, errors = interrupt_script(script)
    assert (code, output) == (0, "interrupted and alive\n"), errors
    assert errors == ""


@pytest.mark.parametrize("name", available_hubs())
def test_ctrl_c_ends_a_program_that_does_not_catch_it(name: str) -> None:
    script = PROLOGUE + "spawn(sleep, 60)\nsay()\nsleep(60)"
    code, output, errors = interrupt_script(script, EVENTLET_HUB=name)
    assert code == -signal.SIGINT
    assert output == ""
    assert errors.rstrip().endswith("KeyboardInterrupt")


def test_ctrl_c_is_seen_at_once_though_another_loop_has_the_wakeup_descriptor() -> None:
    script = """
import signal, socket
one, other = socket.socketpair()
other.setblocking(False)
signal.set_wakeup_fd(other.fileno())
from eventlet.hub import *
try:
    get_hub()
    print("ready", flush=True)
    sleep(60)
except KeyboardInterrupt:
    is_ours = signal.set_wakeup_fd(-1) == other.fileno()
    print("interrupted", one.recv(1) == bytes([signal.SIGINT]), is_ours)
one.close()
other.close()
"""
    assert interrupt_script(script) == (0, "interrupted True True\n", "")


def test_ctrl_c_belongs_to_a_handler_that_the_program_has_set() -> None:
    script = """
import signal
waiter = None
signal.signal(signal.SIGINT, lambda *_: waiter.switch("handled"))
from eventlet.hub import *
waiter = Waiter()
print("ready", flush=True)
print(waiter.wait())
"""
    assert interrupt_script(script) == (0, "handled\n", "")


def test_ctrl_c_while_eventlets_own_code_runs_is_put_off_until_it_is_safe() -> None:
    """Sent a hundred times at any moment; the hub's books stay in order."""
    script = (
        PROLOGUE
        + """
import os, threading
caught = 0
def attack():
    for _ in range(100):
        os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait(0.0005)
def work():
    threads = [spawn(sleep, 0) for _ in range(20)]
    for thread in threads:
        with Timeout(10):
            try:
                thread.wait(1)
            finally:
                pass
say()
try:
    sleep(60)
except KeyboardInterrupt:
    pass
attacker = threading.Thread(target=attack)
while True:
    try:
        if attacker.ident is None:
            attacker.start()
        if not attacker.is_alive():
            break
        work()
    except KeyboardInterrupt:
        caught += 1
while True:
    try:
        sleep(0.05)
        break
    except KeyboardInterrupt:
        caught += 1
assert caught > 0
assert spawn(lambda: "fine").wait() == "fine"
sleep(0)
stats = get_hub().stats()
print(stats.green_threads, stats.ready, "fine")
"""
    )
    code, output, errors = interrupt_script(script)
    assert (code, output) == (0, "0 1 fine\n"), errors


def signal_later() -> None:
    time.sleep(0.02)
    os.kill(os.getpid(), signal.SIGUSR1)


class TestHandlers:
    def test_one_runs_promptly_while_the_hub_polls_and_may_wake_a_waiter(self, poller: str) -> None:
        waiter: Waiter[str] = Waiter()
        previous = signal.signal(signal.SIGUSR1, lambda *_: waiter.switch("signalled"))
        try:
            native = Thread(target=signal_later)
            native.start()
            assert waiter.wait(10) == "signalled"
            native.join()
        finally:
            signal.signal(signal.SIGUSR1, previous)

    def test_one_may_spawn_and_set_timers(self, poller: str) -> None:
        done: Waiter[str] = Waiter()

        def handle(*_: object) -> None:
            spawn(lambda: get_hub().call_later(0.001, done.switch, "spawned"))

        previous = signal.signal(signal.SIGUSR1, handle)
        try:
            get_hub().call_later(0.001, os.kill, os.getpid(), signal.SIGUSR1)
            assert done.wait(10) == "spawned"
        finally:
            signal.signal(signal.SIGUSR1, previous)

    def test_one_that_raises_while_the_hub_polls_does_so_in_the_main_greenlet(
        self, poller: str
    ) -> None:
        class Shutdown(BaseException):
            pass

        def handle(*_: object) -> None:
            raise Shutdown

        previous = signal.signal(signal.SIGUSR1, handle)
        native = Thread(target=signal_later)
        try:
            with pytest.raises(Shutdown):
                native.start()
                sleep(10)
        finally:
            signal.signal(signal.SIGUSR1, previous)
        native.join()
        assert spawn(lambda: "alive").wait() == "alive"


class TestBooks:
    def test_the_interpreters_handler_comes_back_with_the_hubs_end(self) -> None:
        get_hub()
        assert signal.getsignal(signal.SIGINT) is not signal.default_int_handler
        get_hub().destroy()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        assert signal.set_wakeup_fd(-1) == -1
        get_hub()

    def test_handlers_of_the_program_are_left_alone(self) -> None:
        get_hub().destroy()

        def mine(*_: object) -> None: ...

        previous = signal.signal(signal.SIGINT, mine)
        try:
            use_hub()
            assert signal.getsignal(signal.SIGINT) is mine
            get_hub().destroy()
            assert signal.getsignal(signal.SIGINT) is mine
        finally:
            signal.signal(signal.SIGINT, previous)
            use_hub()

    def test_a_wakeup_descriptor_set_later_is_left_alone(self) -> None:
        with (pair := socket.socketpair())[0], pair[1]:
            pair[1].setblocking(False)
            get_hub()
            signal.set_wakeup_fd(pair[1].fileno())
            try:
                use_hub()
                get_hub().destroy()
            finally:
                assert signal.set_wakeup_fd(-1) == pair[1].fileno()
            use_hub()

    def test_the_hub_of_another_native_thread_is_not_woken(self) -> None:
        assert _signals.wakes(get_hub())
        found: list[bool] = []
        native = Thread(target=lambda: found.append(_signals.wakes(get_hub())))
        native.start()
        native.join()
        assert found == [False]

    def test_a_call_from_outside_any_frame_is_the_interpreters_business(self) -> None:
        handler = signal.getsignal(signal.SIGINT)
        assert callable(handler)
        with pytest.raises(KeyboardInterrupt):
            handler(signal.SIGINT, None)
