"""What clients are given that have no pool of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from eventlet.coros import Pool


class Connections(Pool[Any]):
    """Lends connections; one that was in use when its user failed, or was killed, is closed.

    Arguments:
        connect: makes a connection.
        size: how many there can be.
    """

    def __init__(self, connect: Callable[[], Any], size: int = 50) -> None:
        super().__init__(max_size=size)
        self.create = connect  # type: ignore[method-assign]

    @contextmanager
    def connection(self) -> Iterator[Any]:
        """Lend a connection for a ``with`` block."""
        with self.item() as connection:
            try:
                yield connection
            except BaseException:
                self.discard(connection)
                connection.close()
                raise


def query(connection: Any, statement: str, number: int) -> int:
    """Return the last column of the only row that a statement with one parameter gives."""
    cursor = connection.cursor()
    cursor.execute(statement, (number,))
    *_, got = cursor.fetchone()
    cursor.close()
    return int(got)
