"""The standard threads, locks and queues made green, in programs of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

PROLOGUE = """
import logging, queue, sys, threading, time, _thread
from eventlet.hub import getcurrent, patching, sleep, spawn
"""


def run(script: str) -> str:
    """Run a program, whose warnings are errors, and return what it prints."""
    program = PROLOGUE + textwrap.dedent(script)
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


class TestThreads:
    def test_they_are_green_wait_side_by_side_and_know_who_they_are(self) -> None:
        script = """
        patching.patch()
        seen = []
        def work():
            me = threading.current_thread()
            seen.append((me.name, me.ident == threading.get_ident() == _thread.get_ident()))
            everybody.wait()
            assert type(getcurrent()).__name__ == "GreenThread"
        everybody = threading.Barrier(21)
        threads = [threading.Thread(target=work, name=f"t{n}") for n in range(20)]
        for thread in threads: thread.start()
        assert threading.active_count() == 21 and set(threads) < set(threading.enumerate())
        everybody.wait()
        for thread in threads: thread.join()
        assert threading.enumerate() == [threading.main_thread()] == [threading.current_thread()]
        assert not any(thread.is_alive() for thread in threads)
        print(sorted(seen) == sorted((f"t{n}", True) for n in range(20)), _thread._count())
        """
        assert run(script) == "True 0\n"

    def test_one_that_was_made_before_starts_green(self) -> None:
        script = """
        early = threading.Thread(target=lambda: print(type(getcurrent()).__name__))
        class Mine(threading.Thread):
            def run(self): print(isinstance(self, threading.Thread), self.daemon)
        patching.patch()
        early.start(); early.join()
        mine = Mine(daemon=True); mine.start(); mine.join()
        """
        assert run(script) == "GreenThread\nTrue True\n"

    def test_the_end_of_the_program_waits_for_all_but_daemons(self) -> None:
        script = """
        patching.patch()
        def work(seconds, text):
            time.sleep(seconds)
            print(text, flush=True)
        threading.Thread(target=work, args=(0.1, "awaited")).start()
        threading.Thread(target=work, args=(60, "left behind"), daemon=True).start()
        native = patching.original("threading").Thread(target=lambda: print("native", flush=True))
        native.start()
        native.join()
        """
        assert run(script) == "native\nawaited\n"

    def test_a_green_thread_that_is_none_gets_a_dummy_for_as_long_as_it_lives(self) -> None:
        script = """
        patching.patch()
        def ask():
            me = threading.current_thread()
            sleep(0)
            assert me is threading.current_thread() and me in threading.enumerate()
            return me
        first, second = (thread.wait() for thread in [spawn(ask), spawn(ask)])
        print(first is not second, "Dummy" in first.name, threading.active_count())
        """
        assert run(script) == "True True 1\n"

    def test_a_bare_greenlet_gets_one_that_goes_with_it(self) -> None:
        script = """
        import gc
        from greenlet import greenlet
        patching.patch()
        def ask():
            names.append(threading.current_thread().name)
            assert threading.current_thread() in threading.enumerate()
        names = []
        for _ in range(3):
            greenlet(ask).switch()
            gc.collect()
        print(len(set(names)), threading.active_count())
        """
        assert run(script) == "3 1\n"

    def test_failures_go_to_the_hook_and_ctrl_c_to_the_main_one(self) -> None:
        script = """
        patching.patch()
        def fail(error): raise error
        threading.excepthook = lambda args: print("hook:", repr(args.exc_value))
        for error in ValueError("bad"), KeyboardInterrupt():
            thread = threading.Thread(target=fail, args=(error,))
            thread.start(); thread.join()
        try:
            sleep(5)
        except KeyboardInterrupt:
            print("interrupted")
        """
        assert run(script) == "hook: ValueError('bad')\ninterrupted\n"

    def test_each_begins_in_an_empty_context(self) -> None:
        script = """
        import contextvars
        patching.patch()
        variable = contextvars.ContextVar("variable", default="empty")
        variable.set("of the main one")
        thread = threading.Thread(target=lambda: print(variable.get()))
        thread.start(); thread.join()
        """
        expected = "empty\n" if sys.version_info < (3, 14) else "of the main one\n"
        assert run(script) == expected

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
    def test_a_fork_in_one_makes_it_the_main_one_of_the_child(self) -> None:
        script = """
        import os, warnings
        # From Python 3.12 on, to fork beside other native threads is warned about.
        warnings.simplefilter("ignore", DeprecationWarning)
        patching.patch()
        def work():
            pid = os.fork()
            if pid:
                os.waitpid(pid, 0)
                return
            here = threading.current_thread()
            alone = threading.enumerate() == [here] == [threading.main_thread()]
            another = threading.Thread(target=lambda: print("in the child", alone, flush=True))
            another.start(); another.join()
            os._exit(0)
        thread = threading.Thread(target=work)
        thread.start(); thread.join()
        """
        assert run(script) == "in the child True\n"

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
    @pytest.mark.parametrize(
        "start", ["threading.Thread(target=work).start()", "spawn(work).wait()", "work()"]
    )
    def test_those_of_the_parent_have_ended_in_a_forked_child(self, start: str) -> None:
        script = f"""
        import os
        patching.patch("threading", "time", "queue")
        def work():
            pid = os.fork()
            if pid:
                print("parent", os.waitpid(pid, 0)[1], other.is_alive(), flush=True)
                return
            assert threading.current_thread() is threading.main_thread()
            done = []
            thread = threading.Thread(target=done.append, args=(1,))
            thread.start()
            thread.join()
            other.join()
            print("child", other.is_alive(), done, threading.active_count(), flush=True)
        go = threading.Event()
        other = threading.Thread(target=go.wait)
        other.start()
        {start}
        sleep(0)
        if not other.is_alive(): sys.exit(0)
        while threading.active_count() > 2: sleep(0)
        go.set()
        """
        assert run(script) == "child False [1] 1\nparent 0 True\n"


class TestLowLevel:
    def test_start_new_thread(self) -> None:
        script = """
        def show(args): print("unraisable:", args.exc_value, args.object, args.err_msg)
        sys.unraisablehook = show
        patching.patch()
        done = _thread.allocate_lock()
        done.acquire()
        class Work:
            def __call__(self, text, *, end):
                print(text, end=end)
                done.release()
                raise ValueError("bad")
            def __repr__(self): return "<work>"
        work = Work()
        number = _thread.start_new_thread(work, ("hello",), {"end": "!\\n"})
        done.acquire()
        sleep(0)
        _thread.start_new_thread(sys.exit, ())
        sleep(0)
        print(number > 0, isinstance(done, _thread.LockType))
        for wrong in (None, ()), (print, []), (print, (), []):
            try:
                _thread.start_new_thread(*wrong)
            except TypeError as error:
                print(error)
        """
        message = "Exception ignored in thread started by"
        about = f"<work> {message}" if sys.version_info < (3, 13) else f"None {message} <work>"
        assert run(script).splitlines() == [
            "hello!",
            f"unraisable: bad {about}",
            "True True",
            "first arg must be callable, not None",
            "2nd arg must be a tuple, not []",
            "optional 3rd arg must be a dictionary, not []",
        ]

    def test_the_count_is_without_threads_of_the_hub_that_wait_for_orders(self) -> None:
        script = """
        from eventlet.hub import tpool
        patching.patch()
        tpool.execute(print, "in a native thread")
        green = threading.Thread(target=lambda: go.wait())
        go = threading.Event()
        native = patching.original("threading")
        stop = native.Event()
        other = native.Thread(target=stop.wait)
        green.start()
        other.start()
        # The native one of the pool may take a moment to lie down again.
        while _thread._count() != 2: sleep(0.001)
        go.set(); stop.set(); green.join(); other.join()
        while _thread._count(): sleep(0.001)
        """
        assert run(script) == "in a native thread\n"

    @pytest.mark.skipif(sys.version_info < (3, 13), reason="there are no handles")
    def test_handles(self) -> None:
        script = """
        patching.patch()
        def refuse(error, call, *args, **options):
            try:
                call(*args, **options)
            except error as caught:
                print(caught)
        handle = _thread._ThreadHandle()
        refuse(RuntimeError, handle.join)
        refuse(RuntimeError, handle._set_done)
        print(repr(handle))
        _thread.start_joinable_thread(lambda: refuse(RuntimeError, handle.join), handle)
        print("running" in repr(handle), handle.is_done())
        refuse(RuntimeError, _thread.start_joinable_thread, print, handle=handle)
        handle.join(-1)
        print("done" in repr(handle), handle.is_done())
        refuse(TypeError, _thread.start_joinable_thread, None)
        _thread.start_joinable_thread(print).join(5)
        """
        assert run(script).splitlines() == [
            "thread not started",
            "thread not started",
            "<ThreadHandle 0, not started>",
            "True False",
            "thread already started",
            "Cannot join current thread",
            "True True",
            "thread function must be callable, not None",
            "",
        ]

    def test_numbers_outside_of_green_threads(self) -> None:
        script = """
        import greenlet
        native = threading.get_ident()
        patching.patch()
        hub_number = []
        from eventlet.hub import get_hub
        get_hub().call_soon(lambda: hub_number.append(threading.get_ident()))
        sleep(0.001)
        bare = greenlet.greenlet(threading.get_ident).switch()
        print(threading.get_ident() == native, hub_number == [native], bare != native)
        print(threading.current_thread() is threading.main_thread())
        """
        assert run(script) == "True True True\nTrue\n"

    def test_a_native_thread_in_a_patched_module_is_none_of_ours(self) -> None:
        script = """
        patching.patch()
        from eventlet.hub import tpool
        def native():
            me = threading.current_thread()  # made up, as for any thread that C has started
            return me.name.startswith("Dummy"), me.ident == threading.get_ident()
        print(tpool.execute(native))
        if hasattr(threading, "_set_sentinel"):
            assert tpool.execute(threading._set_sentinel).acquire()
        """
        assert run(script) == "(True, True)\n"


class TestLiveLocks:
    def test_logging_goes_on_while_one_waits_for_the_handler(self) -> None:
        script = """
        class Slow(logging.Handler):
            def emit(self, record):
                order.append(("in", record.msg))
                time.sleep(0.01)
                order.append(("out", record.msg))
        order = []
        log = logging.getLogger("slow")
        log.addHandler(Slow())
        patching.patch()
        threads = [threading.Thread(target=log.warning, args=(n,)) for n in range(3)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        print(order == [(way, n) for n in range(3) for way in ("in", "out")])
        print("lock of a __main__.Slow" in patching.report())
        """
        assert run(script) == "True\nTrue\n"

    def test_queues_events_and_executors_that_exist(self) -> None:
        script = """
        from concurrent.futures import ThreadPoolExecutor
        waiting, flag, executor = queue.Queue(), threading.Event(), ThreadPoolExecutor(3)
        future = executor.submit(time.sleep, 0.01)  # in a native thread, which stays one
        patching.patch()
        threading.Timer(0.01, lambda: (waiting.put(1), flag.set())).start()
        print(waiting.get(timeout=5), flag.wait(5), future.result(5))
        with ThreadPoolExecutor(3) as green:
            print(list(green.map(lambda n: (time.sleep(0.01), n)[1], range(3))))
        executor.shutdown()
        """
        assert run(script) == "1 True None\n[0, 1, 2]\n"

    def test_one_lock_is_one_lock_everywhere_and_comes_back(self) -> None:
        script = """
        import types
        class Holder:
            shared = threading.Lock()
        class Slotted:
            __slots__ = ("lock", "empty")
        module = sys.modules["a_module"] = types.ModuleType("a_module")
        module.shared = Holder.shared
        holder, slotted = Holder(), Slotted()
        holder.mine = slotted.lock = Holder.shared
        holder.reentrant = threading.RLock()
        before = id(Holder.shared), id(holder.reentrant)
        patching.patch()
        locks = {id(Holder.shared), id(module.shared), id(holder.mine), id(slotted.lock)}
        print(len(locks), id(Holder.shared) != before[0], "eventlet" in repr(holder.reentrant))
        patching.unpatch()
        print(Holder.shared is module.shared is holder.mine is slotted.lock)
        print((id(Holder.shared), id(holder.reentrant)) == before)
        """
        assert run(script) == "1 True True\nTrue\nTrue\n"

    def test_what_cannot_be_replaced_is_in_the_report(self) -> None:
        script = """
        class Holder: pass
        class Frozen(type):
            def __setattr__(cls, name, value): raise TypeError(f"{name} stays as it is")
        class Supple:
            lock = threading.Lock()
        class Rigid(metaclass=Frozen):
            lock = Supple.lock
        holder = Holder()
        holder.held, holder.owned = threading.Lock(), threading.RLock()
        holder.items = queue.SimpleQueue()
        stop = _thread.allocate_lock()
        stop.acquire()
        # One that could wait in the queue as well.
        threading.Thread(target=stop.acquire, name="Early").start()
        with holder.held, holder.owned:
            patching.patch()
        stop.release()
        assert Supple.lock is Rigid.lock  # one lock still
        report = patching.report()
        for line in ("held of a __main__.Holder: the lock is held",
                     "owned of a __main__.Holder: the lock is held by this thread",
                     "items of a __main__.Holder: native threads may wait in this queue",
                     "__main__.Rigid.lock: lock stays as it is",
                     "the thread Early: it stays native"):
            print(line in report)
        """
        assert run(script) == "True\n" * 5

    def test_containers_and_closures(self) -> None:
        script = """
        import collections
        def make():
            lock = threading.Lock()
            return lambda: lock
        get = make()
        class Worker(threading.Thread):
            def __init__(self):
                super().__init__()
                self.lock = threading.Lock()
        worker = Worker()
        named, listed = {"a": threading.Lock(), "taken": threading.Lock()}, [threading.RLock()]
        ring, methods = collections.deque([named["a"]]), {"acquire": named["a"].acquire}
        before = [id(lock) for lock in (get(), worker.lock, named["a"], listed[0])]
        patching.patch()
        del named["taken"]
        for lock in get(), worker.lock, named["a"], listed[0]:
            assert type(lock).__module__ == "eventlet.coros", lock
        assert ring[0] is named["a"] is methods["acquire"].__self__
        report = patching.report()
        for line in "a closure", "a dictionary, at 'a'", "__main__.listed", "__main__.ring":
            assert f"  {line}\\n" in report, line
        patching.unpatch()
        print([id(lock) for lock in (get(), worker.lock, named["a"], listed[0])] == before)
        """
        assert run(script) == "True\n"

    def test_a_lock_that_cannot_be_replaced_everywhere_stays_and_is_named(self) -> None:
        script = """
        import functools
        def hold():
            lock = threading.Lock()
            yield lock
        def patch():
            local, unseen = threading.Lock(), threading.Lock()
            patching.patch()
            return local
        fixed = threading.Lock(),
        same = [fixed[0]]
        call = functools.partial(threading.Lock().acquire, False)
        holding = hold()
        locks = next(holding), patch(), same[0]
        assert [type(lock).__module__ for lock in locks] == ["_thread"] * 3
        report = patching.report()
        why = "nothing can be replaced there, so this lock stays native everywhere"
        places = [f"__main__.{name}" for name in ("fixed", "call", "holding")]
        places.append("the variable local of patch")
        print([place for place in places if f"{place}: {why}" not in report])
        """
        assert run(script) == "[]\n"

    def test_simple_queues_that_no_native_thread_can_wait_in(self) -> None:
        script = """
        items = queue.SimpleQueue()
        native = type(items)
        items.put(1)
        patching.patch()
        threading.Timer(0.001, lambda: items.put(2)).start()
        print(items.get(), items.get(timeout=5), type(items) is queue.SimpleQueue)
        items.put(3)
        patching.unpatch()
        print(items.get(), type(items) is native)
        """
        assert run(script) == "1 2 True\n3 True\n"

    def test_those_who_are_gone_are_not_restored(self) -> None:
        script = """
        class Holder: pass
        holder, changed = Holder(), Holder()
        holder.lock, changed.lock = threading.Lock(), threading.Lock()
        patching.patch()
        del holder
        changed.lock = "something else"
        patching.unpatch()
        print(changed.lock)
        """
        assert run(script) == "something else\n"

    def test_local_data(self) -> None:
        script = """
        data = threading.local()
        data.value = "of the main one"
        patching.patch()
        thread = threading.Thread(target=lambda: print(hasattr(data, "value")))
        thread.start(); thread.join()
        print(data.value)
        """
        assert run(script) == "False\nof the main one\n"

    def test_the_native_twins_of_original_stay_native(self) -> None:
        script = """
        native = patching.original("threading")
        flag = native.Event()
        patching.patch()
        later = threading.Event()
        print("eventlet" in repr(flag._cond._lock), "eventlet" in repr(later._cond._lock))
        """
        assert run(script) == "False True\n"


def test_queues_that_are_made_later_are_green() -> None:
    script = """
    import _queue
    patching.patch()
    assert _queue.SimpleQueue is queue.SimpleQueue
    for kind in queue.Queue, queue.LifoQueue, queue.PriorityQueue, queue.SimpleQueue:
        items = kind()
        threading.Timer(0.001, items.put, [kind.__name__]).start()
        print(items.get(timeout=5))
    """
    assert run(script) == "Queue\nLifoQueue\nPriorityQueue\nSimpleQueue\n"


def test_local_data_alone() -> None:
    script = """
    patching.patch("threading_local")
    data = threading.local()
    data.value = 1
    print(spawn(hasattr, data, "value").wait())
    """
    assert run(script) == "False\n"
