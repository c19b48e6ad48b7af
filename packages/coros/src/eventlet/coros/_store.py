"""Stores: what there is to be had, in order, and the lines of those who want it.

Semaphores, queues and pools are all the same thing underneath. A semaphore is a store of permits, a
queue one of messages, a pool one of connections; a bounded one is also a store of free places, for
those who come to bring something. `eventlet.coros._line` has the rules that the two kinds of stores
here follow.

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

# Free places are tokens in a list, because taking one from there is atomic. They are handed out in
# portions of this many, so that a limit of a billion costs nothing until it is needed.
_PORTION = 1024


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

    def _remove_last(self, item: Any) -> bool:
        """Take `item` itself back out of the end of the store; return whether it was there."""
        items = self._items
        if not isinstance(items, deque):
            return False
        for index in range(len(items) - 1, -1, -1):
            if items[index] is item:
                del items[index]
                return True
        return False


class BoundedStore(Store):
    """Holds no more than `limit` items at a time, and makes those wait who bring more.

    A limit of 0 makes a rendezvous: an item passes from one who brings it to one who waits for it.
    """

    __slots__ = ("_givers", "_limit", "_places", "_reserve")

    def __init__(self, limit: float, items: Iterable[Any] = ()) -> None:
        super().__init__(items)
        self._limit = limit
        self._places: list[None] = []
        self._reserve = limit - len(self._items)
        self._portion_out()
        self._givers = Line(self._places, self._takers.guard)
        if not limit:
            self._givers.store = self._takers
            self._takers.store = self._givers
        self._givers.alert = self._reserve > 0

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
        for ticket in [each for each in givers if each.done]:
            givers.remove(ticket)
            self._let_in(ticket.item)
        givers.settle_all(answer)

    def _hand_over(self) -> None:
        """Let givers in, and give items to takers, all in order, as far as it goes."""
        takers, givers, items = self._takers, self._givers, self._items
        guard = takers.guard
        guard.acquire()
        try:
            if takers.alert:
                self._on_alert()
            while True:
                while givers and self._take_place():
                    self._admit_first()
                # Without a rendezvous, those who bring something can only be waiting here while
                # another native thread is just filling the last place, and is going to look.
                if not takers or not (items or (givers and not self._limit)):
                    return
                taker = takers.claim()
                if taker is None:
                    return
                if items:
                    self._serve_from_items(taker)
                else:
                    self._serve_from_giver(taker)
        finally:
            guard.release()

    def _take_place(self) -> bool:
        if not self._places and self._reserve:
            self._portion_out()
        try:
            self._places.pop()
        except IndexError:
            return False
        return True

    def _portion_out(self) -> None:
        portion = int(min(self._reserve, _PORTION))
        self._reserve -= portion
        self._places.extend([None] * portion)

    def _admit_first(self) -> None:
        giver = self._givers.claim()
        if giver is None:
            self._places.append(None)
            return
        try:
            self._let_in(giver.item)
        except BaseException as error:  # the user's own container: whoever gives is to know
            self._places.append(None)
            giver.settle(Failure(error))
        else:
            giver.settle(None)

    def _let_in(self, item: Any) -> None:
        self._items.append(item)

    def _serve_from_items(self, taker: Ticket) -> None:
        try:
            item = self._items.popleft()
        except IndexError:  # another native thread was faster
            self._takers.appendleft(taker)
        except BaseException as error:  # the user's own container: whoever takes is to know
            taker.settle(Failure(error))
        else:
            self._places.append(None)
            taker.settle(item)

    def _serve_from_giver(self, taker: Ticket) -> None:
        giver = self._givers.claim()
        if giver is None:
            self._takers.appendleft(taker)
        else:
            taker.settle(giver.item)
            giver.settle(None)

    def _put_back(self, item: Any) -> None:
        with self._takers.guard:
            if self._take_place():
                self._items.appendleft(item)
            else:
                self._put_in_front(item)
        self._hand_over()

    def _put_in_front(self, item: Any) -> None:
        """Let an item that was out already be the next to come in again."""
        self._givers.appendleft(self._ticket_of_nobody(item))
