"""The public face: names, docstrings, and nothing that happens at import."""

from __future__ import annotations

import inspect
import pickle
import subprocess
from collections.abc import Callable

import pytest

import eventlet.hub
from eventlet.hub import HubBusy, errors

RunScript = Callable[..., "subprocess.CompletedProcess[str]"]

PUBLIC = [(name, getattr(eventlet.hub, name)) for name in eventlet.hub.__all__]
DESCRIBED = [(name, thing) for name, thing in PUBLIC if not isinstance(thing, str)]

# greenlet's own.
FOREIGN = {"GreenletExit"}


def test_the_list_of_names_is_sorted_and_has_each_once() -> None:
    names = eventlet.hub.__all__
    assert list(names) == sorted(set(names))


def test_the_list_of_names_is_complete() -> None:
    public = {name for name in vars(eventlet.hub) if not name.startswith("_")}
    modules = {name for name in public if inspect.ismodule(getattr(eventlet.hub, name))}
    left_out = public - set(eventlet.hub.__all__) - modules - {"annotations"}
    assert left_out == set()
    assert set(errors.__all__) <= set(eventlet.hub.__all__)


@pytest.mark.parametrize(("name", "thing"), DESCRIBED)
def test_every_name_has_a_docstring(name: str, thing: object) -> None:
    assert name in FOREIGN or inspect.getdoc(thing)


@pytest.mark.parametrize(("name", "thing"), DESCRIBED)
def test_every_name_says_where_users_find_it(name: str, thing: object) -> None:
    if name not in FOREIGN:
        assert thing.__module__ == "eventlet.hub"
        assert thing.__name__ == name  # type: ignore[attr-defined]  # a class or a function


@pytest.mark.parametrize(
    ("name", "thing"), [(name, thing) for name, thing in DESCRIBED if inspect.isclass(thing)]
)
def test_every_public_method_has_a_docstring(name: str, thing: type) -> None:
    if name in FOREIGN:
        return
    for attribute, value in vars(thing).items():
        if not attribute.startswith("_") and (
            inspect.isfunction(value) or isinstance(value, property)
        ):
            assert inspect.getdoc(value), f"{name}.{attribute}"


def test_errors_are_pickled_by_their_public_name() -> None:
    assert b"eventlet.hub" in pickle.dumps(HubBusy("text"))
    assert b"_hub" not in pickle.dumps(HubBusy("text"))


@pytest.mark.parametrize("portable", ["0", "1"])
def test_nothing_happens_at_import(run_script: RunScript, portable: str) -> None:
    done = run_script(
        """
        import gc, os, signal, sys, threading
        import greenlet, contextvars, select, socket

        def state():
            fds = os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else []
            return (
                len(fds),
                threading.enumerate(),
                {n: signal.getsignal(n) for n in signal.valid_signals()},
                signal.set_wakeup_fd(-1),
                len([g for g in gc.get_objects() if isinstance(g, greenlet.greenlet)]),
                sys.gettrace(), sys.getprofile(), sys.excepthook, sys.unraisablehook,
                threading.excepthook, gc.callbacks, sys.getswitchinterval(),
            )

        before = state()
        import eventlet.hub
        after = state()
        assert before == after, (before, after)
        print("same")
        """,
        EVENTLET_PORTABLE=portable,
    )
    assert done.stdout.strip() == "same", done.stderr


def test_importing_it_does_not_import_what_it_may_not_need(run_script: RunScript) -> None:
    done = run_script(
        """
        import sys
        heavy = {"asyncio", "ssl", "logging", "multiprocessing", "concurrent.futures", "pytest",
                 "importlib.metadata", "subprocess"}
        before = heavy & set(sys.modules)  # a tool that measures coverage brings some
        import eventlet.hub
        print(sorted((heavy & set(sys.modules)) - before))
        """
    )
    assert done.stdout.strip() == "[]", done.stderr
