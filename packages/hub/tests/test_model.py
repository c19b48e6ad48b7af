"""Random interleavings of everything that can be done to green threads, beside a simple model.

The model runs nothing at once: it has a queue of those that were woken, each with the one cause
that came first, and works it off in order. Whatever comes later waits until the next wait.
"""

from __future__ import annotations

import math
from collections import deque
from itertools import count
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    rule,
)

from eventlet.hub import (
    GreenThread,
    Timeout,
    Waiter,
    get_hub,
    move_on_after,
    sleep,
    spawn,
    with_timeout,
)
from eventlet.hub.testing import virtual_clock, wait_until_idle

Order = tuple[Any, ...]
SECONDS = st.integers(1, 20)


class Failure(Exception):
    """Raised by a worker that was told to."""


class Killed(BaseException):
    """Sent to a worker, with its number."""


class Worker:
    """A green thread that obeys orders, and what the model knows about it."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.log: list[object] = []
        self.links: list[int] = []
        self.inbox: Waiter[Order] = Waiter()
        self.thread: GreenThread[object] = spawn(self.run)
        # The model
        self.expected: list[object] = []
        self.outcome: object = None
        self.is_new = True
        self.is_idle = False
        self.doing = ""
        self.next_order: Order | None = None
        self.cause: Order | None = ("begin",)
        self.pending = 0
        self.deadline = math.inf
        self.awaited: Worker | None = None

    def run(self) -> object:
        while True:
            order = self.inbox.wait()
            self.inbox = Waiter()
            if order[0] == "return":
                return order[1]
            if order[0] == "fail":
                raise Failure(self.number)
            getattr(self, "do_" + order[0])(*order[1:])

    def do_sleep(self, seconds: float) -> None:
        sleep(seconds)
        self.log.append("slept")

    def do_limit(self, seconds: float) -> None:
        with Timeout(seconds, False):
            Waiter[None]().wait()
        self.log.append("timed out")

    def do_limit_twice(self, seconds: float) -> None:
        with move_on_after(seconds * 2):
            with_timeout(seconds, Waiter[None]().wait, seconds * 3, timeout_value=None)
        self.log.append("timed out")

    def do_scope(self, seconds: float) -> None:
        with move_on_after(seconds):
            sleep(1e6)
        self.log.append("moved on")

    def do_expire(self, seconds: float) -> None:
        try:
            Waiter[None]().wait(seconds)
        except TimeoutError:
            self.log.append("expired")

    def do_await(self, other: Worker, seconds: float) -> None:
        try:
            self.log.append(("result", other.thread.wait(seconds)))
        except TimeoutError:
            self.log.append("late")
        except Failure as failure:
            self.log.append(("failed", *failure.args))
        except Killed as killed:
            if killed.args == (self.number,):
                raise
            self.log.append(("killed", *killed.args))


# What a worker logs when the time of a wait has come.
AT_DEADLINE = {
    "sleep": "slept",
    "limit": "timed out",
    "limit_twice": "timed out",
    "scope": "moved on",
    "expire": "expired",
    "await": "late",
}


class Interleavings(RuleBasedStateMachine):
    """Both sides by side."""

    workers = Bundle("workers")

    def __init__(self) -> None:
        super().__init__()
        self.context = virtual_clock()
        self.clock = self.context.__enter__()
        self.all: list[Worker] = []
        self.ended: list[Worker] = []
        self.linked: list[Worker] = []
        self.queue: deque[Worker] = deque()
        self.numbers = count()
        self.now = 0.0

    def teardown(self) -> None:
        self.settle()
        for worker in self.all:
            worker.thread.throw(Killed(worker.number))
        wait_until_idle()
        assert all(worker.thread.dead for worker in self.all)
        for worker in self.all:
            self.outcome_of(worker.thread)  # seen by somebody, so not reported
        assert get_hub().stats().green_threads == 0
        self.context.__exit__(None, None, None)

    # What is done to green threads

    @rule(target=workers)
    def spawn(self) -> Worker:
        worker = Worker(next(self.numbers))
        worker.thread.link(lambda _: self.linked.append(worker))
        self.all.append(worker)
        self.queue.append(worker)
        return worker

    @rule(worker=workers, value=st.integers())
    def tell_to_return(self, worker: Worker, value: int) -> None:
        self.tell(worker, "return", value)

    @rule(worker=workers)
    def tell_to_fail(self, worker: Worker) -> None:
        self.tell(worker, "fail")

    @rule(
        worker=workers,
        what=st.sampled_from(["sleep", "limit", "limit_twice", "scope", "expire"]),
        seconds=SECONDS,
    )
    def tell_to_wait(self, worker: Worker, what: str, seconds: int) -> None:
        self.tell(worker, what, seconds + next(self.numbers) / 1e6)

    @rule(worker=workers, other=workers, seconds=SECONDS)
    def tell_to_await(self, worker: Worker, other: Worker, seconds: int) -> None:
        if worker is not other:
            self.tell(worker, "await", other, seconds + next(self.numbers) / 1e6)

    @rule(worker=workers)
    def kill(self, worker: Worker) -> None:
        worker.thread.throw(Killed(worker.number))
        if worker.outcome is not None:
            return
        if worker.is_new:
            worker.cause = None
            self.end(worker, ("killed", worker.number))
        else:
            worker.pending += 1
            self.wake(worker, ("kill",))

    @rule(worker=workers)
    def cancel(self, worker: Worker) -> None:
        assert worker.thread.cancel(Killed(worker.number)) is (
            worker.is_new or worker.outcome is not None
        )
        if worker.outcome is None and worker.is_new:
            worker.cause = None
            self.end(worker, ("killed", worker.number))

    @rule()
    def settle(self) -> None:
        wait_until_idle()
        self.work_off()

    @rule(seconds=SECONDS)
    def let_time_pass(self, seconds: int) -> None:
        self.settle()
        until = self.clock() + seconds + next(self.numbers) / 1e6
        sleep(until - self.clock())
        while due := [worker for worker in self.all if worker.deadline <= until]:
            worker = min(due, key=lambda worker: worker.deadline)
            self.now = worker.deadline
            self.wake(worker, ("deadline",))
            self.work_off()
        self.now = until
        self.settle()

    # The model

    def tell(self, worker: Worker, *order: Any) -> None:
        received = worker.inbox.switch(order)
        if worker.outcome is not None:
            return
        if not worker.is_idle:
            assert received is (worker.next_order is None)
            worker.next_order = worker.next_order or order
        else:
            assert received is (worker.cause is None)
            self.wake(worker, order)

    def wake(self, worker: Worker, cause: Order) -> None:
        if worker.cause is None and worker.outcome is None:
            worker.cause = cause
            self.queue.append(worker)

    def work_off(self) -> None:
        while self.queue:
            worker = self.queue.popleft()
            cause, worker.cause = worker.cause, None
            if cause is not None and worker.outcome is None:
                self.resume(worker, cause)

    def resume(self, worker: Worker, cause: Order) -> None:
        awaited, worker.awaited, worker.deadline = worker.awaited, None, math.inf
        worker.is_idle = False
        if cause[0] == "begin":
            worker.is_new = False
        elif cause[0] == "kill":
            self.end(worker, ("killed", worker.number))
            return
        elif cause[0] == "deadline":
            worker.expected.append(AT_DEADLINE[worker.doing])
        elif cause[0] == "ended":
            assert awaited is not None
            worker.expected.append(awaited.outcome)
        else:
            self.obey(worker, cause)
            return
        self.look_into_the_inbox(worker)

    def obey(self, worker: Worker, order: Order) -> None:
        worker.doing = order[0]
        if order[0] == "return":
            self.end(worker, ("result", order[1]))
        elif order[0] == "fail":
            self.end(worker, ("failed", worker.number))
        elif order[0] == "await" and order[1].outcome is not None:
            worker.expected.append(order[1].outcome)
            self.look_into_the_inbox(worker)
        elif worker.pending:
            self.end(worker, ("killed", worker.number))
        else:
            worker.awaited = order[1] if order[0] == "await" else None
            worker.deadline = self.now + order[-1]

    def look_into_the_inbox(self, worker: Worker) -> None:
        order, worker.next_order = worker.next_order, None
        if order is not None:
            self.obey(worker, order)
        elif worker.pending:
            self.end(worker, ("killed", worker.number))
        else:
            worker.is_idle = True

    def end(self, worker: Worker, outcome: object) -> None:
        worker.outcome = outcome
        worker.awaited, worker.deadline = None, math.inf
        self.ended.append(worker)
        for other in self.all:
            if other.awaited is worker:
                self.wake(other, ("ended",))

    # The comparison

    @invariant()
    def same(self) -> None:
        if self.queue:
            return
        wait_until_idle()
        for worker in self.all:
            assert worker.thread.dead is (worker.outcome is not None), worker.number
            assert worker.log == worker.expected
            if worker.outcome is not None:
                assert self.outcome_of(worker.thread) == worker.outcome
        living = sum(worker.outcome is None for worker in self.all)
        assert get_hub().stats().green_threads == living
        assert sorted(w.number for w in self.linked) == sorted(w.number for w in self.ended)

    def outcome_of(self, thread: GreenThread[object]) -> object:
        try:
            return ("result", thread.wait())
        except Failure as failure:
            return ("failed", *failure.args)
        except Killed as killed:
            return ("killed", *killed.args)


TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
