"""What the hub knows about one descriptor, and who waits for it.

A descriptor is registered once, for both directions, edge-triggered. From then on the watch
remembers: `Watch.readable` and `Watch.writable` start true, because an operation is tried before
anybody waits. Its owner clears a flag when the system said "would block"; an event sets it again,
whether or not anybody is parked. So nothing that happens between a failed operation and the next
poll can be missed, and no system call is spent on registering.

Flags are read and written by the hub's own native thread only, and events are applied only inside
the hub's poll step.

Waiters of one direction are served first come, first served. An event wakes the first; as it
resumes it passes the word to the second, who runs after it and finds the flag still set, or goes
back to the head of the line and passes nothing on. Whatever happens to a waiter, the word isn't
lost: the first event that wakes a fiber is the only one, and a fiber that was already woken
otherwise is passed over.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from ._fiber import Fiber, park, park_until, raise_pending, running, wake
from ._pollers import HANGUP, PRIORITY, READ, WRITE
from ._registry import current_fiber, deadline_after
from .errors import WrongThread

if TYPE_CHECKING:
    from ._hub import Hub

# What can hide behind data that arrived with it.
_HIDDEN = PRIORITY | HANGUP


class Watch:
    """Readiness of one descriptor; made by `Hub.watch`.

    Attributes:
        hub: the hub whose native thread may use this watch.
        fd: the descriptor.
        readable: False once a read would have blocked and nothing has arrived since.
        writable: False once a write would have blocked and no room has appeared since.
        drains: whether a read of less than was asked for proves that nothing is left. The owner
            sets it, for TCP streams. Out-of-band data, the peer's end and failures clear it for
            good: they can hide behind the data they came with, in one event, and no other follows.
        closed: whether `close` was called.
        is_borrowed: whether it was made only for as long as somebody waits; see `trampoline`.
    """

    __slots__ = (
        "_always",
        "_edges",
        "_readers",
        "_writers",
        "closed",
        "drains",
        "fd",
        "hub",
        "is_borrowed",
        "readable",
        "writable",
    )

    def __init__(self, hub: Hub, fd: int) -> None:
        self.hub = hub
        self.fd = fd
        self.readable = True
        self.writable = True
        self.drains = False
        self.closed = False
        self.is_borrowed = False
        # Lists, not deques: most lines are empty or hold one fiber, and there are many watches.
        self._readers: list[Fiber] = []
        self._writers: list[Fiber] = []
        self._always = not hub.poller.register(fd)
        self._edges = hub.poller.edge_triggered and not self._always

    @property
    def has_waiters(self) -> bool:
        """Whether anybody is parked here."""
        return bool(self._readers or self._writers)

    def awaited_by(self, fiber: Fiber) -> int:
        """Return what `fiber` waits for here: `READ`, `WRITE`, both or 0."""
        return (READ if fiber in self._readers else 0) | (WRITE if fiber in self._writers else 0)

    def wait_readable(self, timeout: float | None = None) -> None:
        """Park until `readable` is true; return at once if it is and nobody is ahead in the line.

        Arguments:
            timeout: seconds; None waits for ever.

        Raises:
            TimeoutError: the time has passed.
            OSError: the watch was closed (EBADF).
            WrongThread: this is another native thread than the hub's.
        """
        self.until_readable(deadline_after(self.hub, timeout))

    def wait_writable(self, timeout: float | None = None) -> None:
        """Park until `writable` is true; otherwise as `wait_readable`."""
        self.until_writable(deadline_after(self.hub, timeout))

    def until_readable(  # noqa: PLR0912 - a frame less in nearly every wait
        self, deadline: float | None, *, first: bool = False
    ) -> None:
        """As `wait_readable`, but up to `deadline` on the hub's clock.

        Arguments:
            first: stand at the head of the line, after a turn in which nothing was left.
        """
        line = self._readers
        if self.readable and not line:
            return
        me = running()
        try:
            alone = not line and self._edges and not me.pending and me.hub is self.hub
        except AttributeError:
            alone = False  # a greenlet that waits for the first time
        if alone:
            # As `_wait`, written out: nearly every wait is of this kind.
            expired = False
            try:
                line.append(me)
                if deadline is None:
                    me.parked = self
                    ready = me.ready
                    ready.popleft().switch()
                    while me.parked is self:
                        ready.popleft().switch()
                else:
                    expired = park_until(me, self, deadline)
            except BaseException:  # as in `park`
                me.parked = None
                self.hub.mend()
                raise
            finally:
                # Whoever sent the event has taken this fiber off the line.
                noticed = not line or self._leave(me, [line])
            if expired:
                raise TimeoutError("timed out")
            if not noticed:
                self._check(me)
            elif line:
                self.hub.call_soon(self._pass_what_is_left, READ)
        else:
            self._wait(READ, deadline, first=first)
        while not self.readable:
            self._wait(READ, deadline, first=True)

    def until_writable(self, deadline: float | None, *, first: bool = False) -> None:
        """As `wait_writable`, but up to `deadline` on the hub's clock.

        Arguments:
            first: stand at the head of the line, after a turn in which nothing was left.
        """
        if self._writers:
            self._wait(WRITE, deadline, first=first)
        while not self.writable:
            self._wait(WRITE, deadline, first=True)

    def wait_event(self, what: int, deadline: float | None, *, first: bool = False) -> None:
        """Park until the next event of the kinds in `what` (`READ`, `WRITE`), whatever the flags.

        It isn't passed on to others who wait: see `pass_on`.

        Arguments:
            deadline: on the hub's clock; None waits for ever.
            first: stand at the head of the line.

        Raises:
            As `wait_readable`.
        """
        while not self._wait(what, deadline, first=first, passes=False):
            first = True  # what had come instead was taken back

    def pass_on(self, what: int) -> None:
        """Wake who is next in line for events of the kinds in `what`, to see for himself."""
        if what & READ:
            self._wake_first(self._readers)
        if what & WRITE:
            self._wake_first(self._writers)

    def close(self) -> None:
        """Forget the descriptor, and wake all who wait for it with ``OSError(EBADF)``.

        Call it before the descriptor itself is closed. Closing twice is harmless.
        """
        if self.closed:
            return
        self.closed = True
        self._edges = False
        hub = self.hub
        if hub.watches.get(self.fd) is self:
            del hub.watches[self.fd]
            hub.poller.unregister(self.fd)
        for fiber in self._readers + self._writers:
            if fiber.parked is self:
                wake(fiber)

    def register_anew(self) -> None:
        """Have the hub's new poller look at the descriptor; close the watch if it is gone."""
        poller = self.hub.poller
        try:
            self._always = not poller.register(self.fd)
        except (OSError, ValueError):
            self.close()
            return
        self._edges = poller.edge_triggered and not self._always
        what = (READ if self._readers else 0) | (WRITE if self._writers else 0)
        if what:
            poller.arm(self.fd, what)

    def begin_in_child(self) -> None:
        """Forget what is known of the descriptor, and those who wait for it in the parent."""
        self._readers.clear()
        self._writers.clear()
        self.readable = self.writable = True
        if self.is_borrowed:
            self.close()
        else:
            self.register_anew()

    def notice(self, what: int) -> None:
        """Take note of an event from the poller; called in the hub's poll step."""
        if what & _HIDDEN:
            self.drains = False
        if what & READ:
            self.readable = True
            readers = self._readers
            if readers:
                # As `_wake_first`, written out: nearly every event comes here.
                fiber = readers[0]
                if fiber.parked is self:
                    del readers[0]
                    fiber.parked = None
                    fiber.ready.append(fiber)
                else:
                    self._wake_first(readers)
        if what & WRITE:
            self.writable = True
            if self._writers:
                self._wake_first(self._writers)

    def _wait(
        self, what: int, deadline: float | None, *, first: bool = False, passes: bool = True
    ) -> bool:
        """Park; return whether an event came. If not, the flags may have changed all the same."""
        me = current_fiber()
        if me.hub is not self.hub:
            raise WrongThread(
                f"{self!r} belongs to the hub of native thread {self.hub.ident};"
                " register the descriptor with this thread's own hub"
            )
        if self._always:
            self.readable = self.writable = True
            return True
        self._check(me)
        noticed = self._park(me, what, deadline, first)
        if not noticed:
            self._check(me)
        elif passes:
            self.hub.call_soon(self._pass_what_is_left, what)
        return noticed

    def _check(self, me: Fiber) -> None:
        """Raise what has come instead of an event, if it still stands."""
        if me.pending:
            raise_pending(me)
        if self.closed:
            raise OSError(errno.EBADF, os.strerror(errno.EBADF))

    def _park(self, me: Fiber, what: int, deadline: float | None, first: bool) -> bool:
        """Stand in line; return whether an event came, rather than something else."""
        lines = [
            line for line, bit in ((self._readers, READ), (self._writers, WRITE)) if what & bit
        ]
        for line in lines:
            line.insert(0 if first else len(line), me)
        expired = False
        try:
            self.hub.poller.arm(self.fd, what)
            if deadline is None:
                park(me, self)
            else:
                expired = park_until(me, self, deadline)
        finally:
            noticed = self._leave(me, lines)
            if not (noticed or self.closed or self.has_waiters):
                self.hub.poller.disarm(self.fd, what)
        if expired:
            raise TimeoutError("timed out")
        return noticed

    def _leave(self, me: Fiber, lines: list[list[Fiber]]) -> bool:
        """Leave the lines; return whether an event has taken this fiber off one of them."""
        noticed = False
        for line in lines:
            if me in line:
                line.remove(me)
            else:
                noticed = True
        return noticed

    def _pass_what_is_left(self, what: int) -> None:
        # Nothing, once somebody has found nothing: two of them would wake each other for ever. In
        # the hub's next turn, as the one before has had a try by then: so who wakes for nothing
        # goes back to the head of the line before anybody else has moved.
        if self.closed:
            return
        self.pass_on((what & READ if self.readable else 0) | (what & WRITE if self.writable else 0))
        still = (READ if self._readers else 0) | (WRITE if self._writers else 0)
        if still:
            # Pollers that know only levels have reported once, and stopped.
            self.hub.poller.arm(self.fd, still)

    def _wake_first(self, line: list[Fiber]) -> None:
        # Who is passed over stays in line: only those that an event has woken are taken off it.
        for place, fiber in enumerate(line):
            if fiber.parked is self:
                del line[place]
                wake(fiber)
                return

    def __repr__(self) -> str:
        state = "closed" if self.closed else f"{len(self._readers)}+{len(self._writers)} waiting"
        return f"<Watch of descriptor {self.fd}, {state}>"
