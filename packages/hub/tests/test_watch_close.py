"""The end of a watch, and what becomes of those who wait for it."""

from __future__ import annotations

import errno
import os
import socket

import pytest

from eventlet.hub import (
    Watch,
    get_hub,
    spawn,
)
from eventlet.hub.testing import wait_until_idle

pytestmark = pytest.mark.usefixtures("poller", "no_leaks")

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def watch(poller: str, pair: Pair) -> Watch:
    """The watch of the pair's first socket, both of whose buffers are exhausted."""
    with pytest.raises(BlockingIOError):
        while True:
            pair[0].send(bytes(65536))
    made = get_hub().watch(pair[0].fileno())
    made.readable = made.writable = False
    return made


class TestClose:
    def test_it_wakes_all_who_wait(self, watch: Watch) -> None:
        waiting = [spawn(watch.wait_readable) for _ in range(3)]
        waiting += [spawn(watch.wait_writable, 60) for _ in range(3)]
        wait_until_idle()
        watch.close()
        watch.close()
        for thread in waiting:
            with pytest.raises(OSError, match="Bad file descriptor") as caught:
                thread.wait(5)
            assert caught.value.errno == errno.EBADF
        assert repr(watch).endswith("closed>")

    def test_waiting_afterwards_is_an_error(self, watch: Watch) -> None:
        watch.close()
        for wait in (watch.wait_readable, watch.wait_writable):
            with pytest.raises(OSError, match="Bad file descriptor"):
                wait(1)

    def test_stale_knowledge_does_not_reach_the_next_file_of_that_number(self, pair: Pair) -> None:
        hub = get_hub()
        fd = os.dup(pair[0].fileno())
        old = hub.watch(fd)
        old.readable = False
        waiting = spawn(old.wait_readable)
        wait_until_idle()
        pair[1].send(b"x")  # an event for the old file is on its way
        old.close()
        os.close(fd)
        reader, writer = os.pipe()
        assert reader == fd
        new = hub.watch(fd)
        new.readable = False
        with pytest.raises(OSError, match="Bad file descriptor"):
            waiting.wait(5)
        with pytest.raises(TimeoutError):
            new.wait_readable(0.005)
        os.write(writer, b"y")
        new.wait_readable(5)
        new.close()
        os.close(reader)
        os.close(writer)

    def test_a_new_watch_of_a_number_closes_the_forgotten_one(self, pair: Pair) -> None:
        hub = get_hub()
        fd = os.dup(pair[0].fileno())
        old = hub.watch(fd)
        os.close(fd)  # behind its back
        assert os.dup(pair[0].fileno()) == fd
        new = hub.watch(fd)
        assert old.closed
        old.close()
        new.readable = False
        pair[1].send(b"x")
        new.wait_readable(5)
        new.close()
        os.close(fd)

    def test_a_watch_whose_descriptor_is_gone_closes_when_it_is_to_be_registered_anew(
        self, pair: Pair
    ) -> None:
        fd = os.dup(pair[0].fileno())
        watch = get_hub().watch(fd)
        watch.readable = False
        waiting = spawn(watch.wait_readable)
        wait_until_idle()
        os.close(fd)
        watch.register_anew()
        with pytest.raises(OSError, match="Bad file descriptor"):
            waiting.wait(5)
        assert watch.closed
