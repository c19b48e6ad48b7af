"""Rounds: the contenders of one case take turns, and each turn gives one figure."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from .contenders import CONTENDERS, LIMITS, search_path, set_up
from .results import Case
from .subject import load, module_of
from .subjects._load import find_compiler

# From what part of a round's length on it tells how often to repeat the work for all of it.
_WORTH_SCALING = 0.25


@dataclass(frozen=True)
class Effort:
    """How much is done for one case.

    Attributes:
        rounds: how many figures a contender gets.
        generations: how many processes they come from, one after the other: where the system
            happens to put a process in memory is worth some per cent.
        seconds: how long one round takes.
    """

    rounds: int = 15
    generations: int = 3
    seconds: float = 0.15


QUICK = Effort(rounds=5, generations=1, seconds=0.05)


class WorkerFailed(RuntimeError):
    """A contender's process ended without an answer; its own message is on standard error."""


class Worker:
    """The process of one contender, for one case of a subject."""

    def __init__(
        self, python: Path, subject: str, contender: str, parameter: int, checkout: Path
    ) -> None:
        self._what = f"{contender} in {subject} ({parameter})"
        self._subject = load(subject)
        self._repeats = 1
        command = [str(python), "-m", "benchmarks.worker", subject, contender, str(parameter)]
        environment = {
            **os.environ,
            "PYTHONPATH": search_path(CONTENDERS[contender].environment, checkout),
            "PYTHONWARNINGS": "ignore",  # one contender says at import that it is deprecated
        }
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        if sys.platform == "linux":
            os.sched_setaffinity(self._process.pid, {max(os.sched_getaffinity(0))})

    def warm_up(self, seconds: float) -> None:
        """Find out how often to repeat the work so that a round takes about that long."""
        self._order()  # the first time does much that is never done again
        while (elapsed := self._order()[1]) < seconds * _WORTH_SCALING:
            self._repeats *= 2
        self._repeats = max(1, round(self._repeats * seconds / elapsed))

    def figure(self) -> float:
        """Run one round."""
        result, elapsed = self._order()
        return result if self._subject.footprint else result / elapsed

    def _order(self) -> tuple[float, float]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            print(self._repeats, file=self._process.stdin, flush=True)
        except BrokenPipeError:
            pass  # the empty answer tells
        line = self._process.stdout.readline()
        if not line:
            raise WorkerFailed(f"{self._what} ended with status {self._process.wait()}")
        answer = json.loads(line)
        return answer["result"], answer[self._subject.clock]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()


def measure(
    names: Iterable[str],
    checkouts: Mapping[str, Path],
    effort: Effort,
    done: Callable[[Case], object],
) -> None:
    """Measure every case of the subjects, and hand over each as soon as it is known.

    Arguments:
        checkouts: who takes part, and the checkout that ours comes from.
    """
    pythons = {name: set_up(CONTENDERS[name].environment) for name in checkouts}
    for name in names:
        subject = load(name)
        if subject.needs_c and find_compiler() is None:
            print(f"benchmarks: {name} is skipped: install a C compiler (cc)", file=sys.stderr)
            continue
        adapters = module_of("_servers" if subject.servers else name)
        taking_part = {
            contender: (pythons[contender], checkout)
            for contender, checkout in checkouts.items()
            if hasattr(adapters, CONTENDERS[contender].adapter)
            and (contender in subject.limits or contender not in LIMITS)
            and (contender != "floor" or hasattr(select, "epoll"))
        }
        for label in subject.cases:
            done(_measure_case(name, label, taking_part, effort))


def _measure_case(
    name: str, label: str, taking_part: Mapping[str, tuple[Path, Path]], effort: Effort
) -> Case:
    subject = load(name)
    case = Case(name, label, subject.title, subject.unit, subject.footprint, {})
    parameter = subject.cases[label]
    generations = effort.rounds if subject.footprint else effort.generations
    for _ in range(generations):
        with ExitStack() as stack:
            workers = {
                contender: stack.enter_context(Worker(python, name, contender, parameter, checkout))
                for contender, (python, checkout) in taking_part.items()
            }
            if not subject.footprint:
                for worker in workers.values():
                    worker.warm_up(effort.seconds)
            for _ in range(effort.rounds // generations):
                for contender, worker in workers.items():
                    case.figures.setdefault(contender, []).append(worker.figure())
    return case
