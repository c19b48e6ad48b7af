"""Run the standard library's own tests with our modules in the place of its own.

::

    python run.py                     # all modules, as a table
    python run.py test_socket         # some of them
    python run.py test_ssl -k session # tests whose names match

What is left out, and why, is in exclusions.toml. A test in there that isn't in the interpreter's
suite is no error: versions differ.
"""

from __future__ import annotations

import argparse
import importlib
import json
import subprocess
import sys
import tomllib
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MODULES = (
    "test_socket",
    "test_ssl",
    "test_select",
    "test_selectors",
    "test_poll",
    "test_epoll",
    "test_socketserver",
    "test_timeout",
)
REPLACED = ("socket", "ssl", "select", "selectors")
# Modules that hold references to what is replaced, and are imported anew with the replacements.
STALE = ("socketserver", "http.client", "urllib.request", "asyncio")
# Test modules that refuse to run unless the network may be used.
NETWORKED = ("test_socketserver", "test_timeout")
# Seconds for one module: the slowest takes a quarter of this on a machine that is busy otherwise.
LIMIT = 600

HERE = Path(__file__).parent
EXCLUSIONS: dict[str, dict[str, str]] = tomllib.loads((HERE / "exclusions.toml").read_text())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("modules", nargs="*", default=MODULES)
    parser.add_argument("-k", dest="pattern", default="", help="only tests whose names contain it")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        return run_here(options.modules[0], options.pattern)
    worst = 0
    reasons: list[str] = []
    print(f"{'module':20}{'passed':>8}{'skipped':>9}{'excluded':>10}{'failed':>8}")
    for name in options.modules:
        outcome = run_in_child(name, options.pattern)
        counts = (outcome["passed"], outcome["skipped"], len(outcome["excluded"]))
        print(f"{name:20}{counts[0]:8}{counts[1]:9}{counts[2]:10}{len(outcome['failed']):8}")
        reasons += [f"{name}.{test}: {why}" for test, why in outcome["excluded"].items()]
        for test, report in outcome["failed"].items():
            print(f"\n--- {name}: {test}\n{report}")
            worst = 1
        if not outcome["passed"]:
            print(f"--- {name}: not one test has passed")
            worst = 1
    print("\nExcluded:", *(reasons or ["nothing"]), sep="\n  ")
    return worst


def run_in_child(name: str, pattern: str) -> dict[str, Any]:
    command = [sys.executable, __file__, "--child", name, "-k", pattern]
    try:
        done = subprocess.run(
            command, stdout=subprocess.PIPE, text=True, timeout=LIMIT, cwd=HERE, check=False
        )
        lines = done.stdout.splitlines()
        report = f"it ended with {done.returncode} and no report"
    except subprocess.TimeoutExpired:
        lines, report = [], f"it did not end within {LIMIT} s"
    for line in reversed(lines):
        if line.startswith("{"):
            outcome: dict[str, Any] = json.loads(line)
            return outcome
    return {"passed": 0, "skipped": 0, "excluded": {}, "failed": {"the whole module": report}}


def run_here(name: str, pattern: str) -> int:
    replace_modules()
    support: Any = importlib.import_module("test.support")
    support.use_resources = ["network"] if name in NETWORKED else []
    module = importlib.import_module(f"test.{name}")
    # Some of them wait for every native thread to end, and those of the resolver take their time.
    importlib.import_module("eventlet.greensocket.dns").use(idle_timeout=0.001)
    excluded: dict[str, str] = {}
    suite = unittest.TestSuite()
    for test in flatten(unittest.defaultTestLoader.loadTestsFromModule(module)):
        label = test.id().removeprefix(f"test.{name}.")
        why = reason(name, label)
        if why is not None:
            excluded[label] = why
        elif pattern in label:
            suite.addTest(test)
    result = Result(unittest.runner._WritelnDecorator(sys.stderr), True, 2)
    suite.run(result)
    failures = [*result.failures, *result.errors]
    outcome = {
        "passed": result.passed,
        "skipped": len(result.skipped),
        "excluded": excluded,
        "failed": {str(test): report for test, report in failures},
    }
    print()
    print(json.dumps(outcome), flush=True)
    return 0


class Result(unittest.TextTestResult):
    """Counts what has passed: what `testsRun` counts differs from version to version."""

    passed = 0

    def addSuccess(self, test: unittest.TestCase) -> None:  # noqa: N802 - of the base class
        super().addSuccess(test)
        self.passed += 1


def replace_modules() -> None:
    green = {name: importlib.import_module(f"eventlet.greensocket.{name}") for name in REPLACED}
    for stale in STALE:
        for loaded in [key for key in sys.modules if key == stale or key.startswith(stale + ".")]:
            del sys.modules[loaded]
    sys.modules.update(green)


def flatten(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flatten(test)
        elif isinstance(test, unittest.TestCase):
            yield test


def reason(name: str, label: str) -> str | None:
    """Return why a test is left out: its class or itself may be listed."""
    known = EXCLUSIONS.get(name, {})
    return known.get(label) or known.get(label.partition(".")[0])


if __name__ == "__main__":
    sys.exit(main())
