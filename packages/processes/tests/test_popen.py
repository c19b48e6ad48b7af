from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from subprocess import DEVNULL, PIPE, STDOUT, TimeoutExpired
from typing import Any
from unittest import mock

import pytest

from eventlet import hub
from eventlet.hub.testing import wait_until_idle
from eventlet.processes import _popen
from eventlet.processes._pipes import PipeReader, PipeWriter, RawPipe
from eventlet.processes._popen import Popen

Start = Callable[..., Popen]
CAT = "while data := os.read(0, 65536): os.write(1, data)"
BIG = bytes(range(256)) * 8000

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such thing")


@pytest.fixture
def start(command: Callable[[str], list[str]]) -> Iterator[Start]:
    """Start a script of Python as a `Popen`; those that live at the end are killed."""
    started = []

    def start(script: str, **options: Any) -> Popen:
        process = Popen(command(script), **options)
        started.append(process)
        return process

    yield start
    for process in started:
        for file in (process.stdout, process.stderr):
            if file is not None:
                file.close()
        if isinstance(process.stdin, PipeWriter):
            process.stdin.abandon()
        process.kill()
        process.wait()


class TestFiles:
    def test_it_is_a_standard_one(self, start: Start) -> None:
        assert isinstance(start(""), subprocess.Popen)

    def test_without_pipes(self, start: Start) -> None:
        process = start("")
        assert process.stdin is process.stdout is process.stderr is None
        assert process.communicate() == (None, None)

    def test_buffered_by_default(self, start: Start) -> None:
        process = start(CAT, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        assert isinstance(process.stdin, PipeWriter)
        assert isinstance(process.stdout, PipeReader)
        assert isinstance(process.stderr, PipeReader)
        process.stdin.write(b"one\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"one\n"

    def test_a_size_for_the_buffer(self, start: Start) -> None:
        process = start("", stdin=PIPE, bufsize=len(BIG))
        process.stdin.write(BIG)
        process.wait()
        with pytest.raises(BrokenPipeError):
            process.stdin.close()

    def test_without_buffers(self, start: Start) -> None:
        process = start(CAT, stdin=PIPE, stdout=PIPE, bufsize=0)
        assert isinstance(process.stdin, RawPipe)
        assert isinstance(process.stdout, RawPipe)
        process.stdin.write(b"one\n")
        assert process.stdout.read(10) == b"one\n"
        assert process.communicate(BIG) == (BIG, None)

    @pytest.mark.parametrize(
        "options", [{"text": True}, {"encoding": "utf-8"}, {"universal_newlines": True}]
    )
    def test_text(self, start: Start, options: dict[str, Any]) -> None:
        process = start(CAT, stdin=PIPE, stdout=PIPE, bufsize=1, **options)
        assert isinstance(process.stdout, io.TextIOWrapper)
        process.stdin.write("one\n")
        assert process.stdout.readline() == "one\n"
        process.stdin.close()
        assert process.stdout.read() == ""

    def test_a_pipe_between_two_children(self, start: Start) -> None:
        first = start("time.sleep(.05); print('abc')", stdout=PIPE)
        second = start("print(sys.stdin.read().upper())", stdin=first.stdout, stdout=PIPE)
        assert second.communicate()[0].split() == [b"ABC"]

    def test_a_pipe_that_was_read_before_another_child_gets_it(self, start: Start) -> None:
        script = "os.write(1, b'one'); time.sleep(.05); os.write(1, b'two')"
        first = start(script, stdout=PIPE, bufsize=0)
        assert first.stdout.read(100) == b"one"
        second = start("print(sys.stdin.read().upper())", stdin=first.stdout, stdout=PIPE)
        assert second.communicate()[0].split() == [b"TWO"]

    def test_text_in_other_encodings(self, start: Start) -> None:
        process = start(CAT, stdin=PIPE, stdout=PIPE, encoding="utf-16", errors="replace")
        assert process.stdout.encoding == "utf-16"
        assert process.stdout.errors == "replace"
        assert process.communicate("één\r\ntwee\r") == ("één\ntwee\n", None)

    def test_a_child_that_cannot_be_started_leaves_nothing(self) -> None:
        with pytest.raises(FileNotFoundError):
            Popen(["no-such-command"], stdin=PIPE, stdout=PIPE, stderr=PIPE)


class TestStarting:
    @pytest.mark.parametrize("road", ["threads"], indirect=True)
    def test_others_run_meanwhile(self, start: Start) -> None:
        starting = hub.spawn(start, "sys.exit(3)")
        hub.sleep(0)
        assert not starting.dead
        assert starting.wait(50).wait() == 3

    def test_a_kill_comes_too_late(self, start: Start) -> None:
        starting = hub.spawn(start, "sys.exit(3)")
        hub.sleep(0)
        starting.kill()
        assert starting.wait(50).wait() == 3

    def test_failures_come_back(self) -> None:
        with pytest.raises(FileNotFoundError, match="no-such-command"):
            hub.spawn(Popen, ["no-such-command"], stdin=PIPE).wait(50)

    @posix_only
    def test_a_function_for_the_child_to_call(self, start: Start) -> None:
        def begin() -> None:
            os.write(1, b"begun ")

        with warnings.catch_warnings():
            # Other native threads may be there, which is nothing to a function so simple.
            warnings.simplefilter("ignore", DeprecationWarning)
            process = hub.spawn(start, "print('run')", stdout=PIPE, preexec_fn=begin).wait(50)
        assert process.communicate()[0] == b"begun run\n"


class TestWaiting:
    def test_the_exit_code(self, start: Start) -> None:
        process = start("sys.exit(3)")
        assert process.wait() == 3
        assert process.wait(0) == 3
        assert process.poll() == process.returncode == 3

    def test_others_run(self, start: Start) -> None:
        process = start(CAT, stdin=PIPE)
        waiting = [hub.spawn(process.wait) for _ in range(3)]
        wait_until_idle()
        process.stdin.close()
        assert [each.wait(50) for each in waiting] == [0, 0, 0]

    @pytest.mark.parametrize("timeout", [0, -1, 0.01])
    def test_time_limits(self, start: Start, timeout: float) -> None:
        process = start("time.sleep(100)")
        for _ in range(2):
            with pytest.raises(TimeoutExpired) as caught:
                process.wait(timeout)
            assert caught.value.timeout == timeout
            assert caught.value.cmd == process.args

    def test_time_limits_of_somebody_else(self, start: Start) -> None:
        process = start("time.sleep(100)")
        for timeout in (None, 50):
            limit = hub.Timeout(0.01, TimeoutError("theirs"))
            with pytest.raises(TimeoutError, match="theirs"), limit:
                process.wait(timeout)

    def test_a_killed_wait_can_be_repeated(self, start: Start) -> None:
        process = start(CAT, stdin=PIPE)
        waiting = hub.spawn(process.wait)
        wait_until_idle()
        waiting.kill()
        process.stdin.close()
        assert process.wait() == 0

    def test_other_native_threads_may_wait(self, start: Start) -> None:
        process = start(CAT, stdin=PIPE)
        codes = []
        threads = [threading.Thread(target=lambda: codes.append(process.wait())) for _ in range(4)]
        for thread in threads:
            thread.start()
        process.stdin.close()
        assert process.wait() == 0
        for thread in threads:
            thread.join(50)
        assert codes == [0, 0, 0, 0]

    @posix_only
    def test_a_stolen_exit_code_is_reported(
        self, start: Start, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(_popen, "PORTABLE", False)
        process = start("sys.exit(3)")
        os.waitpid(process.pid, 0)
        with pytest.warns(RuntimeWarning, match=f"exit code of process {process.pid} is lost"):
            assert process.wait() == 0
        assert process.wait() == 0

    @posix_only
    def test_an_exit_code_stolen_while_one_waits(
        self, start: Start, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(_popen, "PORTABLE", False)
        process = start(CAT, stdin=PIPE)
        waiting = hub.spawn(process.wait)
        wait_until_idle()
        process.stdin.close()
        os.waitpid(process.pid, 0)
        with pytest.warns(RuntimeWarning, match="taken for 0"):
            assert waiting.wait(50) == 0

    @posix_only
    def test_a_theft_between_a_look_and_the_wait(
        self, start: Start, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(_popen, "PORTABLE", False)
        process = start(CAT, stdin=PIPE)

        def steal(*args: object) -> None:
            process.stdin.close()
            os.waitpid(process.pid, 0)
            raise ChildProcessError

        monkeypatch.setattr(_popen, "wait_for_end", steal)
        with pytest.warns(RuntimeWarning, match="taken for 0"):
            assert process.wait() == 0

    @posix_only
    def test_another_native_thread_that_is_just_reaping_it(
        self, start: Start, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(_popen, "PORTABLE", False)
        process = start("sys.exit(3)")
        wait: Callable[..., None] = vars(_popen)["wait_for_end"]
        looks: list[bool] = []

        def release(*args: Any) -> None:
            if not looks:
                process._waitpid_lock.release()
            looks.append(process._waitpid_lock.locked())
            wait(*args)

        monkeypatch.setattr(_popen, "wait_for_end", release)
        process._waitpid_lock.acquire()
        assert process.wait() == 3
        assert looks
        assert not any(looks)

    @posix_only
    def test_the_programs_own_handler_is_left_alone(self, start: Start) -> None:
        calls: list[int] = []
        previous = signal.signal(signal.SIGCHLD, lambda number, frame: calls.append(number))
        try:
            assert start("sys.exit(3)").wait() == 3
            while not calls:
                hub.sleep(0.001)
        finally:
            signal.signal(signal.SIGCHLD, previous)

    def test_a_block_waits(self, start: Start) -> None:
        with start(CAT, stdin=PIPE, stdout=PIPE) as process:
            pass
        assert process.returncode == 0
        assert process.stdin.closed
        assert process.stdout.closed

    @posix_only
    def test_many_in_a_row_leave_nothing(self) -> None:
        for _ in range(200):
            with Popen(["true"]) as process:
                process.wait()


class TestCommunicate:
    def test_in_and_out_at_once(self, start: Start) -> None:
        process = start(CAT, stdin=PIPE, stdout=PIPE)
        assert process.communicate(BIG) == (BIG, None)
        assert process.returncode == 0

    def test_all_three(self, start: Start) -> None:
        script = (
            "data = sys.stdin.buffer.read(); os.write(2, b'err'); sys.stdout.buffer.write(data)"
        )
        process = start(script, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        assert process.communicate(BIG) == (BIG, b"err")
        assert process.communicate() == (BIG, b"err")

    def test_only_one_pipe(self, start: Start) -> None:
        assert start("print('x', end='')", stdout=PIPE).communicate() == (b"x", None)
        assert start(CAT, stdin=PIPE, stdout=DEVNULL).communicate(b"x") == (None, None)
        process = start("os.write(2, b'x')", stderr=PIPE)
        assert process.communicate(timeout=50) == (None, b"x")

    def test_errors_with_the_output(self, start: Start) -> None:
        process = start("os.write(1, b'a'); os.write(2, b'b')", stdout=PIPE, stderr=STDOUT)
        assert process.communicate(timeout=50) == (b"ab", None)

    def test_what_was_read_before_is_gone_but_no_more(self, start: Start) -> None:
        process = start("print('one\\ntwo', end='')", stdout=PIPE, stderr=PIPE)
        assert process.stdout.readline().strip() == b"one"
        assert process.communicate() == (b"two", b"")

    def test_what_was_written_before_comes_first(self, start: Start) -> None:
        process = start(CAT, stdin=PIPE, stdout=PIPE)
        process.stdin.write(b"one ")
        assert process.communicate(b"two") == (b"one two", None)

    def test_a_file_closed_before(self, start: Start) -> None:
        process = start("print('x')", stdout=PIPE, stderr=PIPE)
        process.stdout.close()
        assert process.communicate(timeout=50)[0] == b""

    def test_a_child_that_does_not_read(self, start: Start) -> None:
        process = start("os.close(0); print('x', end='')", stdin=PIPE, stdout=PIPE)
        assert process.communicate(BIG) == (b"x", None)

    def test_an_input_closed_before(self, start: Start) -> None:
        process = start("print('x', end='')", stdin=PIPE, stdout=PIPE)
        process.stdin.close()
        assert process.communicate(timeout=50) == (b"x", None)

    def test_a_child_made_green_too_late(self, command: Callable[[str], list[str]]) -> None:
        class Own(subprocess.Popen[bytes]):
            pass

        process = Own(command(CAT), stdin=PIPE, stdout=PIPE)
        Own.__bases__ = (Popen,)
        assert process.communicate(b"x", timeout=50)[0] == b"x"
        assert process.wait() == 0

    @pytest.mark.parametrize("method", ["flush", "close"])
    def test_a_broken_pipe_does_not_matter(self, start: Start, method: str) -> None:
        process = start("", stdin=PIPE, stdout=PIPE, stderr=PIPE)
        with mock.patch.object(process, "stdin") as stdin:
            stdin.closed = False
            getattr(stdin, method).side_effect = BrokenPipeError
            assert process.communicate(timeout=50) == (b"", b"")

    def test_time_limits_lose_nothing(self, start: Start) -> None:
        script = "print('one', flush=True); sys.stdin.read(); print('two')"
        process = start(script, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        stdin, process.stdin = process.stdin, None
        with pytest.raises(TimeoutExpired) as caught:
            while not process.stdout.peek():
                pass
            process.communicate(timeout=0.01)
        assert caught.value.output is not None
        assert caught.value.output.split() == [b"one"]
        assert caught.value.stderr is None
        assert caught.value.timeout == 0.01
        with pytest.raises(TimeoutExpired):
            process.communicate(timeout=0)
        with pytest.raises(ValueError, match="input after starting"):
            process.communicate(b"more")
        stdin.close()
        stdout, stderr = process.communicate(timeout=50)
        assert stdout.split() == [b"one", b"two"]
        assert stderr == b""

    def test_input_goes_on_where_it_stopped(self, start: Start) -> None:
        process = start("time.sleep(.1)\n" + CAT, stdin=PIPE, stdout=PIPE)
        with pytest.raises(TimeoutExpired):
            process.communicate(BIG, timeout=0.01)
        stdout, _ = process.communicate()
        assert stdout == BIG

    def test_a_kill_loses_nothing(self, start: Start) -> None:
        process = start("time.sleep(.1)\n" + CAT, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        communicating = hub.spawn(process.communicate, BIG)
        wait_until_idle()
        communicating.kill()
        with pytest.raises(hub.GreenletExit):
            communicating.wait()
        stdout, _ = process.communicate()
        assert stdout == BIG

    def test_one_who_kills_the_child_meanwhile(self, start: Start) -> None:
        script = "os.write(1, b'some'); time.sleep(100)"
        process = start(script, stdin=PIPE, stdout=PIPE, stderr=PIPE)
        communicating = hub.spawn(process.communicate, BIG)
        wait_until_idle()
        exchange = process._exchange
        assert exchange is not None
        while not exchange.collected()[0]:
            hub.sleep(0.001)
        process.kill()
        assert communicating.wait(50) == (b"some", b"")
        assert process.returncode != 0

    def test_a_child_that_closes_its_output_early(self, start: Start) -> None:
        script = "os.write(1, b'all'); os.close(1); sys.exit(len(sys.stdin.buffer.read()) // 1000)"
        process = start(script, stdin=PIPE, stdout=PIPE)
        assert process.communicate(bytes(70_000)) == (b"all", None)
        assert process.returncode == 70

    def test_a_child_that_writes_without_end(self, start: Start) -> None:
        process = start("while True: os.write(1, b'x' * 4096)", stdout=PIPE)
        with pytest.raises(TimeoutExpired):
            process.communicate(timeout=0.1)
        process.kill()
        output, _ = process.communicate(timeout=50)
        assert set(output) <= {ord("x")}

    def test_one_who_closes_a_pipe_meanwhile(self, start: Start) -> None:
        process = start("time.sleep(100)", stdin=PIPE, stdout=PIPE, stderr=PIPE)
        communicating = hub.spawn(process.communicate)
        wait_until_idle()
        process.stdout.close()
        with pytest.raises(OSError, match="Bad file descriptor"):
            communicating.wait(50)

    def test_others_run(self, start: Start) -> None:
        processes = [start(CAT, stdin=PIPE, stdout=PIPE) for _ in range(5)]
        threads = [hub.spawn(each.communicate, BIG) for each in processes]
        assert [thread.wait(50) for thread in threads] == [(BIG, None)] * 5

    def test_text_with_time_limit(self, start: Start) -> None:
        process = start(CAT, stdin=PIPE, stdout=PIPE, stderr=PIPE, text=True)
        assert process.communicate("een\n", timeout=50) == ("een\n", "")
