"""Where ours spends its time: ``python -m benchmarks.profile SUBJECT [CASE] [--instructions]``.

Writes a flame graph (py-spy) or, with ``--instructions``, prints what valgrind's callgrind counts,
which does not depend on how busy the machine is.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.workspace import ROOT

from .contenders import CONTENDERS, ENVIRONMENTS, search_path, set_up
from .subject import load, names

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
    if subject.servers:
        parser.error("profile the servers themselves: py-spy record --pid of the process")
    case = options.case if options.case is not None else next(iter(subject.cases))
    if case not in subject.cases:
        parser.error(
            f"no case {case!r} of {options.subject}; there are: {', '.join(subject.cases)}"
        )
    worker = ["-m", "benchmarks.worker", options.subject, options.contender]
    worker.append(str(subject.cases[case]))
    if options.instructions:
        return _count(options.contender, worker)
    return _draw(options.contender, worker, "-".join(filter(None, [options.subject, case])))


def _environment(contender: str) -> dict[str, str]:
    path = search_path(CONTENDERS[contender].environment, ROOT)
    return {**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": "ignore"}


def _draw(contender: str, worker: list[str], name: str) -> int:
    here = Path(sys.executable).parent  # on the path only where the environment is activated
    spy = shutil.which("py-spy", path=os.pathsep.join([str(here), os.environ["PATH"]]))
    if spy is None:
        print("py-spy is missing: pip install py-spy", file=sys.stderr)
        return 1
    python = str(set_up(CONTENDERS[contender].environment))
    target = ENVIRONMENTS / f"profile-{name}.svg"
    command = [spy, "record", "--rate", "500", "--duration", str(_SECONDS), "--output", str(target)]
    orders = "1\n" * 1_000_000  # more than is done in that time
    done = subprocess.run(
        [*command, "--", python, *worker],
        input=orders, text=True, stdout=subprocess.DEVNULL, check=False,
        env=_environment(contender),
    )  # fmt: skip
    print(target)
    return done.returncode


def _count(contender: str, worker: list[str]) -> int:
    """Print the instructions of one repetition: of eleven, less those of one, a tenth."""
    if shutil.which("valgrind") is None:
        print("valgrind is missing; the system's package manager has it", file=sys.stderr)
        return 1
    once, often = (_instructions(contender, worker, repeats) for repeats in (1, 11))
    print(f"{(often - once) / 10:,.0f} instructions for one repetition of the work")
    return 0


def _instructions(contender: str, worker: list[str], repeats: int) -> int:
    python = str(set_up(CONTENDERS[contender].environment))
    with tempfile.TemporaryDirectory() as folder:
        tool = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out"]
        done = subprocess.run(
            [*tool, python, *worker],
            input=f"{repeats}\n", text=True, capture_output=True, check=True,
            env={**_environment(contender), "PYTHONHASHSEED": "0"},
        )  # fmt: skip
    found = re.search(r"Collected : (\d+)", done.stderr)
    if found is None:
        raise RuntimeError(f"valgrind said nothing of instructions:\n{done.stderr}")
    return int(found[1])


if __name__ == "__main__":
    sys.exit(main())
