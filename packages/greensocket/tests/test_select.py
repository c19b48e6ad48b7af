"""`select`, `selectors`, and the objects they are made of."""

from __future__ import annotations

import errno
import os
import select as standard
import selectors as standard_selectors
from collections.abc import Iterator
from typing import Any

import pytest

from eventlet import hub
from eventlet.greensocket import select, selectors, socket
from eventlet.hub._portable import PORTABLE
from eventlet.hub.testing import wait_until_idle

pytestmark = pytest.mark.usefixtures("no_leaks")


@pytest.fixture(params=["best", "threads"])
def road(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both roads through the hub: by epoll or kqueue, and by a green thread for each."""
    if request.param == "threads":
        monkeypatch.setattr("eventlet.greensocket._multiplexing._HAS_EPOLL", False)
        monkeypatch.setattr("eventlet.greensocket._select._POLLS", False)
    return str(request.param)


@pytest.fixture
def pipes() -> Iterator[list[tuple[int, int]]]:
    made = [os.pipe() for _ in range(3)]
    yield made
    for fd in {fd for pair in made for fd in pair}:
        try:
            os.close(fd)
        except OSError:
            pass  # the test has done it


def test_ready_at_once(road: str, pipes: Any) -> None:
    (reading, writing), (empty, _), _ = pipes
    os.write(writing, b"x")
    assert select.select([reading, empty], [writing], [reading]) == ([reading], [writing], [])
    assert select.select([empty], [], [], 0) == ([], [], [])
    assert select.select([], [], [], 0) == ([], [], [])


def test_only_the_caller_waits(poller: str, road: str, pipes: Any) -> None:
    readers = [reading for reading, _ in pipes]
    waiting: Any = hub.spawn(select.select, readers, [], [])
    wait_until_idle()
    assert not waiting.ready
    os.write(pipes[1][1], b"x")
    assert waiting.wait() == ([readers[1]], [], [])


def test_timeouts(poller: str, road: str, pipes: Any) -> None:
    before = hub.get_hub().time()
    assert select.select([pipes[0][0]], [], [], 0.01) == ([], [], [])
    assert hub.get_hub().time() - before >= 0.01
    assert select.select([], [], [], 0.01) == ([], [], [])
    assert select.select([], [], [pipes[0][0]], 0.01) == ([], [], [])


def test_asking_in_a_loop_starves_nobody(pipes: Any) -> None:
    hub.spawn(os.write, pipes[0][1], b"x")
    while not select.select([pipes[0][0]], [], [], 0)[0]:
        pass


def test_answers_in_a_loop_starve_nobody(pipes: Any) -> None:
    reading, writing = pipes[0]
    poll, best = select.poll(), selectors.DefaultSelector()
    poll.register(writing)
    best.register(writing, selectors.EVENT_WRITE)
    for ask in (lambda: select.select([], [writing], []), poll.poll, best.select):
        hub.spawn(os.write, writing, b"x")
        while not standard.select([reading], [], [], 0)[0]:
            assert ask()
        os.read(reading, 1)
    best.close()


def test_timeouts_of_others_pass(road: str, pipes: Any) -> None:
    with pytest.raises(hub.Timeout), hub.Timeout(0.001):
        select.select([pipes[0][0]], [], [], 100)
    hub.exc_after(0.001, TimeoutError("mine"))
    with pytest.raises(TimeoutError, match="mine"):
        select.select([pipes[0][0]], [], [], 100)


def test_waiting_for_nothing_can_be_killed() -> None:
    waiting: Any = hub.spawn(select.select, [], [], [])
    wait_until_idle()
    waiting.kill()
    assert waiting.dead


def test_both_directions_of_one_socket(poller: str, road: str) -> None:
    one, other = socket.socketpair()
    with one, other:
        assert select.select([one], [one], [one], 10) == ([], [one], [])
        other.send(b"x")
        assert select.select([one], [one], []) == ([one], [one], [])
        other.close()
        assert select.select([one], [], [], 10)[0] == [one]


def test_urgent_data(poller: str, road: str, tcp_pair: Any) -> None:
    one, other = tcp_pair
    waiting: Any = hub.spawn(select.select, [], [], [one])
    wait_until_idle()
    other.send(b"!", socket.MSG_OOB)
    assert waiting.wait() == ([], [], [one])


def test_files_are_always_ready(road: str, tmp_path: Any) -> None:
    with open(tmp_path / "file", "wb") as file:
        assert select.select([file], [file], []) == ([file], [file], [])


def test_files_have_no_exceptional_conditions(road: str, tmp_path: Any, pipes: Any) -> None:
    with open(tmp_path / "file", "wb") as file:
        assert select.select([], [], [file], 0.01) == ([], [], [])
        hub.spawn(os.write, pipes[0][1], b"x")
        assert select.select([pipes[0][0]], [], [file], 10) == ([pipes[0][0]], [], [])


@pytest.mark.skipif(PORTABLE, reason="the portable road is select(2), which has its limit")
def test_large_descriptors(pipes: Any) -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 3000:
        pytest.skip("this system allows no large descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 3000), hard))
    large = 2500
    os.dup2(pipes[0][0], large)
    try:
        os.write(pipes[0][1], b"x")
        assert select.select([large], [], [], 1) == ([large], [], [])
    finally:
        os.close(large)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((1, 2, 3), TypeError),
        (([object()], [], []), TypeError),
        (([], [], [], "1"), TypeError),
        (([], [], [], -1), ValueError),
        (([], [], [], float("nan")), ValueError),
        (([-1], [], []), ValueError),
    ],
)
def test_wrong_arguments(arguments: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        select.select(*arguments)


def test_objects_with_odd_descriptors() -> None:
    class Odd:
        def fileno(self) -> Any:
            return "three"

    with pytest.raises(TypeError, match="non-integer"):
        select.select([Odd()], [], [])


def test_closed_descriptor(road: str, pipes: Any) -> None:
    os.close(pipes[0][0])
    with pytest.raises(OSError, match="Bad file descriptor") as caught:
        select.select([pipes[0][0]], [], [], 1)
    assert caught.value.errno == errno.EBADF


def test_descriptor_closed_while_waiting_by_green_threads(
    monkeypatch: pytest.MonkeyPatch, pipes: Any
) -> None:
    monkeypatch.setattr("eventlet.greensocket._multiplexing._HAS_EPOLL", False)
    waiting: Any = hub.spawn(select.select, [pipes[0][0], pipes[1][0]], [], [])
    wait_until_idle()
    watch = hub.get_hub().watches[pipes[0][0]]
    watch.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        waiting.wait()


# Objects


def test_poll(poller: str, road: str, pipes: Any) -> None:
    asked = select.poll()
    for reading, _ in pipes:
        asked.register(reading, select.POLLIN)
    waiting = hub.spawn(asked.poll)
    wait_until_idle()
    with pytest.raises(RuntimeError, match="concurrent"):
        asked.poll()
    os.write(pipes[2][1], b"x")
    assert waiting.wait() == [(pipes[2][0], select.POLLIN)]
    asked.modify(pipes[2][0], 0)
    assert asked.poll(1) == []
    os.close(pipes[2][1])
    assert asked.poll(-1) == [(pipes[2][0], select.POLLHUP)]
    asked.unregister(pipes[2][0])
    assert asked.poll(0) == []


def test_poll_refuses_what_the_standard_one_refuses() -> None:
    asked = select.poll()
    with pytest.raises(KeyError):
        asked.unregister(0)
    with pytest.raises(FileNotFoundError):
        asked.modify(0, 1)
    with pytest.raises(TypeError):
        asked.register(object())
    with pytest.raises(OverflowError):
        asked.poll(2**40)


@pytest.mark.skipif(not hasattr(standard, "epoll"), reason="Linux has it")
def test_epoll(poller: str, pipes: Any) -> None:
    with select.epoll() as asked:
        for reading, _ in pipes:
            asked.register(reading, select.EPOLLIN)
        waiting = hub.spawn(asked.poll)
        wait_until_idle()
        assert not waiting.ready
        for _, writing in pipes[:2]:
            os.write(writing, b"x")
        assert len(waiting.wait()) >= 1
        assert len(asked.poll(maxevents=1)) == 1
        asked.unregister(pipes[0][0])
        asked.modify(pipes[1][0], select.EPOLLIN | select.EPOLLET)
        assert asked.poll(1) == [(pipes[1][0], select.EPOLLIN)]
        before = hub.get_hub().time()
        assert asked.poll(0.01) == []
        assert hub.get_hub().time() - before >= 0.01
        again = select.epoll.fromfd(os.dup(asked.fileno()))
        assert again.poll(0) == []
        again.close()
        again.close()
        assert again.closed
    with pytest.raises(ValueError, match="closed"):
        asked.poll(0)
    with pytest.raises(ValueError, match="closed"), asked:
        pass


@pytest.mark.skipif(not hasattr(standard, "epoll"), reason="Linux has it")
def test_closing_an_epoll_wakes_who_waits(poller: str) -> None:
    asked = select.epoll()
    waiting = hub.spawn(asked.poll)
    wait_until_idle()
    asked.close()
    with pytest.raises((OSError, ValueError)):
        waiting.wait()
    other = select.epoll()
    hub.exc_after(0.001, TimeoutError("mine"))
    with pytest.raises(TimeoutError, match="mine"):
        other.poll(100)
    other.close()


@pytest.mark.parametrize("name", sorted({*selectors.__implements__} - {"DefaultSelector"}))
def test_selectors(poller: str, road: str, pipes: Any, name: str) -> None:
    kind = getattr(selectors, name)
    assert issubclass(kind, getattr(standard_selectors, name))
    with kind() as selector:
        for number, (reading, _) in enumerate(pipes):
            selector.register(reading, selectors.EVENT_READ, number)
        waiting = hub.spawn(selector.select)
        wait_until_idle()
        assert not waiting.ready
        os.write(pipes[1][1], b"x")
        [(key, events)] = waiting.wait()
        assert (key.data, events) == (1, selectors.EVENT_READ)
        os.read(pipes[1][0], 9)
        assert selector.select(0.001) == []


def test_default_selector_is_the_best_one() -> None:
    assert selectors.DefaultSelector.__name__ == standard_selectors.DefaultSelector.__name__
