"""Carriers: the greenlets that green threads run on, one after another.

Making a greenlet costs 10 to 20 microseconds, because its stack is mapped and unmapped every time;
switching to one that is parked costs a fraction of one. So a green thread is only a handle, and
runs on a carrier from the hub's free list. A carrier that has finished one takes the head of the
ready queue: if that is a green thread that has not begun, it runs it on the spot, with no switch
at all.

A free carrier keeps nothing of its last green thread: neither function, arguments, result, frames,
contextvars nor exceptions that were on their way to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from greenlet import getcurrent

from ._fiber import Fiber, prepare

if TYPE_CHECKING:
    from ._hub import Hub

# Sent to a parked carrier. Anything else that resumes one is a mistake, and puts it to sleep again:
# a greenlet made by hand, for one, resumes its parent when it ends.
_BEGIN = object()
_END = object()
# Sent to the hub's greenlet: make a carrier, and run a green thread on it.
MAKE = object()


class Starter:
    """Stands in the ready queue for one green thread that has not begun, the first of `Hub.fresh`.

    It stands there instead of the green thread itself so that the stack of whoever switches to it
    holds no reference to the work of others for as long as it is parked.
    """

    __slots__ = ("_hub",)

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def switch(self) -> object:
        """Run the green thread on a free carrier, or on a new one."""
        free = self._hub.free
        if free:
            return free.pop().switch(_BEGIN)
        return self._hub.greenlet.switch(MAKE)


def make_carriers(hub: Hub) -> None:
    """Run green threads on new carriers, as long as starters ask for it in the hub's greenlet.

    A greenlet begins where its maker's stack and recursion count stand. Were carriers made by
    whoever gives up control, the tenth would stand on the ninth, and thousands would overflow.
    """
    while Carrier(hub).switch(_BEGIN) is MAKE:
        pass


class Carrier(Fiber):
    """Runs green threads until the hub ends it."""

    __slots__ = ()

    def __init__(self, hub: Hub) -> None:
        super().__init__(parent=hub.greenlet)
        prepare(self, hub)

    def run(self, order: object) -> None:
        hub = self.hub
        ready, fresh, free, starter = hub.ready, hub.fresh, hub.free, hub.starter
        try:
            hub.carriers.add(self)
            while order is _BEGIN:
                thread = fresh.popleft()
                try:
                    if thread.begin(self):
                        try:
                            value = thread.function(*thread.args, **thread.kwargs)
                        except BaseException as error:
                            thread.fail(error)
                        else:
                            thread.succeed(value)
                            del value
                except BaseException as shock:  # what a signal handler has raised on the way
                    value = None
                    thread.finish_anyway(shock)
                del thread
                if hub.destroyed:
                    return
                # Peeking, so that this frame holds nothing while it is parked.
                if ready[0] is starter:
                    ready.popleft()
                    continue
                self.thread = self.gr_context = None
                free.append(self)
                order = ready.popleft().switch()
                while order is not _BEGIN and order is not _END:
                    order = ready.popleft().switch()
        except BaseException:
            # Somebody threw into the bare greenlet, or a signal handler has raised: it dies, and
            # must not be chosen again.
            hub.carriers.discard(self)
            if self in free:
                free.remove(self)
            raise

    def end(self) -> None:
        """End a carrier for good, from another greenlet, which goes on afterwards.

        One that still runs a green thread has it killed.
        """
        self.hub.carriers.discard(self)
        if self.alarm is not None:
            self.alarm.cancel()
            self.alarm = None
        if not self:
            return
        self.parent = getcurrent()
        if self.thread is None:
            self.switch(_END)
        else:
            self.throw()
