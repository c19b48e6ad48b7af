"""An answer whose headers are here and whose body may still be on its way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from .errors import BodyTooLarge, HTTPError, StreamError

if TYPE_CHECKING:
    from ._pool import Exchange, Pool
    from ._request import Request


class Reply:
    """One answer, and the connection that the rest of it comes on.

    The connection goes back to the pool with the last byte of the body, and is closed if the
    reader stops before, whatever the reason.

    Arguments:
        connection: has read the headers.
        pool: where it came from.
        request: what it answers.

    Attributes:
        status, reason, version: of the status line.
        headers, trailers: as they came; trailers are complete when the body is.
        names: those of the headers, in lower case.
    """

    __slots__ = (
        "_connection",
        "_is_given_up",
        "_pieces",
        "_pool",
        "_request",
        "headers",
        "names",
        "reason",
        "status",
        "trailers",
        "version",
    )

    def __init__(self, connection: Exchange, pool: Pool, request: Request) -> None:
        parser = connection.parser
        self.status = parser.status
        self.reason = parser.reason
        self.version = parser.version
        self.headers = parser.headers
        self.names = parser.names
        self.trailers = parser.trailers
        self._pieces = parser.body
        self._pool = pool
        self._request = request
        self._connection: Exchange | None = connection
        self._is_given_up = False
        if parser.complete:
            self._end(connection)
        else:
            parser.body = []

    def read(self, limit: int | None = None) -> bytes:
        """Return the rest of the body.

        Arguments:
            limit: how long it may be, in bytes.

        Raises:
            BodyTooLarge: it is longer.
            ReadError, ReadTimeout, TotalTimeout, ProtocolError: see there.
        """
        if self._connection is None and limit is None and not self._is_given_up:
            pieces, self._pieces = self._pieces, []
        else:
            pieces = list(self._limited(limit))
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def pieces(self) -> Iterator[bytes]:
        """Yield the rest of the body as it arrives.

        Raises:
            ReadError, ReadTimeout, TotalTimeout, ProtocolError: see there.
            StreamError: the body was given up before.
        """
        try:
            if self._is_given_up:
                raise StreamError("the body was given up when its stream was left; read it before")
            while True:
                pieces, self._pieces = self._pieces, []
                yield from pieces
                connection = self._connection
                if connection is None:
                    return
                connection.receive(self._request.budget)
                self._pieces = connection.parser.take_body()
                if connection.parser.complete:
                    self._end(connection)
        except HTTPError as error:
            error.url = str(self._request.url)
            raise
        finally:
            self.close()

    def close(self) -> None:
        """Give up the rest of the body, if there is any."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._is_given_up = True
            self._pool.discard(connection)

    def _limited(self, limit: int | None) -> Iterator[bytes]:
        length = 0
        for piece in self.pieces():
            length += len(piece)
            if limit is not None and length > limit:
                self.close()
                error = BodyTooLarge(limit)
                error.url = str(self._request.url)
                raise error
            yield piece

    def _end(self, connection: Exchange) -> None:
        self._connection = None
        budget = self._request.budget
        if budget.trace is not None:
            budget.mark("complete")
        if connection.finish():
            self._pool.release(connection)
        else:
            self._pool.discard(connection)
