"""The queues of `coros.queue` against a simple model, with their tasks, joins and shutdowns.

As `test_model`: those who put, get and join are killed and run out of time in the same rounds in
which others put, get, say that tasks are done, and shut the queue down.
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

import eventlet.coros.queue as green
from eventlet import hub
from eventlet.hub import testing

Items = st.integers(0, 9)
Timeouts = st.sampled_from([None, 1.0, 2.0, 5.0])


class Party:
    """One who puts, gets or joins, and what is to become of it."""

    def __init__(self, deadline: float, item: Any = None) -> None:
        self.deadline = deadline
        self.item = item
        self.expected: Any = "waiting"
        self.thread: Any = None

    def check(self) -> None:
        if self.expected == "waiting":
            assert not self.thread.dead
        elif isinstance(self.expected, type):
            assert type(self.thread.exception) is self.expected
        else:
            assert self.thread.successful
            assert self.thread.value == self.expected[0]


class Model:
    """What a queue does, said as simply as possible."""

    def __init__(self, kind: type[green.Queue[Any]], size: int) -> None:
        self.kind = kind
        self.limit = size or math.inf
        self.items: list[int] = []
        self.lines: dict[str, list[Party]] = {"put": [], "get": [], "join": []}
        self.unfinished = 0
        self.is_shut = False

    def pop(self) -> int:
        if self.kind is green.PriorityQueue:
            self.items.sort()
        return self.items.pop(-1 if self.kind is green.LifoQueue else 0)

    def match(self) -> None:
        """Let everybody go on who need not wait."""
        putters, getters, joiners = self.lines.values()
        if self.is_shut:
            self.end(putters, green.ShutDown)
        while True:
            while putters and len(self.items) < self.limit:
                self.items.append(putters[0].item)
                self.unfinished += 1
                self.end(putters[:1], (None,))
            if not getters or not self.items:
                break
            self.end(getters[:1], (self.pop(),))
        if self.is_shut:
            self.end(getters, green.ShutDown)
        if not self.unfinished:
            self.end(joiners, (None,))

    def end(self, parties: list[Party], expected: Any) -> None:
        for party in list(parties):
            party.expected = expected
            for line in self.lines.values():
                if party in line:
                    line.remove(party)

    def waiting(self) -> list[Party]:
        return [party for line in self.lines.values() for party in line]


class Machine(RuleBasedStateMachine):
    """Does the same to a queue and to its model."""

    kind: type[green.Queue[Any]]
    size: int

    @initialize()
    def begin(self) -> None:
        self.stack = ExitStack()
        self.clock = self.stack.enter_context(testing.virtual_clock())
        self.queue = self.kind(self.size)
        self.model = Model(self.kind, self.size)
        self.parties: list[Party] = []

    def teardown(self) -> None:
        if not hasattr(self, "model"):
            return  # it has not even begun
        try:
            self.finish_the_round()
        finally:
            for party in self.parties:
                party.thread.throw()
            testing.wait_until_idle()
            for party in self.parties:
                _ = party.thread.exception
            self.stack.close()

    @rule(item=Items, timeout=Timeouts)
    def put(self, item: int, timeout: float | None) -> None:
        self.enter("put", item, timeout)

    @rule(timeout=Timeouts)
    def get(self, timeout: float | None) -> None:
        self.enter("get", None, timeout)

    @rule(timeout=Timeouts)
    def join(self, timeout: float | None) -> None:
        self.enter("join", None, timeout)

    def enter(self, line: str, item: Any, timeout: float | None) -> None:
        self.finish_the_round()
        party = Party(self.clock() + (timeout or math.inf), item)
        party.thread = hub.spawn(self.call, line, item, timeout)
        self.parties.append(party)
        self.model.lines[line].append(party)
        self.model.match()
        # In line when the next rule comes: so it is known who came first.
        self.finish_the_round()

    def call(self, line: str, item: Any, timeout: float | None) -> Any:
        if line == "put":
            return self.queue.put(item, timeout=timeout)
        return self.queue.get(timeout=timeout) if line == "get" else self.queue.join(timeout)

    @rule(item=Items)
    def put_without_waiting(self, item: int) -> None:
        """In the same round as whatever came before, and comes next; so with the others."""
        party = Party(math.inf, item)
        self.model.lines["put"].append(party)
        self.decide(party, lambda: self.queue.put_nowait(item), green.Full)

    @rule()
    def get_without_waiting(self) -> None:
        party = Party(math.inf)
        self.model.lines["get"].append(party)
        self.decide(party, self.queue.get_nowait, green.Empty)

    def decide(self, party: Party, call: Any, refusal: type[Exception]) -> None:
        self.model.match()
        if party.expected == "waiting":
            self.model.end([party], refusal)
        if isinstance(party.expected, type):
            with pytest.raises(party.expected):
                call()
        else:
            assert call() == party.expected[0]

    @rule()
    def task_done(self) -> None:
        if self.model.unfinished:
            self.queue.task_done()
            self.model.unfinished -= 1
            self.model.match()
        else:
            with pytest.raises(ValueError, match="too many times"):
                self.queue.task_done()

    @precondition(lambda self: len(getattr(self, "parties", [])) > 5)
    @rule(immediate=st.booleans())
    def shut_down(self, immediate: bool) -> None:
        self.queue.shutdown(immediate)
        self.model.is_shut = True
        if immediate:
            self.model.unfinished -= min(self.model.unfinished, len(self.model.items))
            self.model.items.clear()
        self.model.match()

    @precondition(lambda self: hasattr(self, "model") and bool(self.model.waiting()))
    @rule(data=st.data())
    def kill(self, data: st.DataObject) -> None:
        self.give_up(data.draw(st.sampled_from(self.model.waiting())))

    @precondition(lambda self: hasattr(self, "model") and bool(self.model.lines["get"]))
    @rule(item=Items)
    def kill_who_gets_first_and_put_at_once(self, item: int) -> None:
        self.give_up(self.model.lines["get"][0])
        self.put_without_waiting(item)

    @precondition(lambda self: hasattr(self, "model") and bool(self.model.lines["put"]))
    @rule()
    def kill_who_puts_first_and_get_at_once(self) -> None:
        self.give_up(self.model.lines["put"][0])
        self.get_without_waiting()

    def give_up(self, party: Party) -> None:
        party.thread.throw()
        self.model.end([party], hub.GreenletExit)

    @rule(seconds=st.sampled_from([0.5, 1.0, 3.0]))
    def let_time_pass(self, seconds: float) -> None:
        """Nobody has noticed yet when the next rule comes."""
        self.clock.advance(seconds)

    @rule()
    def finish_the_round(self) -> None:
        testing.wait_until_idle()
        late = {"put": green.Full, "get": green.Empty, "join": TimeoutError}
        for line, parties in self.model.lines.items():
            self.model.end([p for p in parties if p.deadline <= self.clock()], late[line])
        for party in self.parties:
            party.check()

    @invariant()
    def check(self) -> None:
        if not hasattr(self, "model"):
            return
        assert self.queue.qsize() == len(self.model.items)
        assert self.queue.empty() == (not self.model.items)
        assert self.queue.full() == (len(self.model.items) >= self.model.limit)
        assert self.queue.unfinished_tasks == self.model.unfinished
        assert self.queue.is_shutdown == self.model.is_shut


@pytest.mark.parametrize("size", [0, 1, 3])
@pytest.mark.parametrize("kind", [green.Queue, green.LifoQueue, green.PriorityQueue])
def test_as_in_the_model(kind: type[green.Queue[Any]], size: int) -> None:
    machine = type("Machine", (Machine,), {"kind": kind, "size": size})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=30, stateful_step_count=40, deadline=None)
    )
