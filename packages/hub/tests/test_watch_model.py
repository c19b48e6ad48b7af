"""Random comings and goings of those who read one descriptor: no byte and no wake-up is lost."""

from __future__ import annotations

import socket

import pytest
from greenlet import GreenletExit
from hypothesis import given, settings
from hypothesis import strategies as st

from eventlet.hub import (
    GreenThread,
    Timeout,
    Watch,
    available_hubs,
    get_hub,
    sleep,
    spawn,
    wait_readable,
)
from eventlet.hub.testing import fresh_hub, wait_until_idle

ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["send", "owner", "guest", "hasty", "kill", "settle", "turn", "close"]),
        st.integers(1, 4),
    ),
    max_size=40,
)


class Party:
    """Some who read one socket, by the watch of its owner or as guests."""

    def __init__(self) -> None:
        self.mine, self.other = socket.socketpair()
        self.mine.setblocking(False)
        self.watch: Watch = get_hub().watch(self.mine.fileno())
        self.readers: list[GreenThread[None]] = []
        self.received = 0
        self.sent = 0

    def owner(self, number: int) -> None:
        self.readers.append(spawn(self.read, number, as_guest=False))

    def guest(self, number: int) -> None:
        self.readers.append(spawn(self.read, number, as_guest=True))

    def hasty(self, number: int) -> None:
        self.readers.append(spawn(self.read_in_time, number))

    def read_in_time(self, number: int) -> None:
        with Timeout(0, False):
            self.read(number, as_guest=False)

    def read(self, number: int, *, as_guest: bool) -> None:
        while number:
            if as_guest:
                wait_readable(self.mine)
            else:
                self.watch.wait_readable()
            try:
                data = self.mine.recv(1)
            except BlockingIOError:
                if not as_guest:
                    self.watch.readable = False
            else:
                self.received += 1
                number -= len(data)

    def send(self, number: int) -> None:
        self.other.send(bytes(number))
        self.sent += number

    def kill(self, number: int) -> None:
        for reader in self.readers[-number:]:
            reader.throw()

    def settle(self, number: int) -> None:
        wait_until_idle()

    def turn(self, number: int) -> None:
        for _ in range(number):
            sleep(0)

    def close(self, number: int) -> None:
        """Close the watch as if the owner had gone, and let another own the socket."""
        self.watch.close()
        self.watch = get_hub().watch(self.mine.fileno())

    def end(self) -> None:
        for reader in self.readers:
            reader.throw()
        wait_until_idle()
        self.watch.close()
        self.mine.close()
        self.other.close()

    @property
    def living(self) -> int:
        return sum(not reader.dead for reader in self.readers)


@pytest.mark.parametrize("name", available_hubs())
@given(actions=ACTIONS)
@settings(max_examples=60, deadline=None)
def test_as_long_as_somebody_reads_everything_is_read(
    name: str, actions: list[tuple[str, int]]
) -> None:
    with fresh_hub(name) as hub:
        party = Party()
        try:
            for action, number in actions:
                getattr(party, action)(number)
            for _ in range(3):
                sleep(0.0005)
                wait_until_idle()
            assert not party.living or party.received == party.sent
            turns = hub.turns
            sleep(0.002)
            assert hub.turns - turns < 10, "somebody wakes somebody for nothing, again and again"
        finally:
            party.end()
            outcomes = {type(reader.exception) for reader in party.readers}
            assert outcomes <= {type(None), OSError, GreenletExit}
            assert not party.living
