"""Run the standard library's own tests against `coros.threading` and `coros.queue`.

They come with the interpreter, in the `test` package. Each of them runs twice: once with the native
threads that it starts itself, and once with green threads in their places.

Usage: ``python run.py [-v] [part of a test's name ...]``. The exit status says whether all passed.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import threading as native_threading
import time
import types
import unittest
from collections.abc import Callable, Iterator
from typing import Any

import eventlet.coros.queue as green_queue
import eventlet.coros.threading as green_threading
from eventlet import coros, hub

# What isn't run, by the name of the class and the method in the standard library. A name without a
# method leaves out the class.
EXCLUDED = {
    "LockTests.test_repr": "the words of the representation are ours",
    "LockTests.test_locked_repr": "the words of the representation are ours",
    "RLockTests.test_repr": "the words of the representation are ours",
    "RLockTests.test_locked_repr": "the words of the representation are ours",
    "EventTests.test_at_fork_reinit": "looks into private attributes; ours has a test of its own",
    "EventTests.test_repr": "the words of the representation are ours",
    "SemaphoreTests.test_repr": "the words of the representation are ours",
    "BoundedSemaphoreTests.test_repr": "the words of the representation are ours",
    "BarrierTests.test_repr": "the words of the representation are ours",
}

# What isn't run with green threads only.
_POLLS = "its readers poll in a loop that never waits, which needs preemptive threads"
EXCLUDED_GREEN = {
    f"{kind}.test_shutdown_{how}": _POLLS
    for kind in ("QueueTest", "LifoQueueTest", "PriorityQueueTest")
    for how in ("all_methods_in_many_threads", "immediate_all_methods_in_many_threads")
}


def start_green(function: Callable[..., Any], args: tuple[Any, ...] = ()) -> int:
    """Stand in for `_thread.start_new_thread`."""
    return id(hub.spawn(function, *args))


def module_with(original: types.ModuleType, **names: Any) -> types.ModuleType:
    """Return a module like `original`, but with some names replaced."""
    changed = types.ModuleType(original.__name__)
    changed.__dict__.update(vars(original), **names)
    return changed


def subjects() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Name each class of tests, with the attributes that tell it what to test."""
    locks = "test.lock_tests"
    yield locks, "LockTests", {"locktype": staticmethod(green_threading.Lock)}
    yield locks, "RLockTests", {"locktype": staticmethod(green_threading.RLock)}
    yield locks, "EventTests", {"eventtype": staticmethod(green_threading.Event)}
    yield locks, "ConditionTests", {"condtype": staticmethod(green_threading.Condition)}
    yield locks, "SemaphoreTests", {"semtype": staticmethod(green_threading.Semaphore)}
    yield (
        locks,
        "BoundedSemaphoreTests",
        {"semtype": staticmethod(green_threading.BoundedSemaphore)},
    )
    yield locks, "BarrierTests", {"barriertype": staticmethod(green_threading.Barrier)}
    yield "test.test_threading_local", "BaseLocalTest", {"_local": coros.local}
    for name in ("QueueTest", "LifoQueueTest", "PriorityQueueTest", "FailingQueueTest"):
        yield "test.test_queue", name, {"queue": green_queue}
    simple = {"queue": green_queue, "type2test": green_queue.SimpleQueue}
    yield "test.test_queue", "BaseSimpleQueueTest", simple


def green_twin(module: types.ModuleType) -> None:
    """Let a test module start green threads, and wait without stopping the others."""
    names = vars(module)
    names["time"] = module_with(time, sleep=hub.sleep)
    if "threading" in names:
        names["threading"] = module_with(
            names["threading"],
            **{name: getattr(green_threading, name) for name in green_threading.__all__},
        )
        for found in list(names.values()):
            if isinstance(found, type) and native_threading.Thread in found.__bases__:
                found.__bases__ = (green_threading.Thread,)
    if "start_new_thread" in names:
        names["start_new_thread"] = start_green
        names["get_ident"] = green_threading.get_ident
    if "support" in names:
        names["support"] = module_with(names["support"], sleeping_retry=_sleeping_retry)
    if "threading_helper" in names:
        helper = names["threading_helper"]
        names["threading_helper"] = module_with(helper, start_threads=_start_threads)


def _sleeping_retry(timeout: float, *_: object, **__: object) -> Iterator[None]:
    """Yield again and again, with pauses, and fail when the time has passed."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        yield
        hub.sleep(0.001)
    raise AssertionError(f"timed out after {timeout} seconds")


class _start_threads:  # noqa: N801 - stands for a function
    """Start threads for a block, and join them at its end."""

    def __init__(self, threads: Any, unlock: Callable[[], object] | None = None) -> None:
        self._threads = list(threads)
        self._unlock = unlock

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *error: object) -> None:
        if self._unlock is not None:
            self._unlock()
        for thread in self._threads:
            thread.join(60)


def load(flavour: str, wanted: list[str]) -> unittest.TestSuite:
    """Build the suite for native or green threads."""
    suite = unittest.TestSuite()
    excluded = {**EXCLUDED, **(EXCLUDED_GREEN if flavour == "green" else {})}
    for module_name, class_name, attributes in subjects():
        sys.modules.pop(module_name, None)
        module = importlib.import_module(module_name)
        if flavour == "green":
            green_twin(module)
        if class_name in excluded:
            print(f"{flavour} {class_name}: left out: {excluded[class_name]}")
            continue
        base = getattr(module, class_name)
        bases = (base,) if issubclass(base, unittest.TestCase) else (base, unittest.TestCase)
        case = type(f"{flavour}_{class_name}", bases, attributes)
        for method in unittest.defaultTestLoader.getTestCaseNames(case):
            name = f"{class_name}.{method}"
            if name in excluded:
                print(f"{flavour} {name}: left out: {excluded[name]}")
            elif not wanted or any(word in name for word in wanted):
                suite.addTest(case(method))
    return suite


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("wanted", nargs="*", help="parts of the names of the tests to run")
    options = parser.parse_args()
    try:
        importlib.import_module("test.lock_tests")
    except ImportError:
        print("this interpreter comes without the `test` package; nothing was tested")
        return 1
    passed = True
    for flavour in ("native", "green"):
        suite = load(flavour, options.wanted)
        print(f"{flavour}: {suite.countTestCases()} tests", flush=True)
        runner = unittest.TextTestRunner(verbosity=2 if options.verbose else 1)
        passed &= runner.run(suite).wasSuccessful()
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
