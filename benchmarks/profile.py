"""Where ours spends its time: ``python -m benchmarks.profile SUBJECT [CASE] [--instructions]``.

Writes a flame graph (py-spy) or, with ``--instructions``, prints what valgrind's callgrind counts,
which does not depend on how busy the machine is. Where contenders are servers, the server is what
is looked at.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tools.workspace import ROOT

from .contenders import CONTENDERS, ENVIRONMENTS, search_path, set_up
from .subject import load, names
from .subjects._load import UNDER

_SECONDS = 5


def main(arguments: list[str] | None = None) -> int:
    """Profile one case of one subject."""
    parser = argparse.ArgumentParser(prog="benchmarks.profile", description=__doc__)
    parser.add_argument("subject", choices=names())
    parser.add_argument("case", nargs="?", help="default: the first")
    parser.add_argument("--contender", default="ours", choices=list(CONTENDERS))
    parser.add_argument("--instructions", action="store_true", help="count them (valgrind)")
    options = parser.parse_args(arguments)
    subject = load(options.subject)
    case = options.case if options.case is not None else next(iter(subject.cases))
    if case not in subject.cases:
        parser.error(
            f"no case {case!r} of {options.subject}; there are: {', '.join(subject.cases)}"
        )
    work = _Work(options.subject, options.contender, subject.cases[case])
    if options.instructions:
        return _count(work)
    return _draw(work, "-".join(filter(None, [options.subject, case])))


class _Work:
    """How to run the work that is looked at."""

    def __init__(self, subject: str, contender: str, parameter: int) -> None:
        environment = CONTENDERS[contender].environment
        python = str(set_up(environment))
        self.command = [python, "-m", "benchmarks.worker", subject, contender, str(parameter)]
        self.environment = {
            **os.environ,
            "PYTHONPATH": search_path(environment, ROOT),
            "PYTHONWARNINGS": "ignore",
        }
        self.is_served = load(subject).servers


def _draw(work: _Work, name: str) -> int:
    here = Path(sys.executable).parent  # on the path only where the environment is activated
    spy = shutil.which("py-spy", path=os.pathsep.join([str(here), os.environ["PATH"]]))
    if spy is None:
        print("py-spy is missing: pip install py-spy", file=sys.stderr)
        return 1
    target = ENVIRONMENTS / f"profile-{name}.svg"
    with subprocess.Popen(
        work.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
        env=work.environment,
    ) as worker:  # fmt: skip
        pid = (_order(worker)["servers"] or [worker.pid])[-1]
        command = [spy, "record", "--pid", str(pid), "--rate", "500"]
        command += ["--duration", str(_SECONDS), "--output", str(target)]
        with subprocess.Popen(command) as recording:
            while recording.poll() is None:
                _order(worker)
        worker.communicate()  # it ends when there is nothing left to read, and its server with it
    print(target)
    return recording.returncode


def _order(worker: subprocess.Popen[str]) -> dict[str, Any]:
    """Have the work done once, and return the answer."""
    assert worker.stdin is not None
    assert worker.stdout is not None
    print("1", file=worker.stdin)
    answer: dict[str, Any] = json.loads(worker.stdout.readline())
    return answer


def _count(work: _Work) -> int:
    """Print the instructions of one repetition: of eleven, less those of one, a tenth."""
    if shutil.which("valgrind") is None:
        print("valgrind is missing; the system's package manager has it", file=sys.stderr)
        return 1
    once, often = (_instructions(work, repeats) for repeats in (1, 11))
    print(f"{(often - once) / 10:,.0f} instructions for one repetition of the work")
    return 0


def _instructions(work: _Work, repeats: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        tool = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out"]
        environment = {**work.environment, "PYTHONHASHSEED": "0"}
        command = work.command
        if work.is_served:
            environment[UNDER] = shlex.join(tool)
        else:
            command = [*tool, *command]
        done = subprocess.run(
            command, input=f"{repeats}\n", text=True, capture_output=True, check=True,
            env=environment,
        )  # fmt: skip
    found = re.search(r"Collected : (\d+)", done.stderr)
    if found is None:
        raise RuntimeError(f"valgrind said nothing of instructions:\n{done.stderr}")
    return int(found[1])


if __name__ == "__main__":
    sys.exit(main())
