"""The least scheduler of green threads: what any library in pure Python has to do at the least.

No peer, but a limit. Each wait costs one call of a Python function and one switch, descriptors are
registered once, and the system is asked only when nobody is ready. Nothing else is there: no
timeouts, no kills, no second reader, no other native thread, and nobody looks for errors. It rests
on epoll(7), so it takes part on Linux only.
"""

import os
import select
from collections import deque
from collections.abc import Callable

from greenlet import getcurrent, greenlet


class Scheduler:
    """Switches between greenlets, of which each waits for one descriptor at a time.

    Attributes:
        ready: those that go on next; append one to wake it.
        give_up: a function that gives up control until somebody, or an event, wakes the caller.
    """

    def __init__(self) -> None:
        self.ready: deque[greenlet] = deque()
        self._poller = select.epoll()
        self._waiting: dict[int, greenlet] = {}
        self.give_up = self._make_give_up()
        # Where control goes when a green thread ends.
        self._end = greenlet(self._go_on)

    def spawn(self, function: Callable[..., object], *args: object) -> None:
        """Let a green thread run at once, up to its first wait."""
        self.ready.appendleft(getcurrent())
        greenlet(function, parent=self._end).switch(*args)

    def register(self, fd: int, *, connecting: bool = False) -> None:
        """Let what can be read from `fd` wake the caller, and first of all that it is connected."""
        os.set_blocking(fd, False)
        self._waiting[fd] = getcurrent()
        events = select.EPOLLIN | select.EPOLLET | (select.EPOLLOUT if connecting else 0)
        self._poller.register(fd, events)

    def _make_give_up(self) -> Callable[[], object]:
        ready, waiting, poll = self.ready, self._waiting, self._poller.poll

        def give_up() -> object:
            while not ready:
                ready.extend([waiting[fd] for fd, _ in poll()])
            return ready.popleft().switch()

        return give_up

    def _go_on(self, *_: object) -> None:
        while True:
            self.give_up()
