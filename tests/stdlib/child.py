"""Run tests of the interpreter's for run.py, which gives the orders in a file of JSON."""

from __future__ import annotations

import importlib
import json
import os
import sys
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# For tests that talk to servers of their own; nothing here leaves the machine.
RESOURCES = ["network", "subprocess", "walltime"]


class Result(unittest.TestResult):
    """Writes down each test as it begins, and what became of it."""

    def __init__(self, journal: int) -> None:
        super().__init__()
        self._journal = journal
        self._verdict = ("passed", "")

    def write(self, *entry: str) -> None:
        os.write(self._journal, json.dumps(entry).encode() + b"\n")

    def startTest(self, test: unittest.TestCase) -> None:  # noqa: N802 - of the base class
        super().startTest(test)
        self._verdict = ("passed", "")
        self.write("start", test.id())

    def stopTest(self, test: unittest.TestCase) -> None:  # noqa: N802 - of the base class
        super().stopTest(test)
        self.write("end", test.id(), *self._verdict)

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:  # noqa: N802 - of the base class
        self._verdict = ("failed", self._exc_info_to_string(err, test))  # type: ignore[attr-defined]

    def addError(self, test: unittest.TestCase, err: Any) -> None:  # noqa: N802 - of the base class
        self.addFailure(test, err)
        if not isinstance(test, unittest.TestCase):
            print(self._verdict[1], file=sys.stderr)  # the set-up of a class or a module

    def addSubTest(self, test: unittest.TestCase, subtest: Any, err: Any) -> None:  # noqa: N802 - of the base class
        if err is not None:
            self.addFailure(test, err)

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:  # noqa: N802 - of the base class
        self._verdict = ("skipped", reason)

    def addExpectedFailure(self, test: unittest.TestCase, err: Any) -> None:  # noqa: N802 - of the base class
        self._verdict = ("skipped", "is expected to fail")


def main() -> None:
    """Run what was ordered."""
    orders = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    journal = os.open(orders["journal"], os.O_WRONLY | os.O_APPEND)
    if orders["patched"]:
        from eventlet.hub import patching

        patching.patch()
        if not patching.is_patched("socket.socket"):
            sys.exit("the patch doesn't work, so these would be tests of the standard modules")
    support: Any = importlib.import_module("test.support")
    support.use_resources = RESOURCES
    result = Result(journal)
    name = f"test.{orders['module']}"
    suite = unittest.TestSuite(
        test
        for test in flatten(unittest.defaultTestLoader.loadTestsFromName(name))
        if orders["pattern"] in test.id()
        and test.id() not in orders["done"]
        and not is_left_out(test.id(), orders["known"])
    )
    suite.run(result)
    result.write("over", "")
    # Without waiting for what tests have left behind: they are not asked to clean up.
    os._exit(0)


def is_left_out(name: str, known: dict[str, str]) -> bool:
    """Whether a test is among the exclusions, by its class, by its method or by both."""
    short = name.split(".")[-2:]  # one alone where the test is a doctest's
    return not known.keys().isdisjoint([*short, ".".join(short)])


def flatten(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    """Yield the tests of a suite, whatever it is made of."""
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flatten(test)
        elif isinstance(test, unittest.TestCase):
            yield test


if __name__ == "__main__":
    main()
