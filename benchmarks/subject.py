"""What is measured: one module of `benchmarks.subjects`, described by its `SUBJECT`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Literal

Work = Callable[[int], float | tuple[float, float]]
AsyncWork = Callable[[int], Awaitable[float | tuple[float, float]]]

PACKAGE = f"{__package__}.subjects"


@dataclass(frozen=True)
class Subject:
    """A subject and its cases.

    Its module has a function for each contender's adapter. It is called with a case's parameter
    and returns the work: a function that is told how often to repeat it and returns how many
    operations that came to. Of a `footprint` the work returns the figure itself. Where contenders
    are `servers`, which `benchmarks.subjects._servers` has, there is one function for all,
    `against`, which is also given the contender's name.

    Attributes:
        title: what the table calls it.
        unit: of the figures.
        cases: their names and the parameter of each, in the order of the table.
        clock: "cpu" counts the processor time of the process, "wall" the elapsed time; with "own"
            the work returns the seconds as well.
        footprint: whether less is better and every round needs a fresh process.
        servers: whether each contender is a server in a process of its own, under the same load.
        needs_c: whether a part of it is written in C; skipped where there is no compiler.
        limits: which of the contenders that are none, but limits, take part.
    """

    title: str
    unit: str
    cases: Mapping[str, int] = field(default_factory=lambda: {"": 0})
    clock: Literal["cpu", "wall", "own"] = "cpu"
    footprint: bool = False
    servers: bool = False
    needs_c: bool = False
    limits: tuple[str, ...] = ()


def names() -> list[str]:
    """Return the names of all subjects."""
    path = import_module(PACKAGE).__path__
    return [module.name for module in iter_modules(path) if not module.name.startswith("_")]


def module_of(name: str) -> ModuleType:
    """Import the module of a subject."""
    return import_module(f"{PACKAGE}.{name}")


def load(name: str) -> Subject:
    """Return the description of a subject."""
    found = module_of(name).SUBJECT
    assert isinstance(found, Subject)
    return found
