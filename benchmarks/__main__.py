"""The command line of the benchmarks."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tools.workspace import ROOT

from . import contenders, results, rounds, subject, targets


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, save and check as asked; return the exit status."""
    options = _parser().parse_args(arguments)
    names = _chosen(options.only, subject.names(), "subject")
    known = [name for name in contenders.CONTENDERS if name != "before"]
    checkouts = dict.fromkeys(
        _chosen(options.contenders, known, "contender"), options.ours.resolve()
    )
    if options.before is not None:
        checkouts["before"] = options.before.resolve()
    effort = rounds.QUICK if options.quick else rounds.Effort()
    committed = targets.committed()  # now, as --json may replace them
    versions = _versions(checkouts)
    cases: list[results.Case] = []

    def keep(case: results.Case) -> None:
        cases.append(case)
        print(results.table([case]), flush=True)
        if options.json is not None:  # each time: a run takes long, and may be interrupted
            results.save(options.json, cases, versions)

    rounds.measure(names, checkouts, effort, keep)
    if options.charts is not None:
        from .charts import draw

        draw(cases if options.json is None else results.load(options.json), options.charts)
    if not options.check:
        return 0
    found = targets.check(cases, committed)
    if found.out_of_reach:
        print("\nOut of reach, being too close to the floor:", *found.out_of_reach, sep="\n  ")
    if found.shortfalls:
        print("\nFalling short:", *found.shortfalls, sep="\n  ")
    else:
        print("\nEvery target holds that is within reach.")
    return 1 if found.shortfalls else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="benchmarks", description="Measure eventlet beside its peers, in one run."
    )
    parser.add_argument("--only", metavar="SUBJECT,...", help="; ".join(subject.names()))
    parser.add_argument("--contenders", metavar="NAME,...", help="; ".join(contenders.CONTENDERS))
    parser.add_argument(
        "--ours", metavar="FOLDER", type=Path, default=ROOT, help="the checkout that ours is"
    )
    parser.add_argument(
        "--before", metavar="FOLDER", type=Path, help="another checkout, to compare ours with"
    )
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--json", metavar="FILE", type=Path, help="keep every figure")
    parser.add_argument("--charts", metavar="FOLDER", type=Path, help="draw them (matplotlib)")
    parser.add_argument("--check", action="store_true", help="compare with targets.toml")
    return parser


def _chosen(text: str | None, known: list[str], kind: str) -> list[str]:
    if text is None:
        return known
    wanted = text.split(",")
    for name in wanted:
        if name not in known:
            raise SystemExit(f"there is no {kind} {name!r}; there are: {', '.join(known)}")
    return wanted


def _versions(names: Iterable[str]) -> dict[str, str]:
    """Ask each contender's environment what is installed there."""
    found = {}
    for name in names:
        contender = contenders.CONTENDERS[name]
        if contender.distribution:
            query = "import sys, importlib.metadata as m; print(m.version(sys.argv[1]))"
            python = str(contenders.set_up(contender.environment))
            command = [python, "-c", query, contender.distribution]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found[contender.distribution] = done.stdout.strip()
    return found


if __name__ == "__main__":
    sys.exit(main())
