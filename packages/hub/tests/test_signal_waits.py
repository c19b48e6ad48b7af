"""The functions of `signal` that wait, made green."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any

import pytest

from eventlet.hub import (
    HubError,
    Waiter,
    _patches,
    _signal_waits,
    get_hub,
    patching,
    sleep,
    spawn,
)
from eventlet.hub.testing import wait_until_idle

RunScript = Callable[..., "subprocess.CompletedProcess[str]"]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="has none of these functions")
by_signalfd = pytest.mark.skipif(
    not _signal_waits.has_signalfd(), reason="the system has no signalfd, or must not use it"
)


@pytest.fixture
def handled() -> Iterator[list[int]]:
    """The signals that a handler has seen."""
    seen: list[int] = []
    previous = signal.signal(signal.SIGUSR1, lambda number, frame: seen.append(number))
    yield seen
    signal.signal(signal.SIGUSR1, previous)


@pytest.fixture
def blocked(handled: list[int]) -> Iterator[set[int]]:
    """Signals that wait until somebody takes them."""
    signals: set[int] = {signal.SIGUSR1, signal.SIGUSR2}
    previous = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    yield signals
    assert not signals & signal.sigpending()
    signal.pthread_sigmask(signal.SIG_SETMASK, previous)
    assert not handled


def send(number: int) -> None:
    os.kill(os.getpid(), number)


class TestPause:
    def test_it_ends_when_a_handler_has_run_and_others_run_meanwhile(
        self, poller: str, handled: list[int]
    ) -> None:
        spawn(send, signal.SIGUSR1)
        _signal_waits.pause()
        assert handled == [signal.SIGUSR1]

    def test_every_one_ends(self, poller: str, handled: list[int]) -> None:
        paused = [spawn(_signal_waits.pause) for _ in range(3)]
        wait_until_idle()
        send(signal.SIGUSR1)
        for each in paused:
            each.wait()

    def test_an_earlier_signal_does_not_count(self, handled: list[int]) -> None:
        get_hub()
        send(signal.SIGUSR1)
        paused = spawn(_signal_waits.pause)
        with pytest.raises(TimeoutError):
            paused.wait(timeout=0.01)
        assert handled
        send(signal.SIGUSR1)
        paused.wait()

    def test_a_wake_up_by_another_native_thread_is_no_signal(self, handled: list[int]) -> None:
        paused = spawn(_signal_waits.pause)
        waiter = Waiter[None]()
        native = Thread(target=waiter.switch)
        get_hub().call_later(0.001, native.start)
        waiter.wait()
        native.join()
        sleep(0)
        assert paused
        send(signal.SIGUSR1)
        paused.wait()

    def test_what_a_handler_raises_while_the_hub_polls_is_raised(self) -> None:
        def fail(*args: object) -> None:
            raise LookupError("from the handler")

        previous = signal.signal(signal.SIGALRM, fail)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.001)
            with pytest.raises(LookupError, match="from the handler"):
                _signal_waits.pause()
        finally:
            signal.signal(signal.SIGALRM, previous)

    def test_ctrl_c_interrupts_it(self) -> None:
        spawn(send, signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            _signal_waits.pause()

    def test_one_that_is_killed_leaves_nothing_behind(self) -> None:
        paused = spawn(_signal_waits.pause)
        sleep(0)
        paused.kill()
        assert not get_hub().outside

    def test_without_a_handler_it_is_no_deadlock(self, run_script: RunScript) -> None:
        done = run_script("""
            import os, signal
            from eventlet.hub import _signal_waits, get_hub
            get_hub().call_later(0.01, os.kill, os.getpid(), signal.SIGTERM)
            _signal_waits.pause()
        """)
        assert (done.returncode, done.stderr) == (-signal.SIGTERM, "")

    def test_those_of_the_parent_do_not_go_on_in_a_forked_child(
        self, run_script: RunScript
    ) -> None:
        done = run_script("""
            import os, signal
            from eventlet.hub import _signal_waits, sleep, spawn
            def pause():
                _signal_waits.pause()
                print("in the child", flush=True)
            signal.signal(signal.SIGUSR1, lambda *args: None)
            paused = spawn(pause)
            sleep(0)
            child = os.fork()
            if not child:
                sleep(0)
                os.kill(os.getpid(), signal.SIGUSR1)
                sleep(0.01)
                os._exit(0)
            print(os.waitpid(child, 0)[1])
        """)
        assert (done.stdout, done.stderr) == ("0\n", "")

    def test_with_somebody_elses_wakeup_descriptor_it_blocks(
        self, pair: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        natively: list[str] = []
        monkeypatch.setattr(patching.original("signal"), "pause", lambda: natively.append("paused"))
        get_hub()
        ours = signal.set_wakeup_fd(pair[0].fileno(), warn_on_full_buffer=False)
        try:
            _signal_waits.pause()
            assert natively == ["paused"]
            assert signal.set_wakeup_fd(pair[0].fileno()) == pair[0].fileno()
        finally:
            signal.set_wakeup_fd(ours, warn_on_full_buffer=False)

    def test_in_another_native_thread_it_blocks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        natively: list[str] = []
        monkeypatch.setattr(patching.original("signal"), "pause", lambda: natively.append("paused"))
        native = Thread(target=_signal_waits.pause)
        native.start()
        native.join()
        assert natively == ["paused"]

    def test_in_the_hubs_own_greenlet_it_is_an_error(self, failures: list[BaseException]) -> None:
        get_hub().call_soon(_signal_waits.pause)
        sleep(0)
        assert [type(each) for each in failures] == [HubError]
        assert not get_hub().outside


@by_signalfd
class TestBlockedSignals:
    def test_one_that_is_pending_is_taken_at_once(self, blocked: set[int]) -> None:
        signal.raise_signal(signal.SIGUSR1)
        received = _signal_waits.sigwait(blocked)
        assert received is signal.SIGUSR1

    def test_others_run_until_one_comes(self, poller: str, blocked: set[int]) -> None:
        spawn(signal.raise_signal, signal.SIGUSR2)
        found = _signal_waits.sigwaitinfo(iter(blocked))
        assert (found.si_signo, found.si_pid) == (signal.SIGUSR2, os.getpid())

    def test_one_for_the_whole_process_is_seen(self, run_script: RunScript) -> None:
        # Not in the process of the tests: it may have native threads that do not block it.
        done = run_script("""
            import os, signal
            from eventlet.hub import _signal_waits, spawn
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
            spawn(os.kill, os.getpid(), signal.SIGUSR1)
            print(_signal_waits.sigwait([signal.SIGUSR1]).name)
        """)
        assert (done.stdout, done.stderr) == ("SIGUSR1\n", "")

    def test_in_another_native_thread(self, blocked: set[int]) -> None:
        received: list[int] = []

        def take() -> None:
            spawn(signal.raise_signal, signal.SIGUSR1)
            received.append(_signal_waits.sigwait(blocked))

        native = Thread(target=take)
        native.start()
        native.join()
        assert received == [signal.SIGUSR1]

    def test_each_is_taken_once(self, blocked: set[int]) -> None:
        waiting = [spawn(_signal_waits.sigwait, blocked) for _ in range(2)]
        wait_until_idle()
        signal.raise_signal(signal.SIGUSR1)
        wait_until_idle()
        assert [bool(each) for each in waiting].count(True) == 1
        signal.raise_signal(signal.SIGUSR2)
        assert sorted(each.wait() for each in waiting) == [signal.SIGUSR1, signal.SIGUSR2]

    def test_real_time_signals_have_numbers(self) -> None:
        number = signal.SIGRTMIN + 1
        previous = signal.pthread_sigmask(signal.SIG_BLOCK, [number])
        try:
            signal.raise_signal(number)
            assert _signal_waits.sigwait([number]) == number
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, previous)

    @pytest.mark.parametrize("seconds", [0, 0.001])
    def test_the_time_may_run_out(self, blocked: set[int], seconds: float) -> None:
        assert _signal_waits.sigtimedwait(blocked, seconds) is None

    def test_in_time(self, blocked: set[int]) -> None:
        spawn(signal.raise_signal, signal.SIGUSR1)
        found = _signal_waits.sigtimedwait(blocked, 60)
        assert found is not None
        assert found.si_signo == signal.SIGUSR1

    def test_somebody_elses_timeout_error_is_left_as_it_is(self, blocked: set[int]) -> None:
        waiting = spawn(_signal_waits.sigtimedwait, blocked, 60)
        sleep(0)
        waiting.kill(TimeoutError("of somebody else"))
        with pytest.raises(TimeoutError, match="of somebody else"):
            waiting.wait()

    def test_one_that_is_killed_takes_no_signal(self, blocked: set[int]) -> None:
        waiting = spawn(_signal_waits.sigwait, blocked)
        wait_until_idle()
        signal.raise_signal(signal.SIGUSR1)
        waiting.kill()
        assert _signal_waits.sigwait(blocked) is signal.SIGUSR1

    @pytest.mark.parametrize("wrong", [-1, float("nan")])
    def test_impossible_times_are_refused(self, blocked: set[int], wrong: float) -> None:
        with pytest.raises(ValueError, match="must be a number of seconds >= 0"):
            _signal_waits.sigtimedwait(blocked, wrong)

    def test_what_is_no_signal_is_refused(self) -> None:
        with pytest.raises(ValueError, match="out of range"):
            _signal_waits.sigwait([100_000])

    def test_in_the_hubs_own_greenlet_it_is_an_error(
        self, blocked: set[int], failures: list[BaseException]
    ) -> None:
        get_hub().call_soon(_signal_waits.sigwait, blocked)
        sleep(0)
        assert [type(each) for each in failures] == [HubError]

    def test_without_descriptors_it_is_an_error(self, run_script: RunScript) -> None:
        done = run_script("""
            import errno, os, resource
            from eventlet.hub import _signal_waits, get_hub
            get_hub()
            import ctypes
            resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
            taken = []
            try:
                while True:
                    taken.append(os.open(os.devnull, os.O_RDONLY))
            except OSError:
                pass
            try:
                _signal_waits.sigtimedwait({10}, 1)
            except OSError as error:
                print(error.errno == errno.EMFILE)
            for fd in taken:
                os.close(fd)
        """)
        assert (done.stdout, done.stderr) == ("True\n", "")


class TestThePatch:
    @by_signalfd
    def test_it_has_all_that_waits(self) -> None:
        names = {"pause", "sigwait", "sigwaitinfo", "sigtimedwait"}
        assert set(_patches.signal().replacements) == names

    def test_without_signalfd_the_report_names_what_blocks(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(_signal_waits, "PORTABLE", True)
        patch = _patches.signal()
        assert set(patch.replacements) == {"pause"}
        changes = patching.Changes()
        assert patch.finish is not None
        patch.finish(changes)
        assert [line.split(":")[0] for line in changes.failed] == [
            "signal.sigwait", "signal.sigwaitinfo", "signal.sigtimedwait"
        ]  # fmt: skip

    def test_without_ctypes_there_is_no_signalfd(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(_signal_waits, "PORTABLE", False)
        monkeypatch.setitem(sys.modules, "ctypes", None)
        assert not _signal_waits.has_signalfd()

    @pytest.mark.skipif("signal" not in patching.available(), reason="not installed, only on path")
    def test_it_can_be_applied_and_undone(self, handled: list[int]) -> None:
        native = (signal.pause,)
        with patching.patched("signal"):
            spawn(send, signal.SIGUSR1)
            signal.pause()
        assert handled == [signal.SIGUSR1]
        assert signal.pause in native
