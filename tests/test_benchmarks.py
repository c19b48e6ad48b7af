"""The benchmarks: what is made of their figures, and that each of ours still runs."""

import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from benchmarks import contenders, page, results, rounds, subject, targets
from benchmarks.results import Case, Spread
from benchmarks.subjects._load import find_compiler

from eventlet.hub import patching

ROOT = Path(__file__).resolve().parent.parent


def case(name: str = "echo/100", *, less_is_better: bool = False, **figures: list[float]) -> Case:
    kind, _, label = name.partition("/")
    return Case(kind, label, "echo", "messages/s", less_is_better, figures)


def test_a_ratio_is_taken_round_by_round() -> None:
    measured = case(ours=[10.0, 40.0, 30.0], gevent=[10.0, 20.0, 10.0])
    assert measured.ratio("gevent") == Spread(2.0, 1.5, 2.5)


def test_where_less_is_better_the_ratio_is_turned_round() -> None:
    assert case(less_is_better=True, ours=[5.0], gevent=[10.0]).ratio("gevent") == (2, 2, 2)


def test_there_is_no_ratio_without_figures() -> None:
    assert case(ours=[1.0]).ratio("gevent") is None


def test_a_target_that_does_not_hold_falls_short() -> None:
    found = targets.check([case(ours=[15.0], gevent=[10.0])], {}, {"echo/100": {"gevent": 1.8}})
    assert found.shortfalls == ["echo/100: 1.50 times gevent, the target is 1.8"]
    assert not found.out_of_reach


def test_a_target_that_holds_is_not_mentioned() -> None:
    found = targets.check([case(ours=[18.0], gevent=[10.0])], {}, {"echo/100": {"gevent": 1.8}})
    assert found == ([], [])


@pytest.mark.parametrize(("figure", "holds"), [(9.8, True), (9.68, True), (9.6, False)])
def test_what_is_level_may_be_a_little_behind(figure: float, holds: bool) -> None:
    found = targets.check([case(ours=[figure], gevent=[10.0])], {}, {"echo/100": {"gevent": 1.0}})
    assert (not found.shortfalls) is holds


def test_a_target_close_to_the_floor_is_out_of_reach() -> None:
    measured = case(ours=[15.0], gevent=[10.0], floor=[19.0])
    found = targets.check([measured], {}, {"echo/100": {"gevent": 1.8}})
    assert not found.shortfalls
    assert found.out_of_reach == ["echo/100: 1.50 times gevent, the target is 1.8, the floor 1.90"]


def test_a_target_well_below_what_the_floor_does_is_within_reach() -> None:
    measured = case(ours=[15.0], gevent=[10.0], floor=[30.0])
    assert targets.check([measured], {}, {"echo/100": {"gevent": 1.8}}).shortfalls


def test_what_ours_must_come_to_of_the_floor_is_never_out_of_reach() -> None:
    found = targets.check([case(ours=[7.0], floor=[10.0])], {}, {"echo/100": {"floor": 0.8}})
    assert found.shortfalls == ["echo/100: 0.70 times floor, the target is 0.8"]


def test_what_has_become_worse_falls_short_even_above_the_target() -> None:
    before = {"echo/100": case(ours=[30.0], gevent=[10.0])}
    found = targets.check([case(ours=[20.0], gevent=[10.0])], before, {"echo/100": {"gevent": 1.8}})
    assert found.shortfalls == ["echo/100: 2.00 times gevent, it was 3.00 in the committed results"]


def test_a_peer_that_has_become_better_is_no_shortfall() -> None:
    before = {"echo/100": case(ours=[30.0], gevent=[10.0], trio=[10.0], threads=[20.0])}
    found = targets.check([case(ours=[30.0], gevent=[10.0], trio=[10.0], threads=[30.0])], before)
    assert not found.shortfalls


def test_each_target_is_one_of_a_case_that_is_measured() -> None:
    """Or it would hold by never being looked at."""
    known = {
        f"{name}/{label}" if label else name: subject.load(name)
        for name in subject.names()
        for label in subject.load(name).cases
    }
    wanted = tomllib.loads(targets.TARGETS.read_text("utf-8"))
    assert set(wanted) <= set(known)


def test_results_stay_when_another_case_is_measured_later(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    results.save(file, [case("echo/1", ours=[1.0])], {"gevent": "1"})
    results.save(file, [case("echo/100", ours=[2.0])], {"greenlet": "3"})
    assert [each.name for each in results.load(file)] == ["echo/1", "echo/100"]
    assert json.loads(file.read_text("utf-8"))["versions"] == {"gevent": "1", "greenlet": "3"}


def test_the_page_has_a_row_for_each_case(tmp_path: Path) -> None:
    file, written = tmp_path / "results.json", tmp_path / "page.md"
    results.save(file, [case(ours=[3000.0], gevent=[2000.0])], {})
    page.write(file, written)
    assert "| 100 | 3k | 1.50 |" in written.read_text("utf-8").splitlines()


def test_the_readme_shows_the_committed_results(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    text = (ROOT / "README.md").read_text("utf-8")
    readme.write_text(text, "utf-8")
    page.summarise(readme=readme)
    assert readme.read_text("utf-8") == text


def test_the_page_shows_the_committed_results(tmp_path: Path) -> None:
    written = ROOT / "docs" / "performance.md"
    text = written.read_text("utf-8")
    copy = tmp_path / "docs" / "performance.md"
    copy.parent.mkdir()
    (tmp_path / "benchmarks").symlink_to(ROOT / "benchmarks")
    page.write(tmp_path / "benchmarks" / "results" / "latest.json", copy)
    assert copy.read_text("utf-8") == text


def test_what_runs_from_its_sources_tells_its_entry_points() -> None:
    path = contenders.search_path("ours", ROOT).split(os.pathsep)
    points = [
        point
        for found in metadata.distributions(path=[path[-1]])
        for point in found.entry_points
        if point.group == "eventlet.patches"
    ]
    assert {point.name for point in points} == set(patching.available())
    assert {point.module for point in points} == {
        f"eventlet.{name}._patches" for name in ("coros", "greensocket", "hub", "processes")
    }


def test_a_subject_that_is_unknown_is_named() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--only", "echoes"],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 1
    assert "there is no subject 'echoes'; there are: communicate," in done.stderr


def every_case() -> Iterator[object]:
    """Yield what ours, and the floor, do in each subject; its first case."""
    for name in subject.names():
        found = subject.load(name)
        label = next(iter(found.cases))
        for contender in ("ours", *found.limits):
            marks = []
            if found.needs_c or contender == "c":
                marks = [pytest.mark.skipif(not find_compiler(), reason="needs a C compiler")]
            yield pytest.param(name, contender, found.cases[label], marks=marks)


@pytest.mark.parametrize(("name", "contender", "parameter"), list(every_case()))
def test_the_work_can_be_done(name: str, contender: str, parameter: int) -> None:
    with rounds.Worker(Path(sys.executable), name, contender, parameter, ROOT) as worker:
        assert worker.figure() > 0
