"""What interrupts those who wait for a descriptor, and what does not."""

from __future__ import annotations

import math
import socket

import pytest
from greenlet import getcurrent as getgreenlet
from greenlet import greenlet

from eventlet.hub import (
    Watch,
    get_hub,
    move_on_after,
    spawn,
)
from eventlet.hub.testing import wait_until_idle

pytestmark = pytest.mark.usefixtures("poller", "no_leaks")

Pair = tuple[socket.socket, socket.socket]


def receive(watch: Watch, sock: socket.socket, size: int = 1) -> bytes:
    """Receive as the owner of a stream does."""
    while True:
        watch.wait_readable()
        try:
            data = sock.recv(size)
        except BlockingIOError:
            watch.readable = False
        else:
            if len(data) < size:
                watch.readable = False
            return data


@pytest.mark.parametrize("others", [0, 1])
def test_a_kill_that_is_held_back_after_all_loses_no_event(
    watch: Watch, pair: Pair, others: int
) -> None:
    watch.readable = False
    ahead = [spawn(watch.wait_readable) for _ in range(others)]
    scope = move_on_after(math.inf)

    got = []

    def read() -> None:
        with scope:
            got.append(receive(watch, pair[0]))

    reader = spawn(read)
    wait_until_idle()
    pair[1].send(b"x")
    reader.throw()
    scope.shield = True
    reader.wait(5)
    assert got == [b"x"]
    for thread in ahead:
        thread.wait(5)


def test_a_child_that_ends_does_not_end_its_parents_wait(watch: Watch, pair: Pair) -> None:
    def read() -> bytes:
        me = getgreenlet()
        bare = greenlet(me.switch)
        bare.switch()
        get_hub().call_soon(bare.switch)
        data = receive(watch, pair[0])
        assert bare.dead
        return data

    reader = spawn(read)
    wait_until_idle()
    assert not reader.dead
    pair[1].send(b"x")
    assert reader.wait(5) == b"x"


def test_a_child_that_fails_leaves_nobody_in_line(watch: Watch, pair: Pair) -> None:
    def read() -> None:
        me = getgreenlet()

        def fail() -> None:
            me.switch()
            raise LookupError

        bare = greenlet(fail)
        bare.switch()
        get_hub().call_soon(bare.switch)
        with pytest.raises(LookupError):
            receive(watch, pair[0])
        assert not watch.has_waiters

    spawn(read).wait(5)


def test_a_watch_that_is_closed_by_the_first_who_was_woken_wakes_the_others_as_well(
    watch: Watch, pair: Pair
) -> None:
    watch.readable = False

    def read_and_close() -> None:
        watch.wait_readable()
        watch.close()

    first = spawn(read_and_close)
    wait_until_idle()
    others = [spawn(watch.wait_readable) for _ in range(3)]
    wait_until_idle()
    pair[1].send(b"x")
    first.wait(5)
    for other in others:
        with pytest.raises(OSError, match="Bad file descriptor"):
            other.wait(5)
