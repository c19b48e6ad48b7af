"""Run the interpreter's own tests twice, as they are and patched, and compare.

::

    python run.py                        # all modules, as a table
    python run.py test_socket test_ssl   # some of them
    python run.py test_ssl -k session    # tests whose names match

A test that passes unpatched on this machine and fails patched is a defect of ours, unless
exclusions.toml says why not. A key there is a class, a method, or both. A test that isn't in the
interpreter's suite is no error: versions differ.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

MODULES = (
    "test_socket", "test_ssl", "test_select", "test_selectors", "test_socketserver",
    "test_httplib", "test_urllib", "test_urllib2", "test_urllib2_localnet", "test_httpservers",
    "test_ftplib", "test_poplib", "test_imaplib", "test_smtplib", "test_xmlrpc", "test_queue",
    "test_threading", "test_thread", "test_threading_local", "test_threadsignals",
    "test_subprocess", "test_signal", "test_timeout", "test_time", "test_logging",
    "test_contextlib", "test_context", "test_concurrent_futures", "test_asyncio",
)  # fmt: skip
# Seconds without the end of any test, after which the one that runs is taken for hanging.
PATIENCE = 60

HERE = Path(__file__).parent
CHILD = HERE / "child.py"
EXCLUSIONS: dict[str, dict[str, str]] = tomllib.loads((HERE / "exclusions.toml").read_text("utf-8"))


@dataclass
class Outcome:
    """What became of the tests of one module, by the name of each."""

    passed: set[str] = field(default_factory=set)
    skipped: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)

    @property
    def done(self) -> set[str]:
        """Those that need not run any more."""
        return self.passed | self.skipped | self.failed.keys()


def main() -> int:
    """Print the table, and the report of each test that was lost."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("modules", nargs="*", default=MODULES)
    parser.add_argument("-k", dest="pattern", default="", help="only tests whose names contain it")
    options = parser.parse_args()
    print(f"{'module':26}{'unpatched':>10}{'patched':>10}{'excluded':>10}{'lost':>6}", flush=True)
    totals = [0, 0, 0, 0]
    excluded: dict[str, str] = {}
    reports: list[str] = []
    for module in options.modules:
        before = run(module, options.pattern, {}, is_patched=False)
        known = EXCLUSIONS.get(module, {})
        after = run(module, options.pattern, known, is_patched=True)
        out = {name: why for name in before.passed if (why := reason(name, known))}
        lost = sorted(before.passed - after.passed - out.keys())
        row = [len(before.passed), len(before.passed & after.passed), len(out), len(lost)]
        totals = [total + count for total, count in zip(totals, row, strict=True)]
        print_row(module, row)
        excluded |= {f"{module}: {name}": why for name, why in out.items()}
        reports += [f"--- {module}: {name}\n{after.failed.get(name, 'skipped')}" for name in lost]
    print_row("all", totals)
    if totals[0]:
        print(f"{totals[1] / totals[0]:.2%} of those that pass unpatched pass patched")
    print("\nExcluded:", *(f"  {name}: {why}" for name, why in sorted(excluded.items())), sep="\n")
    print(*reports, sep="\n\n")
    if not totals[0]:
        print("not one test has passed unpatched, so nothing was compared")
    return int(bool(totals[3]) or not totals[0])


def print_row(name: str, row: list[int]) -> None:
    """Print one line of the table."""
    print(f"{name:26}{row[0]:10}{row[1]:10}{row[2]:10}{row[3]:6}", flush=True)


def reason(name: str, known: dict[str, str]) -> str | None:
    """Return why a test is left out: by its class, by its method or by both."""
    short = name.split(".")[-2:]
    return next((known[key] for key in [*short, ".".join(short)] if key in known), None)


def run(module: str, pattern: str, known: dict[str, str], *, is_patched: bool) -> Outcome:
    """Run the tests of a module in children; each goes on behind the test that ended the last."""
    outcome = Outcome()
    while True:
        running = run_on(module, pattern, known, outcome, is_patched=is_patched)
        if running is None:
            return outcome
        name, report = running
        if name in outcome.failed:
            return outcome  # no progress: the module itself can't be run
        outcome.failed[name] = report


def run_on(
    module: str, pattern: str, known: dict[str, str], outcome: Outcome, *, is_patched: bool
) -> tuple[str, str] | None:
    """Run what is left of the tests; return the one that has ended the child, and its words."""
    with tempfile.TemporaryDirectory() as folder:
        journal, log, file = (Path(folder, name) for name in ("journal", "log", "orders"))
        orders = {
            "module": module, "pattern": pattern, "known": known, "done": sorted(outcome.done),
            "patched": is_patched, "journal": str(journal),
        }  # fmt: skip
        file.write_text(json.dumps(orders), "utf-8")
        journal.touch()
        work = Path(folder, "work")
        work.mkdir()
        with log.open("wb") as output, journal.open("rb") as progress:
            child = subprocess.Popen(
                [sys.executable, CHILD, file],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=work,
                start_new_session=os.name != "nt",
            )  # fmt: skip
            running = follow(child, progress, outcome)
        if running == "":
            return None
        end = log.read_text("utf-8", "replace")[-4000:]
        return running, f"it ended the child, or did not end within {PATIENCE} s\n{end}"


def follow(child: subprocess.Popen[bytes], progress: BinaryIO, outcome: Outcome) -> str:
    """Take note of what a child does until it ends; return the test that it ended in, or ""."""
    running = "the whole module"
    latest = time.monotonic()
    begun = b""
    while True:
        is_over = child.poll() is not None
        *lines, begun = (begun + progress.read()).split(b"\n")
        for line in lines:
            latest = time.monotonic()
            kind, name, *rest = json.loads(line)
            if kind == "start":
                running = name
            elif kind == "end":
                running = "what follows the last test"
                record(outcome, name, *rest)
            else:
                running = ""
        if is_over:
            return running
        if time.monotonic() - latest > PATIENCE:
            kill(child)
        time.sleep(0.05)


def record(outcome: Outcome, name: str, result: str, report: str) -> None:
    """Note the result of one test."""
    if result == "passed":
        outcome.passed.add(name)
    elif result == "skipped":
        outcome.skipped.add(name)
    else:
        outcome.failed[name] = report


def kill(child: subprocess.Popen[bytes]) -> None:
    """End a child, and those that it has started."""
    if os.name == "nt":
        child.kill()
    else:
        os.killpg(child.pid, 9)
    child.wait()


if __name__ == "__main__":
    sys.exit(main())
