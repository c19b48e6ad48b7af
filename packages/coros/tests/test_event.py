from __future__ import annotations

import copy
import pickle
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from greenlet import greenlet

from eventlet import coros, hub
from eventlet.hub import testing


def test_wait_returns_what_is_sent_later() -> None:
    event: coros.Event[str] = coros.Event()
    waiters = [hub.spawn(event.wait) for _ in range(3)]
    testing.wait_until_idle()
    assert event.waiting() == 3
    event.send("news")
    assert [waiter.wait() for waiter in waiters] == ["news"] * 3
    assert event.waiting() == 0


def test_wait_returns_at_once_what_was_sent_before() -> None:
    event: coros.Event[int] = coros.event()
    event.send(5)
    assert event.wait() == event.wait(0) == 5


def test_the_sender_goes_on_before_those_who_wait() -> None:
    event: coros.Event[None] = coros.Event()
    log: list[str] = []

    def wait() -> None:
        event.wait()
        log.append("woken")

    waiter = hub.spawn(wait)
    testing.wait_until_idle()
    event.send()
    log.append("sent")
    waiter.wait()
    assert log == ["sent", "woken"]


@pytest.mark.in_order
def test_waiters_are_woken_in_order() -> None:
    event: coros.Event[None] = coros.Event()
    log: list[int] = []

    def wait(number: int) -> None:
        event.wait()
        log.append(number)

    threads = [hub.spawn(wait, number) for number in range(5)]
    testing.wait_until_idle()
    event.send()
    for thread in threads:
        thread.wait()
    assert log == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    "send",
    [
        lambda event: event.send(exc=KeyError("k")),
        lambda event: event.send(exc=(KeyError, "k")),
        lambda event: event.send_exception(KeyError, "k"),
        lambda event: event.send_exception(KeyError("k")),
    ],
)
def test_an_exception_is_raised_in_every_wait(send: Callable[[Any], None]) -> None:
    event: coros.Event[None] = coros.Event()
    early = hub.spawn(event.wait)
    testing.wait_until_idle()
    send(event)
    for wait in (early.wait, event.wait, event.poll, event.poll_exception):
        with pytest.raises(KeyError, match="k"):
            wait()
    assert event.has_exception()
    assert not event.has_result()
    assert event.poll_result("none") == "none"


def test_an_exception_does_not_gather_the_tracebacks_of_its_receivers() -> None:
    event: coros.Event[None] = coros.Event()
    event.send_exception(ValueError("shared"))
    lengths = set()
    for _ in range(3):
        with pytest.raises(ValueError, match="shared") as caught:
            event.wait()
        lengths.add(len(caught.traceback))
    assert len(lengths) == 1


def test_states() -> None:
    event: coros.Event[int] = coros.Event()
    assert not event.ready()
    assert not event.has_result()
    assert not event.has_exception()
    assert event.poll("not yet") == event.poll_result("not yet") == "not yet"
    assert event.poll_exception("not yet") == "not yet"
    assert "open" in repr(event)
    event.send(None)
    assert event.ready()
    assert event.has_result()
    assert event.poll("not yet") is None
    assert event.poll_result("not yet") is None
    assert event.poll_exception("no") == "no"
    assert "sent" in repr(event)


def test_a_second_send_is_refused_and_changes_nothing() -> None:
    event: coros.Event[int] = coros.Event()
    event.send(1)
    with pytest.raises(coros.AlreadySent, match="reset") as caught:
        event.send(2)
    assert isinstance(caught.value, AssertionError)
    assert event.wait() == 1


def test_what_cannot_be_raised_is_refused_and_changes_nothing() -> None:
    event: coros.Event[int] = coros.Event()
    with pytest.raises(TypeError, match="exceptions"):
        event.send(exc="no exception")
    assert not event.ready()


def test_reset_opens_the_event_again() -> None:
    event: coros.Event[int] = coros.Event()
    epoch = event.epoch
    assert epoch <= time.time()
    event.send(1)
    event.reset()
    assert event.epoch >= epoch
    assert not event.ready()
    event.send(2)
    assert event.wait() == 2


def test_reset_of_an_open_event_is_refused() -> None:
    event: coros.Event[int] = coros.Event()
    with pytest.raises(coros.NotSent, match="nothing") as caught:
        event.reset()
    assert isinstance(caught.value, AssertionError)


def test_those_woken_before_a_reset_receive_the_old_value() -> None:
    event: coros.Event[str] = coros.Event()
    waiter = hub.spawn(event.wait)
    testing.wait_until_idle()
    event.send("old")
    event.reset()
    event.send("new")
    assert waiter.wait() == "old"


def test_wait_times_out() -> None:
    event: coros.Event[int] = coros.Event()
    with pytest.raises(TimeoutError, match=r"within 0\.01 seconds"):
        event.wait(0.01)
    assert event.waiting() == 0
    event.send(1)
    assert event.wait(0) == 1


@pytest.mark.parametrize("timeout", [-1, float("nan")])
def test_a_senseless_timeout_is_refused(timeout: float) -> None:
    event: coros.Event[int] = coros.Event()
    with pytest.raises(ValueError, match="timeout"):
        event.wait(timeout)
    assert event.waiting() == 0


def test_a_killed_waiter_leaves_nothing_behind() -> None:
    event: coros.Event[int] = coros.Event()
    killed, other = hub.spawn(event.wait), hub.spawn(event.wait)
    testing.wait_until_idle()
    killed.kill()
    assert event.waiting() == 1
    event.send(1)
    assert other.wait() == 1
    with pytest.raises(hub.GreenletExit):
        killed.wait()


def test_a_waiter_killed_in_the_round_of_the_send_is_not_woken() -> None:
    event: coros.Event[int] = coros.Event()
    waiter = hub.spawn(event.wait)
    testing.wait_until_idle()
    waiter.throw()
    event.send(1)
    with pytest.raises(hub.GreenletExit):
        waiter.wait()


def test_a_kill_after_the_send_comes_too_late_for_the_wait() -> None:
    event: coros.Event[int] = coros.Event()
    got: list[int] = []

    def receive() -> None:
        got.append(event.wait())
        hub.sleep(0)
        got.append(2)

    waiter = hub.spawn(receive)
    testing.wait_until_idle()
    event.send(1)
    waiter.throw()
    with pytest.raises(hub.GreenletExit):
        waiter.wait()
    assert got == [1]


def test_an_exception_thrown_past_the_hub_leaves_nothing_behind() -> None:
    event: coros.Event[int] = coros.Event()
    bare = greenlet(event.wait)
    hub.get_hub().call_soon(bare.switch)
    testing.wait_until_idle()
    assert event.waiting() == 1
    with pytest.raises(KeyError):
        bare.throw(KeyError)
    assert event.waiting() == 0
    event.send(1)


def test_a_send_in_another_native_thread_wakes(elsewhere: Callable[[Any], Any]) -> None:
    event: coros.Event[int] = coros.Event()
    waiters = [hub.spawn(event.wait) for _ in range(10)]
    testing.wait_until_idle()
    elsewhere(lambda: event.send(7))
    assert [waiter.wait(30) for waiter in waiters] == [7] * 10


def test_plain_native_threads_can_wait(run_native: Callable[..., list[Any]]) -> None:
    event: coros.Event[int] = coros.Event()
    started = threading.Semaphore(0)

    def wait() -> int:
        started.release()
        return event.wait(30)

    def send() -> None:
        for _ in range(4):
            started.acquire()
        event.send(3)

    assert run_native(send, wait, wait, wait, wait) == [None, 3, 3, 3, 3]


def test_only_one_of_many_native_senders_succeeds(run_native: Callable[..., list[Any]]) -> None:
    for _ in range(20):
        event: coros.Event[int] = coros.Event()
        barrier = threading.Barrier(4)

        def send(event: coros.Event[int] = event, barrier: threading.Barrier = barrier) -> bool:
            barrier.wait()
            try:
                event.send(threading.get_ident())
            except coros.AlreadySent:
                return False
            return True

        assert sum(run_native(send, send, send, send)) == 1


def test_waiting_in_the_hub_is_refused() -> None:
    event: coros.Event[int] = coros.Event()
    caught: list[BaseException] = []

    def callback() -> None:
        try:
            event.wait()
        except hub.HubError as error:
            caught.append(error)

    hub.get_hub().call_soon(callback)
    testing.wait_until_idle()
    testing.wait_until_idle()
    assert len(caught) == 1


def test_a_send_from_the_hub_wakes() -> None:
    event: coros.Event[int] = coros.Event()
    hub.get_hub().call_soon(event.send, 4)
    assert event.wait() == 4


def test_not_used_is_one_of_its_kind() -> None:
    assert repr(coros.NOT_USED) == "NOT_USED"
    assert pickle.loads(pickle.dumps(coros.NOT_USED)) is coros.NOT_USED
    assert copy.deepcopy(coros.NOT_USED) is coros.NOT_USED


def test_a_deadlock_report_names_the_event() -> None:
    script = "from eventlet import coros; coros.Event().wait()"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=50, check=False
    )
    assert "Deadlock" in done.stderr
    assert re.search(r"<Event at .*, open, 1 waiting>", done.stderr)
