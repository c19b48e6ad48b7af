"""What makes a poll return for other native threads and for signals."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable, Iterator

import pytest

from eventlet.hub import _wakeup, get_hub, sleep
from eventlet.hub._wakeup import SocketWakeup, Wakeup, make_wakeup

KINDS: list[Callable[[], Wakeup]] = [SocketWakeup]
if hasattr(os, "eventfd"):
    KINDS.append(_wakeup.EventFdWakeup)


@pytest.fixture(params=KINDS)
def wakeup(request: pytest.FixtureRequest) -> Iterator[Wakeup]:
    wakeup: Wakeup = request.param()
    yield wakeup
    if wakeup.fileno() >= 0:
        wakeup.close()


def is_set(wakeup: Wakeup) -> bool:
    return bool(select.select([wakeup], [], [], 0)[0])


def test_set_and_clear(wakeup: Wakeup) -> None:
    assert not is_set(wakeup)
    wakeup.set()
    wakeup.set()
    assert is_set(wakeup)
    wakeup.clear()
    assert not is_set(wakeup)


def test_clear_without_set(wakeup: Wakeup) -> None:
    wakeup.clear()
    assert not is_set(wakeup)


def test_any_number_of_times(wakeup: Wakeup) -> None:
    for _ in range(2000):
        wakeup.set()
    assert is_set(wakeup)
    wakeup.clear()
    assert not is_set(wakeup)


def test_set_after_close_is_harmless(wakeup: Wakeup) -> None:
    before = os.pipe()
    wakeup.close()
    # Whoever gets the numbers now must not be written to.
    after = os.pipe()
    wakeup.set()
    assert not select.select([after[0]], [], [], 0)[0]
    for fd in (*before, *after):
        os.close(fd)


def test_close_while_others_set(wakeup: Wakeup) -> None:
    begun = threading.Barrier(5)
    errors: list[BaseException] = []

    def sets() -> None:
        begun.wait(20)
        try:
            for _ in range(200):
                wakeup.set()
        except OSError as error:
            errors.append(error)

    natives = [threading.Thread(target=sets) for _ in range(4)]
    for native in natives:
        native.start()
    begun.wait(20)
    wakeup.close()
    for native in natives:
        native.join(20)
    assert errors == []


def test_set_when_somebody_has_closed_the_descriptors(wakeup: Wakeup) -> None:
    os.close(wakeup.fileno())
    if isinstance(wakeup, SocketWakeup):
        os.close(wakeup.signal_fileno)
    wakeup.set()
    wakeup.abandon()
    wakeup.set()
    assert wakeup.fileno() == -1


def test_other_failures_are_not_hidden(wakeup: Wakeup) -> None:
    if isinstance(wakeup, SocketWakeup):
        wakeup._receiver.close()
        with pytest.raises(BrokenPipeError):
            wakeup.set()
        wakeup._sender.close()
        return
    with open("/dev/full", "wb", buffering=0) as full:
        os.dup2(full.fileno(), wakeup.fileno())
    with pytest.raises(OSError, match="No space left"):
        wakeup.set()


def test_signals_need_a_socket() -> None:
    wakeup = make_wakeup(for_signals=True)
    assert isinstance(wakeup, SocketWakeup)
    assert wakeup.signal_fileno >= 0
    wakeup.close()


def test_portable_mode_has_sockets_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_wakeup, "PORTABLE", True)
    wakeup = make_wakeup(for_signals=False)
    assert isinstance(wakeup, SocketWakeup)
    wakeup.close()


def test_so_many_may_pile_up_that_the_system_takes_no_more(wakeup: Wakeup) -> None:
    for _ in range(100_000):
        wakeup.set()
    wakeup.clear()
    assert not is_set(wakeup)


def test_its_descriptors_are_not_inherited(wakeup: Wakeup) -> None:
    assert not os.get_inheritable(wakeup.fileno())


def test_clear_when_the_other_end_is_gone_ends() -> None:
    wakeup = SocketWakeup()
    wakeup._sender.close()
    wakeup.clear()
    wakeup.close()


def test_signals_write_to_a_descriptor_of_its_own() -> None:
    wakeup = SocketWakeup()
    os.write(wakeup.signal_fileno, b"\2")
    assert is_set(wakeup)
    wakeup.clear()
    assert not is_set(wakeup)
    wakeup.close()


def test_a_failure_in_the_hub_reaches_the_main_greenlet(
    poller: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = get_hub()

    def broken() -> None:
        monkeypatch.undo()
        raise OSError("no wakeup")

    sleep(0.001)
    monkeypatch.setattr(hub.wakeup, "clear", broken)
    hub.wakeup.set()
    with pytest.raises(OSError, match="no wakeup"):
        sleep(1)
    sleep(0.001)
