"""The ratios that the project promises, and which of them do not hold."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import NamedTuple

from .results import Case, load

HERE = Path(__file__).parent
TARGETS = HERE / "targets.toml"
COMMITTED = HERE / "results" / "latest.json"

# Ratios that have become worse by more than this since the committed run are no noise.
_NOISE = 0.1
# A target of 1 is to be level, and two that are level differ by this much from run to run.
_LEVEL = 0.97
# A target that takes more than this part of what the floor does, in the same run, is out of reach:
# the rest is for what a library has to do besides (see `subjects/_floor.py`).
_REACHABLE = 0.85


class Findings(NamedTuple):
    """What a comparison with the targets and with the committed results has shown.

    Attributes:
        shortfalls: what does not hold, or has become worse.
        out_of_reach: targets that do not hold because they lie too close to the floor.
    """

    shortfalls: list[str]
    out_of_reach: list[str]


def committed() -> dict[str, Case]:
    """Return the cases of the results that were committed last, by name."""
    return {case.name: case for case in load(COMMITTED)} if COMMITTED.exists() else {}


def check(
    cases: Iterable[Case],
    before: Mapping[str, Case],
    targets: Mapping[str, Mapping[str, float]] | None = None,
) -> Findings:
    """Say which cases fall short of their targets, or of what they were before.

    Arguments:
        before: earlier results, by the names of their cases.
        targets: how many times better ours has to be, by case and contender; default: those of
            ``targets.toml``.
    """
    if targets is None:
        targets = tomllib.loads(TARGETS.read_text("utf-8"))
    findings = Findings([], [])
    for case in cases:
        _compare_with_targets(case, targets.get(case.name, {}), findings)
        if case.name in before:
            findings.shortfalls.extend(_worse_than(case, before[case.name]))
    return findings


def _compare_with_targets(case: Case, targets: Mapping[str, float], findings: Findings) -> None:
    for contender, target in targets.items():
        ratio = case.ratio(contender)
        # To the digit that is printed: 0.97 does not fall short of 0.97.
        if ratio is None or round(ratio.median, 2) >= (_LEVEL if target == 1 else target):
            continue
        text = f"{case.name}: {ratio.median:.2f} times {contender}, the target is {target:g}"
        floor = case.ratio(contender, of="floor")
        if floor is not None and contender != "floor" and target > floor.median * _REACHABLE:
            findings.out_of_reach.append(f"{text}, the floor {floor.median:.2f}")
        else:
            findings.shortfalls.append(text)


def _worse_than(case: Case, before: Case) -> Iterable[str]:
    ratios = {
        contender: (newer.median, older.median)
        for contender in case.figures
        if contender != "ours"
        and (newer := case.ratio(contender)) is not None
        and (older := before.ratio(contender)) is not None
    }
    # What makes ours slower shows beside most of them; beside one alone, it is that one's doing.
    if not ratios or median(now / then for now, then in ratios.values()) >= 1 - _NOISE:
        return
    for contender, (now, then) in ratios.items():
        if now < then * (1 - _NOISE):
            yield (
                f"{case.name}: {now:.2f} times {contender},"
                f" it was {then:.2f} in the committed results"
            )
