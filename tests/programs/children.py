"""Processes of the standard library in a patched program; the arguments: when, and how to start."""

import concurrent.futures
import multiprocessing
import os
import sys
import threading
import time
from multiprocessing.connection import Connection
from typing import Any

from eventlet.hub import patching


def square(number: int) -> int:
    time.sleep(0.01)
    return number * number


def increment(numbers: Any, pipe: Connection, lock: threading.Lock) -> None:
    with lock:
        numbers.put(pipe.recv() + 1)


def check(method: str) -> None:
    context: Any = multiprocessing.get_context(method)
    here, there = context.Pipe()
    numbers = context.Queue()
    lock = context.Lock()
    child = context.Process(target=increment, args=(numbers, there, lock))
    child.start()
    here.send(41)
    print("queue", numbers.get())
    child.join()
    print("child", child.exitcode)
    with context.Pool(2) as pool:
        print("pool", pool.map(square, range(4)))
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as executor:
        print("executor", list(executor.map(square, range(4))))
    # Who holds the lock must be able to let go of it while another green thread waits for it.
    lock.acquire()
    threading.Timer(0.001, lock.release).start()
    print("lock", lock.acquire(timeout=30))


def fork() -> None:
    pid = os.fork()
    if pid:
        print("fork", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
        return
    done: list[int] = []
    thread = threading.Thread(target=lambda: done.append(square(3)))
    thread.start()
    thread.join()
    os._exit(done[0])


def main() -> None:
    if "last" in sys.argv:
        patching.patch()
    stop = threading.Event()
    turns: list[None] = []

    def take_turns() -> None:
        while not stop.wait(0.001):
            turns.append(None)

    threading.Thread(target=take_turns).start()
    fork() if "fork()" in sys.argv else check(sys.argv[2])
    stop.set()
    print("others ran", len(turns) > 1)


if __name__ == "__main__":
    # Not in the children that are started anew, which import this: they stay as they are.
    if "first" in sys.argv:
        patching.patch()
    main()
