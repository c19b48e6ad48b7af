"""Run the standard library's tests of `subprocess` on the patched module.

::

    python run.py                # all of them, in the main greenlet and in a green thread
    python run.py -k communicate # those whose names match

Nothing is left out.
"""

from __future__ import annotations

import argparse
import importlib
import os
import subprocess
import sys
import tempfile
import unittest
from collections.abc import Iterator

# Seconds for one run: it takes a tenth of this.
LIMIT = 600


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-k", dest="pattern", default="", help="only tests whose names contain it")
    parser.add_argument("--child", choices=["main", "green"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        return run_here(options.pattern, in_green_thread=options.child == "green")
    command = [sys.executable, __file__, "-k", options.pattern, "--child"]
    runs = [
        subprocess.run([*command, where], timeout=LIMIT, check=False) for where in ("main", "green")
    ]
    return int(any(run.returncode for run in runs))


def run_here(pattern: str, *, in_green_thread: bool) -> int:
    from eventlet import hub
    from eventlet.hub import patching

    patching.patch("subprocess")
    if subprocess.Popen.__module__ != "eventlet.processes.subprocess":
        sys.exit("the patch doesn't work, so these would be tests of the standard module")
    module = importlib.import_module("test.test_subprocess")
    tests = flatten(unittest.defaultTestLoader.loadTestsFromModule(module))
    suite = unittest.TestSuite(test for test in tests if pattern in test.id())
    runner = unittest.TextTestRunner()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # they leave files where they are
        result = hub.spawn(runner.run, suite).wait() if in_green_thread else runner.run(suite)
        os.chdir(os.path.dirname(folder))
    return 0 if result.wasSuccessful() and result.testsRun else 1


def flatten(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from flatten(test)
        elif isinstance(test, unittest.TestCase):
            yield test


if __name__ == "__main__":
    sys.exit(main())
