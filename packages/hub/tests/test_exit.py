"""The end of the program."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

RunScript = Callable[..., "subprocess.CompletedProcess[str]"]


class TestTheEnd:
    def test_of_the_program_is_not_held_up_by_parked_green_threads(
        self, run_script: RunScript
    ) -> None:
        done = run_script(
            """
            import socket
            from eventlet.hub import *
            one, other = socket.socketpair()
            def stubborn():
                while True:
                    try:
                        sleep(60)
                    except BaseException:
                        pass
            def tidy():
                try:
                    Waiter().wait()
                finally:
                    Waiter().wait()
            for function in (stubborn, tidy, lambda: sleep(60), lambda: wait_readable(one)):
                spawn(function)
            spawn_after(60, stubborn)
            get_hub().call_later(60, stubborn)
            sleep(0.01)
            spawn(stubborn)
            one.close(), other.close()
            print("end")
            """
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")

    def test_of_the_program_may_come_from_a_green_thread(self, run_script: RunScript) -> None:
        done = run_script(
            """
            import sys
            from eventlet.hub import *
            spawn(sleep, 60)
            spawn_after(0.01, sys.exit, 7)
            sleep(60)
            """
        )
        assert (done.returncode, done.stdout, done.stderr) == (7, "", "")

    def test_of_the_program_reports_what_nobody_has_seen(self, run_script: RunScript) -> None:
        done = run_script(
            """
            from eventlet.hub import *
            thread = spawn(divmod, 1, 0)
            sleep(0)
            print("end")
            """
        )
        assert (done.returncode, done.stdout) == (0, "end\n")
        assert done.stderr.count("ZeroDivisionError") == 1

    def test_of_the_program_is_quiet_with_hubs_in_daemonic_native_threads(
        self, run_script: RunScript
    ) -> None:
        done = run_script(
            """
            import threading
            from eventlet.hub import *
            def work():
                spawn(sleep, 60)
                sleep(60)
            for _ in range(4):
                threading.Thread(target=work, daemon=True).start()
            sleep(0.05)
            print("end")
            """
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "end\n", "")
