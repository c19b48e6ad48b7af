"""Events, conditions and pools of things against simple models, under random schedules.

As `test_model`, for what isn't a queue: those who wait are let on all together, a number at a time,
or each with a thing to give back. They are killed and run out of time in the same rounds.
"""

from __future__ import annotations

import math
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

from eventlet import coros, hub
from eventlet.hub import testing


class Party:
    """One who waits, and what is to become of it."""

    def __init__(self, thread: hub.GreenThread[Any], deadline: float) -> None:
        self.thread = thread
        self.deadline = deadline
        self.expected: Any = "waiting"

    def check(self) -> None:
        thread = self.thread
        if self.expected == "waiting":
            assert not thread.dead
        elif self.expected == "killed":
            assert isinstance(thread.exception, hub.GreenletExit)
        elif self.expected == "timed out":
            assert isinstance(thread.exception, TimeoutError)
        else:
            assert thread.value == self.expected


class Machine(RuleBasedStateMachine):
    """Lets green threads wait, kills them, and lets time pass; the rest is the subclasses'."""

    @initialize()
    def begin(self) -> None:
        self.stack = ExitStack()
        self.clock = self.stack.enter_context(testing.virtual_clock())
        self.parties: list[Party] = []
        self.line: list[Party] = []
        self.set_up()

    def set_up(self) -> None:
        raise NotImplementedError

    def wait_for_it(self, timeout: float | None) -> Any:
        raise NotImplementedError

    def match(self) -> None:
        """Say in the model what becomes of those who wait, if nobody needs to wait."""

    def teardown(self) -> None:
        for party in self.parties:
            party.thread.throw()
        testing.wait_until_idle()
        for party in self.parties:
            _ = party.thread.exception
        self.stack.close()

    @rule(timeout=st.sampled_from([None, 1.0, 2.0, 5.0]))
    def wait(self, timeout: float | None) -> None:
        party = Party(hub.spawn(self.wait_for_it, timeout), self.clock() + (timeout or math.inf))
        testing.wait_until_idle()
        self.parties.append(party)
        self.line.append(party)
        self.match()

    @precondition(lambda self: bool(getattr(self, "line", None)))
    @rule(data=st.data())
    def kill(self, data: st.DataObject) -> None:
        party = data.draw(st.sampled_from(self.line))
        party.thread.throw()
        self.line.remove(party)
        party.expected = "killed"

    @rule(seconds=st.sampled_from([0.5, 1.0, 3.0]))
    def let_time_pass(self, seconds: float) -> None:
        testing.wait_until_idle()
        self.clock.advance(seconds)
        for party in [each for each in self.line if each.deadline <= self.clock()]:
            self.line.remove(party)
            party.expected = "timed out"
        testing.wait_until_idle()  # only then have they left

    @invariant()
    def check(self) -> None:
        if not hasattr(self, "parties"):
            return
        # Half of the time what comes next falls into the same round.
        if len(self.parties) % 2:
            testing.wait_until_idle()
            for party in self.parties:
                party.check()
            assert self.waiting() == len(self.line)

    def waiting(self) -> int:
        raise NotImplementedError


class EventMachine(Machine):
    """An event lets all who wait go on, and those who come, until it is reset."""

    def set_up(self) -> None:
        self.event: coros.Event[int] = coros.Event()
        self.sent: int | None = None

    def wait_for_it(self, timeout: float | None) -> Any:
        return self.event.wait(timeout)

    def match(self) -> None:
        if self.sent is not None:
            for party in self.line:
                party.expected = self.sent
            self.line.clear()

    @rule(value=st.integers())
    def send(self, value: int) -> None:
        if self.sent is None:
            self.event.send(value)
            self.sent = value
            self.match()
        else:
            with pytest.raises(coros.AlreadySent):
                self.event.send(value)

    @rule()
    def reset(self) -> None:
        if self.sent is None:
            with pytest.raises(coros.NotSent):
                self.event.reset()
        else:
            self.event.reset()
            self.sent = None

    def waiting(self) -> int:
        return self.event.waiting()


class ConditionMachine(Machine):
    """A condition lets the first few go on, and always gives its lock back."""

    def set_up(self) -> None:
        self.condition = coros.Condition()

    def wait_for_it(self, timeout: float | None) -> Any:
        with self.condition:
            if not self.condition.wait(timeout):
                raise TimeoutError
        return True

    @rule(number=st.integers(0, 3))
    def notify(self, number: int) -> None:
        with self.condition:
            self.condition.notify(number)
        self.let_on(number)

    @rule()
    def notify_all(self) -> None:
        with self.condition:
            self.condition.notify_all()
        self.let_on(len(self.line))

    def let_on(self, number: int) -> None:
        for party in self.line[:number]:
            party.expected = True
        del self.line[:number]

    def waiting(self) -> int:
        return self.condition.waiting()


class PoolMachine(Machine):
    """A pool lends to those who come first, and never more than there may be."""

    def set_up(self) -> None:
        self.pool = coros.TokenPool(max_size=2)
        self.limit = 2
        self.lent: list[Party] = []

    def wait_for_it(self, timeout: float | None) -> Any:
        return isinstance(self.pool.get(timeout), coros.Token)

    def match(self) -> None:
        while self.line and len(self.lent) < self.limit:
            party = self.line.pop(0)
            party.expected = True
            self.lent.append(party)

    @precondition(lambda self: bool(getattr(self, "lent", None)))
    @rule(is_broken=st.booleans())
    def give_back(self, is_broken: bool) -> None:
        testing.wait_until_idle()
        token = next(token for token, _ in self.pool._lent.values())
        (self.pool.discard if is_broken else self.pool.put)(token)
        self.lent.pop(0)
        self.match()
        with pytest.raises(coros.ForeignItem):
            self.pool.put(coros.Token())

    @rule(size=st.integers(0, 4))
    def resize(self, size: int) -> None:
        self.pool.resize(size)
        self.limit = size
        self.match()

    def waiting(self) -> int:
        return self.pool.waiting()


@pytest.mark.parametrize("machine", [EventMachine, ConditionMachine, PoolMachine])
def test_as_in_the_model(machine: type[Machine]) -> None:
    run_state_machine_as_test(
        machine, settings=settings(max_examples=40, stateful_step_count=30, deadline=None)
    )
