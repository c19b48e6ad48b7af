from __future__ import annotations

import subprocess
import sys
import threading as native
from collections.abc import Callable
from typing import Any

import pytest
from greenlet import greenlet

import eventlet.coros.threading as green
from eventlet import coros, hub
from eventlet.hub import testing


def test_the_module_has_the_names_of_the_standard_one() -> None:
    assert set(native.__all__) <= set(green.__all__)
    for name in green.__all__:
        assert hasattr(green, name)
    assert green.Lock is coros.Lock
    assert green.local is coros.local
    assert green.Thread.__module__ == green.Event.__module__ == "eventlet.coros.threading"
    assert green.currentThread is green.current_thread
    assert green.activeCount is green.active_count


def test_a_thread_runs_its_target() -> None:
    log: list[Any] = []
    thread = green.Thread(
        target=lambda *args, **kw: log.append((args, kw)), args=(1,), kwargs={"a": 2}
    )
    assert not thread.is_alive()
    assert thread.ident is None
    assert thread.native_id is None
    assert "initial" in repr(thread)
    thread.start()
    assert thread.is_alive()
    assert thread.ident
    assert thread.native_id == native.get_native_id()
    assert thread in green.enumerate()
    thread.join()
    assert log == [((1,), {"a": 2})]
    assert not thread.is_alive()
    assert thread not in green.enumerate()
    assert "stopped" in repr(thread)


def test_run_may_be_overridden() -> None:
    class Mine(green.Thread):
        def run(self) -> None:
            self.seen = green.current_thread()

    thread = Mine(name="mine")
    thread.start()
    thread.join()
    assert thread.seen is thread
    green.Thread().run()


def test_join_times_out() -> None:
    gate = green.Event()
    thread = green.Thread(target=gate.wait)
    thread.start()
    thread.join(0)
    assert thread.is_alive()
    gate.set()
    thread.join(5)
    assert not thread.is_alive()


def test_misuse() -> None:
    thread = green.Thread(target=int)
    with pytest.raises(RuntimeError, match="before it is started"):
        thread.join()
    with pytest.raises(TypeError, match="group must be None"):
        green.Thread(group=1)  # type: ignore[arg-type]
    thread.start()
    with pytest.raises(RuntimeError, match="only be started once"):
        thread.start()
    with pytest.raises(RuntimeError, match="active thread"):
        thread.daemon = True

    class Forgetful(green.Thread):
        def __init__(self) -> None:
            pass

    with pytest.raises(RuntimeError, match="was not called"):
        Forgetful().start()
    with pytest.raises(RuntimeError, match="was not called"):
        _ = Forgetful().name
    with pytest.raises(RuntimeError, match="was not started as a Thread"):
        green.main_thread().join()


def test_a_thread_cannot_join_itself() -> None:
    caught: list[BaseException] = []

    def join() -> None:
        try:
            green.current_thread().join()
        except RuntimeError as error:
            caught.append(error)

    thread = green.Thread(target=join)
    thread.start()
    thread.join()
    assert "current thread" in str(caught[0])


def test_names_and_daemons() -> None:
    def target() -> None:
        pass

    thread = green.Thread(target=target)
    assert thread.name.startswith("Thread-")
    assert thread.name.endswith(" (target)")
    thread.name = "other"
    assert thread.getName() == "other"
    thread.setName("third")
    assert thread.name == "third"
    assert not thread.daemon
    thread.setDaemon(True)
    assert thread.isDaemon()
    assert "daemon" in repr(thread)
    children: list[green.Thread] = []
    parent = green.Thread(target=lambda: children.append(green.Thread()), daemon=True)
    parent.start()
    parent.join()
    assert children[0].daemon


def test_failures_go_to_the_hook(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(green, "excepthook", seen.append)
    thread = green.Thread(target=divmod, args=(1, 0))
    thread.start()
    thread.join()
    (args,) = seen
    assert args.exc_type is ZeroDivisionError
    assert args.thread is thread
    leaving = green.Thread(target=sys.exit, args=(3,))
    leaving.start()
    leaving.join()
    assert len(seen) == 1


def test_a_killed_thread_has_ended() -> None:
    thread = green.Thread(target=hub.sleep, args=(1000,))
    thread.start()
    testing.wait_until_idle()
    hub.kill(thread._green)
    thread.join(5)
    assert not thread.is_alive()


def test_who_runs() -> None:
    main = green.main_thread()
    assert green.current_thread() is main
    assert main.name == "MainThread"
    assert main.is_alive()
    assert main.ident == green.get_ident()
    assert main.native_id == native.get_native_id()
    assert green.active_count() == len(green.enumerate())

    def look() -> tuple[green.Thread, bool]:
        me = green.current_thread()
        return me, me is green.current_thread() and me.ident == green.get_ident()

    stranger, same = hub.spawn(look).wait()
    assert same
    assert stranger.daemon
    assert stranger.name.startswith("Dummy-")


def test_in_another_native_thread(run_native: Callable[..., list[Any]]) -> None:
    def look() -> tuple[bool, bool]:
        me = green.current_thread()
        return me is green.main_thread(), me is green.current_thread()

    assert run_native(look) == [(False, True)]


def test_timer() -> None:
    log: list[Any] = []
    timer = green.Timer(0.01, lambda *args, **kw: log.append((args, kw)), (1,), {"a": 2})
    timer.start()
    timer.join()
    assert log == [((1,), {"a": 2})]
    timer = green.Timer(1000, log.append)
    timer.start()
    timer.cancel()
    timer.join()
    assert len(log) == 1


def test_the_interpreter_waits_for_threads_that_are_no_daemons() -> None:
    script = """
from eventlet import hub
from eventlet.coros import threading

def work(name):
    hub.sleep(0.05)
    print(name)

for daemon in (True, False):
    thread = threading.Thread(target=work, args=(f"daemon {daemon}",), daemon=daemon)
    thread.start()
threading.Thread(target=hub.sleep, args=(1000,), daemon=True).start()
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=50, check=False
    )
    assert done.stderr == ""
    assert "daemon False" in done.stdout


def test_event() -> None:
    event = green.Event()
    assert not event.is_set()
    assert "unset" in repr(event)
    assert event.wait(0) is False
    assert event.wait(-1) is False
    waiters = [hub.spawn(event.wait) for _ in range(2)]
    testing.wait_until_idle()
    event.set()
    event.clear()
    assert [waiter.wait() for waiter in waiters] == [True, True]
    event.set()
    event.set()
    assert event.isSet()
    assert event.wait() is True
    event._at_fork_reinit()
    assert event.is_set()
    with pytest.raises(ValueError, match="timeout"):
        green.Event().wait(float("nan"))


def test_events_between_native_threads(run_native: Callable[..., list[Any]]) -> None:
    there, back = green.Event(), green.Event()

    def ping() -> None:
        for _ in range(100):
            there.set()
            assert back.wait(10)
            back.clear()

    def pong() -> None:
        for _ in range(100):
            assert there.wait(10)
            there.clear()
            back.set()

    run_native(ping, pong)


def test_an_exception_thrown_past_the_hub_at_an_event() -> None:
    event = green.Event()
    bare = greenlet(event.wait)
    hub.get_hub().call_soon(bare.switch)
    testing.wait_until_idle()
    event.set()
    with pytest.raises(KeyError):
        bare.throw(KeyError)


def test_semaphores() -> None:
    semaphore = green.Semaphore()
    assert semaphore.acquire()
    assert not semaphore.acquire(False)
    semaphore.release(3)
    assert semaphore.balance == 3
    with pytest.raises(ValueError, match="at least 1"):
        semaphore.release(0)
    with semaphore:
        assert semaphore.balance == 2
    assert semaphore.balance == 3
    bounded = green.BoundedSemaphore(2)
    with pytest.raises(ValueError, match="released too many times"):
        bounded.release()
    assert bounded.acquire()
    with pytest.raises(ValueError, match="released too many times"):
        bounded.release(2)
    with bounded:
        pass
    bounded.release()
    assert bounded.balance == 2


def test_a_bounded_semaphore_with_waiters() -> None:
    bounded = green.BoundedSemaphore(1)
    bounded.acquire()
    waiter = hub.spawn(bounded.acquire)
    testing.wait_until_idle()
    bounded.release()
    assert waiter.wait()
    bounded.release()
    with pytest.raises(ValueError, match="released too many times"):
        bounded.release()


def test_tracing_of_all_threads() -> None:
    script = """
import sys
from eventlet.coros import threading

seen = []

def trace(frame, event, arg):
    seen.append(event)

threading.setprofile_all_threads(trace)
len(seen)
threading.setprofile_all_threads(None)
assert "c_call" in seen, seen
threading.settrace_all_threads(trace)
(lambda: None)()
threading.settrace_all_threads(None)
assert "call" in seen, seen
assert sys.gettrace() is None and sys.getprofile() is None
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=50, check=False
    )
    assert done.stderr == ""
