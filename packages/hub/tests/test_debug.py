"""Reports on demand and on signals, the watchdog, and the trace of lines."""

from __future__ import annotations

import io
import logging
import os
import pickle
import re
import signal
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import greenlet
import pytest

from eventlet.hub import (
    Waiter,
    debug,
    get_hub,
    set_unobserved_hook,
    sleep,
    spawn,
)
from eventlet.hub._native import bystanders
from eventlet.hub.debug import (
    Blockage,
    Spew,
    detect_blocking,
    dump_on_signal,
    format_threads,
    spew,
    unspew,
)
from eventlet.hub.testing import fresh_hub

pytestmark = pytest.mark.may_leak  # they leave behind what they report on

SOON = 20.0  # seconds that a test waits for something that comes at once
BRIEFLY = 0.04  # how long a hub may be held in these tests, in seconds

needs_sigusr1 = pytest.mark.skipif(
    not hasattr(signal, "SIGUSR1"), reason="this system has no signal for it"
)


class TestFormatThreads:
    def test_reports_on_the_hub_of_this_native_thread(self) -> None:
        with fresh_hub("select"):
            spawn(sleep, 100).name = "sleeper"
            sleep(0)
            text = format_threads()
        assert text.startswith("The select hub of MainThread: 1 green thread, 0 ready to run\n")
        assert "GreenThread sleeper" in text

    def test_counts(self) -> None:
        with fresh_hub():
            for _ in range(2):
                spawn(sleep, 0)
            assert "2 green threads, 2 ready to run" in format_threads()

    def test_reports_on_another_hub(self) -> None:
        hub = get_hub()
        texts: list[str] = []
        thread = threading.Thread(target=lambda: texts.append(format_threads(hub)))
        thread.start()
        thread.join()
        assert "hub of MainThread" in texts[0]
        assert "in test_reports_on_another_hub" in texts[0]


@needs_sigusr1
class TestDumpOnSignal:
    @pytest.fixture
    def file(self) -> Iterator[io.StringIO]:
        file = io.StringIO()
        restore = dump_on_signal(signal.SIGUSR1, file)
        yield file
        restore()

    def test_works_while_the_program_computes(self, file: io.StringIO) -> None:
        spawn(sleep, 0).name = "one"
        os.kill(os.getpid(), signal.SIGUSR1)
        while not file.getvalue():
            pass
        assert "GreenThread one" in file.getvalue()
        assert "while not file.getvalue()" in file.getvalue() or "os.kill" in file.getvalue()
        sleep(0)

    def test_works_while_the_hub_polls(self, file: io.StringIO, poller: str) -> None:
        hub = get_hub()

        def send() -> None:
            while not hub.polling:
                time.sleep(0.001)
            os.kill(os.getpid(), signal.SIGUSR1)
            while not file.getvalue():
                time.sleep(0.001)
            waiter.switch()

        waiter: Waiter[None] = Waiter()
        thread = threading.Thread(target=send)
        thread.start()
        waiter.wait(SOON)
        thread.join()
        assert f"The {poller} hub of MainThread" in file.getvalue()
        assert "the main greenlet: waits for" in file.getvalue()

    def test_reports_on_all_hubs(self, file: io.StringIO) -> None:
        ready, finish = threading.Event(), threading.Event()

        def wait() -> None:
            spawn(sleep, 100).name = "elsewhere"
            sleep(0)
            ready.set()
            finish.wait()

        thread = threading.Thread(target=wait, name="other")
        thread.start()
        ready.wait()
        signal.raise_signal(signal.SIGUSR1)
        finish.set()
        thread.join()
        assert "hub of other: 1 green thread" in file.getvalue()
        assert "GreenThread elsewhere" in file.getvalue()
        assert "hub of MainThread" in file.getvalue()

    def test_writes_to_standard_error_by_default(
        self, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        restore = dump_on_signal()
        signal.raise_signal(signal.SIGUSR1)
        assert "hub of MainThread" in capfd.readouterr().err
        restore()

    def test_reports_its_own_failure_and_lets_the_program_go_on(self) -> None:
        file = io.StringIO()
        restore = dump_on_signal(signal.SIGUSR1, file)
        file.close()
        failures: list[object] = []
        set_unobserved_hook(lambda error, source: failures.append(error))
        signal.raise_signal(signal.SIGUSR1)
        set_unobserved_hook(None)
        restore()
        assert [type(failure) for failure in failures] == [ValueError]

    def test_can_be_taken_back(self) -> None:
        def other(*_: object) -> None:
            pass

        before = signal.signal(signal.SIGUSR1, other)
        restore = dump_on_signal(signal.SIGUSR1)
        restore()
        restore()
        assert signal.signal(signal.SIGUSR1, before) is other

    def test_leaves_a_later_handler_alone(self) -> None:
        restore = dump_on_signal(signal.SIGUSR1)
        before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        restore()
        assert signal.signal(signal.SIGUSR1, signal.SIG_DFL) is signal.SIG_IGN
        assert callable(before)

    def test_needs_the_main_thread(self) -> None:
        errors: list[BaseException] = []

        def install() -> None:
            try:
                dump_on_signal()
            except ValueError as error:
                errors.append(error)

        thread = threading.Thread(target=install)
        thread.start()
        thread.join()
        assert len(errors) == 1

    def test_does_not_hide_a_deadlock(self, run_script: Any) -> None:
        done = run_script(
            """
            from eventlet.hub import Deadlock, Waiter
            from eventlet.hub.debug import detect_blocking, dump_on_signal
            dump_on_signal()
            with detect_blocking(5):
                try:
                    Waiter().wait()
                except Deadlock:
                    print("found")
            """
        )
        assert (done.stdout, done.stderr) == ("found\n", "")


class Reports:
    """Takes the reports of a watchdog in its native thread, and hands them to the test."""

    def __init__(self) -> None:
        self.all: list[Blockage] = []
        self._arrived = threading.Condition()

    def __call__(self, blockage: Blockage) -> None:
        with self._arrived:
            self.all.append(blockage)
            self._arrived.notify_all()

    def block_until(self, count: int) -> None:
        """Hold the hub until so many reports have come."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.all) >= count, SOON)


@pytest.fixture
def reports() -> Iterator[Reports]:
    reports = Reports()
    with detect_blocking(BRIEFLY, reports):
        yield reports


def wait_for_end(reports: Reports, count: int) -> None:
    """Let the hub go on until so many reports have come."""
    limit = time.monotonic() + SOON
    while len(reports.all) < count and time.monotonic() < limit:
        sleep(0.001)


class TestDetectBlocking:
    def test_names_function_file_line_and_duration(self, reports: Reports) -> None:
        def hold() -> None:
            reports.block_until(1)

        started = time.monotonic()
        thread = spawn(hold)
        thread.name = "holder"
        thread.wait()
        elapsed = time.monotonic() - started
        wait_for_end(reports, 2)
        first, second = (each for each in reports.all if each.holder == "GreenThread holder")
        assert first.hub == f"The {get_hub().poller.name} hub of MainThread"
        assert first.function == second.function == "Reports.block_until"
        assert first.file == __file__
        assert first.line == second.line
        assert BRIEFLY <= first.seconds <= elapsed
        assert first.seconds <= second.seconds
        assert (first.ended, second.ended) == (False, True)
        assert "in hold\n    reports.block_until(1)" in first.stack

    def test_reports_once_a_blockage(self, reports: Reports) -> None:
        for _ in range(2):
            sleep(0)
            count = len(reports.all)
            reports.block_until(count + 1)
            time.sleep(4 * BRIEFLY)
            assert [each.ended for each in reports.all[count:]] == [False]
            wait_for_end(reports, count + 2)
            assert [each.ended for each in reports.all[count:]] == [False, True]

    def test_is_silent_while_green_threads_give_up_control(self, reports: Reports) -> None:
        def work() -> None:
            limit = time.monotonic() + 10 * BRIEFLY
            while time.monotonic() < limit:
                sleep(0)

        for thread in [spawn(work) for _ in range(3)]:
            thread.wait()
        assert all("work" not in each.stack for each in reports.all)

    def test_is_silent_while_the_hub_polls(self, reports: Reports) -> None:
        sleep(10 * BRIEFLY)
        assert reports.all == []

    def test_names_the_main_greenlet(self, reports: Reports) -> None:
        reports.block_until(1)
        assert reports.all[0].holder == "the main greenlet"

    def test_says_when_many_held_it_together(self, reports: Reports) -> None:
        for thread in [spawn(time.sleep, BRIEFLY) for _ in range(4)]:
            thread.wait()
        wait_for_end(reports, 2)
        assert re.fullmatch(r"GreenThread sleep-\w+ and \d others?", reports.all[1].holder)

    def test_names_a_callback_of_the_hub(self, reports: Reports) -> None:
        get_hub().call_soon(reports.block_until, 1)
        sleep(0)
        assert reports.all[0].holder == "a callback of the hub"

    def test_names_a_greenlet_made_by_hand(self, reports: Reports) -> None:
        greenlet.greenlet(reports.block_until).switch(1)
        assert reports.all[0].holder == "a greenlet made by hand"

    def test_watches_hubs_of_other_native_threads(self, reports: Reports) -> None:
        def hold() -> None:
            spawn(sleep, 100)
            sleep(0)
            reports.block_until(1)

        thread = threading.Thread(target=hold, name="other")
        thread.start()
        wait_for_end(reports, 1)
        thread.join()
        assert reports.all[0].hub.endswith("hub of other")
        assert reports.all[0].function == "Reports.block_until"

    def test_passes_over_hubs_in_which_nobody_waits(self, reports: Reports) -> None:
        ready, finish = threading.Event(), threading.Event()

        def idle() -> None:
            sleep(0)
            ready.set()
            finish.wait()

        thread = threading.Thread(target=idle)
        thread.start()
        ready.wait()
        sleep(5 * BRIEFLY)
        finish.set()
        thread.join()
        assert reports.all == []

    def test_blames_the_function_that_called_the_standard_library(self, reports: Reports) -> None:
        import subprocess

        def run_a_program() -> None:
            subprocess.run([sys.executable, "-c", "input()"], stdin=reader, check=False, stderr=-3)

        def release() -> None:
            reports.block_until(1)
            os.close(writer)

        reader, writer = os.pipe()
        threading.Thread(target=release).start()
        run_a_program()
        os.close(reader)
        assert reports.all[0].function.endswith("run_a_program")
        assert "subprocess.py" in reports.all[0].stack

    def test_logs_by_default(self, caplog: pytest.LogCaptureFixture) -> None:
        with detect_blocking(BRIEFLY):
            limit = time.monotonic() + SOON
            while not caplog.records and time.monotonic() < limit:
                time.sleep(0.001)
        record = caplog.records[0]
        assert (record.name, record.levelno) == ("eventlet.hub", logging.WARNING)
        assert "has been held for" in record.getMessage()

    def test_goes_on_after_a_report_that_failed(self) -> None:
        failures: list[tuple[BaseException, object]] = []
        failed = threading.Event()

        def report(_: Blockage) -> None:
            raise KeyError

        def take(error: BaseException, source: object) -> None:
            failures.append((error, source))
            failed.set()

        set_unobserved_hook(take)
        try:
            with detect_blocking(BRIEFLY, report):
                for _ in range(2):
                    assert failed.wait(SOON)
                    failed.clear()
                    sleep(2 * BRIEFLY)
        finally:
            set_unobserved_hook(None)
        assert {type(error) for error, _ in failures} == {KeyError}
        assert {source for _, source in failures} == {report}

    def test_can_be_stopped(self, reports: Reports) -> None:
        watchdog = detect_blocking(BRIEFLY)
        assert repr(watchdog) == "<Watchdog watching, 40 ms>"
        assert watchdog in bystanders
        watchdog.stop()
        watchdog.stop()
        assert repr(watchdog) == "<Watchdog stopped, 40 ms>"
        limit = time.monotonic() + SOON
        while watchdog in bystanders and time.monotonic() < limit:
            sleep(0.001)
        assert watchdog not in bystanders

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
    def test_goes_on_in_a_forked_child(self, run_script: Any) -> None:
        done = run_script(
            """
            import os, threading, warnings
            from eventlet.hub import get_hub, sleep, spawn
            from eventlet.hub.debug import detect_blocking

            def live_elsewhere():
                spawn(sleep, 100)
                sleep(0)
                hubs.append(get_hub())
                ready.set()
                finish.wait()

            hubs = []
            warnings.simplefilter("ignore", DeprecationWarning)  # fork beside threads
            ready, finish, came = threading.Event(), threading.Event(), threading.Event()
            stopped = detect_blocking(0.02)
            stopped.stop()
            watchdog = detect_blocking(0.02, lambda blockage: came.set())
            thread = threading.Thread(target=live_elsewhere)
            thread.start()
            ready.wait()
            came.clear()
            pid = os.fork()
            spawn(came.wait, 20).wait()
            os.write(1, b"%r " % came.is_set())
            watchdog.stop()
            finish.set()
            if pid:
                os.waitpid(pid, 0)
            """
        )
        assert (done.stdout, done.stderr) == ("True " * 2, "")

    @pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
    def test_refuses_odd_periods(self, seconds: float) -> None:
        with pytest.raises(ValueError, match="number of seconds > 0"):
            detect_blocking(seconds)

    def test_refuses_what_is_no_period(self) -> None:
        with pytest.raises(TypeError, match="number of seconds > 0, not 'x'"):
            detect_blocking("x")  # type: ignore[arg-type]  # refused

    def test_refuses_what_cannot_be_called(self) -> None:
        with pytest.raises(TypeError, match="'report'"):
            detect_blocking(1, "report")  # type: ignore[arg-type]

    def test_reads_well(self) -> None:
        blockage = Blockage(
            "The epoll hub of MainThread",
            "GreenThread x",
            "parse",
            "a.py",
            3,
            0.25,
            "  stack\n",
            False,
        )
        assert str(blockage) == (
            "The epoll hub of MainThread has been held for 250 ms by GreenThread x,"
            " in parse (a.py:3)\n  stack"
        )
        ended = blockage._replace(seconds=1.5, ended=True, stack="")
        assert str(ended) == (
            "The epoll hub of MainThread goes on. It was held for 1.5 s by GreenThread x,"
            " in parse (a.py:3)"
        )


def traced(number: int) -> int:
    doubled = number * 2
    print(end="")
    return doubled


class TestSpew:
    @pytest.fixture(autouse=True)
    def tracer(self) -> Iterator[None]:
        before = sys.gettrace()
        yield
        sys.settrace(before)

    def test_prints_the_lines_of_named_modules(self, capsys: pytest.CaptureFixture[str]) -> None:
        spew([__name__])
        traced(21)
        unspew()
        traced(22)
        line = traced.__code__.co_firstlineno + 1
        assert capsys.readouterr().out == (
            f"{__name__}:{line}:     doubled = number * 2\n"
            f'{__name__}:{line + 1}:     print(end="")\n'
            f"{__name__}:{line + 2}:     return doubled\n"
        )

    def test_prints_values(self, capsys: pytest.CaptureFixture[str]) -> None:
        spew([__name__], show_values=True)
        traced(21)
        unspew()
        assert "\tnumber=21\n" in capsys.readouterr().out

    def test_prints_everything_without_names(self, capsys: pytest.CaptureFixture[str]) -> None:
        spew()
        os.path.join("a", "b")
        unspew()
        assert "posixpath:" in capsys.readouterr().out or os.name == "nt"

    def test_follows_green_threads(self, capsys: pytest.CaptureFixture[str]) -> None:
        spew([__name__], show_values=True)
        for thread in [spawn(traced, number) for number in (7, 8)]:
            thread.wait()
        unspew()
        out = capsys.readouterr().out
        assert "\tdoubled=14\n" in out
        assert "\tdoubled=16\n" in out

    def test_puts_back_the_tracer_that_was_there(self) -> None:
        def other(*_: object) -> None:
            return None

        sys.settrace(other)
        spew()
        spew([])
        unspew()
        assert sys.gettrace() is other
        unspew()
        assert sys.gettrace() is other

    def test_is_a_tracer_of_its_own(self) -> None:
        file = io.StringIO()
        tracer = Spew([__name__], file=file)
        sys.settrace(tracer)
        traced(21)
        sys.settrace(None)
        assert "\tdoubled=42\n" in file.getvalue()

    def test_can_be_called_by_another_tracer(self) -> None:
        file = io.StringIO()
        for tracer in (Spew(["another"], file=file), Spew(None, False, file), Spew(file=file)):
            assert tracer(sys._getframe(), "call", None) is tracer
            assert tracer(sys._getframe(), "line", None) is tracer
        first, second, *values = file.getvalue().splitlines()
        assert first.endswith(second[-30:])
        assert first.startswith(f"{__name__}:")
        assert [value.partition("=")[0] for value in values] == ["\ttracer"]

    def test_survives_values_that_cannot_be_shown_and_lines_that_are_lost(self) -> None:
        class Broken:
            def __repr__(self) -> str:
                raise ValueError

        file = io.StringIO()
        names: dict[str, Any] = {}
        exec(compile("def lost(broken):\n    return broken\n", "nowhere", "exec"), names)
        sys.settrace(Spew(file=file))
        names["lost"](Broken())
        traced(Broken().__class__.__name__)  # type: ignore[arg-type]
        sys.settrace(None)
        assert ":2: lost\n" in file.getvalue()
        assert len(max(file.getvalue().splitlines(), key=len)) < 200


def test_names_are_public() -> None:
    for name in debug.__all__:
        assert getattr(debug, name).__module__ == "eventlet.hub.debug"
    blockage = Blockage("hub", "holder", "f", "f.py", 1, 1.0, "", True)
    assert pickle.loads(pickle.dumps(blockage)) == blockage
