from __future__ import annotations

import gc
import math
import os
import re
import signal
import subprocess
import sys
import weakref
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from eventlet import hub
from eventlet.hub.testing import wait_until_idle
from eventlet.processes import DeadProcess, Process, _process

Start = Callable[..., Process]
ECHO = "for line in sys.stdin.buffer: sys.stdout.buffer.write(line); sys.stdout.flush()"
BOTH = "os.write(1, b'out '); os.write(2, b'err ')"
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(100)"

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such thing")


class TestTalking:
    def test_a_line_for_a_line(self, start: Start) -> None:
        process = start(ECHO)
        for line in (b"hello\n", b"\xff\x00 bytes\n"):
            assert process.write(line) == len(line)
            assert process.readline() == line

    def test_output_and_errors_come_together(self, start: Start) -> None:
        process = start(BOTH)
        assert process.read() == b"out err "
        assert process.stderr is None

    def test_errors_come_apart_when_asked_for(self, start: Start) -> None:
        process = start(BOTH, stderr=subprocess.PIPE)
        assert process.read() == b"out "
        assert process.stderr is not None
        assert process.stderr.read() == b"err "

    def test_errors_may_be_dropped(self, start: Start) -> None:
        assert start(BOTH, stderr=subprocess.DEVNULL).read() == b"out "

    def test_read_waits_for_the_whole_amount(self, start: Start) -> None:
        process = start(ECHO)
        process.write(b"ab\n")
        reading = hub.spawn(process.read, 5)
        wait_until_idle()
        process.write(b"cd\n")
        assert reading.wait(50) == b"ab\ncd"
        assert process.read(0) == b""

    def test_read_to_the_end_may_be_less(self, start: Start) -> None:
        process = start("print('abc', end='')")
        assert process.read(5) == b"abc"
        with pytest.raises(DeadProcess):
            process.read(5)

    def test_recv_takes_what_is_there(self, start: Start) -> None:
        process = start(ECHO)
        process.sendall(b"abcdef\n")
        assert process.recv(3) == b"abc"
        assert process.recv(100) == b"def\n"
        assert process.send(b"ghi\n") == 4
        process.close_stdin()
        assert process.recv() == b"ghi\n"
        with pytest.raises(DeadProcess, match="nothing is left"):
            process.recv(1)

    def test_a_last_line_needs_no_end(self, start: Start) -> None:
        process = start("print('one\\ntwo', end='')")
        assert process.readline().strip() == b"one"
        assert process.readline() == b"two"
        with pytest.raises(DeadProcess):
            process.readline()

    def test_what_a_dead_child_has_said_can_be_read(self, start: Start) -> None:
        process = start("print('abc')")
        assert process.wait(50) == 0
        assert process.dead
        assert process.read().strip() == b"abc"

    def test_text_must_be_encoded(self, start: Start) -> None:
        with pytest.raises(TypeError, match="encode it"):
            start(ECHO).write("text")  # type: ignore[arg-type]

    def test_what_is_no_amount(self, start: Start) -> None:
        process = start(ECHO)
        odd: Any = "5"
        for read in (process.read, process.recv):
            with pytest.raises(TypeError, match="whole number of bytes or None, not '5'"):
                read(odd)

    def test_others_run_while_one_reads(self, start: Start) -> None:
        process = start(ECHO)
        reading = hub.spawn(process.readline)
        wait_until_idle()
        assert not reading.dead
        process.write(b"x\n")
        assert reading.wait(50) == b"x\n"

    def test_several_may_share_a_child(self, start: Start) -> None:
        process = start(ECHO)
        lines = [bytes([letter]) * 3000 + b"\n" for letter in b"abcdefgh"]
        writers = [hub.spawn(process.write, line) for line in lines]
        readers = [hub.spawn(process.readline) for _ in lines]
        assert {reader.wait(50) for reader in readers} == set(lines)
        assert [writer.wait(50) for writer in writers] == [3001] * len(lines)


class TestTimeouts:
    @pytest.mark.parametrize(("method", "args"), [("read", (2,)), ("recv", (2,)), ("readline", ())])
    def test_reading(self, start: Start, method: str, args: tuple[int, ...]) -> None:
        process = start(ECHO)
        with pytest.raises(TimeoutError, match=r"within 0\.01 seconds"):
            getattr(process, method)(*args, timeout=0.01)
        process.write(b"x\n")
        assert getattr(process, method)(*args, timeout=50) == b"x\n"

    def test_writing(self, start: Start) -> None:
        process = start("time.sleep(100)")
        with pytest.raises(TimeoutError):
            process.write(bytes(10_000_000), timeout=0.01)

    @pytest.mark.parametrize("odd", [-1, math.nan, "x", ()])
    def test_what_is_no_timeout(self, start: Start, odd: Any) -> None:
        process = start(ECHO)
        process.write(b"x\n")
        calls = (process.read, process.recv, process.readline, process.wait, process.terminate)
        for call in (*calls, partial(process.write, b"y\n")):
            name = "grace" if call == process.terminate else "timeout"
            with pytest.raises((TypeError, ValueError), match=re.escape(f", not {odd!r}")):
                call(**{name: odd})
        assert process.readline() == b"x\n"

    def test_waiting(self, start: Start) -> None:
        process = start("time.sleep(100)")
        with pytest.raises(TimeoutError, match=r"running> has not ended within 0\.01 seconds"):
            process.wait(0.01)
        with pytest.raises(TimeoutError):
            process.wait(0)
        process.kill()
        assert process.wait(50) != 0

    def test_a_time_limit_of_the_caller(self, start: Start) -> None:
        process = start(ECHO)
        with hub.move_on_after(0.01) as scope:
            process.read()
        assert scope.cancelled_caught
        with pytest.raises(hub.Timeout), hub.Timeout(0.01):
            process.wait()
        with pytest.raises(TimeoutError, match="mine"), hub.Timeout(0.01, TimeoutError("mine")):
            process.wait(50)

    def test_a_killed_reader_leaves_what_it_has_read(self, start: Start) -> None:
        process = start(ECHO)
        process.write(b"abc\n")
        reading = hub.spawn(process.read, 8)
        assert process.child_stdout_stderr is not None
        while process.child_stdout_stderr.pending() != b"abc\n":
            hub.sleep(0.001)
        reading.kill()
        process.write(b"def\n")
        assert process.read(8) == b"abc\ndef\n"


class TestPipes:
    def test_binary_files_are_the_pipes(self, start: Start) -> None:
        process = start(ECHO)
        files: list[object] = [process.makefile("rb"), process.makefile("wb")]
        assert files[0] is process.child_stdout_stderr
        assert files[1] is process.child_stdin

    def test_text_files(self, start: Start) -> None:
        process = start(ECHO)
        process.makefile("w").write("één\n")
        gc.collect()
        process.flush()
        assert process.makefile().readline() == "één\n"
        process.makefile("wt", encoding="latin-1").write("één\n")
        process.flush()
        process.close_stdin()
        assert process.makefile("r", encoding="latin-1").read() == "één\n"

    @pytest.mark.parametrize("mode", ["", "a", "rw", "rbt", "r+"])
    def test_there_are_no_other_modes(self, start: Start, mode: str) -> None:
        with pytest.raises(ValueError, match="mode must be"):
            start(ECHO).makefile(mode)
        with pytest.raises(TypeError, match=r"mode must be .r.* not 5"):
            start(ECHO).makefile(5)  # type: ignore[arg-type]  # refused

    def test_what_is_no_signal(self, start: Start) -> None:
        process = start(ECHO)
        with pytest.raises(TypeError, match=r"a signal is a number.* not 'TERM'"):
            process.kill("TERM")  # type: ignore[arg-type]  # refused
        assert not process.dead

    def test_close_stdin_ends_the_input(self, start: Start) -> None:
        process = start("print(len(sys.stdin.read()))")
        process.write(b"abc")
        process.close_stdin()
        process.close_stdin()
        assert process.read().strip() == b"3"
        with pytest.raises(DeadProcess, match="closed on our side"):
            process.write(b"more")
        with pytest.raises(DeadProcess):
            process.flush()

    def test_close_ends_everything_but_the_child(self, start: Start) -> None:
        process = start("sys.stdin.read(); time.sleep(100)")
        process.close()
        process.close()
        assert process.dead
        assert process.returncode is None
        with pytest.raises(DeadProcess):
            process.read()
        with pytest.raises(DeadProcess):
            process.write(b"x")

    def test_close_wakes_who_waits(self, start: Start) -> None:
        process = start("time.sleep(100)")
        waiting: list[hub.GreenThread[Any]] = [
            hub.spawn(process.read),
            hub.spawn(process.readline),
            hub.spawn(process.write, bytes(1_000_000)),
            hub.spawn(process.write, bytes(1_000_000)),
        ]
        wait_until_idle()
        process.child_stdin.abandon()
        process.close()
        for each in waiting:
            with pytest.raises(DeadProcess, match="closed on our side"):
                each.wait(50)

    def test_other_errors_of_a_pipe_are_passed_on(
        self, start: Start, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        process = start(ECHO)

        def fail(size: int) -> bytes:
            raise OSError("odd")

        monkeypatch.setattr(process.child_stdout_stderr.raw, "receive", fail)
        with pytest.raises(OSError, match="odd"):
            process.read()
        assert not process.dead


class TestStarting:
    def test_arguments(self, command: Callable[[str], list[str]]) -> None:
        program, *args = command("print(sys.argv[1:])")
        with Process(program, [*args, "two words", b"bytes", Path("path")]) as process:
            assert process.read().strip() == b"['two words', 'bytes', 'path']"
            assert process.command == program

    @posix_only
    def test_the_seed(self) -> None:
        with Process("echo", ["hello"]) as process:
            assert process.read() == b"hello\n"

    def test_folder(self, start: Start, tmp_path: Path) -> None:
        process = start("print(os.getcwd())", cwd=tmp_path)
        assert process.read().decode().strip() == os.path.realpath(tmp_path)

    def test_environment(self, start: Start) -> None:
        environment = {**os.environ, "COLOUR": "green"}
        process = start("print(os.environ['COLOUR'])", env=environment)
        assert process.read().strip() == b"green"

    @posix_only
    def test_session(self, start: Start) -> None:
        script = "print(os.getsid(0) == os.getpid())"
        assert start(script, start_new_session=True).read() == b"True\n"
        assert start(script).read() == b"False\n"

    def test_processes_are_numbered(self, start: Start) -> None:
        first, second = start(""), start("")
        assert second.process_number == first.process_number + 1

    def test_a_command_that_is_not_there(self) -> None:
        with pytest.raises(FileNotFoundError, match="no-such-command"):
            Process("no-such-command")

    def test_a_folder_that_is_not_there(self, start: Start, tmp_path: Path) -> None:
        with pytest.raises((FileNotFoundError, NotADirectoryError)):
            start("", cwd=tmp_path / "nowhere")

    @posix_only
    def test_a_command_that_is_not_executable(self, tmp_path: Path) -> None:
        file = tmp_path / "script"
        file.write_text("echo hello")
        with pytest.raises(PermissionError, match="script"):
            Process(file)

    @pytest.mark.parametrize("command", ["", b""])
    def test_an_empty_command(self, command: str | bytes) -> None:
        with pytest.raises(ValueError, match="command is empty"):
            Process(command)

    @pytest.mark.parametrize(("command", "args"), [("a\0b", []), ("echo", [b"a\0b"])])
    def test_nul_characters(self, command: str, args: list[bytes]) -> None:
        with pytest.raises(ValueError, match=r"NUL character in b?'a"):
            Process(command, args)

    def test_nul_characters_in_the_environment(self) -> None:
        with pytest.raises(ValueError, match="null"):
            Process(sys.executable, env={"A": "a\0b"})

    @pytest.mark.parametrize("args", ["hello", b"hello", Path("hello"), None, 3])
    def test_a_single_argument_is_no_list(self, args: Any) -> None:
        with pytest.raises(TypeError, match="args takes a list"):
            Process("echo", args)

    def test_arguments_of_other_types(self) -> None:
        with pytest.raises(TypeError, match="not 3"):
            Process("echo", [3])  # type: ignore[list-item]

    @pytest.mark.parametrize(
        "options",
        [{"stderr": "odd"}, {"cwd": 5.5}, {"env": ["odd"]}, {"env": {"A": 1}}, {"env": {1: "A"}}],
    )
    def test_surroundings_of_other_types(self, options: dict[str, Any]) -> None:
        name = next(iter(options))
        with pytest.raises(TypeError, match=rf"{name} .*, not \[?('odd'|5\.5|1)"):
            Process("echo", **options)

    def test_a_callback_that_is_none(self) -> None:
        with pytest.raises(TypeError, match="dead_callback must be a function"):
            Process("echo", [], "callback")  # type: ignore[arg-type]

    @posix_only
    def test_no_descriptors_left(self, start: Start) -> None:
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(256, soft), hard))
        taken = [os.dup(0)]
        try:
            with pytest.raises(OSError, match="Too many open files"):
                while True:
                    taken.append(os.dup(0))
            os.close(taken.pop())
            with pytest.raises(OSError, match="Too many open files"):
                start("")
        finally:
            for fd in taken:
                os.close(fd)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert start("print(1)").read().strip() == b"1"


class TestDeath:
    def test_is_told_without_being_asked(self, start: Start) -> None:
        told = hub.Waiter[None]()
        start("", told.switch)
        told.wait(50)

    def test_is_told_once(self, start: Start) -> None:
        deaths: list[int] = []
        process = start("", lambda: deaths.append(1))
        with pytest.raises(DeadProcess):
            process.read()
        assert deaths == [1]
        process.wait(50)
        process.close()
        process.destroy()
        wait_until_idle()
        assert deaths == [1]

    def test_is_told_by_wait(self, start: Start) -> None:
        deaths: list[int] = []
        process = start("", lambda: deaths.append(1))
        process.wait(50)
        assert deaths == [1]
        assert process.dead

    def test_is_told_by_close(self, start: Start) -> None:
        deaths: list[int] = []
        process = start(ECHO, lambda: deaths.append(1))
        process.close()
        assert deaths == [1]

    def test_a_failing_callback_is_reported(
        self, start: Start, failures: list[BaseException]
    ) -> None:
        def fail() -> None:
            raise KeyError("callback")

        process = start("", fail)
        while not failures:
            hub.sleep(0.001)
        assert isinstance(failures[0], KeyError)
        assert process.wait(50) == 0

    def test_closing_the_output_counts_as_death(self, start: Start) -> None:
        process = start("os.close(1); os.close(2); time.sleep(100)")
        with pytest.raises(DeadProcess) as caught:
            process.read()
        assert process.dead
        assert process.returncode is None
        assert caught.value.pid == process.getpid()

    def test_closing_the_input_is_found_out_by_writing(self, start: Start) -> None:
        process = start("os.close(0); print('ready', flush=True); time.sleep(100)")
        process.readline()
        assert not process.dead
        with pytest.raises(DeadProcess, match="doesn't read any more"):
            process.write(b"x")
        assert process.dead

    def test_a_child_that_dies_before_reading(self, start: Start) -> None:
        process = start("os._exit(3)")
        process.wait(50)
        with pytest.raises(DeadProcess, match="ended with code 3"):
            process.write(bytes(100_000))
        process.close()

    @posix_only
    def test_one_that_writes_without_end(self, start: Start) -> None:
        process = start("while True: os.write(1, bytes(4096))")
        others = hub.spawn(hub.sleep, 0)
        for _ in range(100):
            assert process.read(65536) == bytes(65536)
        assert others.dead
        process.terminate(grace=0.01)
        with pytest.raises(DeadProcess):
            while True:
                process.read(65536)

    def test_grandchildren_that_keep_the_pipe_open(self, start: Start) -> None:
        process = start(
            "if not os.fork():\n"
            "    print('grandchild', os.getpid(), flush=True); time.sleep(100)\n"
            "time.sleep(100)"
        )
        grandchild = int(process.readline().split()[1])
        try:
            assert process.destroy() == -signal.SIGKILL
            with pytest.raises(DeadProcess):
                process.read()
        finally:
            os.kill(grandchild, signal.SIGKILL)

    def test_a_forgotten_process_loses_its_pipes_and_is_reaped(
        self, command: Callable[[str], list[str]]
    ) -> None:
        program, *args = command("sys.stdin.read()")
        told = hub.Waiter[None]()
        process = Process(program, args, told.switch)
        alive = weakref.ref(process)
        del process
        gc.collect()
        assert alive() is None
        told.wait(50)


ORPHANS = """\
import os, signal, sys, time
from eventlet.processes import Process
script = "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1)"
script += "; sys.stdout.flush(); time.sleep(100)"
child = Process(sys.executable, ["-c", script], stderr=None, end_with_parent=sys.argv[1] == "True")
child.readline()
print(child.getpid(), flush=True)
if sys.argv[2] == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
"""


@posix_only
class TestEndingWithTheParent:
    @pytest.mark.parametrize("how", ["killed", "ended"])
    def test_a_child_that_is_asked_to(self, how: str) -> None:
        command = [sys.executable, "-c", ORPHANS, "True", how]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as parent:
            # Which the child shares: they end when both have.
            assert parent.communicate(timeout=50)[1] == b""
        assert parent.returncode == (-signal.SIGKILL if how == "killed" else 0)

    def test_a_child_that_is_not(self) -> None:
        command = [sys.executable, "-c", ORPHANS, "False", "killed"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as parent:
            assert parent.stdout is not None
            child = int(parent.stdout.readline())
            parent.wait(50)
            os.kill(child, signal.SIGKILL)  # it lives on

    def test_a_child_that_ends_first(self, start: Start) -> None:
        told = hub.Waiter[None]()
        process = start("print(1)", told.switch, end_with_parent=True)
        told.wait(50)  # what watched it has gone before, as `clean` sees
        assert process.wait() == 0

    def test_nobody_to_watch(self, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(pid: int) -> None:
            raise OSError("no processes left")

        monkeypatch.setattr(_process, "Guard", fail)
        told = hub.Waiter[None]()
        with pytest.raises(OSError, match="no processes left"):
            start(ECHO, told.switch, end_with_parent=True)
        told.wait(50)  # it was killed


class TestEnding:
    def test_wait_returns_the_exit_code(self, start: Start) -> None:
        process = start("sys.exit(7)")
        assert [hub.spawn(process.wait).wait(50) for _ in range(3)] == [7, 7, 7]
        assert process.returncode == 7

    def test_several_may_wait(self, start: Start) -> None:
        process = start("sys.stdin.read()")
        waiting = [hub.spawn(process.wait) for _ in range(3)]
        wait_until_idle()
        waiting.pop().kill()
        process.close_stdin()
        assert [each.wait(50) for each in waiting] == [0, 0]

    def test_kill_asks_to_end(self, start: Start) -> None:
        process = start("print('ready', flush=True); time.sleep(100)")
        process.readline()
        process.kill()
        assert process.wait(50) in (-signal.SIGTERM, 1)
        process.kill()

    @posix_only
    def test_kill_sends_any_signal(self, start: Start) -> None:
        process = start("print('ready', flush=True); time.sleep(100)")
        process.readline()
        process.kill(signal.SIGUSR1)
        assert process.wait(50) == -signal.SIGUSR1

    @posix_only
    def test_kill_refuses_what_is_no_signal(self, start: Start) -> None:
        with pytest.raises(OSError, match="Invalid argument"):
            start("time.sleep(100)").kill(12345)

    def test_terminate_returns_the_exit_code(self, start: Start) -> None:
        process = start("print('ready', flush=True); time.sleep(100)")
        process.readline()
        assert process.terminate() in (-signal.SIGTERM, 1)

    @posix_only
    def test_terminate_kills_whoever_ignores_it(self, start: Start) -> None:
        process = start(DEAF)
        process.readline()
        assert process.terminate(grace=0.01) == -signal.SIGKILL

    def test_a_block_kills_and_reaps(self, command: Callable[[str], list[str]]) -> None:
        program, *args = command(DEAF)
        with Process(program, args) as process:
            process.readline()
            process.child_stdin.write(b"never read")
        assert process.returncode in (-9, 1)
        assert process.child_stdin.closed
        assert process.child_stdout_stderr.closed

    def test_the_text_says_what_it_is(self, start: Start) -> None:
        process = start("sys.stdin.read()")
        name = repr(sys.executable)
        assert repr(process) == f"<Process {name} {process.getpid()}, running>"
        process.close_stdin()
        process.wait()
        assert repr(process) == f"<Process {name} {process.getpid()}, ended with code 0>"

    @posix_only
    def test_many_in_a_row_leave_nothing(self) -> None:
        for _ in range(200):
            with Process("echo", ["x"]) as process:
                assert process.readline() == b"x\n"
