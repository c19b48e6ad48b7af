"""The ratios that the project promises, and which of them do not hold."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from .results import Case, load

HERE = Path(__file__).parent
TARGETS = HERE / "targets.toml"
COMMITTED = HERE / "results" / "latest.json"

# A ratio to a peer that has become worse by more than this since the committed run is not noise.
_NOISE = 0.1


def committed() -> dict[str, Case]:
    """Return the cases of the results that were committed last, by name."""
    return {case.name: case for case in load(COMMITTED)} if COMMITTED.exists() else {}


def shortfalls(cases: Iterable[Case], before: Mapping[str, Case]) -> list[str]:
    """Say which cases fall short of their targets, or of what they were before."""
    targets: dict[str, dict[str, float]] = tomllib.loads(TARGETS.read_text("utf-8"))
    found: list[str] = []
    for case in cases:
        found += _below_target(case, targets.get(case.name, {}))
        if case.name in before:
            found += _worse_than(case, before[case.name])
    return found


def _below_target(case: Case, targets: dict[str, float]) -> Iterable[str]:
    for contender, target in targets.items():
        ratio = case.ratio(contender)
        if ratio is not None and ratio.median < target:
            yield f"{case.name}: {ratio.median:.2f} times {contender}, the target is {target:g}"


def _worse_than(case: Case, before: Case) -> Iterable[str]:
    for contender in case.figures:
        now, then = case.ratio(contender), before.ratio(contender)
        if now is None or then is None or contender == "ours":
            continue
        if now.median < then.median * (1 - _NOISE):
            yield (
                f"{case.name}: {now.median:.2f} times {contender},"
                f" it was {then.median:.2f} in the committed results"
            )
