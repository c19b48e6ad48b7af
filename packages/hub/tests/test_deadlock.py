"""The main greenlet waits and nothing can ever wake it."""

from __future__ import annotations

import subprocess
import textwrap
from collections.abc import Callable

import pytest

from eventlet.hub import (
    available_hubs,
)

RunScript = Callable[..., "subprocess.CompletedProcess[str]"]


class TestDeadlock:
    """In processes of their own: pytest's timer thread could always still wake somebody."""

    @pytest.mark.parametrize("name", available_hubs())
    def test_it_is_raised_in_the_main_greenlet_with_a_report(
        self, run_script: RunScript, name: str
    ) -> None:
        done = run_script(
            """
            from eventlet.hub import *
            def stuck_function():
                Waiter().wait()
            spawn(stuck_function).name = "Rapunzel"
            for _ in range(2):  # it can be survived, and comes back
                try:
                    Waiter().wait()
                except Deadlock as error:
                    print(error)
            """,
            EVENTLET_HUB=name,
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        assert done.stdout.count("nothing is left that could wake it") == 2
        assert "Rapunzel" in done.stdout
        assert "in stuck_function" in done.stdout

    def test_many_idle_carriers_do_not_delay_it(self, run_script: RunScript) -> None:
        done = run_script(
            """
            import time
            from eventlet.hub import *
            threads = [spawn(sleep, 0) for _ in range(3000)]
            for thread in threads:
                thread.wait()
            start = time.monotonic()
            try:
                Waiter().wait()
            except Deadlock:
                print(time.monotonic() - start)
            """
        )
        assert float(done.stdout) < 0.9, done.stderr

    def test_it_reaches_a_main_greenlet_that_has_switched_away_by_hand(
        self, run_script: RunScript
    ) -> None:
        done = run_script(
            """
            from greenlet import greenlet
            from eventlet.hub import *
            try:
                greenlet(lambda: Waiter().wait()).switch()
            except Deadlock as error:
                print("Deadlock")
            print(spawn(lambda: "alive").wait())
            """
        )
        assert done.stdout.split() == ["Deadlock", "alive"], done.stderr

    @pytest.mark.parametrize(
        "leftover",
        [
            "waiter = Waiter(); get_hub().call_soon(waiter.switch); waiter.wait(60)",
            "spawn_after(60, print).kill()",
            "get_hub().call_later(60, print).cancel()",
            "with Timeout(60): sleep(0)",
            "with move_on_after(60): sleep(0)",
            "spawn(sleep, 60).kill()",
            "thread = spawn(sleep, 60); sleep(0); thread.kill()",
            "thread = spawn(Waiter().wait, 60); sleep(0); thread.kill()",
        ],
    )
    def test_what_nobody_waits_for_any_more_does_not_put_it_off(
        self, run_script: RunScript, leftover: str
    ) -> None:
        done = run_script(
            f"""
            import time
            from eventlet.hub import *
            {leftover}
            start = time.monotonic()
            try:
                Waiter().wait()
            except Deadlock:
                print(time.monotonic() - start)
            """
        )
        assert float(done.stdout) < 5, done.stderr

    @pytest.mark.parametrize(
        "reason",
        [
            """
            signal.signal(signal.SIGUSR1, lambda *_: waiter.switch('woken'))
            os.kill(os.getpid(), signal.SIGUSR1)
            """,
            "threading.Timer(0.05, waiter.switch, ['woken']).start()",
            """
            spawn(lambda: (wait_readable(one), waiter.switch('woken')))
            sleep(0)
            other.send(b'x')
            """,
            "get_hub().call_later(0.05, waiter.switch, 'woken')",
            "spawn_after(0.05, waiter.switch, 'woken')",
            "get_hub().call_soon(waiter.switch, 'woken')",
        ],
    )
    def test_it_is_no_false_alarm(self, run_script: RunScript, reason: str) -> None:
        begin = """
            import os, signal, socket, threading
            from eventlet.hub import *
            waiter = Waiter()
            one, other = socket.socketpair()
            """
        end = """
            print(waiter.wait())
            one.close()
            other.close()
            """
        done = run_script("".join(map(textwrap.dedent, (begin, reason + "\n", end))))
        assert done.stdout.strip() == "woken", done.stderr

    def test_an_endless_sleep_is_one(self, run_script: RunScript) -> None:
        done = run_script("from eventlet.hub import sleep\nsleep(float('inf'))")
        assert done.returncode == 1
        assert "Deadlock" in done.stderr
