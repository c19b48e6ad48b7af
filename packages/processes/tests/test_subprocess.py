from __future__ import annotations

import inspect
import subprocess as standard
import sys
from collections.abc import Callable

import pytest

from eventlet import hub
from eventlet.processes import subprocess

Command = Callable[[str], list[str]]


def test_every_public_name_is_there() -> None:
    assert sorted(subprocess.__all__) == sorted(standard.__all__)
    for name in dir(standard):
        assert hasattr(subprocess, name), name


def test_what_is_not_made_anew_is_the_same() -> None:
    for name in subprocess.__imports__:
        assert getattr(subprocess, name) is getattr(standard, name)
    assert {*subprocess.__implements__, *subprocess.__imports__} == {*standard.__all__}


@pytest.mark.parametrize("name", subprocess.__implements__)
def test_what_is_made_anew_looks_like_the_standard_one(name: str) -> None:
    ours, theirs = getattr(subprocess, name), getattr(standard, name)
    assert ours is not theirs
    assert ours.__module__ == "eventlet.processes.subprocess"
    assert inspect.signature(ours) == inspect.signature(theirs)
    assert name == "Popen" or ours.__doc__ == theirs.__doc__


def test_run(command: Command) -> None:
    result = subprocess.run(command("print('x')"), capture_output=True, text=True, check=True)
    assert (result.returncode, result.stdout, result.stderr) == (0, "x\n", "")
    assert isinstance(result, standard.CompletedProcess)


def test_run_with_input(command: Command) -> None:
    script = "sys.stdout.write(sys.stdin.read().upper())"
    assert subprocess.run(command(script), input=b"abc", stdout=subprocess.PIPE).stdout == b"ABC"


def test_others_run_meanwhile(command: Command) -> None:
    running = hub.spawn(subprocess.run, command("time.sleep(100)"))
    hub.sleep(0)
    assert not running.dead
    running.kill()
    with pytest.raises(hub.GreenletExit):
        running.wait()


def test_many_at_once(command: Command) -> None:
    line = command("print(sys.stdin.read())")
    running = [
        hub.spawn(subprocess.check_output, line, input=str(number), text=True)
        for number in range(10)
    ]
    assert [int(each.wait(50)) for each in running] == list(range(10))


def test_run_out_of_time_kills_the_child(command: Command) -> None:
    line = command("print('x', flush=True); time.sleep(100)")
    with pytest.raises(subprocess.TimeoutExpired) as caught:
        subprocess.run(line, timeout=0.1, stdout=subprocess.PIPE)
    assert caught.value.timeout == 0.1
    assert caught.value.cmd == line


def test_call(command: Command) -> None:
    assert subprocess.call(command("sys.exit(3)")) == 3
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.call(command("time.sleep(100)"), timeout=0.01)


def test_check_call(command: Command) -> None:
    assert subprocess.check_call(command("")) == 0
    with pytest.raises(standard.CalledProcessError) as caught:
        subprocess.check_call(command("sys.exit(3)"))
    assert caught.value.returncode == 3


def test_check_output(command: Command) -> None:
    assert subprocess.check_output(command("print('x')")).strip() == b"x"
    with pytest.raises(subprocess.CalledProcessError) as caught:
        subprocess.check_output(command("print('x'); sys.exit(3)"))
    assert caught.value.output.strip() == b"x"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has another shell")
def test_the_shell() -> None:
    assert subprocess.getoutput("echo hello") == "hello"
    assert subprocess.getstatusoutput("echo hello; exit 3") == (3, "hello")


def test_functions_use_the_class_that_is_there(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[object] = []

    class Recording(subprocess.Popen[bytes]):
        def __init__(self, *args: object, **options: object) -> None:
            super().__init__(*args, **options)  # type: ignore[call-overload]
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Recording)
    assert subprocess.call(command("")) == 0
    assert len(started) == 1
