"""A long body on its way to the server, beside the green thread that reads the answer."""

from __future__ import annotations

from collections.abc import Callable

from eventlet.hub import get_hub, spawn

from ._body import Body
from .errors import WriteError


class Upload:
    """Sends a body in a green thread of its own, from the moment it is made.

    A peer that stops listening may have answered before: so an error of the connection only ends
    the upload. Any other, such as one of the iterable that makes the body, is for the reader of
    the answer, who would wait in vain: `abandon` is called to end that wait.

    Arguments:
        body: what to send.
        send: sends some bytes, or raises.
        abandon: closes the connection.

    Attributes:
        error: what ended the upload; None while it runs, and if all was sent.
        is_done: whether it has ended.
        progress: when the peer last took something, on the hub's clock.
    """

    __slots__ = ("_abandon", "_body", "_send", "_thread", "_time", "error", "is_done", "progress")

    def __init__(
        self, body: Body, send: Callable[[bytes], None], abandon: Callable[[], None]
    ) -> None:
        self._body = body
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
        is_chunked = self._body.length is None
        for piece in self._body.pieces():
            self._send(b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece)
            self.progress = self._time()
        if is_chunked:
            self._send(b"0\r\n\r\n")
