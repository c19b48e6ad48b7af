"""Actors and the iterators over results against simple models, under random schedules.

What an actor handles, and what `map` and its kin call, waits at a gate until the schedule says how
it ends. Handlers and readers are killed and run out of time, in the same rounds as the rest.
"""

from __future__ import annotations

import gc
import itertools
import math
import weakref
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from eventlet import coros, hub
from eventlet.hub import testing

Timeouts = st.sampled_from([None, 1.0, 2.0, 5.0])
Seconds = st.sampled_from([0.5, 1.0, 3.0])


class Message:
    """What is cast to an actor, and what its handler waits for."""

    def __init__(self, number: int, timeout: float | None) -> None:
        self.number = number
        self.timeout = timeout
        self.deadline = math.inf
        self.gate: coros.Event[None] = coros.Event()
        self.thread: Any = None


class Gated(coros.Actor):
    """Notes which messages it begins, and how they end."""

    def __init__(self, concurrency: int) -> None:
        super().__init__(concurrency)
        self.begun: list[int] = []
        self.ended: list[int] = []

    def received(self, message: Message) -> None:
        self.begun.append(message.number)
        # Weak: a failure is reported as soon as nobody can look at it any more.
        message.thread = weakref.ref(hub.getcurrent())
        try:
            message.gate.wait(message.timeout)
        except TimeoutError:
            raise TimeoutError(message.number) from None
        finally:
            self.ended.append(message.number)


class ActorMachine(RuleBasedStateMachine):
    """An actor begins its messages in order, so many at a time, whatever becomes of them."""

    @initialize(concurrency=st.integers(1, 3))
    def begin(self, concurrency: int) -> None:
        self.stack = ExitStack()
        self.clock = self.stack.enter_context(testing.virtual_clock())
        self.failures: list[BaseException] = []
        previous = hub.set_unobserved_hook(lambda error, _: self.failures.append(error))
        self.stack.callback(hub.set_unobserved_hook, previous)
        self.concurrency = concurrency
        self.actor: Any = Gated(concurrency)
        self.is_killed = False
        self.number = 0
        self.mailbox: list[Message] = []
        self.running: list[Message] = []
        self.begun: list[int] = []
        self.ended: list[int] = []
        self.reported: list[str] = []

    def teardown(self) -> None:
        if not hasattr(self, "reported"):
            return  # it has not even begun
        try:
            self.let_the_rest_end()
        finally:
            self.stack.close()

    def let_the_rest_end(self) -> None:
        while self.running:
            self.open_gate(self.running[0], None)
        self.finish_the_round()
        loop = self.actor._killer
        self.actor = None
        self.failures.clear()  # their tracebacks refer to it
        testing.wait_until_idle()
        if not loop.dead:  # the actor is in a cycle with the traceback of an error, for one
            gc.collect()
            testing.wait_until_idle()
        assert loop.dead

    def match(self) -> None:
        while self.mailbox and len(self.running) < self.concurrency:
            message = self.mailbox.pop(0)
            message.deadline = self.clock() + (message.timeout or math.inf)
            self.running.append(message)

    def end(self, message: Message) -> None:
        self.running.remove(message)
        self.begun += [] if message.number in self.begun else [message.number]
        self.ended.append(message.number)
        self.match()

    @rule(timeout=Timeouts)
    def cast(self, timeout: float | None) -> None:
        self.number += 1
        message = Message(self.number, timeout)
        if self.is_killed:
            with pytest.raises(coros.Closed):
                self.actor.cast(message)
        else:
            self.actor.cast(message)
            self.mailbox.append(message)
            self.match()

    @precondition(lambda self: bool(getattr(self, "running", None)))
    @rule(data=st.data(), fails=st.booleans())
    def let_one_end(self, data: st.DataObject, fails: bool) -> None:
        message = data.draw(st.sampled_from(self.running))
        self.open_gate(message, KeyError(message.number) if fails else None)

    def open_gate(self, message: Message, error: Exception | None) -> None:
        message.gate.send(exc=error)
        if error is not None:
            self.reported.append(repr(error))
        self.end(message)

    @precondition(lambda self: bool(getattr(self, "running", None)))
    @rule(data=st.data())
    def kill_a_handler(self, data: st.DataObject) -> None:
        self.finish_the_round()
        if self.running:
            message = data.draw(st.sampled_from(self.running))
            message.thread().throw()
            self.end(message)

    @precondition(lambda self: getattr(self, "number", 0) > 4)
    @rule()
    def kill_the_actor(self) -> None:
        self.finish_the_round()
        self.actor.kill()
        self.is_killed = True
        self.mailbox.clear()
        while self.running:
            self.end(self.running[0])

    @rule(seconds=Seconds)
    def let_time_pass(self, seconds: float) -> None:
        """Nobody has noticed yet when the next rule comes."""
        self.finish_the_round()
        self.clock.advance(seconds)

    def finish_the_round(self) -> None:
        testing.wait_until_idle()
        for message in [each for each in self.running if each.deadline <= self.clock()]:
            self.reported.append(repr(TimeoutError(message.number)))
            self.end(message)
        self.begun += [each.number for each in self.running if each.number not in self.begun]
        assert self.actor.begun == sorted(self.begun) == sorted(set(self.actor.begun))
        assert sorted(self.actor.ended) == sorted(self.ended)
        assert sorted(map(repr, self.failures)) == sorted(self.reported)
        assert len(self.actor._mailbox) == len(self.mailbox)


class Reader:
    """One who waits for the next result."""

    def __init__(self, thread: hub.GreenThread[Any], deadline: float) -> None:
        self.thread = thread
        self.deadline = deadline
        self.has_filled = False


class ResultsMachine(RuleBasedStateMachine):
    """An iterator launches what it has room for, and returns each result once."""

    is_ordered: bool
    is_shared: bool

    @initialize(size=st.integers(1, 3), length=st.sampled_from([3, None]))
    def begin(self, size: int, length: int | None) -> None:
        self.stack = ExitStack()
        self.clock = self.stack.enter_context(testing.virtual_clock())
        self.size = size
        self.length = math.inf if length is None else length
        self.gates: defaultdict[int, coros.Event[int]] = defaultdict(coros.Event)
        self.read = 0
        inputs = itertools.islice(self.numbers(), length)
        self.pool = coros.CoroutinePool(max_size=size)
        self.results = self.iterate(inputs)
        self.reader: Reader | None = None
        # In the model: calls that were launched and whose results nobody has, and those of them
        # that have ended, in the order in which they did. And what else the pool runs.
        self.launched: list[int] = []
        self.ended: list[int] = []
        self.next = 0
        self.others: list[coros.Event[None]] = []

    def numbers(self) -> Iterator[int]:
        for number in itertools.count():
            self.read += 1
            yield number

    def iterate(self, inputs: Iterator[int]) -> Iterator[int]:
        if self.is_shared:
            return self.pool.generate_results(self.wait_at_gate, ((each,) for each in inputs))
        iterate = coros.map if self.is_ordered else coros.imap_unordered
        return iterate(self.wait_at_gate, inputs, max_size=self.size)

    def wait_at_gate(self, number: int) -> int:
        return self.gates[number].wait()

    def teardown(self) -> None:
        if not hasattr(self, "others"):
            return  # it has not even begun
        try:
            self.receive_the_rest()
        finally:
            self.end_all()
            self.stack.close()

    def receive_the_rest(self) -> None:
        self.finish_the_round()
        if self.reader is not None:
            self.kill_the_reader()
        for number in self.running():
            self.gates[number].send(number)
        testing.wait_until_idle()
        with hub.Timeout(1, TimeoutError):
            rest = [self.next_result() for _ in self.launched]
        assert sorted(rest) == sorted(self.launched)

    def end_all(self) -> None:
        if self.reader is not None:
            self.reader.thread.throw()
        gates: list[coros.Event[Any]] = [self.gates[number] for number in range(self.read)]
        for gate in gates + self.others:
            if not gate.ready():
                gate.send()
        testing.wait_until_idle()

    def next_result(self) -> Any:
        try:
            return next(self.results, "the end")
        except KeyError as error:
            return error.args[0]

    def running(self) -> list[int]:
        return [number for number in self.launched if number not in self.ended]

    def free(self) -> int:
        return self.size - len(self.running()) - len(self.others)

    @rule(timeout=Timeouts)
    def read_one(self, timeout: float | None) -> None:
        self.finish_the_round()
        if self.reader is not None:
            with pytest.raises(coros.Misuse, match="one at a time"):
                next(self.results)
            return

        def wait() -> Any:
            with hub.Timeout(timeout, TimeoutError):
                return self.next_result()

        self.reader = Reader(hub.spawn(wait), self.clock() + (timeout or math.inf))
        self.finish_the_round()

    @precondition(lambda self: bool(getattr(self, "launched", None)))
    @rule(data=st.data(), fails=st.booleans())
    def let_one_end(self, data: st.DataObject, fails: bool) -> None:
        running = self.running()
        if running:
            number = data.draw(st.sampled_from(running))
            self.gates[number].send(number, exc=KeyError(number) if fails else None)
            self.ended.append(number)

    @precondition(lambda self: getattr(self, "reader", None) is not None)
    @rule()
    def kill_the_reader(self) -> None:
        """It is killed even if its result is just coming, which then is for the next one."""
        assert self.reader is not None
        self.reader.thread.throw()
        testing.wait_until_idle()
        assert isinstance(self.reader.thread.exception, hub.GreenletExit)
        self.reader = None

    @precondition(lambda self: getattr(self, "reader", None) is not None)
    @rule(timeout=Timeouts)
    def kill_the_reader_and_read(self, timeout: float | None) -> None:
        self.kill_the_reader()
        self.read_one(timeout)

    @precondition(lambda self: getattr(self, "is_shared", False) and hasattr(self, "others"))
    @rule()
    def run_something_else(self) -> None:
        self.finish_the_round()
        if self.pool.free() > 0:
            gate: coros.Event[None] = coros.Event()
            self.pool.execute(gate.wait)
            self.others.append(gate)

    @precondition(lambda self: bool(getattr(self, "others", None)))
    @rule()
    def end_something_else(self) -> None:
        self.others.pop(0).send()

    @rule(seconds=Seconds)
    def let_time_pass(self, seconds: float) -> None:
        self.finish_the_round()
        self.clock.advance(seconds)
        testing.wait_until_idle()
        if self.reader is not None and self.reader.deadline <= self.clock():
            assert isinstance(self.reader.thread.exception, TimeoutError)
            self.reader = None

    def finish_the_round(self) -> None:
        testing.wait_until_idle()
        if self.reader is not None and self.fill(self.reader):
            self.receive(self.reader)
        assert self.read >= self.next
        assert self.read <= self.next + 1
        if self.is_shared:
            assert self.pool.running() == len(self.running()) + len(self.others)

    def fill(self, reader: Reader) -> bool:
        """Launch what there is room for; return whether the reader has got so far."""
        room = self.size
        while not reader.has_filled:
            has_room = self.free() > 0 and len(self.launched) < self.size + room
            if self.next == self.length or (self.launched and not has_room):
                reader.has_filled = True
            elif self.free() <= 0:
                return False
            else:
                self.launched.append(self.next)
                self.next += 1
        return True

    def receive(self, reader: Reader) -> None:
        if not self.launched:
            expected: Any = "the end"
        elif self.is_ordered:
            expected = self.launched[0]
        else:
            expected = self.ended[0] if self.ended else None
        if expected != "the end":
            if expected not in self.ended:
                assert not reader.thread.dead
                return
            self.launched.remove(expected)
            self.ended.remove(expected)
        assert reader.thread.dead
        assert reader.thread.wait() == expected
        self.reader = None


KINDS = {
    "map": (True, False),
    "imap_unordered": (False, False),
    "generate_results": (False, True),
}


@pytest.mark.in_order
@pytest.mark.parametrize("kind", KINDS)
def test_results_as_in_the_model(kind: str) -> None:
    is_ordered, is_shared = KINDS[kind]
    attributes = {"is_ordered": is_ordered, "is_shared": is_shared}
    machine = type("Machine", (ResultsMachine,), attributes)
    run_state_machine_as_test(
        machine, settings=settings(max_examples=40, stateful_step_count=30, deadline=None)
    )


@pytest.mark.in_order
def test_actors_as_in_the_model() -> None:
    # Fewer, because the garbage collector runs in many, and takes its time in a large session.
    run_state_machine_as_test(
        ActorMachine, settings=settings(max_examples=30, stateful_step_count=30, deadline=None)
    )
