from __future__ import annotations

import builtins
import collections
import copy
import gc
import math
import operator
import os
import pickle
import re
import sys
import time
import types
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from eventlet import hub
from eventlet.hub.testing import wait_until_idle
from eventlet.processes import DeadProcess, ProcessError, RemoteTraceback, _link, remote, wrap
from eventlet.processes._child import Child, dereference
from eventlet.processes.remote import RemoteObject


@pytest.fixture
def numbers() -> Iterator[RemoteObject]:
    """The list 1, 2, 3 in a child."""
    numbers = wrap([1, 2, 3])
    yield numbers
    remote.kill(numbers)


class TestObject:
    def test_methods(self, numbers: RemoteObject) -> None:
        assert numbers.append(4) is None
        assert numbers.index(4) == 3
        assert numbers.pop() == 4
        assert repr(numbers.pop) == f"<bound method pop of {numbers!r}>"
        assert numbers.pop.__name__ == "pop"

    def test_attributes(self, numbers: RemoteObject) -> None:
        thing = wrap(types.SimpleNamespace(colour="green"), beside=numbers)
        assert thing.colour == "green"
        thing.colour = ["red", "blue"]
        assert list(thing.colour) == ["red", "blue"]
        assert "colour" in dir(thing)
        del thing.colour
        with pytest.raises(AttributeError, match="colour"):
            _ = thing.colour

    def test_items(self, numbers: RemoteObject) -> None:
        assert numbers[0] == 1
        numbers[0] = 10
        del numbers[1]
        assert copy.copy(numbers) == [10, 3]
        assert copy.deepcopy(numbers) == [10, 3]
        assert 3 in numbers
        assert 2 not in numbers
        assert len(numbers) == 2

    def test_iteration(self, numbers: RemoteObject) -> None:
        assert list(numbers) == [1, 2, 3]
        iterator = iter(numbers)
        assert next(iterator) == 1
        assert list(iterator) == [2, 3]
        with pytest.raises(StopIteration):
            next(iterator)

    def test_calls(self, numbers: RemoteObject) -> None:
        function = wrap(operator.add, beside=numbers)
        assert function(2, 3) == 5
        assert function([1], [2])[1] == 2

    def test_comparison(self, numbers: RemoteObject) -> None:
        assert numbers == [1, 2, 3]
        assert numbers == wrap([1, 2, 3], beside=numbers)
        assert numbers != [1]
        text = wrap((1, 2), beside=numbers)
        assert hash(text) == hash((1, 2))
        with pytest.raises(TypeError, match="unhashable"):
            hash(numbers)

    def test_truth_and_text(self, numbers: RemoteObject) -> None:
        assert numbers
        assert not wrap([], beside=numbers)
        assert str(numbers) == "[1, 2, 3]"
        assert repr(numbers) == f"<remote list in process {remote.getpid(numbers)}>"

    def test_arguments_of_the_same_child_are_themselves(self, numbers: RemoteObject) -> None:
        outer = wrap([], beside=numbers)
        outer.append(numbers)
        numbers.append(4)
        assert copy.copy(outer) == [[1, 2, 3, 4]]
        pop = wrap(operator.call if sys.version_info >= (3, 11) else None, beside=numbers)
        assert pop(numbers.pop) == 4

    def test_arguments_of_another_child_are_refused(self, numbers: RemoteObject) -> None:
        other = wrap([])
        with pytest.raises(TypeError, match="belongs to another child"):
            other.append(numbers)
        assert other != numbers
        assert len(other) == 0
        remote.kill(other)

    def test_it_cannot_be_pickled(self, numbers: RemoteObject) -> None:
        with pytest.raises(TypeError, match=r"copy\.copy"):
            pickle.dumps(numbers)
        with pytest.raises(ProcessError, match="one of a child"):
            dereference(1)

    def test_errors_come_with_their_traceback(self, numbers: RemoteObject) -> None:
        with pytest.raises(IndexError) as caught:
            numbers[7]
        assert isinstance(caught.value.__cause__, RemoteTraceback)
        assert "IndexError" in caught.value.__cause__.text

    def test_what_is_not_used_any_more_is_forgotten(self, numbers: RemoteObject) -> None:
        before = remote.status(numbers)["object_count"]
        copies = [numbers.copy() for _ in range(5)]
        assert remote.status(numbers)["object_count"] == before + 5
        del copies
        gc.collect()
        assert remote.status(numbers)["object_count"] == before

    def test_half_an_object(self) -> None:
        half = RemoteObject.__new__(RemoteObject)
        with pytest.raises(AttributeError):
            _ = half._eventlet_child


class TestWrapping:
    def test_modules(self) -> None:
        module = wrap(math)
        assert module.sqrt(4) == 2.0
        assert module.pi == math.pi
        assert remote.status(module)["pid"] == remote.getpid(module) != os.getpid()
        remote.kill(module)

    def test_modules_by_name(self) -> None:
        module = remote.wrap_module("os.path")
        assert module.basename("/a/b") == "b"
        remote.kill(module)

    def test_modules_that_are_not_there(self) -> None:
        with pytest.raises(ModuleNotFoundError):
            remote.wrap_module("no_such_module")

    def test_objects_that_cannot_be_pickled(self) -> None:
        with pytest.raises((AttributeError, pickle.PicklingError), match="pickle"):
            wrap(lambda: 1)

    def test_large_objects(self, numbers: RemoteObject) -> None:
        data = bytes(range(256)) * 8000
        large = wrap(collections.Counter(data), beside=numbers)
        assert large[7] == 8000
        assert wrap(bytes, beside=numbers)(data) == data

    def test_prints_do_no_harm(self, capfd: pytest.CaptureFixture[str]) -> None:
        module = wrap(builtins)
        module.print("from the child", flush=True)
        assert module.eval("input.__name__") == "input"
        with pytest.raises(EOFError):
            module.input()
        assert "from the child" in capfd.readouterr().err
        remote.kill(module)


class TestSharing:
    def test_several_may_use_one_child(self, numbers: RemoteObject) -> None:
        threads = [hub.spawn(numbers.count, number) for number in range(5)]
        assert [thread.wait(50) for thread in threads] == [0, 1, 1, 1, 0]

    def test_one_that_is_killed_does_not_hinder_the_others(self, numbers: RemoteObject) -> None:
        sleeper = wrap(time, beside=numbers)
        sleeping = hub.spawn(sleeper.sleep, 0.05)
        wait_until_idle()
        counting = hub.spawn(numbers.count, 1)
        sleeping.kill()
        assert counting.wait(50) == 1

    def test_one_killed_while_it_sends(self, numbers: RemoteObject) -> None:
        sleeper = wrap(time, beside=numbers)
        sleeping = hub.spawn(sleeper.sleep, 0.05)
        hub.sleep(0)
        sending = hub.spawn(numbers.append, bytes(1_000_000))
        wait_until_idle()
        sending.kill()
        assert numbers.count(1) == 1
        sleeping.wait(50)


class TestCancelling:
    """A call whose green thread stops waiting; the child begins with "sleep" and goes on."""

    @pytest.fixture
    def sleeper(self, numbers: RemoteObject) -> RemoteObject:
        return wrap(time, beside=numbers)

    def test_the_child_survives(self, numbers: RemoteObject, sleeper: RemoteObject) -> None:
        pid = remote.getpid(numbers)
        with hub.move_on_after(0.05) as scope:
            sleeper.sleep(1000)
        assert scope.cancelled_caught
        with hub.Timeout(50):  # far less than the sleep
            assert numbers.count(1) == 1
        assert remote.status(numbers)["pid"] == pid

    def test_whoever_waits_gets_the_error(self, sleeper: RemoteObject) -> None:
        sleeping = hub.spawn(sleeper.sleep, 1000)
        wait_until_idle()
        sleeping.throw(ZeroDivisionError("enough"))
        with pytest.raises(ZeroDivisionError, match="enough"):
            sleeping.wait(50)

    def test_others_are_not_touched(self, numbers: RemoteObject, sleeper: RemoteObject) -> None:
        before = hub.spawn(numbers.count, 1)
        hub.sleep(0)
        cancelled = hub.spawn(sleeper.sleep, 1000)
        hub.sleep(0)
        after = [hub.spawn(numbers.count, number) for number in range(4)]
        hub.sleep(0.05)
        assert before.wait(50) == 1
        assert not any(thread.ready for thread in after)
        cancelled.kill()
        assert [thread.wait(50) for thread in after] == [0, 1, 1, 1]

    def test_one_that_has_not_begun_never_does(
        self, numbers: RemoteObject, sleeper: RemoteObject
    ) -> None:
        first = hub.spawn(sleeper.sleep, 1000)
        second = hub.spawn(numbers.append, 4)
        wait_until_idle()
        second.kill()
        wait_until_idle()
        first.kill()
        assert copy.copy(numbers) == [1, 2, 3]

    def test_it_is_interrupted_as_by_ctrl_c(self, numbers: RemoteObject, tmp_path: Path) -> None:
        script = (
            "try: open(path, 'w').close(); time.sleep(1000)\n"
            "except KeyboardInterrupt: log.append('interrupted')\n"
            "finally: log.append('cleaned')"
        )
        log = wrap([], beside=numbers)
        names = {"log": log, "time": wrap(time, beside=numbers), "path": str(tmp_path / "begun")}
        running = hub.spawn(wrap(exec, beside=numbers), script, names)
        while not (tmp_path / "begun").exists():
            hub.sleep(0.01)
        running.kill()
        assert list(log) == ["interrupted", "cleaned"]

    def test_what_comes_too_late_harms_nobody(self, numbers: RemoteObject) -> None:
        link = numbers._eventlet_child._link
        assert numbers.count(1) == 1
        for number in range(1, next(link._numbers)):
            link._cancel(number)
        assert numbers.count(2) == 1

    def test_an_object_nobody_gets_is_forgotten(self, numbers: RemoteObject) -> None:
        before = remote.status(numbers)["object_count"]
        copying = hub.spawn(numbers.copy)
        hub.sleep(0)
        # The answer may have come by now, and finds nobody.
        link = numbers._eventlet_child._link
        link._waiters.clear()
        while link.unanswered:
            hub.sleep(0.01)
        copying.kill()
        assert remote.status(numbers)["object_count"] == before

    def test_a_dead_child_is_not_told(self, sleeper: RemoteObject) -> None:
        link = sleeper._eventlet_child._link
        remote.kill(sleeper)
        link._cancel(1)


# Closes all descriptors but the first three, and doesn't come back.
_MUTE = "__import__('os').closerange(3, 64) or __import__('time').sleep(100)"


class TestDeath:
    def test_all_who_wait_are_told(self) -> None:
        deaths: list[int] = []
        sleeper = wrap(time, lambda: deaths.append(1))
        sleeping = [hub.spawn(sleeper.sleep, 100) for _ in range(3)]
        wait_until_idle()
        assert remote.kill(sleeper) != 0
        for each in sleeping:
            with pytest.raises(DeadProcess, match="this child does nothing any more"):
                each.wait(50)
        wait_until_idle()
        assert deaths == [1]
        with pytest.raises(DeadProcess):
            sleeper.sleep(0)

    def test_a_call_that_crashes(self) -> None:
        module = wrap(os)
        with pytest.raises(DeadProcess, match="ended with code 3"):
            module._exit(3)

    @pytest.mark.parametrize("road", ["watches"], indirect=True)
    def test_a_child_that_is_closed_before_all_was_sent(self, numbers: RemoteObject) -> None:
        sleep, count = wrap(time, beside=numbers).sleep, numbers.count
        sleeping = hub.spawn(sleep, 0.05)
        hub.sleep(0)
        counting = hub.spawn(count, 1)
        hub.spawn(numbers._eventlet_child._link.close)
        assert sleeping.wait(50) is None
        with pytest.raises(DeadProcess, match="ended with code 0"):
            counting.wait(50)

    @pytest.mark.skipif(not hasattr(os, "waitid"), reason="the system has no waitid()")
    def test_a_child_that_died_unnoticed(self) -> None:
        module = wrap(os)
        child = module._eventlet_child
        os.kill(child.pid, 9)
        # The hub, which would notice the death, doesn't run here.
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(DeadProcess):
            module.getpid()
        child.wait()
        assert child.is_dead

    def test_a_child_that_is_mute_but_lives(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(_link, "_GRACE", 0.01)
        module = wrap(os)
        calling = hub.spawn(wrap(eval, beside=module), _MUTE)
        with pytest.raises(DeadProcess):
            calling.wait(50)
        assert module._eventlet_child.wait() != 0

    def test_an_odd_error_of_the_pipe(
        self, numbers: RemoteObject, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail() -> None:
            raise OSError("odd")

        monkeypatch.setattr(numbers._eventlet_child._link, "_send_out", fail)
        with pytest.raises(OSError, match="odd"):
            len(numbers)

    @pytest.mark.parametrize("road", ["watches"], indirect=True)
    def test_a_pipe_that_breaks_while_the_child_is_busy(
        self, numbers: RemoteObject, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail() -> None:
            raise BrokenPipeError("broken")

        sleep, count = wrap(time, beside=numbers).sleep, numbers.count
        sleeping = hub.spawn(sleep, 100)
        hub.sleep(0)
        monkeypatch.setattr(numbers._eventlet_child._link, "_send_out", fail)
        counting = hub.spawn(count, 1)
        for each in (sleeping, counting):
            with pytest.raises(DeadProcess):
                each.wait(50)

    def test_a_child_that_does_not_read_any_more(self) -> None:
        module = wrap(os)
        run = wrap(exec, beside=module)
        # Its descriptors for requests are closed, but that for replies isn't.
        script = (
            "import os, time\nfor fd in range(3, 64):\n  if fd != keep: os.closerange(fd, fd + 1)"
        )
        keep = module._eventlet_child._link._popen.stdout.fileno()
        calling = hub.spawn(run, script + "\ntime.sleep(1000)", {"keep": keep})
        wait_until_idle()
        sending = hub.spawn(run, "#" * 1_000_000)
        with pytest.raises(DeadProcess):
            sending.wait(50)
        with pytest.raises(DeadProcess):
            calling.wait(50)

    def test_a_child_nobody_uses_ends_by_itself(self) -> None:
        ended = hub.Waiter[None]()
        numbers = wrap([1, 2], ended.switch)
        popen = numbers._eventlet_child._link._popen
        alive = weakref.ref(numbers._eventlet_child)
        del numbers
        gc.collect()
        assert alive() is None
        ended.wait(50)
        assert popen.wait() == 0

    def test_a_child_that_cannot_be_started(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "executable", "no-such-interpreter")
        with pytest.raises(FileNotFoundError):
            Child()

    def test_no_children_while_the_program_is_imported(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "_eventlet_imports_main", True, raising=False)
        with pytest.raises(ProcessError, match="if __name__ == '__main__':"):
            Child()


def test_a_callback_that_is_none() -> None:
    with pytest.raises(TypeError, match="dead_callback must be a function, not 'callback'"):
        wrap([], "callback")  # type: ignore[arg-type]


def test_a_callback_for_a_child_that_is_there(numbers: RemoteObject) -> None:
    with pytest.raises(ValueError, match="dead_callback is for a new child, and <remote list"):
        wrap([2], print, beside=numbers)


@pytest.mark.parametrize(
    "call", [remote.getpid, remote.kill, remote.status, lambda odd: wrap([], beside=odd)]
)
def test_what_is_no_remote_object(call: Callable[[Any], object]) -> None:
    for odd in (5, [1], Child):
        with pytest.raises(TypeError, match=re.escape(f"has a child, not {odd!r}")):
            call(odd)


def test_names_are_public() -> None:
    module: Any = remote
    for name in remote.__all__:
        assert getattr(module, name).__module__ in (
            "eventlet.processes.remote",
            "eventlet.processes",
        )
