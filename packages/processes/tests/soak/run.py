"""Run children of every kind, and hold no more descriptors and native threads in the end.

::

    python run.py               # 5,000 children, 20 at a time
    python run.py 500 --at-once 50
"""

from __future__ import annotations

import argparse
import itertools
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator

from eventlet import coros, hub
from eventlet.processes import DeadProcess, Process, subprocess

# Seconds in which native threads without work have to be gone: they wait half of it for more.
PATIENCE = 60.0
DATA = bytes(200_000)  # more than a pipe holds


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("children", nargs="?", type=int, default=5000)
    parser.add_argument("--at-once", type=int, default=20)
    options = parser.parse_args()
    for kind in KINDS:  # what the hub itself opens stays
        kind()
    before, began = rest(), time.perf_counter()
    kinds = itertools.islice(itertools.cycle(KINDS), options.children)
    for _ in coros.map(lambda kind: kind(), kinds, max_size=options.at_once):
        pass
    took = time.perf_counter() - began
    print(f"{options.children} children in {took:.1f} s, {options.at_once} at a time")
    after = rest()
    print(f"before: {before}\nafter:  {after}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"largest size in memory: {peak // 1024} MiB")
    return int(after.exceed(before))


class Holdings:
    """What this process has of the system."""

    def __init__(self) -> None:
        self.descriptors = len(os.listdir("/proc/self/fd"))
        self.threads = len(os.listdir("/proc/self/task"))
        self.children = len(list(_children()))

    def exceed(self, others: Holdings) -> bool:
        """Whether there is more of anything."""
        return any(number > vars(others)[name] for name, number in vars(self).items())

    def __str__(self) -> str:
        return ", ".join(f"{number} {name}" for name, number in vars(self).items())


def rest() -> Holdings:
    """Wait until the native threads without work have ended, and return what there is then."""
    deadline = time.monotonic() + PATIENCE
    while (found := Holdings()).threads > 1 and time.monotonic() < deadline:
        hub.sleep(0.5)
    return found


def _children() -> Iterator[str]:
    """Yield the numbers of the children, those that were not reaped included; see proc(5)."""
    for task in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{task}/children") as file:
            yield from file.read().split()


def ends() -> None:
    """Run a program to its end."""
    assert subprocess.run(["true"]).returncode == 0
    assert subprocess.run(["false"]).returncode == 1


def is_not_there() -> None:
    """Fail to start a program."""
    try:
        subprocess.run(["/there/is/no/such/program"])
    except FileNotFoundError:
        return
    raise AssertionError("a program that isn't there was started")


def says_what_it_is_told() -> None:
    """Send more than a pipe holds, and get it back."""
    assert subprocess.run(["cat"], input=DATA, capture_output=True).stdout == DATA


def takes_too_long() -> None:
    """Run a program out of time."""
    try:
        subprocess.run(["sleep", "100"], timeout=0.01, capture_output=True)
    except subprocess.TimeoutExpired:
        return
    raise AssertionError("100 seconds have passed in a hundredth of one")


def is_talked_to() -> None:
    """Talk to a program, and kill it."""
    with Process("cat") as child:
        child.write(b"hello\n")
        assert child.readline() == b"hello\n"


def is_killed_meanwhile() -> None:
    """Kill a program that somebody reads from."""
    with Process("cat") as child:
        reader = hub.spawn(child.read)
        hub.sleep(0)
        child.terminate()
        try:
            reader.wait()
        except DeadProcess:
            return
    raise AssertionError("something was read from a program that says nothing")


KINDS: list[Callable[[], None]] = [
    ends, is_not_there, says_what_it_is_told, takes_too_long, is_talked_to, is_killed_meanwhile,
]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
