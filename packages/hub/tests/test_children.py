"""Waiting for the end of child processes."""

from __future__ import annotations

import errno
import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from eventlet.hub import (
    GreenThread,
    Timeout,
    available_hubs,
    get_hub,
    kill,
    move_on_after,
    sleep,
    spawn,
    use_hub,
    wait_child,
)
from eventlet.hub import _children as children

if sys.platform == "win32":
    pytest.skip("these tests start processes by fork and exec", allow_module_level=True)

ROADS = ["descriptor", "thread", "thread that reaps", "handle"]


@pytest.fixture(params=available_hubs(), autouse=True)
def poller(request: pytest.FixtureRequest) -> Iterator[str]:
    use_hub(request.param)
    yield request.param
    use_hub()


@pytest.fixture(params=ROADS, autouse=True)
def road(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Take each of the roads that some platform has to take."""
    if request.param != "descriptor":
        monkeypatch.setattr(children, "PORTABLE", True)
    if request.param in ("thread that reaps", "handle"):
        monkeypatch.setattr(children, "_HAS_WAITID", False)
    if request.param == "handle":
        monkeypatch.setattr(children, "_NOHANG", None)
    yield request.param
    yield_until(lambda: not children._vigils)
    children._statuses.clear()


class Child:
    """A process that lives until it is told to end."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            ["sh", "-c", 'read code; exit "$code"'], stdin=subprocess.PIPE
        )
        self.pid = self._process.pid

    def end(self, code: int = 0) -> None:
        assert self._process.stdin is not None
        with self._process.stdin as pipe:
            pipe.write(b"%d\n" % code)

    def kill(self, number: int = signal.SIGKILL) -> None:
        os.kill(self.pid, number)

    def close(self) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        except (ChildProcessError, ProcessLookupError):
            pass
        self._process.returncode = 0  # so that it doesn't warn that nobody has waited


@pytest.fixture
def child() -> Iterator[Child]:
    child = Child()
    yield child
    child.close()


def yield_until(condition: Callable[[], bool]) -> None:
    with Timeout(20):
        while not condition():
            sleep(0.001)


def wait_in_background(pid: int, timeout: float | None = None) -> GreenThread[int]:
    thread = spawn(wait_child, pid, timeout)
    sleep(0)
    sleep(0)
    return thread


def descriptors() -> int:
    return len(os.listdir("/dev/fd"))


def test_waits_for_the_end(child: Child) -> None:
    waiting = wait_in_background(child.pid)
    assert not waiting.dead
    child.end(7)
    assert waiting.wait(20) == 7


def test_signal_is_a_negative_code(child: Child) -> None:
    child.kill(signal.SIGTERM)
    assert wait_child(child.pid, 20) == -signal.SIGTERM


def test_child_that_has_ended_already(child: Child) -> None:
    child.end(3)
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert wait_child(child.pid, 20) == 3


def test_others_run_meanwhile(child: Child) -> None:
    waiting = wait_in_background(child.pid)
    assert spawn(lambda: 5).wait(20) == 5
    child.end()
    waiting.wait(20)


def test_many_children_at_once() -> None:
    family = [Child() for _ in range(20)]
    waiting = [wait_in_background(child.pid) for child in family]
    for code, child in enumerate(family):
        child.end(code)
    assert [thread.wait(20) for thread in waiting] == list(range(20))
    for child in family:
        child.close()


@pytest.mark.parametrize("pid", [0, -1])
def test_only_single_processes(pid: int) -> None:
    with pytest.raises(ValueError, match=f"positive, not {pid}"):
        wait_child(pid)


@pytest.mark.parametrize("timeout", [-1, float("nan")])
def test_timeout_is_checked(timeout: float, child: Child) -> None:
    with pytest.raises(ValueError, match="a timeout"):
        wait_child(child.pid, timeout)


class TestWhoStopsWaiting:
    def test_timeout_leaves_the_child_waitable(self, child: Child) -> None:
        with pytest.raises(TimeoutError, match=f"child {child.pid} has not ended within 0.01 sec"):
            wait_child(child.pid, 0.01)
        with pytest.raises(TimeoutError):
            wait_child(child.pid, 0)
        child.end(4)
        assert wait_child(child.pid, 20) == 4
        assert get_hub().outside == 0

    def test_kill_leaves_the_child_waitable(self, child: Child) -> None:
        waiting = wait_in_background(child.pid)
        kill(waiting)
        child.end(4)
        assert wait_child(child.pid, 20) == 4

    def test_end_between_two_waits(self, child: Child) -> None:
        with move_on_after(0.01):
            wait_child(child.pid)
        child.end(5)
        yield_until(lambda: not children._vigils)
        assert wait_child(child.pid, 20) == 5

    def test_waits_with_timeouts_leave_nothing_behind(self, child: Child) -> None:
        before = descriptors()
        for _ in range(20):
            with pytest.raises(TimeoutError):
                wait_child(child.pid, 0)
        assert descriptors() == before
        assert len(children._vigils) <= 1
        child.end()
        wait_child(child.pid, 20)
        assert descriptors() == before - 1  # the pipe of the child

    def test_an_older_status_never_stands_for_a_younger_one(self, child: Child, road: str) -> None:
        if road == "handle":
            pytest.skip("a handle isn't used again while it is open")
        children._statuses[os.getpid(), child.pid] = 99 << 8
        child.end(1)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert wait_child(child.pid, 20) == 1


class TestNoSuchChild:
    def test_reaped_before(self, child: Child, road: str) -> None:
        child.kill()
        os.waitpid(child.pid, 0)
        with pytest.raises(ChildProcessError, match=f"process {child.pid} is not") as caught:
            wait_child(child.pid, 20)
        assert caught.value.errno == errno.ECHILD

    def test_somebody_elses(self) -> None:
        with pytest.raises(ChildProcessError, match="is not a child"):
            wait_child(os.getppid(), 20)

    def test_reaped_by_somebody_else_meanwhile(self, child: Child, road: str) -> None:
        if road in ("thread that reaps", "handle"):
            pytest.skip("there, the one who reaps is decided by the system")
        waiting = wait_in_background(child.pid)
        child.kill()
        os.waitpid(child.pid, 0)
        with pytest.raises(ChildProcessError, match="somebody else has reaped it"):
            waiting.wait(20)

    def test_two_waits_for_one_child(self, child: Child, road: str) -> None:
        both = [wait_in_background(child.pid) for _ in range(2)]
        child.end(6)
        outcomes: list[int | None] = []
        for waiting in both:
            try:
                outcomes.append(waiting.wait(20))
            except ChildProcessError as error:
                outcomes.append(error.errno)
        assert set(outcomes) == {6, errno.ECHILD}


class TestShortages:
    def test_no_descriptors_left(self, child: Child) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors() + 50, hard))
        taken: list[int] = []
        try:
            with pytest.raises(OSError, match="Too many open files"):
                while True:
                    taken.append(os.dup(0))
            waiting = wait_in_background(child.pid)
        finally:
            for fd in taken:
                os.close(fd)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        child.end(2)
        assert waiting.wait(20) == 2

    def test_descriptor_too_large_for_the_poller(self, child: Child, monkeypatch: Any) -> None:
        def refuse(fd: int) -> None:
            raise ValueError(fd)

        monkeypatch.setattr(get_hub(), "watch", refuse)
        before = descriptors()
        waiting = wait_in_background(child.pid)
        child.end(2)
        assert waiting.wait(20) == 2
        assert descriptors() == before - 1

    def test_no_room_for_threads(self, child: Child, monkeypatch: Any, road: str) -> None:
        if road == "descriptor":
            pytest.skip("needs no thread")

        def refuse(*args: Any) -> None:
            raise RuntimeError("can't start new thread")

        monkeypatch.setattr(children, "start_new_thread", refuse)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            wait_child(child.pid, 20)
        assert not children._vigils
        monkeypatch.undo()
        child.end(2)


def test_sigchld_is_left_alone(child: Child) -> None:
    received: list[int] = []
    previous = signal.signal(signal.SIGCHLD, lambda number, frame: received.append(number))
    try:
        waiting = wait_in_background(child.pid)
        assert signal.getsignal(signal.SIGCHLD) is not previous
        child.end(1)
        assert waiting.wait(20) == 1
        yield_until(lambda: bool(received))
    finally:
        signal.signal(signal.SIGCHLD, previous)


def test_from_several_native_threads() -> None:
    family = [Child() for _ in range(4)]
    codes: dict[int, int] = {}

    def wait(index: int) -> None:
        codes[index] = wait_child(family[index].pid, 20)

    natives = [threading.Thread(target=wait, args=(index,)) for index in range(4)]
    for native in natives:
        native.start()
    for index, child in enumerate(family):
        child.end(index)
    for native in natives:
        native.join(20)
    assert codes == {0: 0, 1: 1, 2: 2, 3: 3}
    for child in family:
        child.close()


def test_a_wait_under_way_is_no_deadlock(child: Child, run_script: Any) -> None:
    done = run_script("""
        import subprocess
        from eventlet.hub import Deadlock, Waiter, wait_child
        child = subprocess.Popen(["sleep", "0.1"])
        print(wait_child(child.pid))
        child.returncode = 0
        try:
            Waiter().wait()
        except Deadlock:
            print("and now it is")
    """)
    assert (done.stdout, done.stderr) == ("0\nand now it is\n", "")
