"""Where the system has no descriptors left: who is told, what goes on, and that it recovers."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
from collections.abc import Callable
from threading import Thread

import pytest

from eventlet.hub import (
    Timeout,
    Waiter,
    available_hubs,
    get_hub,
    spawn,
    tpool,
    trampoline,
    wait_readable,
)
from eventlet.hub.testing import wait_until_idle

resource = pytest.importorskip("resource", reason="limits of descriptors are POSIX")

RunScript = Callable[..., "subprocess.CompletedProcess[str]"]
Pair = tuple[socket.socket, socket.socket]

PROLOGUE = """
import os, resource
from eventlet.hub import *
from threading import Thread

def take_all(spare=0):
    taken = []
    try:
        while True:
            taken.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        for _ in range(spare):
            os.close(taken.pop())
    return taken

def limit(number):
    resource.setrlimit(resource.RLIMIT_NOFILE, (number, HARD))

SOFT, HARD = resource.getrlimit(resource.RLIMIT_NOFILE)

def say_how_it_goes(who):
    try:
        sleep(0.001)
        waiter = Waiter()
        native = Thread(target=waiter.switch, args=("alive",))
        get_hub().call_soon(native.start)
        say(f"{who} {waiter.wait(10)}")
        native.join()
    except OSError as error:
        say(f"{who} {error.strerror}")

def say(line):
    os.write(1, f"{line}\\n".encode())  # at once, as two processes may speak

sleep(0)
"""


@pytest.fixture
def none_left(poller: str, pair: Pair, no_descriptors_left: None) -> None:
    """No descriptors, but those of a hub and a pair."""


def test_all_that_needs_no_new_ones_goes_on(none_left: None, pair: Pair) -> None:
    reader = spawn(wait_readable, pair[0], 10)
    watch = get_hub().watch(pair[1].fileno())
    watch.readable = False
    with Timeout(0.001, False):
        watch.wait_readable()
    pair[1].send(b"x")
    reader.wait(10)
    done: Waiter[str] = Waiter()
    native = Thread(target=done.switch, args=("woken",))
    native.start()
    assert done.wait(10) == "woken"
    native.join()
    assert tpool.execute(abs, -1) == 1
    watch.close()


@pytest.mark.parametrize("name", available_hubs())
@pytest.mark.parametrize("spare", [0, 1, 2])
def test_a_hub_whose_own_were_closed_asks_until_there_are_some(
    run_script: RunScript, name: str, spare: int
) -> None:
    script = f"""
limit(20)
os.closerange(3, 30)
taken = take_all({spare})
for _ in range(3):
    say_how_it_goes("meanwhile")
for fd in taken:
    os.close(fd)
say_how_it_goes("afterwards")
"""
    done = run_script(PROLOGUE + script, EVENTLET_HUB=name)
    *meanwhile, afterwards = done.stdout.splitlines()
    needed = 3 if name == "epoll" else 2
    what = "alive" if spare >= needed else os.strerror(errno.EMFILE)
    assert meanwhile == [f"meanwhile {what}"] * 3
    assert (afterwards, done.stderr) == ("afterwards alive", "")


@pytest.mark.parametrize("name", available_hubs())
def test_a_forked_child_needs_no_more_than_its_parent(run_script: RunScript, name: str) -> None:
    script = """
limit(20)
taken = take_all()
child = os.fork()
say_how_it_goes("parent" if child else "child")
if child:
    os.waitpid(child, 0)
limit(SOFT)  # what measures the coverage opens a file at the end
"""
    done = run_script(PROLOGUE + script, EVENTLET_HUB=name)
    assert sorted(done.stdout.splitlines()) == ["child alive", "parent alive"]
    assert done.stderr == ""


@pytest.mark.parametrize("name", available_hubs())
def test_a_forked_child_that_may_have_none_at_all_recovers(
    run_script: RunScript, name: str
) -> None:
    script = """
pair = __import__("socket").socketpair()
def read():
    wait_readable(pair[0])
    return pair[0].recv(1)
reader = spawn(read)
watch = get_hub().watch(pair[1].fileno())
sleep(0.001)
limit(3)
child = os.fork()
if child:
    os.waitpid(child, 0)
    limit(SOFT)
    pair[1].send(b"x")
    print("parent", reader.wait(10) == b"x", flush=True)
else:
    for _ in range(3):
        say_how_it_goes("meanwhile")
    limit(SOFT)
    say_how_it_goes("afterwards")
    watch.readable = False
    pair[0].send(b"x")
    watch.wait_readable(10)
    print("and its watches too", flush=True)
    os._exit(0)
"""
    done = run_script(PROLOGUE + script, EVENTLET_HUB=name)
    assert done.stdout.splitlines() == [
        *[f"meanwhile {os.strerror(errno.EMFILE)}"] * 3,
        "afterwards alive",
        "and its watches too",
        "parent True",
    ]


def test_watches_made_meanwhile_are_registered_later(run_script: RunScript) -> None:
    script = """
pair = __import__("socket").socketpair()
limit(20)
hub = get_hub()
own = {fd for fd in range(3, 20) if fd not in (pair[0].fileno(), pair[1].fileno())}
for fd in own:
    try:
        os.close(fd)
    except OSError:
        pass
taken = take_all()
say_how_it_goes("meanwhile")
print(hub.poller.fileno())
watch = hub.watch(pair[0].fileno())
watch.readable = False
try:
    watch.wait_readable()
except OSError as error:
    print(error.strerror)
for fd in taken:
    os.close(fd)
reader = spawn(watch.wait_readable, 10)
sleep(0)
pair[1].send(b"x")
reader.wait()
print("read", flush=True)
watch.close()
for each in pair:
    each.close()
"""
    done = run_script(PROLOGUE + script)
    too_many = os.strerror(errno.EMFILE)
    assert done.stdout.splitlines() == [f"meanwhile {too_many}", "-1", too_many, "read"]
    assert done.stderr == ""


def test_a_poller_without_room_is_an_error_of_one_wait(
    poller: str, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As epoll_ctl(2) is where a user has too many watches (ENOSPC)."""

    def refuse(fd: int) -> bool:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    other = spawn(wait_readable, pair[1], 10)
    wait_until_idle()
    with monkeypatch.context() as full:
        full.setattr(get_hub().poller, "register", refuse)
        for wait in (wait_readable, lambda fd: trampoline(fd, read=True), get_hub().watch):
            with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
                wait(pair[0].fileno())
    assert get_hub().stats().watches == 1
    pair[0].send(b"x")
    other.wait(10)
    reader = spawn(wait_readable, pair[0], 10)
    pair[1].send(b"x")
    reader.wait(10)


def test_signals_still_arrive_afterwards(run_script: RunScript) -> None:
    script = """
import signal
limit(20)
os.closerange(3, 30)
taken = take_all()
say_how_it_goes("meanwhile")
for fd in taken:
    os.close(fd)
say_how_it_goes("afterwards")
waiter = Waiter()
signal.signal(signal.SIGALRM, lambda *_: waiter.switch("signalled"))
signal.setitimer(signal.ITIMER_REAL, 0.01)
print(waiter.wait(10))
"""
    done = run_script(PROLOGUE + script)
    assert done.stdout.splitlines()[1:] == ["afterwards alive", "signalled"], done.stderr
