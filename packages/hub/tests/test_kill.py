"""Killing green threads, wherever they are and whatever they do."""

from __future__ import annotations

import traceback
from threading import Thread

import pytest
from greenlet import GreenletExit
from greenlet import getcurrent as getgreenlet

from eventlet.hub import (
    GreenThread,
    Waiter,
    get_hub,
    getcurrent,
    kill,
    move_on_after,
    sleep,
    spawn,
    spawn_after,
)

pytestmark = pytest.mark.usefixtures("no_leaks")


def fail(text: str = "failed") -> None:
    raise LookupError(text)


class TestKill:
    def test_it_raises_where_the_green_thread_waits_before_it_returns(self) -> None:
        caught: list[BaseException] = []

        def work() -> None:
            try:
                sleep(60)
            except GreenletExit as error:
                caught.append(error)
                raise

        thread = spawn(work)
        sleep(0)
        thread.kill()
        assert thread.dead
        assert thread.state == "killed"
        assert caught == [thread.exception]
        with pytest.raises(GreenletExit):
            thread.wait()

    @pytest.mark.parametrize(
        "throw_args",
        [
            (LookupError("given"),),
            (LookupError, "given"),
            (LookupError, ("given",)),
            (LookupError, LookupError("given")),
            (LookupError, LookupError("given"), None),
        ],
    )
    def test_it_takes_what_throw_takes(self, throw_args: tuple[object, ...]) -> None:
        thread = spawn(sleep, 60)
        sleep(0)
        kill(thread, *throw_args)
        with pytest.raises(LookupError, match=r"^given$"):
            thread.wait()

    def test_it_keeps_a_traceback_that_is_given(self) -> None:
        with pytest.raises(LookupError) as original:
            fail()
        thread = spawn(sleep, 60)
        sleep(0)
        thread.kill(LookupError, LookupError("x"), original.tb)
        with pytest.raises(LookupError) as caught:
            thread.wait()
        assert "fail" in [entry.name for entry in traceback.extract_tb(caught.tb)]

    @pytest.mark.parametrize("thing", [1, "text", int, object()])
    def test_it_refuses_what_cannot_be_raised(self, thing: object) -> None:
        thread = spawn(lambda: 1)
        with pytest.raises(TypeError, match="only exceptions can be thrown"):
            thread.kill(thing)
        assert thread.wait() == 1

    def test_one_that_has_not_begun_never_runs(self) -> None:
        calls: list[int] = []
        thread = spawn(calls.append, 1)
        thread.kill()
        assert thread.dead
        sleep(0)
        assert calls == []

    def test_one_that_is_dead_is_left_alone(self) -> None:
        thread = spawn(lambda: 1)
        thread.wait()
        thread.kill()
        thread.throw(LookupError)
        assert thread.wait() == 1

    def test_the_current_one_is_hit_here_and_now(self) -> None:
        def work() -> None:
            with move_on_after(60, shield=True), pytest.raises(LookupError):
                kill(getcurrent(), LookupError)
            with pytest.raises(LookupError):
                kill(getgreenlet(), LookupError)
            kill(getcurrent())

        thread = spawn(work)
        with pytest.raises(GreenletExit):
            thread.wait()

    def test_one_that_swallows_it_goes_on(self) -> None:
        def work() -> str:
            for _ in range(3):
                try:
                    sleep(60)
                except GreenletExit:
                    pass
            return "stubborn"

        thread = spawn(work)
        sleep(0)
        for _ in range(3):
            assert not thread.dead
            thread.kill()
        assert thread.wait() == "stubborn"

    def test_one_that_is_ready_is_hit_where_it_waits_next(self) -> None:
        steps = []

        def work() -> None:
            sleep(0)
            steps.append("runs on")
            sleep(0)
            steps.append("never")

        thread = spawn(work)
        sleep(0)
        thread.throw()
        sleep(0)
        sleep(0)
        assert thread.dead
        assert steps == []

    def test_one_in_another_native_thread_is_hit_there(self) -> None:
        threads: list[GreenThread[None]] = []
        ready: Waiter[None] = Waiter()

        def native() -> None:
            threads.append(spawn(sleep, 60))
            threads.append(spawn_after(60, sleep))
            get_hub().call_soon(ready.switch)
            for thread in threads:
                with pytest.raises(LookupError, match="far"):
                    thread.wait()

        other = Thread(target=native)
        other.start()
        ready.wait()
        for thread in threads:
            thread.kill(LookupError, "far")
        other.join(10)
        assert not other.is_alive()

    def test_a_bare_greenlet_in_another_native_thread_is_hit_there(self) -> None:
        ready: Waiter[object] = Waiter()
        caught = []

        def native() -> None:
            get_hub().call_soon(ready.switch, getgreenlet())
            try:
                sleep(60)
            except LookupError as error:
                caught.append(str(error))

        other = Thread(target=native)
        other.start()
        kill(ready.wait(), LookupError, "far")  # type: ignore[arg-type]  # a greenlet
        other.join(10)
        assert caught == ["far"]

    def test_it_may_be_called_in_a_callback(self) -> None:
        thread = spawn(sleep, 60)
        sleep(0)
        get_hub().call_soon(thread.kill)
        get_hub().call_soon(kill, getgreenlet(), LookupError)
        with pytest.raises(LookupError):
            sleep(60)
        with pytest.raises(GreenletExit):
            thread.wait(5)
