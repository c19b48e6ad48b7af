"""Carriers: greenlets that run one green thread after another, and keep nothing of the last."""

from __future__ import annotations

import gc
import math
import subprocess
import sys
import weakref
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from greenlet import GreenletExit, greenlet
from greenlet import getcurrent as getgreenlet

from eventlet.hub import (
    GreenThread,
    Timeout,
    Waiter,
    call_after,
    exc_after,
    get_hub,
    getcurrent,
    move_on_after,
    sleep,
    spawn,
)
from eventlet.hub._carrier import Carrier
from eventlet.hub.testing import VirtualClock, wait_until_idle

RunScript = Callable[..., "subprocess.CompletedProcess[str]"]

pytestmark = pytest.mark.usefixtures("no_leaks")

variable: ContextVar[str] = ContextVar("variable", default="default")


class Thing:
    """Something a weak reference can point to."""


def is_gone(reference: weakref.ref[Any]) -> bool:
    """Whether a thing died without the garbage collector's help."""
    return reference() is None


@pytest.fixture(autouse=True)
def _without_the_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def on_one_carrier(*functions: Callable[[], object]) -> list[object]:
    """Run one after another, and make sure that all ran on the same greenlet."""
    carriers = set()

    def run(function: Callable[[], object]) -> object:
        carriers.add(getgreenlet())
        return function()

    results = [spawn(run, function).wait() for function in functions]
    assert len(carriers) == 1
    return results


class TestNothingIsKept:
    def test_of_arguments(self) -> None:
        thing = Thing()
        reference = weakref.ref(thing)
        spawn(lambda *args, **kwargs: None, thing, key=thing).wait()
        del thing
        assert is_gone(reference)

    def test_of_arguments_though_the_handle_is_kept(self) -> None:
        thing = Thing()
        reference = weakref.ref(thing)
        thread = spawn(lambda *args, **kwargs: None, thing, key=thing)
        thread.wait()
        del thing
        assert is_gone(reference)
        assert thread.dead

    def test_of_the_function(self) -> None:
        class Function(Thing):
            def __call__(self) -> None: ...

        function = Function()
        reference = weakref.ref(function)
        thread = spawn(function)
        thread.wait()
        del function
        assert is_gone(reference)
        assert thread.dead

    def test_of_the_result(self) -> None:
        thread = spawn(Thing)
        reference = weakref.ref(thread.wait())
        assert not is_gone(reference), "the handle has it"
        del thread
        assert is_gone(reference)

    def test_of_locals(self) -> None:
        references = []

        def work() -> None:
            thing = Thing()
            references.append(weakref.ref(thing))
            sleep(0)

        spawn(work).wait()
        assert is_gone(references[0])

    def test_of_the_handle(self) -> None:
        thread = spawn(sleep, 0)
        thread.wait()
        reference = weakref.ref(thread)
        del thread
        assert reference() is None

    def test_of_an_exception(self) -> None:
        class Failure(Exception):
            pass

        def work() -> None:
            thing = Thing()
            references.append(weakref.ref(thing))
            raise Failure

        references: list[weakref.ref[Thing]] = []
        thread = spawn(work)
        with pytest.raises(Failure) as caught:
            thread.wait()
        reference = weakref.ref(caught.value)
        del thread, caught
        assert is_gone(references[0])
        assert reference() is None

    def test_of_a_failure_that_nobody_waited_for(self, failures: list[BaseException]) -> None:
        class Failure(Exception):
            pass

        def work() -> None:
            raise Failure

        spawn(work)
        sleep(0)
        assert len(failures) == 1
        reference = weakref.ref(failures.pop())
        assert reference() is None

    def test_of_context_variables(self) -> None:
        thing = Thing()
        reference = weakref.ref(thing)
        spawn(ContextVar[Thing]("own").set, thing).wait()
        del thing
        assert is_gone(reference)

    @pytest.mark.parametrize("limit", [Timeout, exc_after, move_on_after])
    def test_of_a_time_limit_that_was_cancelled(self, limit: Callable[[float], Any]) -> None:
        """Though its entry stays in the queue of timers until there is something to tidy up."""

        def work() -> Thing:
            with limit(3600):
                sleep(0.001)
            return Thing()

        thread = spawn(work)
        reference = weakref.ref(thread.wait())
        del thread
        assert is_gone(reference)

    def test_of_an_exception_that_was_to_be_raised_later(self) -> None:
        class Failure(Exception):
            pass

        def work() -> weakref.ref[Failure]:
            failure = Failure()
            timeout = Timeout(3600, failure)
            sleep(0.001)
            timeout.cancel()
            return weakref.ref(failure)

        assert is_gone(spawn(work).wait())

    def test_of_an_idle_alarm(self) -> None:
        """A timeout that has not run out must not keep a carrier that has been ended."""
        carriers = []

        def work() -> None:
            carriers.append(weakref.ref(getgreenlet()))
            waiter: Waiter[None] = Waiter()
            get_hub().call_soon(waiter.switch)
            waiter.wait(60)

        spawn(work).wait()
        hub = get_hub()
        hub._end_idle_carriers(0)
        assert carriers[0]() is None
        assert spawn(lambda: 1).wait() == 1


class TestNothingReachesTheNext:
    def test_of_context_variables(self) -> None:
        def work() -> str:
            before = variable.get()
            variable.set("changed")
            sleep(0)
            return before

        assert on_one_carrier(work, work, variable.get) == ["default"] * 3
        assert variable.get() == "default"

    def test_of_a_late_kill(self) -> None:
        threads: list[GreenThread[object]] = []

        def first() -> None:
            threads.append(getcurrent())  # type: ignore[arg-type]  # a green thread here

        def second() -> str:
            threads[0].throw()
            threads[0].throw(LookupError)
            sleep(0)
            return "unharmed"

        assert on_one_carrier(first, second)[1] == "unharmed"

    def test_of_a_kill_that_it_never_saw(self) -> None:
        def first() -> None:
            me = getcurrent()
            spawn(me.throw)
            get_hub().call_soon(me.throw)
            with pytest.raises(GreenletExit):
                sleep(0)

        assert on_one_carrier(first, lambda: sleep(0.001)) == [None, None]

    @pytest.mark.parametrize("set_timer", [exc_after, Timeout, lambda _: move_on_after(1)])
    def test_of_a_timer_aimed_at_it(
        self, virtual_clock: VirtualClock, set_timer: Callable[[float], object]
    ) -> None:
        def first() -> object:
            limit = set_timer(1)
            if hasattr(limit, "shield"):
                limit.__enter__()  # type: ignore[attr-defined]  # and never left
            return limit

        def second() -> float:
            sleep(5)
            return virtual_clock()

        assert on_one_carrier(first, second)[1] == pytest.approx(5)

    def test_of_a_scope_in_a_generator_that_outlives_it(self) -> None:
        def generate() -> object:
            with move_on_after(0):
                yield
            yield

        def first() -> object:
            generator = generate()
            next(generator)  # type: ignore[call-overload]
            return generator

        def second() -> str:
            sleep(0.001)
            return "unharmed"

        generator, outcome = on_one_carrier(first, second)
        assert outcome == "unharmed"
        next(generator)  # type: ignore[call-overload]  # leaves the scope, where nobody waits

    def test_of_a_call_after(self, virtual_clock: VirtualClock) -> None:
        calls: list[str] = []

        def first() -> None:
            call_after(1, calls.append, "first")

        def second() -> None:
            call_after(1, calls.append, "second")
            sleep(2)

        on_one_carrier(first, second)
        assert calls == ["second"]

    def test_of_exception_state(self) -> None:
        def first() -> None:
            try:
                raise LookupError
            except LookupError:
                sleep(0)

        def second() -> object:
            return sys.exc_info()

        assert on_one_carrier(first, second)[1] == (None, None, None)

    def test_of_a_scope(self) -> None:
        def first() -> None:
            move_on_after(math.inf, shield=True).__enter__()  # and never left

        def second() -> str:
            with Timeout(0, False):
                sleep(60)
            return "not shielded"

        assert on_one_carrier(first, second)[1] == "not shielded"


class TestHardTimes:
    def test_endless_recursion_is_one_green_threads_failure(self) -> None:
        def recurse() -> None:
            recurse()

        for _ in range(3):
            with pytest.raises(RecursionError):
                spawn(recurse).wait()
        assert spawn(lambda: 1).wait() == 1

    def test_every_green_thread_may_go_equally_deep(self) -> None:
        def descend(levels: int) -> int:
            if not levels:
                sleep(0)
                return 0
            return 1 + descend(levels - 1)

        depth = sys.getrecursionlimit() * 2 // 3
        threads = [spawn(descend, depth) for _ in range(20)]
        assert [thread.wait() for thread in threads] == [depth] * 20

    @pytest.mark.parametrize("busy", [False, True])
    def test_who_waits_at_the_recursion_limit_keeps_nobody_from_beginning(
        self, run_script: RunScript, busy: bool
    ) -> None:
        script = f"""
            import sys
            from eventlet.hub import *

            def descend(levels):
                if levels:
                    descend(levels - 1)
                else:
                    sleep(0)

            def loop():
                while {busy}:
                    sleep(0)

            spawn(loop)
            sys.setrecursionlimit(200)
            failed = 0
            for levels in range(150, 200):
                deep = spawn(descend, levels)
                others = [spawn(abs, -1) for _ in range(3)]
                for other in others:
                    other.wait(5)
                try:
                    deep.wait(5)
                except RecursionError:
                    failed += 1
            print(0 < failed < 50)
        """
        done = run_script(script)
        assert (done.stdout, done.stderr) == ("True\n", "")

    def test_running_out_of_memory_is_one_green_threads_failure(self) -> None:
        def waste() -> None:
            bytearray(sys.maxsize)

        with pytest.raises(MemoryError):
            spawn(waste).wait()
        assert spawn(lambda: 1).wait() == 1

    def test_what_is_thrown_into_an_idle_carrier_hits_no_green_thread(
        self, failures: list[BaseException]
    ) -> None:
        carrier = spawn(getgreenlet).wait()
        assert carrier in get_hub().free
        get_hub().call_soon(carrier.throw, LookupError("too late"))
        sleep(0)
        wait_until_idle()
        assert [str(error) for error in failures] == ["too late"]
        assert carrier not in get_hub().carriers
        assert carrier not in get_hub().free
        assert spawn(lambda: 1).wait() == 1

    def test_what_resumes_an_idle_carrier_is_ignored(self) -> None:
        carrier = spawn(getgreenlet).wait()
        get_hub().call_soon(carrier.switch, "nonsense")
        sleep(0)
        assert spawn(getgreenlet).wait() is carrier

    def test_a_child_that_outlives_the_green_thread_that_made_it_may_end(self) -> None:
        children = []

        def work() -> None:
            me = getgreenlet()

            def child() -> None:
                me.switch()

            children.append(greenlet(child))
            children[0].switch()

        spawn(work).wait()
        get_hub().call_soon(children[0].switch)
        wait_until_idle()
        assert children[0].dead
        assert spawn(lambda: 1).wait() == 1


def test_one_that_has_never_run_can_be_ended() -> None:
    hub = get_hub()
    carrier = Carrier(hub)
    carrier.end()
    assert carrier not in hub.carriers
