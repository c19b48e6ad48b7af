"""The primitives against a simple sequential model of them, under random schedules.

Green threads are started, killed and run out of time (a virtual one), in any order and in the same
round, and what can be closed is. The model is a deque of items, and two lists of those who wait to
take and to give. After each round everybody must have exactly the outcome that it has in the model.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import eventlet.coros.queue as green
from eventlet import coros, hub
from eventlet.hub import testing

Timeouts = st.sampled_from([None, 1.0, 2.0, 5.0])


class Subject:
    """A primitive, with the same two methods for all of them."""

    def __init__(
        self,
        made: Any,
        limit: float,
        give: Callable[[Any, Any, Any], Any],
        take: Callable[[Any, Any], Any],
    ) -> None:
        self.made = made
        self.limit = limit
        self._give = give
        self._take = take

    def give(self, item: Any, timeout: float | None) -> None:
        try:
            if self._give(self.made, item, timeout) is False:
                raise TimeoutError
        except green.Full:
            raise TimeoutError from None

    def take(self, timeout: float | None) -> Any:
        try:
            found = self._take(self.made, timeout)
        except green.Empty:
            raise TimeoutError from None
        if found is False:
            raise TimeoutError
        return found


def of_messages(make: Callable[[], Any], limit: float) -> Callable[[], Subject]:
    return lambda: Subject(
        make(), limit, lambda it, item, t: it.send(item, timeout=t), lambda it, t: it.wait(t)
    )


def of_permits(make: Callable[[], Any], limit: float) -> Callable[[], Subject]:
    def give(it: Any, _: Any, timeout: float | None) -> Any:
        return it.release() if limit == math.inf else it.release(timeout=timeout)

    return lambda: Subject(make(), limit, give, lambda it, t: it.acquire(timeout=t))


def of_tasks(make: Callable[[], Any], limit: float) -> Callable[[], Subject]:
    return lambda: Subject(
        make(), limit, lambda it, item, t: it.put(item, timeout=t), lambda it, t: it.get(timeout=t)
    )


SUBJECTS = {
    "queue": of_messages(coros.Queue, math.inf),
    "channel of 0": of_messages(coros.Channel, 0),
    "channel of 1": of_messages(lambda: coros.Channel(1), 1),
    "channel of 3": of_messages(lambda: coros.Channel(3), 3),
    "semaphore": of_permits(coros.Semaphore, math.inf),
    "bounded semaphore of 0": of_permits(lambda: coros.BoundedSemaphore(0, 0), 0),
    "bounded semaphore of 2": of_permits(lambda: coros.BoundedSemaphore(0, 2), 2),
    "task queue": of_tasks(green.Queue, math.inf),
    "task queue of 2": of_tasks(lambda: green.Queue(2), 2),
    "simple queue": of_tasks(green.SimpleQueue, math.inf),
}


class Party:
    """One who gives or takes, and what has become of it in the model."""

    def __init__(self, thread: Any, item: Any, deadline: float) -> None:
        self.thread = thread
        self.item = item
        self.deadline = deadline
        self.outcome: Any = "waiting"


class Model:
    """What a store does, said as simply as possible."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.items: deque[Any] = deque()
        self.takers: list[Party] = []
        self.givers: list[Party] = []
        self.is_closed = False

    def match(self) -> None:
        if self.is_closed:
            self.turn_away(self.givers)
        while True:
            while self.givers and len(self.items) < self.limit:
                giver = self.givers.pop(0)
                self.items.append(giver.item)
                giver.outcome = ("done", None)
            if not self.takers or not (self.items or self.givers):
                break
            taker = self.takers.pop(0)
            if self.items:
                taker.outcome = ("done", self.items.popleft())
            else:
                giver = self.givers.pop(0)
                giver.outcome = ("done", None)
                taker.outcome = ("done", giver.item)
        if self.is_closed:
            self.turn_away(self.takers)

    def turn_away(self, line: list[Party]) -> None:
        for party in list(line):
            self.end(party, "closed")

    def end(self, party: Party, outcome: str) -> None:
        for line in (self.takers, self.givers):
            if party in line:
                line.remove(party)
                party.outcome = outcome


class Machine(RuleBasedStateMachine):
    """Does the same to a primitive and to its model."""

    make: Callable[[], Subject]

    @initialize()
    def begin(self) -> None:
        self.stack = ExitStack()
        self.clock = self.stack.enter_context(testing.virtual_clock())
        self.subject = type(self).make()
        self.model = Model(self.subject.limit)
        self.parties: list[Party] = []
        self.number = 0
        self.idle = True

    def teardown(self) -> None:
        for party in self.parties:
            party.thread.throw()
        testing.wait_until_idle()
        for party in self.parties:
            _ = party.thread.exception
        self.stack.close()

    @rule(timeout=Timeouts)
    def take(self, timeout: float | None) -> None:
        thread = hub.spawn(self.subject.take, timeout)
        party = Party(thread, None, self.clock() + (timeout or math.inf))
        self.join(party, self.model.takers)

    @rule(timeout=Timeouts)
    def give(self, timeout: float | None) -> None:
        self.number += 1
        thread = hub.spawn(self.subject.give, self.number, timeout)
        party = Party(thread, self.number, self.clock() + (timeout or math.inf))
        self.join(party, self.model.givers)

    def join(self, party: Party, line: list[Party]) -> None:
        # In line when the next rule comes: so it is known who came first.
        testing.wait_until_idle()
        self.idle = True
        self.parties.append(party)
        line.append(party)
        self.model.match()

    @precondition(lambda self: self.can_give_now())
    @rule()
    def give_without_waiting(self) -> None:
        """In the same round as whatever came before, and comes next."""
        self.number += 1
        self.subject.give(self.number, None)
        self.model.givers.append(Party(None, self.number, math.inf))
        self.model.match()
        self.idle = False

    def can_give_now(self) -> bool:
        if not hasattr(self, "model") or self.model.is_closed:
            return False
        return len(self.model.items) < self.model.limit or bool(self.model.takers)

    @precondition(lambda self: self.can_take_now())
    @rule()
    def take_without_waiting(self) -> None:
        """In the same round as whatever came before, and comes next."""
        party = Party(None, None, math.inf)
        self.model.takers.append(party)
        self.model.match()
        found = self.subject.take(None)
        self.check_item(party.outcome[1], found)
        self.idle = False

    def can_take_now(self) -> bool:
        if not hasattr(self, "model") or self.model.takers:
            return False
        return bool(self.model.items or self.model.givers)

    @precondition(lambda self: len(getattr(self, "parties", [])) > 5)
    @precondition(lambda self: isinstance(self.subject.made, (coros.Queue, coros.Channel)))
    @rule()
    def close(self) -> None:
        self.subject.made.close()
        self.model.is_closed = True
        self.model.match()
        self.idle = False

    @precondition(lambda self: bool(getattr(self, "parties", None)))
    @rule(data=st.data())
    def kill(self, data: st.DataObject) -> None:
        party = data.draw(st.sampled_from(self.parties))
        if party.outcome == "waiting":
            party.thread.throw()
            self.model.end(party, "killed")
            self.idle = False

    @precondition(lambda self: bool(hasattr(self, "model") and self.model.takers))
    @rule()
    def kill_who_is_first_and_give_at_once(self) -> None:
        party = self.model.takers[0]
        party.thread.throw()
        self.model.end(party, "killed")
        self.idle = False
        if self.can_give_now():
            self.give_without_waiting()

    @rule(seconds=st.sampled_from([0.5, 1.0, 3.0]))
    def let_time_pass(self, seconds: float) -> None:
        testing.wait_until_idle()
        self.clock.advance(seconds)
        for party in [*self.model.takers, *self.model.givers]:
            if party.deadline <= self.clock():
                self.model.end(party, "timed out")
        # Those who leave let others pass: a giver that is gone, for one.
        self.model.match()
        testing.wait_until_idle()
        self.idle = True

    @rule()
    def finish_the_round(self) -> None:
        testing.wait_until_idle()
        self.idle = True

    @invariant()
    def check(self) -> None:
        if not getattr(self, "idle", False):
            return
        for party in self.parties:
            self.check_outcome(party)
        if hasattr(self.subject.made, "__len__"):
            assert len(self.subject.made) == len(self.model.items) + len(self.model.givers)
        if hasattr(self.subject.made, "waiting"):
            assert self.subject.made.waiting() == len(self.model.takers)

    def check_outcome(self, party: Party) -> None:
        thread = party.thread
        if party.outcome == "waiting":
            assert not thread.dead
        elif party.outcome == "killed":
            assert isinstance(thread.exception, hub.GreenletExit)
        elif party.outcome == "timed out":
            assert isinstance(thread.exception, TimeoutError)
        elif party.outcome == "closed":
            assert isinstance(thread.exception, coros.Closed)
        else:
            assert thread.successful
            if party.item is None:
                self.check_item(party.outcome[1], thread.value)

    @staticmethod
    def check_item(expected: Any, found: Any) -> None:
        assert found is True or found == expected


@pytest.mark.parametrize("name", SUBJECTS)
def test_as_in_the_model(name: str) -> None:
    machine = type("Machine", (Machine,), {"make": staticmethod(SUBJECTS[name])})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=40, stateful_step_count=30, deadline=None)
    )
