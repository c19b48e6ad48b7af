"""Figures, what is made of them, and the files and tables they are kept in."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any, NamedTuple


class Spread(NamedTuple):
    """The median of some figures, and the range of their middle half."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, figures: list[float]) -> Spread:
        """Sum up one or more figures."""
        if len(figures) == 1:
            return cls(figures[0], figures[0], figures[0])
        low, middle, high = quantiles(figures, n=4, method="inclusive")
        return cls(middle, low, high)


@dataclass(frozen=True)
class Case:
    """One case of one subject; `figures` holds those of every contender, round by round."""

    subject: str
    label: str
    title: str
    unit: str
    less_is_better: bool
    figures: dict[str, list[float]]

    @property
    def name(self) -> str:
        """The subject and the label, as the targets spell them."""
        return f"{self.subject}/{self.label}" if self.label else self.subject

    def ratio(self, contender: str, of: str = "ours") -> Spread | None:
        """Return how many times better ours did, round by round; None if either is missing.

        Arguments:
            of: another than ours, to be compared with `contender`.
        """
        ours, theirs = self.figures.get(of), self.figures.get(contender)
        if not ours or not theirs:
            return None
        pairs = zip(ours, theirs, strict=True)
        better = [b / a if self.less_is_better else a / b for a, b in pairs]
        return Spread.of(better)


def table(cases: Iterable[Case]) -> str:
    """Return the figures of each contender, and how many times better ours did."""
    lines = []
    for case in cases:
        lines.append(f"\n{case.title}{f' [{case.label}]' if case.label else ''}, {case.unit}")
        for contender, figures in case.figures.items():
            found, ratio = Spread.of(figures), case.ratio(contender)
            line = f"  {contender:16} {short(found.median):>8} ({_range(found)})"
            if ratio is not None and contender != "ours":
                line += f"   ours is {ratio.median:5.2f} times better ({_range(ratio)})"
            lines.append(line)
    return "\n".join(lines)


def _range(spread: Spread) -> str:
    return f"{short(spread.low)} to {short(spread.high)}"


def short(figure: float) -> str:
    """Return a figure with three digits and a unit."""
    for factor, suffix in ((1e6, "M"), (1e3, "k")):
        if figure >= factor:
            return f"{figure / factor:.3g}{suffix}"
    return f"{figure:.3g}"


def save(path: Path, cases: list[Case], versions: dict[str, str]) -> None:
    """Write figures and the machine that they come from as JSON.

    Cases of an earlier run that this one has not measured stay in the file: the contenders of one
    case always come from one run.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        earlier: dict[str, Any] = json.loads(path.read_text("utf-8"))
        versions = {**earlier["versions"], **versions}
        known = {case.name: case for case in load(path)}
        known.update((case.name, case) for case in cases)
        cases = list(known.values())
    content = {
        "machine": machine(),
        "versions": versions,
        "cases": [asdict(case) for case in cases],
    }
    path.write_text(json.dumps(content, indent=1) + "\n", "utf-8")


def load(path: Path) -> list[Case]:
    """Read the figures that `save` wrote."""
    content: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return [Case(**case) for case in content["cases"]]


def machine() -> dict[str, str]:
    """Describe this machine, as far as it matters for the figures."""
    return {
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
