"""What is put right in a child process after ``os.fork()``."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar
from weakref import ref

from ._native import forget_others

T = TypeVar("T")

# Weak, so that nobody lives longer for the sake of a fork that may never come.
_repairs: list[tuple[ref[Any], Callable[[Any], object]]] = []


def run_in_child(owner: T, repair: Callable[[T], object]) -> None:
    """Call ``repair(owner)`` in every child forked from now on, as long as `owner` lives."""
    _repairs[:] = [known for known in _repairs if known[0]() is not None]
    _repairs.append((ref(owner), repair))


@cache
def watch_forks() -> None:
    """Have the repairs made after each fork of this process; called when a hub is made."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_repair)


def _repair() -> None:
    forget_others()
    for reference, repair in _repairs:
        owner = reference()
        if owner is not None:
            repair(owner)
