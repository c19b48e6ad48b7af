"""Calls made in native threads for green threads."""

from __future__ import annotations

import contextvars
import gc
import os
import signal
import threading
import time
import traceback
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from eventlet.hub import (
    Deadlock,
    HubBusy,
    HubError,
    Timeout,
    Waiter,
    get_hub,
    kill,
    move_on_after,
    sleep,
    spawn,
)
from eventlet.hub._native import are_others_active, bystanders, get_ident
from eventlet.hub._threadpool import ThreadPool, _Job

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


@pytest.fixture
def pool() -> Iterator[ThreadPool]:
    pool = ThreadPool(4, "test")
    yield pool
    pool.killall()
    assert pool.statistics().workers == 0


class Gate:
    """A blocking call that tells when it has begun, and ends when it is told to."""

    def __init__(self) -> None:
        self._begun: Waiter[None] = Waiter()
        self._opened = threading.Event()
        self.calls = 0

    def __call__(self, result: Any = None) -> Any:
        self.calls += 1
        self._begun.switch()
        assert self._opened.wait(20)
        return result

    def wait_until_begun(self) -> None:
        self._begun.wait(20)

    def open(self) -> None:
        self._opened.set()


def yield_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        sleep(0.001)


def test_result_comes_from_another_native_thread(pool: ThreadPool) -> None:
    assert pool.execute(get_ident) != get_ident()


def test_arguments_are_passed_on(pool: ThreadPool) -> None:
    def describe(*args: Any, **kwargs: Any) -> Any:
        return args, kwargs

    assert pool.execute(describe, 1, function=2, self=3) == ((1,), {"function": 2, "self": 3})


def test_exception_comes_back_with_its_traceback(pool: ThreadPool) -> None:
    def fail_deep_down() -> None:
        raise LookupError("not here")

    def call() -> None:
        fail_deep_down()

    with pytest.raises(LookupError, match="not here") as caught:
        pool.execute(call)
    names = [frame.name for frame in traceback.extract_tb(caught.value.__traceback__)]
    assert names[-2:] == ["call", "fail_deep_down"]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit, StopIteration])
def test_every_kind_of_exception_is_an_outcome(pool: ThreadPool, kind: type[BaseException]) -> None:
    def call() -> None:
        raise kind("mine")

    with pytest.raises(kind, match="mine"):
        pool.execute(call)
    assert pool.execute(int) == 0


@pytest.mark.parametrize("wrong", [None, 3, "function"])
def test_only_functions_can_be_executed(pool: ThreadPool, wrong: Any) -> None:
    with pytest.raises(TypeError, match="pass the function itself"):
        pool.execute(wrong)
    assert get_hub().outside == 0


def test_others_run_meanwhile(pool: ThreadPool) -> None:
    gate = Gate()
    thread = spawn(pool.execute, gate, "done")
    gate.wait_until_begun()
    assert not thread.dead
    gate.open()
    assert thread.wait(20) == "done"


def test_context_of_the_caller_is_copied(pool: ThreadPool) -> None:
    def look_and_change() -> str:
        before = variable.get()
        variable.set("changed")
        return before

    token = variable.set("mine")
    assert pool.execute(look_and_change) == "mine"
    assert variable.get() == "mine"
    variable.reset(token)
    assert pool.execute(look_and_change) == "unset"


def test_no_more_calls_than_threads_at_once(pool: ThreadPool) -> None:
    running = 0
    most = 0
    lock = threading.Lock()
    all_at_work = threading.Barrier(4)

    def call() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        all_at_work.wait(20)
        with lock:
            running -= 1

    for thread in [spawn(pool.execute, call) for _ in range(100)]:
        thread.wait(20)
    assert most == 4
    yield_until(lambda: pool.statistics() == (4, 4, 4, 0))


@pytest.mark.in_order
def test_queued_calls_are_made_in_order() -> None:
    pool = ThreadPool(1)
    order: list[int] = []
    gate = Gate()
    first = spawn(pool.execute, gate)
    gate.wait_until_begun()
    others = [spawn(pool.execute, order.append, number) for number in range(20)]
    yield_until(lambda: pool.statistics().queued == 20)
    gate.open()
    for thread in [first, *others]:
        thread.wait(20)
    assert order == list(range(20))
    pool.killall()


def test_threads_are_started_only_when_needed(pool: ThreadPool) -> None:
    assert pool.statistics().workers == 0
    idents = set()
    for _ in range(50):
        idents.add(pool.execute(get_ident))
        yield_until(lambda: pool.statistics().idle == 1)  # it has its result a little earlier
    assert len(idents) == 1
    assert pool.statistics().workers == 1


def test_call_in_a_worker_is_made_on_the_spot(pool: ThreadPool) -> None:
    other = ThreadPool(1)

    def nested() -> tuple[int, int, int]:
        return get_ident(), pool.execute(get_ident), other.execute(get_ident)

    assert len(set(pool.execute(nested))) == 1
    assert other.statistics().workers == 0


def test_idle_threads_end(pool: ThreadPool) -> None:
    hasty = ThreadPool(8, idle_timeout=0.001)
    for thread in [spawn(hasty.execute, time.sleep, 0.01) for _ in range(8)]:
        thread.wait(20)
    yield_until(lambda: hasty.statistics().workers == 0)
    assert hasty.execute(int) == 0


def test_nothing_is_lost_while_threads_come_and_go() -> None:
    # With no patience at all, each order races with the end of an idle worker.
    pool = ThreadPool(3, idle_timeout=0)

    def many() -> int:
        return sum(pool.execute(lambda: 1) for _ in range(300))

    threads = [spawn(many) for _ in range(8)]
    assert [thread.wait(30) for thread in threads] == [300] * 8
    pool.killall()


def test_idle_timeout_none_keeps_threads() -> None:
    pool = ThreadPool(1, idle_timeout=None)
    ident = pool.execute(get_ident)
    sleep(0.01)
    assert pool.execute(get_ident) == ident
    pool.killall()


@pytest.mark.parametrize("number", [0, -1])
def test_at_least_one_thread(number: int) -> None:
    with pytest.raises(ValueError, match=f"at least one thread, not {number}"):
        ThreadPool(number)
    pool = ThreadPool(1)
    with pytest.raises(ValueError, match="at least one thread"):
        pool.resize(number)
    assert pool.size == 1


@pytest.mark.parametrize("number", [2.5, "3", True, None])
def test_a_whole_number_of_threads(number: Any) -> None:
    with pytest.raises(TypeError, match=f"whole number of threads, not {number!r}"):
        ThreadPool(number)
    pool = ThreadPool(1)
    with pytest.raises(TypeError, match="whole number of threads"):
        pool.resize(number)
    assert pool.size == 1
    assert pool.execute(int) == 0


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_idle_timeout_is_checked(seconds: float) -> None:
    with pytest.raises(ValueError, match="idle_timeout must be None or from 0"):
        ThreadPool(1, idle_timeout=seconds)


def test_repr_and_statistics(pool: ThreadPool) -> None:
    assert repr(pool) == "<ThreadPool 'test': 0 of 4 threads>"
    pool.execute(int)
    assert repr(pool) == "<ThreadPool 'test': 1 of 4 threads>"


class TestWhoStopsWaiting:
    def test_kill_frees_the_caller_at_once(self, pool: ThreadPool) -> None:
        gate = Gate()
        thread = spawn(pool.execute, gate)
        gate.wait_until_begun()
        kill(thread)
        assert thread.dead
        assert get_hub().outside == 1
        gate.open()
        yield_until(lambda: get_hub().outside == 0)
        yield_until(lambda: pool.statistics().idle == 1)

    def test_timeout_does_not_lose_the_worker(self, pool: ThreadPool) -> None:
        small = ThreadPool(1)
        gate = Gate()
        with pytest.raises(Timeout), Timeout(0.01):
            small.execute(gate)
        gate.open()
        assert small.execute(lambda: "next") == "next"
        small.killall()

    def test_late_failure_is_dropped(
        self, pool: ThreadPool, capsys: pytest.CaptureFixture[str]
    ) -> None:
        gate = Gate()

        def fail() -> None:
            gate()
            raise LookupError

        with move_on_after(0.01):
            pool.execute(fail)
        gate.open()
        yield_until(lambda: get_hub().outside == 0)
        gc.collect()
        assert capsys.readouterr().err == ""

    def test_call_that_has_not_begun_is_never_made(self) -> None:
        pool = ThreadPool(1)
        gate = Gate()
        first = spawn(pool.execute, gate)
        gate.wait_until_begun()
        called: list[int] = []
        second = spawn(pool.execute, called.append, 1)
        sleep(0)
        kill(second)
        gate.open()
        first.wait(20)
        assert pool.execute(lambda: called) == []
        assert get_hub().outside == 0
        pool.killall()

    def test_kill_that_is_pending_comes_before_the_call(self, pool: ThreadPool) -> None:
        called: list[int] = []

        def runs() -> None:
            with move_on_after(60) as scope:
                scope.cancel()
                pool.execute(called.append, 1)

        spawn(runs).wait(20)
        assert pool.statistics().workers == 0
        assert called == []


class TestKillall:
    def test_waits_for_calls_under_way(self, pool: ThreadPool) -> None:
        gate = Gate()
        thread = spawn(pool.execute, gate, "done")
        gate.wait_until_begun()
        ending = spawn(pool.killall)
        sleep(0)
        assert not ending.dead
        gate.open()
        ending.wait(20)
        assert thread.wait(20) == "done"
        assert pool.statistics().workers == 0

    def test_pool_stays_usable(self, pool: ThreadPool) -> None:
        pool.execute(int)
        pool.killall()
        assert pool.execute(int) == 0

    def test_calls_made_meanwhile_come_afterwards(self) -> None:
        pool = ThreadPool(1)
        gate = Gate()
        spawn(pool.execute, gate)
        gate.wait_until_begun()
        ending = spawn(pool.killall)
        sleep(0)
        later = spawn(pool.execute, lambda: "later")
        sleep(0)
        gate.open()
        assert later.wait(20) == "later"
        ending.wait(20)
        pool.killall()

    def test_kill_while_waiting_leaves_the_pool_usable(self, pool: ThreadPool) -> None:
        gate = Gate()
        spawn(pool.execute, gate)
        gate.wait_until_begun()
        ending = spawn(pool.killall)
        sleep(0)
        kill(ending)
        assert pool.execute(lambda: "others work") == "others work"
        gate.open()

    def test_not_from_a_worker(self, pool: ThreadPool) -> None:
        with pytest.raises(HubBusy, match="cannot wait for the threads of a pool"):
            pool.execute(pool.killall)


class TestResize:
    def test_more_threads_take_what_is_queued(self) -> None:
        pool = ThreadPool(1)
        gates = [Gate() for _ in range(3)]
        threads = [spawn(pool.execute, gates[0])]
        gates[0].wait_until_begun()
        threads += [spawn(pool.execute, gate) for gate in gates[1:]]
        sleep(0)
        pool.resize(3)
        for gate in gates[1:]:
            gate.wait_until_begun()
        for gate in gates:
            gate.open()
        for thread in threads:
            thread.wait(20)
        assert pool.size == 3
        pool.killall()

    def test_idle_threads_too_many_end(self, pool: ThreadPool) -> None:
        for thread in [spawn(pool.execute, time.sleep, 0.01) for _ in range(4)]:
            thread.wait(20)
        yield_until(lambda: pool.statistics().idle == 4)
        pool.resize(1)
        yield_until(lambda: pool.statistics().workers == 1)
        assert pool.execute(int) == 0

    def test_busy_threads_too_many_end_after_their_call(self, pool: ThreadPool) -> None:
        gates = [Gate() for _ in range(4)]
        threads = [spawn(pool.execute, gate) for gate in gates]
        for gate in gates:
            gate.wait_until_begun()
        pool.resize(2)
        assert pool.statistics().workers == 4
        for gate in gates:
            gate.open()
        for thread in threads:
            thread.wait(20)
        yield_until(lambda: pool.statistics().workers == 2)

    def test_growing_again_forgives_those_too_many(self, pool: ThreadPool) -> None:
        gates = [Gate() for _ in range(4)]
        threads = [spawn(pool.execute, gate) for gate in gates]
        for gate in gates:
            gate.wait_until_begun()
        pool.resize(1)
        pool.resize(4)
        for gate in gates:
            gate.open()
        for thread in threads:
            thread.wait(20)
        yield_until(lambda: pool.statistics().idle == 4)


class TestNoRoomForThreads:
    @staticmethod
    def refuse(*args: Any) -> int:
        raise RuntimeError("can't start new thread")

    def test_first_one_is_an_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pool = ThreadPool(2)
        monkeypatch.setattr("eventlet.hub._threadpool.start_new_thread", self.refuse)
        with pytest.raises(RuntimeError, match="can't start new thread"):
            pool.execute(int)
        assert pool.statistics() == (2, 0, 0, 0)
        assert get_hub().outside == 0
        monkeypatch.undo()
        assert pool.execute(int) == 0
        pool.killall()

    def test_while_the_program_ends_it_is_made_on_the_spot(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pool = ThreadPool(2)
        monkeypatch.setattr("eventlet.hub._threadpool.start_new_thread", self.refuse)
        monkeypatch.setattr("eventlet.hub._threadpool.is_program_ending", lambda: True)
        assert pool.execute(threading.get_ident) == threading.get_ident()
        assert get_hub().outside == 0

    def test_otherwise_those_at_hand_do_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pool = ThreadPool(2)
        gate = Gate()
        first = spawn(pool.execute, gate)
        gate.wait_until_begun()
        monkeypatch.setattr("eventlet.hub._threadpool.start_new_thread", self.refuse)
        second = spawn(pool.execute, lambda: "second")
        sleep(0)
        gate.open()
        assert second.wait(20) == "second"
        first.wait(20)
        pool.killall()


class TestRaces:
    """What happens when somebody comes in between two steps of a worker."""

    @staticmethod
    def job(result: str) -> _Job:
        return _Job(lambda: result, (), {})

    def test_job_between_the_look_and_the_stack(self) -> None:
        pool = ThreadPool(1)
        late = self.job("late")

        class Stack(list[Any]):
            def append(self, worker: Any) -> None:
                super().append(worker)
                pool._idle = list(self)  # an ordinary one from now on
                pool._queue.append(late)

        pool._idle = Stack()
        assert pool.execute(lambda: "first") == "first"
        assert late.wait() == "late"
        pool.killall()

    def test_order_when_the_time_is_up(self) -> None:
        pool = ThreadPool(1, idle_timeout=0)
        late = self.job("late")

        class Stack(list[Any]):
            def remove(self, worker: Any) -> None:
                pool._idle = []
                worker.give(late)
                raise ValueError

        pool._idle = Stack()
        assert pool.execute(lambda: "first") == "first"
        assert late.wait() == "late"
        pool.killall()

    def test_mere_look_when_the_time_is_up(self) -> None:
        pool = ThreadPool(1, idle_timeout=0)
        late = self.job("late")

        class Stack(list[Any]):
            def remove(self, worker: Any) -> None:
                pool._idle = []
                pool._queue.append(late)
                worker.give(None)
                raise ValueError

        pool._idle = Stack()
        assert pool.execute(lambda: "first") == "first"
        assert late.wait() == "late"
        pool.killall()

    @pytest.mark.parametrize("other_starts_a_worker", [True, False])
    def test_job_while_an_idle_worker_ends(self, other_starts_a_worker: bool) -> None:
        pool = ThreadPool(1, idle_timeout=0)
        late = self.job("late")

        class Slots(deque[None]):
            def append(self, slot: None) -> None:
                super().append(slot)
                pool._slots = deque(self)
                pool._queue.append(late)
                if other_starts_a_worker:
                    pool._serve_queue()

        pool._slots = Slots(pool._slots)
        assert pool.execute(lambda: "first") == "first"
        assert late.wait() == "late"
        pool.killall()

    def test_last_idle_worker_is_taken_while_too_many_end(self, pool: ThreadPool) -> None:
        gates = [Gate() for _ in range(4)]
        threads = [spawn(pool.execute, gate) for gate in gates]
        for gate in gates:
            gate.wait_until_begun()

        class Stack(list[Any]):
            def __bool__(self) -> bool:
                return True  # as it was a moment ago

        pool._idle = Stack()
        pool.resize(2)
        pool._idle = []
        for gate in gates:
            gate.open()
        for thread in threads:
            thread.wait(20)
        yield_until(lambda: pool.statistics().workers == 2)


class TestWithTheHub:
    def test_not_in_the_hubs_greenlet(self, pool: ThreadPool) -> None:
        answer: Waiter[BaseException] = Waiter()

        def callback() -> None:
            try:
                pool.execute(int)
            except HubError as error:
                answer.switch(error)

        get_hub().call_soon(callback)
        assert "hub's own greenlet" in str(answer.wait(20))
        assert get_hub().outside == 0

    def test_a_call_under_way_is_no_deadlock(self, pool: ThreadPool) -> None:
        assert pool.execute(time.sleep, 0.05) is None

    def test_idle_workers_wake_nobody(self, pool: ThreadPool, run_script: Any) -> None:
        done = run_script("""
            import logging, threading
            from eventlet.hub import Deadlock, Waiter, tpool
            # What logging does makes an entry for the worker in threading's books.
            tpool.execute(threading.current_thread)
            try:
                Waiter().wait()
            except Deadlock:
                print("nothing can wake me")
        """)
        assert done.stdout == "nothing can wake me\n"

    def test_several_hubs_share_a_pool(self, pool: ThreadPool) -> None:
        sums: list[int] = []

        def in_native_thread() -> None:
            threads = [spawn(pool.execute, int, number) for number in range(50)]
            sums.append(sum(thread.wait(20) for thread in threads))

        natives = [threading.Thread(target=in_native_thread) for _ in range(4)]
        for native in natives:
            native.start()
        for native in natives:
            native.join(20)
        assert sums == [1225] * 4

    def test_a_worker_may_use_a_hub_of_its_own(self, pool: ThreadPool) -> None:
        def green_in_a_worker() -> str:
            spawn(sleep, 0.001).wait(20)
            return "green"

        assert pool.execute(green_in_a_worker) == "green"


class TestWhatIsKeptAlive:
    def test_idle_worker_keeps_nothing(self, pool: ThreadPool) -> None:
        class Thing:
            pass

        argument, token = Thing(), Thing()
        refs = [weakref.ref(argument), weakref.ref(token)]
        context_token = variable.set(token)  # type: ignore[arg-type]  # any object will do
        pool.execute(lambda thing: thing, argument)
        variable.reset(context_token)
        yield_until(lambda: pool.statistics().idle == 1)
        del argument, token, context_token
        assert [ref() for ref in refs] == [None, None]

    def test_failure_makes_no_cycle(self, pool: ThreadPool) -> None:
        class Failure(Exception):
            pass

        def fail() -> None:
            raise Failure

        gc.collect()
        gc.disable()
        refs: list[weakref.ref[Failure]] = []
        try:
            try:
                pool.execute(fail)
            except Failure as error:
                refs = [weakref.ref(error)]
            yield_until(lambda: pool.statistics().idle == 1)
            assert [ref() for ref in refs] == [None]
        finally:
            gc.enable()

    def test_pool_without_references_goes_away(self) -> None:
        pool = ThreadPool(1)
        pool.execute(int)
        pool.killall()
        ref = weakref.ref(pool)
        del pool
        yield_until(lambda: ref() is None)


def test_workers_do_not_hold_up_the_end_of_the_program(run_script: Any) -> None:
    done = run_script("""
        import time
        from eventlet.hub import spawn, sleep, tpool
        tpool.execute(int)
        spawn(tpool.execute, time.sleep, 600)
        sleep(0.01)
        print("the end")
    """)
    assert (done.stdout, done.stderr, done.returncode) == ("the end\n", "", 0)


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="needs SIGUSR1")
def test_signal_handler_may_start_calls_of_its_own(pool: ThreadPool) -> None:
    calls = []
    previous = signal.signal(signal.SIGUSR1, lambda *_: calls.append(spawn(pool.execute, int, 7)))
    try:
        for _ in range(200):
            os.kill(os.getpid(), signal.SIGUSR1)
            pool.execute(int)
    finally:
        signal.signal(signal.SIGUSR1, previous)
    assert {call.wait(20) for call in calls} == {7}


def test_bystanders_are_counted_out(pool: ThreadPool) -> None:
    pool.execute(int)
    yield_until(lambda: pool.statistics().idle == 1)
    others = are_others_active()
    native_count = len(bystanders)
    assert native_count >= 1
    stop = threading.Event()
    native = threading.Thread(target=stop.wait)
    native.start()
    assert are_others_active()
    stop.set()
    native.join(20)
    assert are_others_active() == others
    assert Deadlock("x").report == "x"
