from __future__ import annotations

import pickle

import pytest

from eventlet import processes


def test_a_dead_process_says_which_and_how_it_ended() -> None:
    error = processes.DeadProcess("gone", 12, -9)
    assert str(error) == "gone (process 12, which has ended with code -9)"
    assert (error.reason, error.pid, error.returncode) == ("gone", 12, -9)


def test_a_dead_process_may_still_be_running() -> None:
    assert str(processes.DeadProcess("mute", 12)) == "mute (process 12)"


def test_a_dead_process_needs_no_details() -> None:
    assert str(processes.DeadProcess()) == ""


@pytest.mark.parametrize("name", ["DeadProcess", "PoolClosed", "ProcessError"])
def test_errors_are_runtime_errors_with_public_names(name: str) -> None:
    error = getattr(processes, name)
    assert issubclass(error, RuntimeError)
    assert error.__module__ == "eventlet.processes"


def test_errors_survive_pickle() -> None:
    error = pickle.loads(pickle.dumps(processes.DeadProcess("gone", 12, 3)))
    assert str(error) == "gone (process 12, which has ended with code 3)"
