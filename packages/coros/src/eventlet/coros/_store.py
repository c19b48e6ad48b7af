"""Stores: what there is to be had, in order, and the lines of those who want it.

Semaphores, queues and pools are all the same thing underneath. A semaphore is a store of permits, a
queue one of messages, a pool one of connections; a bounded one also makes those wait who bring
something when it is full. `eventlet.coros._line` has the rules that the two kinds of stores here
follow.

The classes that people use put short cuts on top: where there is something in the store, a single
atomic ``popleft`` takes it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any

from ._line import Line, Ticket, make_ticket
from ._outcome import Failure
from ._scheduler import get_ident


class Store:
    """Takes whatever is put, and makes those wait who want more than there is."""

    __slots__ = ("__weakref__", "_items", "_takers")

    def __init__(self, items: Iterable[Any] = ()) -> None:
        self._items: deque[Any] = deque(items)
        self._takers = Line(self._items, returns=True)

    def _give_to_first(self, item: Any) -> bool:
        """Hand a new item straight to the first taker, if that is as simple as it mostly is.

        Without the guard, which would take as long as all the rest: the first taker is one of this
        native thread, where nothing else runs meanwhile that could make it give up. Taking it out
        is a single step, and fails if another native thread has done that.
        """
        takers = self._takers
        try:
            ticket = takers[0]
            fiber = ticket.fiber
            if (
                self._items
                or fiber is None
                or fiber.parked is not ticket
                or fiber.hub.ident != get_ident()
            ):
                return False
            takers.remove(ticket)
        except (IndexError, ValueError):  # another native thread was faster
            return False
        ticket.item = item
        ticket.done = True
        fiber.parked = None
        fiber.ready.append(fiber)
        return True

    def _hand_over(self) -> None:
        """Give items to takers, both in order, while there are some of both."""
        takers, items = self._takers, self._items
        guard = takers.guard
        guard.acquire()
        try:
            while takers:
                if not items:
                    if takers.alert:
                        self._on_alert()
                    if not (takers and items):
                        return
                ticket = takers.claim()
                if ticket is None:
                    return
                try:
                    item = items.popleft()
                except IndexError:  # another native thread was faster
                    takers.appendleft(ticket)
                else:
                    ticket.settle(item)
        finally:
            guard.release()

    def _on_alert(self) -> None:
        """Do what else is to be done when there is nothing for takers."""

    def _put_back(self, item: Any) -> None:
        self._items.appendleft(item)
        self._hand_over()

    def _retract(self, item: Any) -> bool:
        """Take `item` itself, which was put last, out again; return whether it was there.

        Call it under the guard.
        """
        items = self._items
        if not isinstance(items, deque):
            return False
        # Counted from the end, as others take from the front meanwhile. It is taken out in the step
        # in which it is found, without a call, where no other native thread can come in between.
        place = -1
        try:
            while items[place] is not item:
                place -= 1
            del items[place]
        except IndexError:
            return False
        return True


class BoundedStore(Store):
    """Holds no more than `limit` items at a time, and makes those wait who bring more.

    A limit of 0 makes a rendezvous: an item passes from one who brings it to one who waits for it.

    Whoever puts an item counts them afterwards, because another native thread may put one at the
    same moment. If there are too many then, it takes its own out again, and waits for room.
    """

    __slots__ = ("_givers", "_limit", "_room")

    def __init__(self, limit: float, items: Iterable[Any] = ()) -> None:
        super().__init__(items)
        self._limit = limit
        # The same for the short cuts, but less than nothing once nothing more may be put.
        self._room = limit
        self._givers = Line(guard=self._takers.guard)
        self._givers.alert = True
        if not limit:
            self._takers.store = self._givers

    def _force(self, item: Any) -> None:
        """Put an item even if there is no room, behind those who wait for some."""
        self._givers.append(self._ticket_of_nobody(item))
        self._hand_over()

    def _ticket_of_nobody(self, item: Any) -> Ticket:
        """Return a ticket for an item that has been given already; it is done from the start."""
        ticket = make_ticket(None, self, item)
        ticket.done = True
        return ticket

    def _turn_away(self, answer: Any) -> None:
        """Hand `answer` to all who wait for room; let in what has been given already."""
        givers = self._givers
        # A copy, made in a single step: anybody may enter meanwhile.
        for ticket in list(givers):
            if ticket.fiber is None and ticket.done:
                givers.remove(ticket)
                self._let_in(ticket.item)
        givers.settle_all(answer)

    def _hand_over(self) -> None:
        """Let givers in, and give items to takers, all in order, as far as it goes."""
        takers, givers, items = self._takers, self._givers, self._items
        # Mostly somebody has only entered the line for room, of which there is none.
        if not (takers or takers.alert or (givers and len(items) < self._room)):
            return
        guard = takers.guard
        guard.acquire()
        try:
            while True:
                if takers.alert:
                    self._on_alert()
                # Not `_limit`: one may have come in since `_on_alert` turned the others away.
                while givers and len(items) < self._room:
                    self._admit_first()
                if not takers:
                    return
                if items:
                    self._serve_from_items()
                # Without a rendezvous, those who bring something can only be waiting here while
                # another native thread is just filling the last place, and is going to look.
                elif givers and not self._room:
                    self._serve_from_giver()
                elif not takers.alert:
                    return
        finally:
            guard.release()

    def _admit_first(self) -> None:
        giver = self._givers.claim()
        if giver is None:
            return
        try:
            self._let_in(giver.item)
            fits = not self._is_too_much(giver.item)
        except BaseException as error:  # the user's own container: whoever gives is to know
            giver.settle(Failure(error))
        else:
            if fits:
                giver.settle(None)
            else:
                self._givers.appendleft(giver)

    def _let_in(self, item: Any) -> None:
        self._items.append(item)

    def _is_too_much(self, item: Any) -> bool:
        """Whether there is no room for an item that was put; then it has been taken out again."""
        if len(self._items) <= self._limit:
            return False
        with self._takers.guard:
            return len(self._items) > self._limit and self._retract(item)

    def _serve_from_items(self) -> None:
        taker = self._takers.claim()
        if taker is None:
            return
        try:
            item = self._items.popleft()
        except IndexError:  # another native thread was faster
            self._takers.appendleft(taker)
        except BaseException as error:  # the user's own container: whoever takes is to know
            taker.settle(Failure(error))
        else:
            taker.settle(item)

    def _serve_from_giver(self) -> None:
        taker = self._takers.claim()
        if taker is None:
            return
        giver = self._givers.claim()
        if giver is None:
            self._takers.appendleft(taker)
        else:
            taker.settle(giver.item)
            giver.settle(None)

    def _put_back(self, item: Any) -> None:
        items = self._items
        with self._takers.guard:
            fits = len(items) < self._limit
            if fits:
                items.appendleft(item)
                # That of this class in any case: to put it back doesn't count as putting it.
                fits = len(items) <= self._limit or not super()._retract(item)
            if not fits:
                self._put_in_front(item)
        self._hand_over()

    def _put_in_front(self, item: Any) -> None:
        """Let an item that was out already be the next to come in again."""
        self._givers.appendleft(self._ticket_of_nobody(item))
