"""Sockets, and classes of sockets, that are there when the standard module is patched."""

from __future__ import annotations

import gc
import socket
import ssl
from collections.abc import Iterator
from typing import Any

import pytest

from eventlet import hub
from eventlet.greensocket import GreenSocket, _earlier_sockets
from eventlet.hub import patching
from eventlet.hub.testing import wait_until_idle

pytestmark = pytest.mark.skipif(
    "socket" not in patching.available(), reason="not installed, only on path"
)


class Marking(socket.socket):
    def recv(self, *args: Any) -> bytes:
        return b"marked " + super().recv(*args)


class Explicit(socket.socket):
    def __init__(self, *args: Any) -> None:
        socket.socket.__init__(self, *args)


class Immutable(type):
    def __setattr__(cls, name: str, value: object) -> None:
        raise TypeError(f"cannot set {name}")


class Stubborn(socket.socket, metaclass=Immutable):
    pass


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def test_a_socket_that_was_made_before_waits_green(pair: tuple[Any, Any]) -> None:
    one, other = pair
    one.settimeout(50)
    file = other.makefile("rb")
    with patching.patched("socket"), file:
        assert isinstance(one, socket.socket)
        assert one.gettimeout() == 50
        assert other.gettimeout() is None
        receiving, reading = hub.spawn(one.recv, 5), hub.spawn(file.read, 5)
        wait_until_idle()
        other.sendall(b"hello")
        one.sendall(b"again")
        assert (receiving.wait(), reading.wait()) == (b"hello", b"again")
        assert f"a socket.socket on descriptor {one.fileno()}" in patching.report()
        with one.dup() as twin:
            assert type(twin) is GreenSocket
    assert type(one) is socket.socket
    assert (one.gettimeout(), other.gettimeout()) == (50, None)
    other.sendall(b"natively")
    assert one.recv(8) == b"natively"


def test_closing_wakes_who_waits(pair: tuple[Any, Any]) -> None:
    one, _ = pair
    with patching.patched("socket"):
        waiting = hub.spawn(one.recv, 5)
        wait_until_idle()
        one.close()
        with pytest.raises(OSError, match="Bad file descriptor"):
            waiting.wait()


def test_a_listener_that_was_made_before_accepts_green() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, patching.patched("socket"):
        accepting = hub.spawn(listener.accept)
        wait_until_idle()
        with socket.create_connection(listener.getsockname()), accepting.wait()[0] as accepted:
            assert type(accepted) is GreenSocket


def test_classes_that_were_derived_before_are_green(pair: tuple[Any, Any]) -> None:
    one, other = (end.detach() for end in pair)
    early = Marking(fileno=one)
    with early, patching.patched("socket"), Explicit(-1, -1, -1, other) as late:
        late.settimeout(50)
        waiting = hub.spawn(early.recv, 5), hub.spawn(late.recv, 5)
        wait_until_idle()
        late.sendall(b"hello")
        early.sendall(b"again")
        assert [thread.wait() for thread in waiting] == [b"marked hello", b"again"]
        assert patching.original("socket").socket not in (type(early), GreenSocket)
    assert Marking.__bases__ == Explicit.__bases__ == (socket.socket,)
    assert early.fileno() == late.fileno() == -1


def test_what_was_made_of_them_meanwhile_is_native_afterwards(pair: tuple[Any, Any]) -> None:
    one, other = pair
    with patching.patched("socket"):
        late = Marking(fileno=one.detach())
        late.settimeout(0.001)
    with late:
        assert late.gettimeout() == 0.001
        with pytest.raises(TimeoutError):
            late.recv(1)
        late.settimeout(None)
        other.sendall(b"x")
        assert late.recv(1) == b"marked x"


def test_what_cannot_be_green_is_named(pair: tuple[Any, Any]) -> None:
    context = ssl.create_default_context()
    with Stubborn(fileno=pair[0].detach()) as stubborn, socket.socket() as raw:
        with context.wrap_socket(raw, server_hostname="localhost") as secured:
            with patching.patched("socket"):
                report = patching.report()
            numbers = stubborn.fileno(), secured.fileno()
    why = "it was made before, and blocks all green threads"
    assert f"{__name__}.Stubborn: cannot set __bases__" in report
    assert f"a {__name__}.Stubborn on descriptor {numbers[0]}: {why}" in report
    assert f"a ssl.SSLSocket on descriptor {numbers[1]}: {why}" in report


def test_nothing_is_kept_of_what_has_ended() -> None:
    with patching.patched("socket"):
        before = len(_earlier_sockets._kept)
        one = Marking()
        assert len(_earlier_sockets._kept) == before + 1
        one.close()
        del one
        gc.collect()
        assert len(_earlier_sockets._kept) == before
        unmade = Marking.__new__(Marking)
        with pytest.raises(AttributeError, match="_timeout"):
            unmade.gettimeout()


def test_patching_twice_changes_nothing(pair: tuple[Any, Any]) -> None:
    one, _ = pair
    one.settimeout(3)
    with patching.patched("socket"):
        patching.patch("socket_without_lookups")
        assert one.gettimeout() == 3


def test_original_sockets_stay_native() -> None:
    with patching.patched("socket"), patching.original("socket").socket() as native:
        assert type(native) is not GreenSocket
        assert native.getblocking()
        assert native.__class__.__module__ == "socket"
