"""The five distributions side by side in one namespace."""

import importlib
import subprocess
import sys
from importlib.metadata import requires

import pytest

PORTIONS = ["coros", "greensocket", "httpc", "hub", "processes", "util"]


def test_nobody_owns_the_namespace() -> None:
    namespace = importlib.import_module("eventlet")
    assert namespace.__file__ is None


@pytest.mark.parametrize("portion", PORTIONS)
def test_every_public_name_exists_and_is_documented(portion: str) -> None:
    module = importlib.import_module(f"eventlet.{portion}")
    assert module.__doc__
    for name in module.__all__:
        assert hasattr(module, name), f"{module.__name__}.{name} is promised but missing"


@pytest.mark.parametrize("portion", PORTIONS)
def test_importing_does_nothing(portion: str) -> None:
    """No native thread, no signal handler, no descriptor, no patch."""
    script = f"""
import _socket, signal, socket, ssl, sys, threading, time
def state():
    handlers = [signal.getsignal(number) for number in signal.valid_signals()]
    patched = [socket.socket, socket.getaddrinfo, time.sleep, threading.Lock, threading.local]
    wakeup = signal.set_wakeup_fd(-1)
    probe = _socket.socket()  # takes the lowest free descriptor
    return probe.fileno(), threading.active_count(), handlers, patched, wakeup, probe.close()
before = state()
import eventlet.{portion}
after = state()
assert before == after, (before, after)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=50
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("portion", [name for name in PORTIONS if name not in ("hub", "util")])
def test_siblings_are_required_with_ranges(portion: str) -> None:
    siblings = [text for text in requires(f"eventlet-{portion}") or [] if text.startswith("event")]
    assert siblings
    assert all(">=" in text and "<" in text for text in siblings), siblings
