"""Objects that receive messages, and handle them in green threads of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import finalize

from eventlet.hub import GreenThread, getcurrent, spawn

from ._counts import check_count
from ._queue import Queue
from ._semaphore import Semaphore

Mail = Queue[tuple[Callable[[Any], object], Any]]


class Actor:
    """Handles the messages that are cast to it, one after another; override `received`.

    A message waits in the mailbox until it is its turn. What `received` raises is reported through
    the hook for unobserved failures, and the actor goes on with the next message. It ends when
    nobody refers to it any more and its mailbox is empty.

    Arguments:
        concurrency: how many messages may be handled at a time. With more than one, they are begun
            in order, but may end in another one.

    Raises:
        TypeError, ValueError: `concurrency` is not a whole number, or less than 1.
    """

    def __init__(self, concurrency: int = 1) -> None:
        self._mailbox: Mail = Queue()
        self._handlers: set[GreenThread[Any]] = set()
        turns = Semaphore(check_count("concurrency", concurrency, least=1))
        # It must not refer to the actor, which otherwise would never be dropped.
        self._killer = spawn(_run, self._mailbox, turns, self._handlers)
        self._killer.name = f"{type(self).__name__}'s mailbox"
        finalize(self, self._mailbox.close).atexit = False

    def cast(self, message: Any) -> None:
        """Put a message into the mailbox; never waits. There is no reply.

        Raises:
            Closed: the actor has been killed.
        """
        self._mailbox.send((self.received, message))

    def received(self, message: Any) -> None:
        """Handle a message; to be overridden. It may wait."""
        raise NotImplementedError(f"{type(self).__name__} must override received()")

    def kill(self) -> None:
        """End the actor now: kill what it is doing, and drop what is in the mailbox."""
        self._mailbox.close()
        self._killer.throw()
        for _ in self._mailbox:
            pass  # it is closed: this doesn't wait, and ends when nothing is left
        me = getcurrent()
        for handler in sorted(self._handlers, key=lambda handler: handler is me):
            handler.throw()

    def __repr__(self) -> str:
        state = "killed" if self._mailbox.closed else f"{len(self._mailbox)} in the mailbox"
        return f"<{type(self).__name__} at {id(self):#x}, {state}>"


def _run(mailbox: Mail, turns: Semaphore, handlers: set[GreenThread[Any]]) -> None:
    def end(handler: GreenThread[Any]) -> None:
        handlers.discard(handler)
        turns.release()

    turns.acquire()
    for received, message in mailbox:
        handler = spawn(received, message)
        handlers.add(handler)
        handler.link(end)
        del handler, received, message  # so that waiting keeps nobody alive
        turns.acquire()
