from __future__ import annotations

import gc
import pickle
import weakref
from typing import Any

import pytest

from eventlet import coros, hub
from eventlet.coros import errors
from eventlet.hub import testing


def fail(error: BaseException) -> None:
    raise error


def sleep_and_note(log: list[str], name: str = "child") -> None:
    try:
        hub.sleep(1000)
    except BaseException:
        log.append(f"{name} cancelled")
        raise
    log.append(f"{name} done")


def test_leaving_waits_for_all() -> None:
    log: list[int] = []

    def work(number: int) -> int:
        for _ in range(number):
            hub.sleep(0)
        log.append(number)
        return number

    with coros.Nursery() as nursery:
        children = [nursery.spawn(work, number) for number in (3, 1, 2)]
        assert len(nursery.children) == 3
        assert not log
    assert log == [1, 2, 3]
    assert [child.wait() for child in children] == [3, 1, 2]
    assert not nursery.cancel_called
    assert nursery.children == []


def test_leaving_an_empty_nursery() -> None:
    with coros.Nursery():
        pass
    with coros.Nursery() as nursery:
        nursery.spawn(int)
        testing.wait_until_idle()


def test_children_may_start_children() -> None:
    log: list[int] = []

    def work(depth: int) -> None:
        if depth:
            nursery.spawn(work, depth - 1)
        log.append(depth)

    with coros.Nursery() as nursery:
        nursery.spawn(work, 3)
    assert log == [3, 2, 1, 0]


def test_the_first_failure_cancels_the_others() -> None:
    log: list[str] = []
    with pytest.raises(ExceptionGroup) as caught, coros.Nursery() as nursery:
        nursery.spawn(sleep_and_note, log)
        testing.wait_until_idle()
        nursery.spawn(fail, KeyError("first"))
        hub.sleep(1000)
        log.append("the block went on")
    assert [repr(error) for error in caught.value.exceptions] == ["KeyError('first')"]
    assert log == ["child cancelled"]
    assert nursery.cancel_called


def test_several_failures_arrive_together() -> None:
    def fail_when_cancelled() -> None:
        try:
            hub.sleep(1000)
        except hub.Cancelled:
            raise OSError("second") from None

    with pytest.raises(ExceptionGroup) as caught, coros.Nursery() as nursery:
        nursery.spawn(fail_when_cancelled)
        testing.wait_until_idle()
        nursery.spawn(fail, KeyError("first"))
    kinds = [type(error) for error in caught.value.exceptions]
    assert kinds == [KeyError, OSError]


def test_a_failing_block_cancels_the_children() -> None:
    log: list[str] = []
    error = ValueError("block")
    with pytest.raises(ExceptionGroup) as caught, coros.Nursery() as nursery:
        nursery.spawn(sleep_and_note, log)
        testing.wait_until_idle()
        raise error
    assert caught.value.exceptions == (error,)
    assert log == ["child cancelled"]


def test_a_failure_that_the_block_has_waited_for_counts_once() -> None:
    with pytest.raises(ExceptionGroup) as caught, coros.Nursery() as nursery:
        nursery.spawn(fail, KeyError("once")).wait()
    assert len(caught.value.exceptions) == 1


def test_tracebacks_are_kept() -> None:
    with pytest.raises(ExceptionGroup) as caught, coros.Nursery() as nursery:
        nursery.spawn(fail, KeyError("here"))
    traceback = caught.value.exceptions[0].__traceback__
    names = set()
    while traceback is not None:
        names.add(traceback.tb_frame.f_code.co_name)
        traceback = traceback.tb_next
    assert "fail" in names


def test_cancel_ends_block_and_children_silently() -> None:
    log: list[str] = []
    with coros.Nursery() as nursery:
        nursery.spawn(sleep_and_note, log)
        never = nursery.spawn(log.append, "never")
        child = nursery.spawn(hub.sleep, 1000)
        nursery.cancel()
        nursery.cancel()
        late = nursery.spawn(log.append, "late")
        hub.sleep(1000)
        log.append("the block went on")
    assert log == []
    assert all(thread.dead for thread in (never, child, late))
    assert "closed, 0 children, cancelled" in repr(nursery)


def test_cancelled_children_return_none() -> None:
    with coros.Nursery() as nursery:
        child = nursery.spawn(hub.sleep, 1000)
        testing.wait_until_idle()
        nursery.cancel()
    assert child.wait() is None


def test_a_cancelled_child_is_cancelled_at_every_wait() -> None:
    count = 0

    def stubborn() -> None:
        nonlocal count
        for _ in range(3):
            try:
                hub.sleep(1000)
            except hub.Cancelled:
                count += 1

    with coros.Nursery() as nursery:
        nursery.spawn(stubborn)
        testing.wait_until_idle()
        nursery.cancel()
    assert count == 3


def test_a_shielded_child_is_waited_for() -> None:
    log: list[str] = []

    def clean_up() -> None:
        try:
            hub.sleep(1000)
        finally:
            with hub.move_on_after(1000, shield=True):
                hub.sleep(0.01)
                log.append("cleaned up")

    with coros.Nursery() as nursery:
        nursery.spawn(clean_up)
        testing.wait_until_idle()
        nursery.cancel()
    assert log == ["cleaned up"]


def test_a_child_that_does_not_stop_is_reported(failures: list[BaseException]) -> None:
    gate: coros.Event[None] = coros.Event()

    def stubborn() -> None:
        with hub.move_on_after(1000, shield=True):
            gate.wait()

    with coros.Nursery(grace=0.01) as nursery:
        child = nursery.spawn(stubborn)
        testing.wait_until_idle()
        nursery.cancel()
        hub.spawn_after(0.05, gate.send)
    assert len(failures) == 1
    overdue = failures[0]
    assert isinstance(overdue, coros.Overdue)
    assert overdue.children == [child]
    assert "0.01 seconds ago" in str(overdue)
    assert "stubborn" in str(overdue)


def test_nothing_is_reported_about_children_that_stop(failures: list[BaseException]) -> None:
    with coros.Nursery(grace=0.01) as nursery:
        nursery.spawn(hub.sleep, 1000)
        testing.wait_until_idle()
        nursery.cancel()
        with hub.move_on_after(0.03, shield=True):
            hub.sleep(1000)
    assert not failures


def test_a_kill_of_the_parent_cancels_the_children() -> None:
    log: list[str] = []

    def parent() -> None:
        with coros.Nursery() as nursery:
            nursery.spawn(sleep_and_note, log)

    for where in ("waiting in the block's end", "again"):
        thread = hub.spawn(parent)
        testing.wait_until_idle()
        thread.kill()
        with pytest.raises(hub.GreenletExit):
            thread.wait()
        assert log == ["child cancelled"], where
        log.clear()


def test_a_kill_inside_of_the_block() -> None:
    log: list[str] = []

    def parent() -> None:
        with coros.Nursery() as nursery:
            nursery.spawn(sleep_and_note, log)
            hub.sleep(1000)

    thread = hub.spawn(parent)
    testing.wait_until_idle()
    thread.kill()
    with pytest.raises(hub.GreenletExit):
        thread.wait()
    assert log == ["child cancelled"]


def test_a_second_kill_does_not_let_children_outlive_the_block() -> None:
    log: list[str] = []
    gate: coros.Event[None] = coros.Event()

    def slow_end() -> None:
        try:
            hub.sleep(1000)
        finally:
            with hub.move_on_after(1000, shield=True):
                gate.wait()
            log.append("child ended")

    def parent() -> None:
        try:
            with coros.Nursery() as nursery:
                nursery.spawn(slow_end)
        finally:
            log.append("block left")

    thread = hub.spawn(parent)
    testing.wait_until_idle()
    thread.throw()
    testing.wait_until_idle()
    thread.throw(KeyError)
    testing.wait_until_idle()
    assert log == []
    gate.send()
    with pytest.raises(hub.GreenletExit):
        thread.wait()
    assert log == ["child ended", "block left"]


def test_leaving_by_a_timeout() -> None:
    log: list[str] = []
    with hub.Timeout(0.01, False), coros.Nursery() as nursery:
        nursery.spawn(sleep_and_note, log)
    assert log == ["child cancelled"]
    with pytest.raises(hub.Timeout) as caught:
        with hub.Timeout(0.01) as mine, coros.Nursery() as nursery:
            nursery.spawn(sleep_and_note, log)
            hub.sleep(1000)
    assert caught.value is mine


def test_leaving_by_the_cancellation_of_a_scope_around() -> None:
    log: list[str] = []
    with hub.move_on_after(0.01) as scope, coros.Nursery() as nursery:
        nursery.spawn(sleep_and_note, log)
    assert scope.cancelled_caught
    assert log == ["child cancelled"]


def test_failures_while_leaving_by_a_kill_are_reported(failures: list[BaseException]) -> None:
    error = OSError("while cancelled")

    def fail_when_cancelled() -> None:
        try:
            hub.sleep(1000)
        except hub.Cancelled:
            raise error from None

    def parent() -> None:
        with coros.Nursery() as nursery:
            nursery.spawn(fail_when_cancelled)

    thread = hub.spawn(parent)
    testing.wait_until_idle()
    thread.kill()
    with pytest.raises(hub.GreenletExit):
        thread.wait()
    assert failures == [error]


def test_a_killed_child_is_no_failure() -> None:
    with coros.Nursery() as nursery:
        child = nursery.spawn(hub.sleep, 1000)
        testing.wait_until_idle()
        child.kill()
        hub.sleep(0)
    assert not nursery.cancel_called


def test_nurseries_nest() -> None:
    log: list[str] = []

    def inner() -> None:
        with coros.Nursery() as nursery:
            nursery.spawn(sleep_and_note, log, "grandchild")

    with pytest.raises(ExceptionGroup) as caught, coros.Nursery() as outer:
        outer.spawn(inner)
        testing.wait_until_idle()
        outer.spawn(fail, KeyError("outer"))
    assert [type(error) for error in caught.value.exceptions] == [KeyError]
    assert log == ["grandchild cancelled"]

    with pytest.raises(ExceptionGroup) as caught, coros.Nursery(), coros.Nursery() as nursery:
        nursery.spawn(fail, KeyError("inner"))
    (group,) = caught.value.exceptions
    assert isinstance(group, ExceptionGroup)
    assert [type(error) for error in group.exceptions] == [KeyError]


def test_start_waits_until_the_child_is_ready() -> None:
    log: list[str] = []

    def serve(name: str, *, started: Any, port: int) -> None:
        hub.sleep(0)
        started((name, port))
        hub.sleep(0)
        log.append("served")

    with coros.Nursery() as nursery:
        assert nursery.start(serve, "web", port=80) == ("web", 80)
        assert log == []
    assert log == ["served"]


def test_a_failure_before_being_ready_is_raised_by_start_alone() -> None:
    def serve(*, started: Any) -> None:
        raise OSError("address in use")

    with coros.Nursery() as nursery:
        with pytest.raises(OSError, match="address in use"):
            nursery.start(serve)
    assert not nursery.cancel_called


def test_a_failure_after_being_ready_is_the_nursery_s() -> None:
    def serve(*, started: Any) -> None:
        started()
        raise OSError("broken pipe")

    with pytest.raises(ExceptionGroup) as caught, coros.Nursery() as nursery:
        assert nursery.start(serve) is None
    assert [type(error) for error in caught.value.exceptions] == [OSError]


def test_a_child_that_never_gets_ready() -> None:
    with coros.Nursery() as nursery:
        with pytest.raises(coros.Misuse, match="without having called started"):
            nursery.start(lambda started: None)


def test_a_start_that_is_interrupted_cancels_the_child() -> None:
    log: list[str] = []
    with coros.Nursery() as nursery:
        with hub.move_on_after(0.01):
            nursery.start(lambda started: sleep_and_note(log))
    assert log == ["child cancelled"]


def test_children_only_inside_of_the_block() -> None:
    nursery = coros.Nursery()
    with pytest.raises(coros.NurseryClosed, match="inside of its with block"):
        nursery.spawn(int)
    with nursery:
        pass
    with pytest.raises(coros.NurseryClosed):
        nursery.start(int)
    with pytest.raises(hub.HubBusy), nursery:
        pass


def test_bad_arguments() -> None:
    for grace in (-1, float("nan")):
        with pytest.raises(ValueError, match="grace"):
            coros.Nursery(grace=grace)
    with coros.Nursery() as nursery:
        with pytest.raises(TypeError, match="starts functions"):
            nursery.spawn(5)  # type: ignore[arg-type]


def test_nothing_is_kept_alive() -> None:
    class Value:
        pass

    def use() -> weakref.ref[Value]:
        value = Value()
        with coros.Nursery() as nursery:
            nursery.spawn(lambda held: None, value)
        return weakref.ref(value)

    gone = use()
    gc.collect()
    assert gone() is None


def test_errors_survive_pickling() -> None:
    overdue = pickle.loads(pickle.dumps(errors.Overdue(["child"], 3.0)))
    assert (overdue.children, overdue.seconds) == (["child"], 3.0)
    failed = pickle.loads(pickle.dumps(errors.SomeFailed([1, 2])))
    assert failed.results == [1, 2]
