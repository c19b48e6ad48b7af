"""Pictures of results: one SVG a subject, with a group of bars for each case."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from itertools import groupby
from pathlib import Path

from .results import Case, Spread

# The colours of the contenders, in their order, which colour-blind people can tell apart (Okabe and
# Ito, "Color Universal Design"). No subject has more contenders than there are colours.
_COLOURS = [
    "#0072b2", "#999999", "#d55e00", "#cc79a7", "#e69f00", "#009e73", "#f0e442", "#56b4e9",
    "#000000",
]  # fmt: skip


def draw(cases: Iterable[Case], folder: Path) -> None:
    """Write a chart of each subject into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    matplotlib = import_module("matplotlib")
    matplotlib.use("svg")
    # The same figures give the same file.
    matplotlib.rcParams["svg.hashsalt"] = "benchmarks"
    in_order = sorted(cases, key=lambda case: case.subject)
    for subject, group in groupby(in_order, key=lambda case: case.subject):
        _draw_subject(list(group), folder / f"{subject}.svg")


def _draw_subject(cases: list[Case], path: Path) -> None:
    pyplot = import_module("matplotlib.pyplot")
    contenders = list(dict.fromkeys(name for case in cases for name in case.figures))
    figure, axes = pyplot.subplots(figsize=(2.5 + 1.6 * len(cases), 3.6), layout="constrained")
    width = 0.8 / len(contenders)
    for index, contender in enumerate(contenders):
        places, spreads = [], []
        for place, case in enumerate(cases):
            if contender in case.figures:
                places.append(place - 0.4 + (index + 0.5) * width)
                spreads.append(Spread.of(case.figures[contender]))
        heights = [spread.median for spread in spreads]
        whiskers = [
            [spread.median - spread.low for spread in spreads],
            [spread.high - spread.median for spread in spreads],
        ]
        look = {"label": contender, "color": _COLOURS[index], "error_kw": {"elinewidth": 0.8}}
        axes.bar(places, heights, width, yerr=whiskers, **look)
    axes.set_xticks(range(len(cases)), [case.label or case.subject for case in cases])
    axes.set_ylabel(cases[0].unit + (" (less is better)" if cases[0].less_is_better else ""))
    axes.set_title(cases[0].title, fontsize="medium")
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside right upper", fontsize="small", frameon=False)
    figure.savefig(path, metadata={"Date": None})
    pyplot.close(figure)
