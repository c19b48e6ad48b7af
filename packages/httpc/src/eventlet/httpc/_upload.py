"""A long body on its way to the server, beside the green thread that reads the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from eventlet.hub import get_hub, spawn

from ._budget import Budget
from .errors import WriteError


class Upload:
    """Sends a body in a green thread of its own, from the moment it is made.

    A peer that stops listening may have answered before: so an error of the connection only ends
    the upload. Any other, such as one of the iterable that makes the body, is for the reader of
    the answer, who would wait in vain: `abandon` is called to end that wait.

    Arguments:
        pieces: what to send, piece by piece.
        send: sends some bytes, or raises.
        abandon: breaks off the exchange: closes the connection, or fails the stream.

    Attributes:
        error: what ended the upload; None while it runs, and if all was sent.
        is_done: whether it has ended.
        progress: when the peer last took something, on the hub's clock.
    """

    __slots__ = ("_abandon", "_pieces", "_send", "_thread", "_time", "error", "is_done", "progress")

    def __init__(
        self, pieces: Iterator[bytes], send: Callable[[bytes], None], abandon: Callable[[], None]
    ) -> None:
        self._pieces = pieces
        self._send = send
        self._abandon = abandon
        self._time = get_hub().time
        self.error: Exception | None = None
        self.is_done = False
        self.progress = self._time()
        self._thread = spawn(self._run)

    def stop(self) -> bool:
        """End it if it runs; return whether everything had been sent."""
        if not self.is_done:
            self._thread.throw()
            return False
        return self.error is None

    def raise_error(self) -> None:
        """Raise what ended it, unless that is only that the peer stopped listening."""
        error = self.error
        if error is None or (isinstance(error, WriteError) and not isinstance(error, TimeoutError)):
            return
        raise error

    def excuses_silence(self, budget: Budget) -> bool:
        """Whether the peer may be silent because it is still being sent to."""
        if budget.is_exhausted:
            return False
        limit = budget.timeouts.read
        return not self.is_done or limit is None or self._time() - self.progress < limit

    def _run(self) -> None:
        try:
            self._send_pieces()
        except Exception as error:
            self.error = error
            if isinstance(error, TimeoutError) or not isinstance(error, WriteError):
                self._abandon()
        except BaseException:  # a kill: the reader must not wait for the answer
            self._abandon()
            raise
        finally:
            self.is_done = True

    def _send_pieces(self) -> None:
        for piece in self._pieces:
            self._send(piece)
            self.progress = self._time()
