from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from eventlet.hub import _children, patching, spawn
from eventlet.hub.testing import wait_until_idle
from eventlet.processes import _waiting

Start = Callable[..., int]

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such call")


@pytest.fixture(params=["peek", "thread"], autouse=True)
def call(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the system can wait without reaping."""
    monkeypatch.setattr(_waiting, "_HAS_WAITID", request.param == "peek")


@pytest.fixture
def start(command: Callable[[str], list[str]]) -> Iterator[Start]:
    """Start a script that nobody but the test reaps."""
    children = []

    def start(script: str, **options: Any) -> int:
        child = subprocess.Popen(command(script), **options)
        children.append(child)
        return child.pid

    yield start
    for child in children:
        child.returncode = 0  # it was reaped, as `clean` checks


READ_A_BYTE = "os.read(0, 1); os._exit(7)"


class TestOneChild:
    @pytest.mark.parametrize(
        "wait",
        [
            pytest.param(lambda pid: _waiting.waitpid(pid, 0), id="waitpid"),
            pytest.param(lambda pid: _waiting.wait4(pid, 0)[:2], id="wait4", marks=posix),
            pytest.param(lambda pid: _waiting.wait3(0)[:2], id="wait3", marks=posix),
            pytest.param(lambda pid: _waiting.wait(), id="wait", marks=posix),
        ],
    )
    def test_others_run_until_it_ends(self, start: Start, wait: Callable[[int], Any]) -> None:
        reader, writer = os.pipe()
        pid = start(READ_A_BYTE, stdin=reader)
        os.close(reader)
        waiting = spawn(wait, pid)
        wait_until_idle()
        assert not waiting.dead
        os.write(writer, b"x")
        os.close(writer)
        assert waiting.wait(30) == (pid, 7 << 8)

    @posix
    def test_what_it_has_used_comes_too(self, start: Start) -> None:
        pid = start("sum(range(10**6))")
        assert _waiting.wait4(pid, 0)[2].ru_utime > 0

    @posix
    def test_without_waiting(self, start: Start) -> None:
        pid = start("time.sleep(100)")
        assert _waiting.waitpid(pid, os.WNOHANG) == (0, 0)
        assert _waiting.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG) is None
        os.kill(pid, signal.SIGKILL)
        assert _waiting.waitpid(pid, 0) == (pid, signal.SIGKILL)

    def test_no_child(self) -> None:
        with pytest.raises(ChildProcessError):
            _waiting.waitpid(os.getpid(), 0)

    @posix
    def test_one_that_somebody_else_reaps(self, start: Start) -> None:
        pid = start("time.sleep(100)")
        waiting = [spawn(_waiting.waitpid, pid, 0) for _ in range(2)]
        wait_until_idle()
        os.kill(pid, signal.SIGKILL)
        outcomes: list[tuple[int, int] | None] = []
        for each in waiting:
            try:
                outcomes.append(each.wait(30))
            except ChildProcessError:
                outcomes.append(None)
        assert sorted(outcomes, key=bool) == [None, (pid, signal.SIGKILL)]


@posix
class TestSeveralChildren:
    def test_a_group(self, start: Start) -> None:
        other = start("time.sleep(100)")
        pid = start("os._exit(3)", process_group=0)
        assert _waiting.waitpid(-pid, 0) == (pid, 3 << 8)
        os.kill(other, signal.SIGKILL)
        assert _waiting.waitpid(0, 0) == (other, signal.SIGKILL)

    def test_whichever_is_first(self, start: Start) -> None:
        slow = start("time.sleep(100)")
        fast = start("os._exit(0)")
        assert _waiting.wait() == (fast, 0)
        os.kill(slow, signal.SIGKILL)
        assert _waiting.wait()[0] == slow
        with pytest.raises(ChildProcessError):
            _waiting.wait()

    def test_one_that_stops_and_continues(self, start: Start) -> None:
        pid = start("time.sleep(100)")
        waiting = spawn(_waiting.waitpid, pid, os.WUNTRACED)
        wait_until_idle()
        os.kill(pid, signal.SIGSTOP)
        assert os.WIFSTOPPED(waiting.wait(30)[1])
        waiting = spawn(_waiting.waitpid, pid, os.WCONTINUED)
        wait_until_idle()
        os.kill(pid, signal.SIGCONT)
        assert os.WIFCONTINUED(waiting.wait(30)[1])
        os.kill(pid, signal.SIGKILL)
        _waiting.waitpid(pid, 0)


@posix
class TestById:
    def test_to_look_is_not_to_reap(self, start: Start) -> None:
        pid = start("os._exit(5)")
        for option in (os.WNOWAIT, 0):
            result = _waiting.waitid(os.P_PID, pid, os.WEXITED | option)
            assert (result.si_pid, result.si_status) == (pid, 5)

    def test_any(self, start: Start) -> None:
        pid = start("time.sleep(.05)")
        assert _waiting.waitid(os.P_ALL, 0, os.WEXITED).si_pid == pid

    def test_nothing_to_wait_for(self) -> None:
        with pytest.raises(OSError, match="Invalid argument"):
            _waiting.waitid(os.P_ALL, 0, 0)


@posix
def test_a_killed_wait_leaves_the_status(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_waiting, "_HAS_WAITID", True)
    pid = start("time.sleep(100)")
    waiting = [spawn(_waiting.waitpid, who, 0) for who in (pid, -1)]
    wait_until_idle()
    for each in waiting:
        each.kill()
    os.kill(pid, signal.SIGKILL)
    assert _waiting.waitpid(pid, 0) == (pid, signal.SIGKILL)


class TestShell:
    def test_the_exit_status(self) -> None:
        assert os.waitstatus_to_exitcode(_waiting.system("exit 3")) == 3

    @posix
    def test_others_run_meanwhile(self, tmp_path: Any) -> None:
        fifo = tmp_path / "fifo"
        os.mkfifo(fifo)
        running = spawn(_waiting.system, f"cat {fifo}")
        wait_until_idle()
        assert not running.dead
        with open(fifo, "w"):
            pass
        assert running.wait(30) == 0

    def test_reading(self) -> None:
        with _waiting.popen("echo hello") as file:
            assert file.read() == "hello\n"
        assert file.close() is None

    def test_writing(self, tmp_path: Any) -> None:
        file = _waiting.popen(f"{sys.executable} -c \"import sys; sys.exit(input() != 'x')\"", "w")
        file.write("y\n")
        assert os.waitstatus_to_exitcode(file.close()) == 1

    @pytest.mark.parametrize(
        ("args", "error"),
        [((b"true",), TypeError), (("true", "rw"), ValueError), (("true", "r", 0), ValueError)],
    )
    def test_bad_arguments(self, args: tuple[Any, ...], error: type[Exception]) -> None:
        for popen in (os.popen, _waiting.popen):  # both alike
            with pytest.raises(error):
                popen(*args)


@posix
@pytest.mark.skipif("os" not in patching.available(), reason="not installed, only on path")
@pytest.mark.parametrize("portable", [False, True])
def test_the_standard_module_can_be_patched(
    start: Start, monkeypatch: pytest.MonkeyPatch, portable: bool
) -> None:
    monkeypatch.setattr(_children, "PORTABLE", portable)
    standard = os.waitpid
    with patching.patched("os"):
        assert patching.is_patched("os.waitpid")
        pid = start("os._exit(1)")
        assert os.waitpid(pid, 0) == (pid, 256)
        assert os.spawnlp(os.P_WAIT, "true", "true") == 0
    assert os.waitpid is standard
