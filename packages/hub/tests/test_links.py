"""Links: what is called when a green thread ends."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread

import pytest

from eventlet.hub import (
    GreenThread,
    Timeout,
    Waiter,
    getcurrent,
    sleep,
    spawn,
    spawn_after,
)

pytestmark = pytest.mark.usefixtures("no_leaks")

Call = tuple[object, ...]


def fail() -> None:
    raise LookupError("failed")


@pytest.mark.parametrize("function", [list, fail])
def test_links_are_called_in_order_with_the_green_thread(
    function: Callable[[], object], failures: list[BaseException]
) -> None:
    calls: list[Call] = []
    thread = spawn(function)
    thread.link(lambda *args, **kwargs: calls.append((*args, kwargs)), 1, two=2)
    thread.link(lambda *args: calls.append(args))
    while thread:
        sleep(0)
    assert calls == [(thread, 1, {"two": 2}), (thread,)]
    assert isinstance(thread.exception, LookupError) is (function is fail)


def test_a_link_is_called_at_once_if_the_end_has_come() -> None:
    calls: list[object] = []
    thread = spawn(lambda: 1)
    thread.wait()
    thread.link(calls.append)
    assert calls == [thread]
    assert not thread.unlink(calls.append)


def test_a_link_can_be_taken_back_by_equal_arguments() -> None:
    calls: list[Call] = []

    def note(*args: object, **kwargs: object) -> None:
        calls.append((*args, kwargs))

    thread = spawn(lambda: 1)
    thread.link(note, 1)
    thread.link(note, 2, x=3)
    thread.link(note, 1)
    assert thread.unlink(note, 1)
    assert not thread.unlink(note, 2)
    assert not thread.unlink(note)
    thread.wait()
    sleep(0)
    assert calls == [(thread, 2, {"x": 3}), (thread, 1, {})]


def test_only_what_can_be_called_is_linked() -> None:
    thread = spawn(lambda: 1)
    with pytest.raises(TypeError, match="takes a function, not None"):
        thread.link(None)  # type: ignore[arg-type]  # that is the point
    thread.wait()


def test_a_link_runs_in_the_green_thread_that_ends_and_may_wait() -> None:
    seen: list[object] = []

    def note(_: object) -> None:
        sleep(0.001)
        seen.append(getcurrent())

    thread = spawn(lambda: 1)
    thread.link(note)
    thread.link(seen.append)
    thread.wait()
    while len(seen) < 2:
        sleep(0.001)
    assert seen == [thread, thread]


@pytest.mark.parametrize("delay", [None, 60])
def test_the_links_of_one_that_never_began_may_wait_too(delay: float | None) -> None:
    seen: list[object] = []

    def note(ended: object) -> None:
        sleep(0.001)
        seen.append(ended)

    thread = spawn(fail) if delay is None else spawn_after(delay, fail)
    thread.link(note)
    thread.throw()
    assert thread.dead
    assert seen == [], "not in the middle of somebody else's code"
    while not seen:
        sleep(0.001)
    assert seen == [thread]


def test_a_link_that_fails_stops_neither_the_others_nor_those_that_wait(
    failures: list[BaseException],
) -> None:
    calls: list[object] = []

    def broken(_: object) -> None:
        raise KeyError("link")

    thread = spawn(lambda: "result")
    thread.link(broken)
    thread.link(calls.append)
    assert thread.wait() == "result"
    assert calls == [thread]
    assert [repr(error) for error in failures] == ["KeyError('link')"]
    thread.link(broken)
    assert len(failures) == 2, "also when it is called at once"


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_a_link_that_wants_the_program_to_end_reaches_the_main_greenlet(
    kind: type[BaseException],
) -> None:
    calls: list[object] = []

    def leave(_: object) -> None:
        raise kind("leave")

    thread = spawn(lambda: 1)
    thread.link(leave)
    thread.link(calls.append)
    with pytest.raises(kind, match="leave"):
        sleep(1)
    assert calls == [thread]
    assert spawn(lambda: "the hub is alive").wait() == "the hub is alive"


def test_a_timeout_that_was_left_running_does_not_break_the_hub(
    failures: list[BaseException],
) -> None:
    def work() -> None:
        Timeout(0)  # never cancelled

    thread = spawn(work)
    thread.link(lambda _: sleep(0.01))
    done: Waiter[None] = Waiter()
    thread.link(lambda _: done.switch())
    done.wait(5)
    assert all(isinstance(error, Timeout) for error in failures)


def test_links_made_and_taken_back_by_native_threads_are_called_once() -> None:
    calls: list[object] = []
    done: Waiter[None] = Waiter()
    thread: GreenThread[None] = spawn(done.wait)

    def work(number: int) -> None:
        for step in range(200):
            thread.link(lambda *args: calls.append(args[1:]), number, step)
            thread.unlink(print, number, step)

    natives = [Thread(target=work, args=(number,)) for number in range(4)]
    for native in natives:
        native.start()
    sleep(0.001)
    done.switch()
    thread.wait()
    for native in natives:
        native.join()
    assert sorted(calls) == [(number, step) for number in range(4) for step in range(200)]  # type: ignore[type-var]
