"""What can go wrong in the hub: names, kinds, texts."""

from __future__ import annotations

import pickle

import pytest

from eventlet.hub import errors
from eventlet.hub.errors import Cancelled, Deadlock, HubError, SelectLimit

EVERY = [getattr(errors, name) for name in errors.__all__]


@pytest.mark.parametrize("kind", [kind for kind in EVERY if kind is not Cancelled])
def test_all_have_one_root(kind: type[BaseException]) -> None:
    assert issubclass(kind, HubError)
    assert issubclass(kind, RuntimeError)


def test_a_cancellation_is_no_error() -> None:
    assert not issubclass(Cancelled, Exception)


@pytest.mark.parametrize("kind", EVERY)
def test_all_say_who_is_at_fault(kind: type[BaseException]) -> None:
    assert kind.__doc__


@pytest.mark.parametrize(
    "error", [SelectLimit(2000, 1024), Deadlock("thread\n"), HubError("text"), Cancelled("text")]
)
def test_all_survive_pickling(error: BaseException) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert vars(copy) == vars(error)


def test_a_deadlock_shows_its_report() -> None:
    error = Deadlock("  GreenThread Rapunzel\n")
    assert error.report == "  GreenThread Rapunzel\n"
    assert str(error).endswith("and where:\n  GreenThread Rapunzel\n")
