"""Events, conditions, locks, barriers and pools against simple models, under random schedules.

As `test_model`, for what isn't a queue: those who wait are let on all together, a number at a time,
or each with a thing to give back. They are killed and run out of time in the same rounds.
"""

from __future__ import annotations

import math
import threading
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

import eventlet.coros.threading as green_threading
from eventlet import coros, hub
from eventlet.hub import testing

Orders = coros.Queue[Callable[[], object]]
Worker = tuple[hub.GreenThread[Any], Orders]


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
            assert thread.successful
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
        if not hasattr(self, "parties"):
            return  # it has not even begun
        self.finish_the_round()
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
        self.give_up(party, "killed")

    @rule(seconds=st.sampled_from([0.5, 1.0, 3.0]))
    def let_time_pass(self, seconds: float) -> None:
        testing.wait_until_idle()
        self.clock.advance(seconds)
        for party in [each for each in self.line if each.deadline <= self.clock()]:
            if party in self.line:
                self.give_up(party, "timed out")
        testing.wait_until_idle()  # only then have they left

    def give_up(self, party: Party, outcome: str) -> None:
        self.line.remove(party)
        party.expected = outcome

    @rule()
    def finish_the_round(self) -> None:
        testing.wait_until_idle()
        for party in self.parties:
            party.check()
        assert self.waiting() == len(self.line)

    @invariant()
    def check(self) -> None:
        # Half of the time what comes next falls into the same round.
        if len(getattr(self, "parties", [])) % 2:
            self.finish_the_round()

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


class FlagMachine(Machine):
    """A flag lets all who wait go on, and those who come, until it is cleared."""

    def set_up(self) -> None:
        self.flag = green_threading.Event()
        self.is_set = False

    def wait_for_it(self, timeout: float | None) -> Any:
        if not self.flag.wait(timeout):
            raise TimeoutError
        return True

    def match(self) -> None:
        if self.is_set:
            for party in self.line:
                party.expected = True
            self.line.clear()

    @rule()
    def set(self) -> None:
        self.flag.set()
        self.is_set = True
        self.match()

    @rule()
    def clear(self) -> None:
        self.flag.clear()
        self.is_set = False

    def waiting(self) -> int:
        assert self.flag.is_set() == self.is_set
        return len(self.flag._line)


class SemaphoreMachine(Machine):
    """A semaphore lets in as many as there are permits, and may be given several at once."""

    limit = math.inf

    def set_up(self) -> None:
        self.semaphore = green_threading.Semaphore(2)
        self.permits = 2

    def wait_for_it(self, timeout: float | None) -> Any:
        if not self.semaphore.acquire(timeout=timeout):
            raise TimeoutError
        return True

    def match(self) -> None:
        while self.line and self.permits:
            self.permits -= 1
            self.line.pop(0).expected = True

    @rule()
    def try_it(self) -> None:
        assert self.semaphore.acquire(False) == (self.permits > 0)
        self.permits = max(0, self.permits - 1)

    @rule(number=st.integers(1, 3))
    def release(self, number: int) -> None:
        if self.permits + number > self.limit:
            with pytest.raises(ValueError, match="released too many times"):
                self.semaphore.release(number)
        else:
            self.semaphore.release(number)
            self.permits += number
            self.match()

    def waiting(self) -> int:
        assert self.semaphore.balance == self.permits - len(self.line)
        return self.semaphore.waiting()


class BoundedSemaphoreMachine(SemaphoreMachine):
    """As many permits as at first, and never more."""

    limit = 2

    def set_up(self) -> None:
        self.semaphore = green_threading.BoundedSemaphore(2)
        self.permits = 2


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


class LockMachine(Machine):
    """A lock is handed from one to the next, and may be released by anybody."""

    def set_up(self) -> None:
        self.lock = coros.Lock()
        self.is_held = False

    def wait_for_it(self, timeout: float | None) -> Any:
        if not self.lock.acquire(timeout=timeout):
            raise TimeoutError
        return True

    def match(self) -> None:
        if self.line and not self.is_held:
            self.is_held = True
            self.line.pop(0).expected = True

    @rule()
    def release(self) -> None:
        if self.is_held:
            self.lock.release()
            self.is_held = False
            self.match()
        else:
            with pytest.raises(coros.NotAcquired):
                self.lock.release()

    @rule()
    def try_it(self) -> None:
        assert self.lock.locked() == self.is_held
        assert self.lock.acquire(False) != self.is_held
        self.is_held = True

    def waiting(self) -> int:
        return self.lock.statistics().waiting


class RLockMachine(Machine):
    """A re-entrant lock is its owner's, who must release it as often as he has acquired it."""

    def set_up(self) -> None:
        self.lock = coros.RLock()
        self.count = 0
        self.owner: Party | None = None
        self.orders: Orders = coros.Queue()

    def wait_for_it(self, timeout: float | None) -> Any:
        if not self.lock.acquire(timeout=timeout):
            raise TimeoutError
        try:
            while self.lock._is_owned():
                self.orders.wait()()
        finally:
            while self.lock._is_owned():
                self.lock.release()
        return True

    def match(self) -> None:
        if self.line and self.owner is None:
            self.owner = self.line.pop(0)
            self.count = 1

    def pass_on(self, outcome: Any) -> None:
        assert self.owner is not None
        self.owner.expected = outcome
        self.owner = None
        self.match()

    @precondition(lambda self: bool(getattr(self, "owner", None)))
    @rule()
    def acquire_once_more(self) -> None:
        testing.wait_until_idle()
        self.orders.send(lambda: self.lock.acquire(timeout=1))
        testing.wait_until_idle()
        self.count += 1

    @precondition(lambda self: bool(getattr(self, "owner", None)))
    @rule()
    def release_once(self) -> None:
        testing.wait_until_idle()
        self.orders.send(self.lock.release)
        testing.wait_until_idle()
        self.count -= 1
        if not self.count:
            self.pass_on(True)

    @precondition(lambda self: bool(getattr(self, "owner", None)))
    @rule()
    def kill_the_owner(self) -> None:
        testing.wait_until_idle()
        self.owner.thread.throw()  # type: ignore[union-attr]
        testing.wait_until_idle()
        self.pass_on("killed")

    @rule()
    def try_it_as_a_stranger(self) -> None:
        testing.wait_until_idle()
        with pytest.raises(coros.NotAcquired):
            self.lock.release()
        is_free = self.owner is None
        assert self.lock.acquire(False) == is_free
        assert self.lock.locked()
        if is_free:
            self.lock.release()
        assert f"count={self.count if self.owner else 0} " in repr(self.lock)

    def waiting(self) -> int:
        return self.lock.statistics().waiting


class BarrierMachine(Machine):
    """A barrier lets a full number pass, and is broken for all by one who gives up."""

    parties_needed = 3

    def set_up(self) -> None:
        self.barrier = coros.Barrier(self.parties_needed)
        self.is_broken = False

    def wait_for_it(self, timeout: float | None) -> Any:
        try:
            return self.barrier.wait(timeout)
        except threading.BrokenBarrierError:
            return "broken"

    def match(self) -> None:
        if self.is_broken:
            self.turn_away()
        elif len(self.line) == self.parties_needed:
            for index, party in enumerate(self.line):
                party.expected = index
            self.line.clear()

    def turn_away(self) -> None:
        for party in self.line:
            party.expected = "broken"
        self.line.clear()

    def give_up(self, party: Party, outcome: str) -> None:
        super().give_up(party, "broken" if outcome == "timed out" else outcome)
        self.is_broken = True
        self.turn_away()

    @rule()
    def reset(self) -> None:
        self.barrier.reset()
        self.is_broken = False
        self.turn_away()

    @rule()
    def abort(self) -> None:
        self.barrier.abort()
        self.is_broken = True
        self.turn_away()

    def waiting(self) -> int:
        assert self.barrier.broken == self.is_broken
        return self.barrier.n_waiting


class MetaphoreMachine(Machine):
    """A metaphore lets all go on at zero, though it may be counted up again at once."""

    def set_up(self) -> None:
        self.metaphore = coros.Metaphore()
        self.count = 0

    def wait_for_it(self, timeout: float | None) -> Any:
        self.metaphore.wait(timeout)
        return True

    def match(self) -> None:
        if not self.count:
            for party in self.line:
                party.expected = True
            self.line.clear()

    @rule(by=st.integers(-1, 3))
    def inc(self, by: int) -> None:
        if by < 0:
            with pytest.raises(ValueError, match="at least 0"):
                self.metaphore.inc(by)
        else:
            self.metaphore.inc(by)
            self.count += by

    @rule(by=st.integers(0, 3))
    def dec(self, by: int) -> None:
        self.metaphore.dec(by)
        self.count = max(0, self.count - by)
        self.match()

    def waiting(self) -> int:
        assert self.metaphore.counter == self.count
        return self.metaphore.waiting()


class CoroutinePoolMachine(Machine):
    """A pool of green threads runs so many at a time, in the order in which they were given it.

    The parties are those who call `execute`.
    """

    def set_up(self) -> None:
        self.pool = coros.CoroutinePool(max_size=2)
        self.size = 2
        self.at_work = 0
        self.begun: list[Worker] = []
        self.bystanders: list[Party] = []

    def teardown(self) -> None:
        super().teardown()
        for worker, _ in getattr(self, "begun", []):
            worker.throw()
        testing.wait_until_idle()

    def wait_for_it(self, timeout: float | None) -> Any:
        with hub.Timeout(timeout, TimeoutError):
            orders: Orders = coros.Queue()
            worker = self.pool.execute(self.work, orders)
        self.begun.append((worker, orders))
        return True

    @staticmethod
    def work(orders: Orders) -> None:
        for order in orders:
            order()

    def match(self) -> None:
        while self.line and self.at_work < self.size:
            self.line.pop(0).expected = True
            self.at_work += 1
        if not self.at_work:
            for party in self.bystanders:
                party.expected = None
            self.bystanders.clear()

    def worker_ends(self) -> None:
        testing.wait_until_idle()
        self.at_work -= 1
        self.match()

    @precondition(lambda self: bool(getattr(self, "at_work", 0)))
    @rule(data=st.data())
    def end_a_worker(self, data: st.DataObject) -> None:
        _, orders = self.pick(data)
        orders.close()
        self.worker_ends()

    @precondition(lambda self: bool(getattr(self, "at_work", 0)))
    @rule(data=st.data())
    def kill_a_worker(self, data: st.DataObject) -> None:
        thread, _ = self.pick(data)
        thread.throw()
        self.worker_ends()
        assert isinstance(thread.exception, hub.GreenletExit)

    @precondition(lambda self: bool(getattr(self, "at_work", 0)))
    @rule(data=st.data())
    def execute_inside(self, data: st.DataObject) -> None:
        results: list[int] = []
        thread, orders = self.pick(data)
        orders.send(lambda: results.append(self.pool.execute(lambda: 5).wait()))
        testing.wait_until_idle()
        assert results == [5]
        self.begun.append((thread, orders))

    def pick(self, data: st.DataObject) -> Worker:
        testing.wait_until_idle()
        at_work = [each for each in self.begun if not each[0].dead]
        picked: Worker = data.draw(st.sampled_from(at_work))
        self.begun = [each for each in at_work if each is not picked]
        return picked

    @rule(size=st.integers(0, 4))
    def resize(self, size: int) -> None:
        testing.wait_until_idle()
        self.pool.resize(size)
        self.size = size
        self.match()

    @rule()
    def wait_for_all(self) -> None:
        testing.wait_until_idle()
        party = Party(hub.spawn(self.pool.wait_all), math.inf)
        testing.wait_until_idle()
        self.parties.append(party)
        self.bystanders.append(party)
        self.match()

    def waiting(self) -> int:
        assert self.pool.running() == self.at_work
        assert self.pool.free() == self.size - self.at_work
        return self.pool.waiting()


MACHINES = [
    EventMachine,
    FlagMachine,
    SemaphoreMachine,
    BoundedSemaphoreMachine,
    ConditionMachine,
    PoolMachine,
    LockMachine,
    RLockMachine,
    BarrierMachine,
    MetaphoreMachine,
    CoroutinePoolMachine,
]


@pytest.mark.parametrize("machine", MACHINES)
def test_as_in_the_model(machine: type[Machine]) -> None:
    run_state_machine_as_test(
        machine, settings=settings(max_examples=100, stateful_step_count=30, deadline=None)
    )
