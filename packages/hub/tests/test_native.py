"""Native threads beside hubs: what they leave behind, and how the program ends."""

from __future__ import annotations

import gc
import os
import threading
import weakref
from typing import Any

import pytest

from eventlet.hub import Hub, available_hubs, get_hub, sleep, spawn, use_hub

pytestmark = pytest.mark.parametrize("poller", available_hubs())


def in_native_thread(function: Any) -> None:
    native = threading.Thread(target=function)
    native.start()
    native.join(20)
    assert not native.is_alive()


@pytest.mark.skipif(not os.path.isdir("/dev/fd"), reason="counts descriptors in /dev/fd")
class TestEndsOfNativeThreads:
    def test_many_leave_no_descriptors(self, poller: str) -> None:
        def short() -> None:
            use_hub(poller)
            spawn(sleep, 0).wait()

        in_native_thread(short)
        before = len(os.listdir("/dev/fd"))
        for _ in range(1000):
            in_native_thread(short)
        assert len(os.listdir("/dev/fd")) == before

    def test_no_garbage(self, poller: str) -> None:
        hubs: list[weakref.ref[Hub]] = []

        def short() -> None:
            hubs.append(weakref.ref(use_hub(poller)))
            spawn(sleep, 0.0001).wait()

        for _ in range(50):
            in_native_thread(short)
        gc.collect()
        assert sum(hub() is not None for hub in hubs) == 0

    def test_what_still_lives_there_is_unwound(self, poller: str) -> None:
        unwound: list[str] = []

        def parks(name: str) -> None:
            try:
                sleep(60)
            finally:
                unwound.append(name)

        def short() -> None:
            use_hub(poller)
            spawn(parks, "one")
            spawn(parks, "two")
            sleep(0)

        in_native_thread(short)
        assert sorted(unwound) == ["one", "two"]

    def test_a_finally_block_that_waits_there_fails(
        self, poller: str, failures: list[BaseException]
    ) -> None:
        outcome: list[BaseException] = []

        def parks() -> None:
            try:
                sleep(60)
            finally:
                try:
                    sleep(0.001)
                except RuntimeError as error:
                    outcome.append(error)

        def short() -> None:
            use_hub(poller)
            spawn(parks)
            sleep(0)

        in_native_thread(short)
        assert "destroyed" in str(outcome[0])
        assert failures == []

    def test_calls_from_elsewhere_come_too_late(self, poller: str) -> None:
        hubs: list[Hub] = []

        def short() -> None:
            hubs.append(use_hub(poller))
            sleep(0)

        in_native_thread(short)
        called: list[int] = []
        hubs[0].call_soon_threadsafe(called.append, 1)
        hubs[0].polling = True  # as somebody sees it who looked just before the end
        hubs[0].call_soon_threadsafe(called.append, 1)
        assert called == []

    def test_raw_threads_leave_nothing_in_the_books_of_threading(self, poller: str) -> None:
        import _thread

        done = threading.Event()

        def short() -> None:
            use_hub(poller)
            spawn(sleep, 0).wait()
            get_hub()
            done.set()

        before = threading.active_count()
        _thread.start_new_thread(short, ())
        assert done.wait(20)
        assert threading.active_count() <= before  # others may have ended meanwhile


def test_a_hub_that_is_never_idle_lets_other_native_threads_run(poller: str) -> None:
    use_hub(poller)
    turns = 50

    def takes_turns() -> None:
        for _ in range(turns):
            pause.acquire(timeout=0.0001)  # from which it comes back only with the interpreter lock

    pause = threading.Lock()
    pause.acquire()
    native = threading.Thread(target=takes_turns)
    native.start()
    rounds = 0
    while native.is_alive():
        sleep(0)
        rounds += 1
    # A turn a switch interval, of 5 ms each; without them, it was hundreds of thousands of rounds.
    assert rounds < turns * 100_000


class TestEndOfTheProgram:
    @pytest.mark.parametrize("portable", ["", "1"])
    def test_parked_green_threads_hold_up_nothing(
        self, poller: str, portable: str, run_script: Any
    ) -> None:
        done = run_script(
            """
            import socket
            from eventlet.hub import Waiter, sleep, spawn, tpool, wait_readable
            left, right = socket.socketpair()
            def parks(wait):
                try:
                    wait()
                finally:
                    print("unwound", flush=True)
                    sleep(60)
            for wait in (lambda: sleep(60), Waiter().wait, lambda: wait_readable(left)):
                spawn(parks, wait)
            spawn(tpool.execute, sleep, 60)
            sleep(0.01)
            left.close(), right.close()
            print("end", flush=True)
            """,
            EVENTLET_HUB=poller,
            EVENTLET_PORTABLE=portable,
        )
        assert (done.stdout, done.stderr, done.returncode) == ("end\n", "", 0)

    def test_the_same_in_a_function(self, poller: str, run_script: Any) -> None:
        done = run_script(
            """
            from eventlet.hub import sleep, spawn
            def main():
                def parks():
                    try:
                        sleep(60)
                    finally:
                        sleep(60)
                thread = spawn(parks)
                sleep(0)
                thread.cycle = None
            try:
                main()
            except AttributeError:
                print("end")
            """,
            EVENTLET_HUB=poller,
        )
        assert (done.stdout, done.stderr, done.returncode) == ("end\n", "", 0)

    def test_exit_handlers_may_still_wait(self, poller: str, run_script: Any) -> None:
        done = run_script(
            """
            import atexit
            from eventlet.hub import sleep, spawn, tpool
            def last():
                print(spawn(lambda: sleep(0.001) or "green").wait(), tpool.execute(int))
            atexit.register(last)
            spawn(sleep, 60)
            sleep(0)
            """,
            EVENTLET_HUB=poller,
        )
        assert (done.stdout, done.stderr, done.returncode) == ("green 0\n", "", 0)

    def test_with_hubs_in_daemon_threads(self, poller: str, run_script: Any) -> None:
        done = run_script(
            """
            import threading
            from eventlet.hub import sleep, spawn
            ready = threading.Barrier(4)
            def daemon():
                def parks():
                    try:
                        sleep(60)
                    finally:
                        sleep(60)
                spawn(parks)
                sleep(0.001)
                ready.wait()
                sleep(60)
            for _ in range(3):
                threading.Thread(target=daemon, daemon=True).start()
            ready.wait()
            print("end")
            """,
            EVENTLET_HUB=poller,
        )
        assert (done.stdout, done.stderr, done.returncode) == ("end\n", "", 0)
