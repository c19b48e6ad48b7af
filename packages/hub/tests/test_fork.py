"""What a forked child can do with the hub of its parent, and a daemon with one it has robbed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from subprocess import CompletedProcess
from typing import Any

import pytest

from eventlet.hub import available_hubs

if not hasattr(os, "fork"):
    pytest.skip("there is no fork on this platform", allow_module_level=True)

Run = Callable[[str], "CompletedProcess[str]"]

# The parent of all scripts: `child(function)` forks, runs the function in the child as what comes
# after the fork, and waits for it in the parent, green. What it prints comes out in order.
PRELUDE = """
import gc, os, select, signal, socket, sys, threading, time
from eventlet.hub import *
from eventlet.hub import tpool, _native
from eventlet.hub._threadpool import ThreadPool

import warnings
warnings.simplefilter("ignore", ResourceWarning)   # the scripts end before they tidy up

def say(*words):
    # In one piece, because parent and child write to the same pipe.
    os.write(1, (" ".join(map(str, words)) + "\\n").encode())

def child(function):
    pid = os.fork()
    if not pid:
        try:
            function()
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(99)
        os._exit(0)
    code = wait_child(pid, 20)
    if code:
        say("the child failed:", code)

def descriptors():
    return len(os.listdir("/dev/fd"))

"""


@pytest.fixture(params=available_hubs())
def run(request: pytest.FixtureRequest, run_script: Any) -> Run:
    def run(script: str) -> CompletedProcess[str]:
        import textwrap

        # A program with other native threads is warned of forking since Python 3.12; some must.
        options = ("-W", "ignore:.*multi-threaded.*:DeprecationWarning")
        done: CompletedProcess[str] = run_script(
            PRELUDE + textwrap.dedent(script), options=options, EVENTLET_HUB=request.param
        )
        return done

    return run


def lines(done: CompletedProcess[str]) -> list[str]:
    assert done.stderr == ""
    assert done.returncode == 0
    return done.stdout.splitlines()


class TestTheChild:
    def test_hub_works_in_both(self, run: Run) -> None:
        done = run("""
            def use(who):
                results = [spawn(lambda n: sleep(0.001) or n, n) for n in range(5)]
                say(who, [thread.wait() for thread in results], tpool.execute(int))
            use("before")
            child(lambda: use("child"))
            use("parent")
        """)
        result = "[0, 1, 2, 3, 4] 0"
        assert lines(done) == [f"before {result}", f"child {result}", f"parent {result}"]

    def test_descriptors_are_its_own(self, run: Run) -> None:
        done = run("""
            left, right = socket.socketpair()
            left.setblocking(False)
            watch = get_hub().watch(left.fileno())
            sleep(0)
            before = descriptors()
            def in_child():
                assert descriptors() == before
                watch.close()       # must not reach the parent's registration
                get_hub().watch(left.fileno()).close()
                say("child")
            child(in_child)
            watch.readable = False
            spawn_after(0.01, right.send, b"x")
            watch.wait_readable(20)
            say("parent reads", left.recv(1))
        """)
        assert lines(done) == ["child", "parent reads b'x'"]

    def test_watches_go_on_working(self, run: Run) -> None:
        done = run("""
            left, right = socket.socketpair()
            left.setblocking(False)
            watch = get_hub().watch(left.fileno())
            watch.readable = False
            def in_child():
                watch.readable = False
                spawn_after(0.01, right.send, b"x")
                watch.wait_readable(20)
                say("child reads", left.recv(1))
            child(in_child)
        """)
        assert lines(done) == ["child reads b'x'"]

    def test_watches_of_closed_descriptors_are_closed(self, run: Run) -> None:
        done = run("""
            left, right = socket.socketpair()
            watch = get_hub().watch(left.fileno())
            left.close()
            child(lambda: say(watch.closed, len(get_hub().watches)))
        """)
        assert lines(done) == ["True 0"]

    def test_nothing_of_the_parents_runs(self, run: Run) -> None:
        done = run("""
            parent = os.getpid()
            def note(*words):
                say("parent" if os.getpid() == parent else "child", *words)
            left, right = socket.socketpair()
            waiter = None
            def runs(name, wait):
                try:
                    wait()
                except BaseException as error:
                    note(name, "ends with", repr(error))
                finally:
                    note(name, "goes on")
            def waits():
                global waiter
                waiter = Waiter()
                waiter.wait()
            def spins():
                while not stop:
                    sleep(0)
            stop = []
            threads = [
                spawn(runs, "sleeper", lambda: sleep(0.01)),
                spawn(runs, "reader", lambda: wait_readable(left)),
                spawn(runs, "waiter", waits),
                spawn(runs, "worker", lambda: tpool.execute(time.sleep, 0.01)),
                spawn(runs, "spinner", spins),
            ]
            for _ in range(3):
                sleep(0)
            late = spawn_after(0.001, note, "late one runs")
            call_after_global(0.001, note, "timer fires")
            get_hub().call_soon(note, "call is made")
            fresh = spawn(note, "fresh one runs")
            def in_child():
                right.send(b"x")
                assert not waiter.switch()
                for thread in threads:
                    thread.kill()
                sleep(0.05)
                gc.collect()
                assert get_hub().stats().green_threads == 0
                note("ends")
            child(in_child)
            note("goes on")
            right.send(b"x")
            waiter.switch()
            stop.append(1)
            for thread in threads:
                thread.wait()
        """)
        found = lines(done)
        assert [line for line in found if "child" in line] == ["child ends"]
        # What is the parent's happens there, and once.
        names = ("sleeper", "reader", "waiter", "worker", "spinner")
        expected = [f"{name} goes on" for name in names]
        expected += ["late one runs", "timer fires", "call is made", "fresh one runs", "goes on"]
        assert sorted(found) == ["child ends", *sorted(f"parent {line}" for line in expected)]

    def test_what_is_left_at_the_end_of_the_child_is_not_unwound(self, run: Run) -> None:
        done = run("""
            def f():
                try:
                    waiter.wait()
                finally:
                    say("unwound in", "parent" if os.getpid() == parent else "child")
            parent = os.getpid()
            waiter = Waiter()
            thread = spawn(f)
            sleep(0)
            pid = os.fork()
            if not pid:
                sleep(0)
                sys.exit(3)
            say(wait_child(pid, 20))
            waiter.switch()
            thread.wait()
        """)
        assert lines(done) == ["3", "unwound in parent"]

    def test_deadlock_is_noticed(self, run: Run) -> None:
        done = run("""
            spawn(sleep, 60)
            tpool.execute(int)
            sleep(0)
            def in_child():
                try:
                    Waiter().wait()
                except Deadlock:
                    say("nothing is left")
            child(in_child)
        """)
        assert lines(done) == ["nothing is left"]

    def test_timeouts_of_the_one_who_forks_go_on(self, run: Run) -> None:
        done = run("""
            def in_child():
                try:
                    sleep(20)
                except Timeout as caught:
                    say(caught is timeout)
            with Timeout(0.05) as timeout, move_on_after(30):
                pid = os.fork()
                if not pid:
                    in_child()
                    os._exit(0)
            wait_child(pid, 20)
            with move_on_after(0.05) as scope:
                pid = os.fork()
                if not pid:
                    sleep(20)
            if not pid:
                say(scope.cancelled_caught)
                os._exit(0)
            wait_child(pid, 20)
            try:
                Waiter().wait(0.001)
            except TimeoutError:
                child(lambda: sleep(0.001))
        """)
        assert lines(done) == ["True", "True"]

    def test_signals(self, run: Run) -> None:
        done = run("""
            sleep(0)
            def in_child():
                got = []
                signal.signal(signal.SIGUSR1, lambda *_: got.append(1))
                spawn_after(0.01, os.kill, os.getpid(), signal.SIGUSR1)
                while not got:
                    sleep(5)    # the signal ends the poll, and the handler runs at once
                    break
                say(got)
            began = time.monotonic()
            def quick():
                got = []
                signal.signal(signal.SIGALRM, lambda *_: waiter.switch("alarm"))
                waiter = Waiter()
                signal.setitimer(signal.ITIMER_REAL, 0.01)
                say(waiter.wait(20))
            child(quick)
            assert time.monotonic() - began < 15
            def interrupted():
                spawn_after(0.01, os.kill, os.getpid(), signal.SIGINT)
                try:
                    sleep(20)
                except KeyboardInterrupt:
                    say("interrupted")
            child(interrupted)
        """)
        assert lines(done) == ["alarm", "interrupted"]

    def test_grandchildren(self, run: Run) -> None:
        done = run("""
            def in_child():
                say("child", tpool.execute(int))
                child(lambda: say("grandchild", tpool.execute(int), spawn(int).wait()))
            spawn(sleep, 1)
            sleep(0)
            child(in_child)
        """)
        assert lines(done) == ["child 0", "grandchild 0 0"]

    def test_before_the_first_hub(self, run: Run) -> None:
        done = run("""
            pool = ThreadPool(2)
            pid = os.fork()
            if not pid:
                say(pool.execute(int))
                os._exit(0)
            os.waitpid(pid, 0)
        """)
        assert lines(done) == ["0"]

    def test_importing_registers_nothing(self, run: Run) -> None:
        done = run("""
            from eventlet.hub._fork import watch_forks
            say(watch_forks.cache_info().currsize)
            get_hub()
            say(watch_forks.cache_info().currsize)
        """)
        assert lines(done) == ["0", "1"]


class TestForkInAGreenThread:
    def test_it_goes_on(self, run: Run) -> None:
        done = run("""
            def forks():
                me = getcurrent()
                def in_child():
                    assert getcurrent() is me
                    sleep(0.01)
                    say("child", spawn(lambda: 5).wait())
                child(in_child)
                return "parent"
            say(spawn(forks).wait())
        """)
        assert lines(done) == ["child 5", "parent"]

    @pytest.mark.parametrize(
        ("ending", "code", "printed"),
        [
            ("return", 0, ""),
            ("sys.exit()", 0, ""),
            ("sys.exit(7)", 7, ""),
            ("sys.exit('sorry')", 1, "sorry\n"),
            ("raise LookupError('lost')", 1, "LookupError: lost\n"),
            ("raise GreenletExit", 0, ""),
            ("spawn(say, 'never'); Waiter().wait()", 1, "Deadlock"),
            ("sys.stdout.close(); return", 0, ""),
            ("sys.stdout = sys.stderr = None", 0, ""),
        ],
    )
    def test_when_it_ends_the_child_ends(
        self, run: Run, ending: str, code: int, printed: str
    ) -> None:
        done = run(f"""
            import atexit
            def forks():
                pid = os.fork()
                if pid:
                    return pid
                print("not flushed yet", end="")
                {ending}
            def main():
                try:
                    pid = spawn(forks).wait()
                    say(" code:", wait_child(pid, 20))
                finally:
                    say("main ends")
            main()
        """)
        closed = "close()" in ending
        never = "never\n" if "never" in ending else ""
        assert done.stdout == f"not flushed yet{never} code: {code}\nmain ends\n" or (
            (closed or "None" in ending) and done.stdout.endswith(f" code: {code}\nmain ends\n")
        )
        if printed:
            assert printed in done.stderr
        else:
            assert done.stderr == ""

    def test_ctrl_c_reaches_it(self, run: Run) -> None:
        done = run("""
            def forks():
                def in_child():
                    spawn_after(0.01, os.kill, os.getpid(), signal.SIGINT)
                    try:
                        sleep(20)
                    except KeyboardInterrupt:
                        say("interrupted")
                child(in_child)
            spawn(forks).wait()
        """)
        assert lines(done) == ["interrupted"]

    def test_parent_goes_on_in_its_place(self, run: Run) -> None:
        done = run("""
            log = []
            def forks():
                pid = os.fork()
                if not pid:
                    sleep(0.01)
                    os._exit(4)
                return wait_child(pid, 20)
            others = [spawn(sleep, 0.001) for _ in range(10)]
            codes = [spawn(forks) for _ in range(5)]
            say([thread.wait() for thread in codes])
            for other in others:
                other.wait()
        """)
        assert lines(done) == ["[4, 4, 4, 4, 4]"]


class TestOtherPlacesToFork:
    def test_hubs_that_have_ended_are_left_alone(self, run: Run) -> None:
        done = run("""
            ended = []
            def in_thread():
                ended.append(get_hub())
                sleep(0)
            native = threading.Thread(target=in_thread)
            native.start()
            native.join()
            ended.append(get_hub())
            use_hub()
            before = descriptors()
            child(lambda: say(descriptors() - before, [hub.destroyed for hub in ended]))
        """)
        assert lines(done) == ["0 [True, True]"]

    def test_in_a_callback_of_the_hub(self, run: Run) -> None:
        done = run("""
            pids = []
            def callback():
                pids.append(os.fork())
            get_hub().call_soon(callback)
            get_hub().call_soon(lambda: None)
            spawn(sleep, 30)
            while not pids:
                sleep(0)
            if pids == [0]:
                os._exit(spawn(lambda: 5).wait())
            say("code:", wait_child(pids[0], 20))
        """)
        assert lines(done) == ["code: 5"]

    def test_in_a_callback_while_the_main_greenlet_waits(self, run: Run) -> None:
        done = run("""
            pids = []
            def callback():
                pids.append(os.fork())
            get_hub().call_soon(callback)
            waiter = Waiter()
            thread = spawn_after(0.05, waiter.switch, "parent")
            try:
                say(waiter.wait())
            except Deadlock:
                say("child")
                os._exit(6)
            say("code:", wait_child(pids[0], 20))
        """)
        assert sorted(lines(done)) == ["child", "code: 6", "parent"]

    def test_in_another_native_thread(self, run: Run) -> None:
        done = run("""
            def use():
                say("child", spawn(lambda: sleep(0.001) or 1).wait(), tpool.execute(int))
            def in_thread():
                sleep(0)
                child(use)
                say("thread", spawn(int).wait())
            spawn(sleep, 30)
            sleep(0)
            left, right = socket.socketpair()
            watch = get_hub().watch(left.fileno())
            native = threading.Thread(target=in_thread)
            native.start()
            tpool.execute(native.join)
            assert not watch.closed
            say("main", spawn(int).wait())
        """)
        assert lines(done) == ["child 1 0", "thread 0", "main 0"]

    def test_in_another_native_thread_without_a_hub(self, run: Run) -> None:
        done = run("""
            def in_thread():
                pid = os.fork()
                if not pid:
                    signal.signal(signal.SIGUSR1, lambda *_: waiter.switch(7))
                    waiter = Waiter()
                    spawn_after(0.01, os.kill, os.getpid(), signal.SIGUSR1)
                    say("child", waiter.wait(20))
                    os._exit(0)
                os.waitpid(pid, 0)
            parked = spawn(sleep, 30)
            sleep(0)
            native = threading.Thread(target=in_thread)
            native.start()
            tpool.execute(native.join)
            say("main", spawn(int).wait())
        """)
        assert lines(done) == ["child 7", "main 0"]

    def test_in_a_worker_of_the_pool(self, run: Run) -> None:
        done = run("""
            def job():
                pid = os.fork()
                if not pid:
                    say("child", spawn(lambda: sleep(0.001) or 1).wait())
                    os._exit(6)
                return pid
            say("code:", wait_child(tpool.execute(job), 20))
        """)
        assert lines(done) == ["child 1", "code: 6"]


class TestClosedBehindItsBack:
    def test_as_daemons_do(self, run: Run) -> None:
        done = run("""
            left, right = socket.socketpair()
            left.setblocking(False)
            watch = get_hub().watch(left.fileno())
            tpool.execute(int)
            sleep(0.001)
            keep = {0, 1, 2, left.fileno(), right.fileno()}
            for fd in set(range(3, 256)) - keep:
                try:
                    os.close(fd)
                except OSError:
                    pass
            sleep(0.001)
            say("timers")
            say("threads", tpool.execute(int))
            watch.readable = False
            spawn_after(0.01, right.send, b"x")
            watch.wait_readable(20)
            say("watches", left.recv(1))
            signal.signal(signal.SIGUSR1, lambda *_: waiter.switch("signals"))
            waiter = Waiter()
            threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGUSR1)).start()
            say(waiter.wait(20))
        """)
        assert lines(done) == ["timers", "threads 0", "watches b'x'", "signals"]

    def test_numbers_that_are_somebody_elses_now(self, run: Run) -> None:
        done = run("""
            tpool.execute(int)
            sleep(0.001)
            os.closerange(3, 256)
            files = [open("/dev/null", "rb") for _ in range(20)]
            sleep(0.001)
            say("threads", tpool.execute(int))
            get_hub()
            gc.collect()
            for file in files:
                os.fstat(file.fileno())
            use_hub()
            for file in files:
                os.fstat(file.fileno())
                file.close()
            say("nothing of theirs was closed")
        """)
        assert lines(done) == ["threads 0", "nothing of theirs was closed"]

    def test_waiters_of_what_was_closed_are_told(self, run: Run) -> None:
        done = run("""
            left, right = socket.socketpair()
            def waits():
                watch = get_hub().watch(left.fileno())
                watch.readable = False
                try:
                    watch.wait_readable(20)     # level-triggered pollers let it try, and fail
                    raise OSError
                except OSError:
                    say("told")
            def keeps():
                watch = get_hub().watch(right.fileno())
                watch.readable = False
                watch.wait_readable(20)
                say("end of the other side")
            threads = [spawn(waits), spawn(keeps)]
            sleep(0)
            os.closerange(3, right.fileno())
            os.closerange(right.fileno() + 1, 256)
            for thread in threads:
                thread.wait()
            left.detach()
        """)
        assert lines(done) == ["told", "end of the other side"]

    def test_daemon(self, run: Run) -> None:
        done = run("""
            spawn(sleep, 30)
            tpool.execute(int)
            sleep(0)
            reading, writing = os.pipe()
            def daemonize():
                if os.fork():
                    os._exit(0)
                os.setsid()
                if os.fork():
                    os._exit(0)
                for fd in set(range(3, 256)) - {writing}:
                    try:
                        os.close(fd)
                    except OSError:
                        pass
                os.write(writing, b"%d %d" % (tpool.execute(int), spawn(lambda: 1).wait()))
            if not os.fork():
                daemonize()
                os._exit(0)
            wait_readable(reading, 20)
            say(os.read(reading, 100).decode())
        """)
        assert lines(done) == ["0 1"]


def test_the_tests_themselves_can_fail(run: Run) -> None:
    done = run("child(lambda: 1 / 0)")
    assert "the child failed: 99" in done.stdout
    assert "ZeroDivisionError" in done.stderr
    assert sys.version_info >= (3, 11)
