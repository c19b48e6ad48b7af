"""`map`, with the calls running side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from ._coroutinepool import CoroutinePool
from ._counts import check_count
from ._results import Ordered, Unordered

T = TypeVar("T")
S = TypeVar("S")

# As many as seems polite to a server that one knows nothing about, and the size that browsers and
# HTTP clients use for the connections to one host is of the same order.
_DEFAULT_SIZE = 10


def map(
    function: Callable[[S], T], iterable: Iterable[S], max_size: int = _DEFAULT_SIZE
) -> Iterator[T]:
    """Return an iterator of ``function(item)`` for each item, in order, computed side by side.

    It is lazy: nothing runs before the first ``next()``, and the input, which may be endless, is
    read at most two times `max_size` items ahead.

    Arguments:
        max_size: how many calls may run at a time.

    Raises:
        TypeError: `function` is not callable, `iterable` can't be iterated, or `max_size` is not a
            whole number.
        ValueError: `max_size` is less than 1.
        Exception: from ``next()``, what a call has raised; then one can go on.
    """
    return Ordered(_pool(max_size), function, _singly(iterable), None)


def imap_unordered(
    function: Callable[[S], T], iterable: Iterable[S], max_size: int = _DEFAULT_SIZE
) -> Iterator[T]:
    """Return an iterator of ``function(item)`` for each item, in the order in which they come.

    Otherwise as `map`.
    """
    return Unordered(_pool(max_size), function, _singly(iterable), None)


def _pool(max_size: int) -> CoroutinePool:
    return CoroutinePool(max_size=check_count("max_size", max_size, least=1))


def _singly(iterable: Iterable[S]) -> Iterator[tuple[Any]]:
    return zip(iterable)
