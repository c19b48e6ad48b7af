"""What is no open descriptor, at every place that takes one."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from typing import Any

import pytest

from eventlet.hub import get_hub, spawn, trampoline, wait_readable, wait_writable
from eventlet.hub.testing import wait_until_idle

Pair = tuple[socket.socket, socket.socket]

ENTRIES: dict[str, Callable[[Any], object]] = {
    "wait_readable": wait_readable,
    "wait_writable": wait_writable,
    "trampoline": lambda fd: trampoline(fd, read=True, write=True),
    "watch": lambda fd: get_hub().watch(fd),
}


class Thing:
    """Has a ``fileno()`` that returns anything."""

    def __init__(self, number: Any) -> None:
        self._number = number

    def fileno(self) -> Any:
        return self._number


def closed_socket() -> socket.socket:
    with (pair := socket.socketpair())[0], pair[1]:
        return pair[0]


def closed_number() -> int:
    number = os.open(os.devnull, os.O_RDONLY)
    os.close(number)
    return number


@pytest.fixture(params=ENTRIES)
def entry(request: pytest.FixtureRequest, poller: str) -> Callable[[Any], object]:
    return ENTRIES[request.param]


@pytest.mark.parametrize("fd", [-1, -(2**40)])
def test_negative_numbers(entry: Callable[[Any], object], fd: int) -> None:
    with pytest.raises(ValueError, match=f">= 0, not {fd}; is the object closed"):
        entry(fd)
    assert get_hub().stats().watches == 0


@pytest.mark.parametrize("fd", [closed_number, lambda: 2**31, lambda: 2**70])
def test_numbers_of_nothing(
    entry: Callable[[Any], object], fd: Callable[[], int], pair: Pair
) -> None:
    reader = spawn(wait_readable, pair[0], 10)
    wait_until_idle()
    with pytest.raises(OSError, match=os.strerror(errno.EBADF)) as caught:
        entry(fd())
    assert caught.value.errno == errno.EBADF
    assert get_hub().stats().watches == 1
    pair[1].send(b"x")
    reader.wait(10)


@pytest.mark.parametrize("fd", ["3", None, 3.0, object()])
def test_what_is_no_number(entry: Callable[[Any], object], fd: object) -> None:
    with pytest.raises(TypeError, match="descriptor"):
        entry(fd)
    assert get_hub().stats().watches == 0


@pytest.mark.parametrize("wait", [wait_readable, wait_writable])
@pytest.mark.parametrize(
    ("make", "error"),
    [
        (closed_socket, ValueError),
        (lambda: Thing(None), TypeError),
        (lambda: Thing(3.0), TypeError),
        (lambda: Thing(-1), ValueError),
        (lambda: Thing(2**40), OSError),
        (lambda: Thing(closed_number()), OSError),
    ],
)
@pytest.mark.usefixtures("poller")
def test_objects(
    wait: Callable[[Any], object], make: Callable[[], object], error: type[Exception]
) -> None:
    with pytest.raises(error, match="descriptor"):
        wait(make())
    assert get_hub().stats().watches == 0
