"""Ten thousand rounds of each activity, and all is as it was before."""

from __future__ import annotations

import _thread
import gc
import os
import socket
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from greenlet import GreenletExit, greenlet
from greenlet import getcurrent as getgreenlet

from eventlet.hub import (
    Timeout,
    Waiter,
    call_after,
    exc_after,
    fail_after,
    get_hub,
    kill,
    move_on_after,
    sleep,
    spawn,
    spawn_after,
    tpool,
    use_hub,
    wait_child,
    wait_readable,
)
from eventlet.hub._threadpool import ThreadPool
from eventlet.hub.testing import fresh_hub, wait_until_idle

ROUNDS = 10_000
FEW = 100  # of what takes the system much longer

Pair = tuple[socket.socket, socket.socket]


class Failure(Exception):
    pass


def fail() -> None:
    raise Failure


def results() -> None:
    thread = spawn(lambda: "result")
    thread.link(lambda _: None)
    thread.wait()


def failures_that_are_seen() -> None:
    # A caller that kept the handle in a variable would make a cycle: its frame is in the traceback.
    try:
        spawn(fail).wait()
    except Failure:
        pass


def failures_that_nobody_sees() -> None:
    spawn(fail)
    sleep(0)


def kills() -> None:
    thread = spawn(sleep, 60)
    sleep(0)
    kill(thread)
    spawn(sleep, 60).kill()
    spawn_after(60, sleep).cancel()


def kills_that_are_swallowed() -> None:
    def work() -> None:
        try:
            sleep(60)
        except GreenletExit:
            sleep(0)

    thread = spawn(work)
    sleep(0)
    kill(thread)
    thread.wait()


def timeouts() -> None:
    with Timeout(0, False):
        Waiter[None]().wait()
    try:
        with Timeout(60), fail_after(0):
            Waiter[None]().wait(60)
    except TimeoutError:
        pass
    with move_on_after(60), move_on_after(0):
        sleep(60)


def timers() -> None:
    get_hub().call_later(60, print).cancel()
    call_after(60, print).cancel()
    exc_after(60).cancel()
    get_hub().call_soon(divmod, 1, 1)
    sleep(0)


def waiters_that_time_out() -> None:
    thread = spawn(Waiter[None]().wait, 0)
    try:
        thread.wait()
    except TimeoutError:
        pass


def bare_greenlets() -> None:
    bare = greenlet(lambda: sleep(0))
    get_hub().call_soon(bare.switch)
    while not bare.dead:
        sleep(0)


def switches_by_hand() -> None:
    def wait() -> None:
        get_hub().call_soon(getgreenlet().switch)
        get_hub().switch()

    spawn(wait).wait()


def calls_in_native_threads() -> None:
    tpool.execute(abs, -1)
    try:
        tpool.execute(fail)
    except Failure:
        pass
    with move_on_after(0):
        tpool.execute(abs, -1)


def native_threads() -> None:
    pool = ThreadPool(2)
    pool.execute(abs, -1)
    pool.killall()


def children() -> None:
    process = subprocess.Popen(["true"])
    process.returncode = 0  # it must not wait for itself
    try:
        wait_child(process.pid, 0)
    except TimeoutError:
        wait_child(process.pid)


@pytest.fixture
def descriptors(pair: Pair) -> Callable[[], None]:
    one, other = pair

    def exchange() -> None:
        reader = spawn(wait_readable, one)
        sleep(0)
        other.send(b"x")
        reader.wait()
        one.recv(1)
        watch = get_hub().watch(one.fileno())
        watch.readable = False
        reader = spawn(watch.wait_readable)
        sleep(0)
        watch.close()
        try:
            reader.wait()
        except OSError:
            pass

    return exchange


def descriptors_in_use() -> int:
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


def census() -> Counter[str]:
    """Count the objects that the collector knows, by type."""
    for _ in range(3):
        gc.collect()
    return Counter(type(each).__qualname__ for each in gc.get_objects())


def assert_no_growth(before: Counter[str]) -> None:
    """Allow for caches of the interpreter's, and for cancelled timers that await the clean-up."""
    growth = census() - before
    assert {name: number for name, number in growth.items() if number > 150} == {}
    ours = ("GreenThread", "Waiter", "Watch", "CancelScope", "Delivery", "Carrier", "Hub")
    assert {name: growth[name] for name in ours if growth[name]} == {}


@pytest.fixture
def _in_a_hub_of_its_own(failures: list[BaseException]) -> Iterator[None]:
    with fresh_hub():
        yield


@pytest.mark.usefixtures("_in_a_hub_of_its_own")
@pytest.mark.parametrize(
    "activity",
    [
        results,
        failures_that_are_seen,
        failures_that_nobody_sees,
        kills,
        kills_that_are_swallowed,
        timeouts,
        timers,
        waiters_that_time_out,
        bare_greenlets,
        switches_by_hand,
        calls_in_native_threads,
        native_threads,
        pytest.param(children, marks=pytest.mark.skipif(os.name == "nt", reason="runs `true`")),
        "descriptors",
    ],
)
def test_ten_thousand_rounds_leave_nothing_behind(
    activity: Callable[[], None] | str,
    failures: list[BaseException],
    request: pytest.FixtureRequest,
) -> None:
    run = request.getfixturevalue(activity) if isinstance(activity, str) else activity
    for _ in range(FEW):
        run()
    failures.clear()
    wait_until_idle()
    hub = get_hub()
    before, stats, fds = census(), hub.stats(), descriptors_in_use()
    tpool.killall()
    natives = _thread._count()
    for _ in range(FEW if run is children else ROUNDS):
        run()
        failures.clear()
    wait_until_idle()
    assert_no_growth(before)
    tpool.killall()
    with Timeout(20):
        while _thread._count() > natives:  # one that is off the books may need a moment to end
            sleep(0.001)
    after = hub.stats()
    assert after.green_threads == stats.green_threads == 0
    assert after.watches == stats.watches
    assert after.timers <= stats.timers + 2, "alarms for the next wait may stay"
    assert after.idle_carriers <= 32
    assert descriptors_in_use() == fds
    assert gc.garbage == []


@pytest.mark.usefixtures("_in_a_hub_of_its_own")
@pytest.mark.parametrize(
    "activity",
    [results, failures_that_are_seen, failures_that_nobody_sees, kills, timeouts, timers],
)
def test_nothing_has_to_wait_for_the_collector(
    activity: Callable[[], None], failures: list[BaseException]
) -> None:
    for _ in range(10):
        activity()
    failures.clear()
    gc.collect()
    gc.disable()
    try:
        for _ in range(100):
            activity()
            failures.clear()
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_hubs_and_native_threads_leave_nothing_behind() -> None:
    def work() -> None:
        spawn(sleep, 60)
        spawn(lambda: 1).wait()

    def run() -> None:
        native = threading.Thread(target=work)
        native.start()
        native.join()
        use_hub()
        sleep(0)

    for _ in range(5):
        run()
    before, fds, natives = census(), descriptors_in_use(), threading.active_count()
    for _ in range(100):
        run()
    assert_no_growth(before)
    assert descriptors_in_use() == fds
    assert threading.active_count() <= natives
