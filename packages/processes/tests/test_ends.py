from __future__ import annotations

import errno
import io
import os
import threading
from collections.abc import Callable
from typing import Any

import pytest

from eventlet import hub
from eventlet.hub._pollers import READ
from eventlet.hub.testing import wait_until_idle
from eventlet.processes import _ends
from eventlet.processes._pipes import RawPipe

Raw = tuple[RawPipe, RawPipe]


def run_native(function: Callable[[], Any]) -> Any:
    """Run a function in another native thread while the hub of this one goes on."""
    done: hub.Waiter[Any] = hub.Waiter()

    def call() -> None:
        try:
            done.switch(function())
        except BaseException as error:
            done.throw(error)

    thread = threading.Thread(target=call)
    thread.start()
    try:
        return done.wait(50)
    finally:
        thread.join(50)


def test_a_reader_waits_for_data_and_others_run(raw: Raw) -> None:
    reader, writer = raw
    reading = hub.spawn(reader.receive, 10)
    wait_until_idle()
    assert not reading.dead
    writer.write(b"abc")
    assert reading.wait(50) == b"abc"


def test_the_end_is_empty(raw: Raw) -> None:
    reader, writer = raw
    reading = hub.spawn(reader.receive, 10)
    wait_until_idle()
    writer.close()
    assert reading.wait(50) == b""
    assert reader.receive(10) == b""


def test_no_more_is_read_than_was_asked_for(raw: Raw) -> None:
    reader, writer = raw
    writer.write(b"abcdef")
    assert reader.receive(4) == b"abcd"
    assert reader.receive(4) == b"ef"


def test_a_writer_waits_for_room(raw: Raw) -> None:
    reader, writer = raw
    data = bytes(range(256)) * 2048
    writing = hub.spawn(writer.write, data)
    wait_until_idle()
    assert not writing.dead
    received = b""
    while len(received) < len(data):
        received += reader.receive(100_000)
    assert received == data
    assert writing.wait(50) == len(data)


def test_writing_where_nobody_reads_is_a_broken_pipe(raw: Raw) -> None:
    reader, writer = raw
    reader.close()
    with pytest.raises(BrokenPipeError):
        writer.write(b"abc")


def test_a_waiting_writer_gets_the_broken_pipe(raw: Raw) -> None:
    reader, writer = raw
    writing = hub.spawn(writer.write, bytes(1_000_000))
    wait_until_idle()
    reader.close()
    with pytest.raises(BrokenPipeError):
        writing.wait(50)


def test_close_wakes_all_readers(raw: Raw) -> None:
    reader, writer = raw
    readings = [hub.spawn(reader.receive, 10) for _ in range(3)]
    wait_until_idle()
    reader.close()
    for reading in readings:
        with pytest.raises(OSError, match="Bad file descriptor") as caught:
            reading.wait(50)
        assert caught.value.errno == errno.EBADF
    writer.close()


def test_close_wakes_a_writer(raw: Raw) -> None:
    reader, writer = raw
    writing = hub.spawn(writer.write, bytes(1_000_000))
    wait_until_idle()
    writer.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        writing.wait(50)
    reader.close()


def test_close_by_two_is_harmless(raw: Raw) -> None:
    reader, _ = raw
    reader.end.close()
    reader.end.close()
    reader.close()


def test_what_comes_for_a_killed_reader_is_for_the_next(raw: Raw) -> None:
    reader, writer = raw
    reading = hub.spawn(reader.receive, 100)
    wait_until_idle()
    reading.kill()
    writer.write(b"abcdef")
    assert reader.receive(2) == b"ab"
    assert reader.receive(100) == b"cdef"


def test_two_readers_both_get_something(raw: Raw) -> None:
    reader, writer = raw
    readings = [hub.spawn(reader.receive, 1) for _ in range(2)]
    wait_until_idle()
    writer.write(b"ab")
    assert {reading.wait(50) for reading in readings} == {b"a", b"b"}


def test_a_killed_writer_leaves_the_pipe_usable(raw: Raw) -> None:
    reader, writer = raw
    writing = hub.spawn(writer.write, bytes(1_000_000))
    wait_until_idle()
    writing.kill()
    closing = hub.spawn(writer.write, b"end")
    closing.link(lambda thread: writer.close())
    received = b""
    while data := reader.receive(100_000):
        received += data
    closing.wait(50)
    assert received.strip(b"\0") == b"end"


def test_a_killed_writer_knows_what_is_written_all_the_same(raw: Raw) -> None:
    reader, writer = raw
    data = bytes(range(256)) * 4096
    sent = 0

    def note(size: int) -> None:
        nonlocal sent
        sent += size

    def send_all() -> None:
        while sent < len(data):
            writer.end.send(memoryview(data)[sent:], note)
        writer.close()

    writing = hub.spawn(send_all)
    wait_until_idle()
    writing.kill()
    again = hub.spawn(send_all)
    received = reader.readall()
    assert len(received) == len(data)
    assert received == data
    again.wait(50)


def test_one_who_never_waits_lets_the_others_run(raw: Raw) -> None:
    reader, writer = raw
    writer.write(bytes(1000))
    rounds = []
    other = hub.spawn(lambda: rounds.append(len(rounds)))
    for _ in range(1000):
        reader.receive(1)
    assert other.dead


def test_other_native_threads_may_read_and_write(raw: Raw) -> None:
    reader, writer = raw
    reading = hub.spawn(reader.receive, 10)
    wait_until_idle()
    run_native(lambda: writer.write(b"here"))
    assert reading.wait(50) == b"here"

    def read_there() -> bytes:
        thread = hub.spawn(reader.receive, 10)
        hub.sleep(0)
        return thread.wait(50)

    later = hub.spawn(run_native, read_there)
    wait_until_idle()
    writer.write(b"there")
    assert later.wait(50) == b"there"


def test_close_wakes_a_reader_in_another_native_thread(raw: Raw) -> None:
    reader, writer = raw
    waits = hub.Waiter[None]()

    def read_there() -> bytes:
        hub.get_hub().call_soon(waits.switch)
        return reader.receive(10)

    reading = hub.spawn(run_native, read_there)
    waits.wait(50)
    reader.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        reading.wait(50)
    writer.close()


def test_a_descriptor_that_is_handed_out_blocks(raw: Raw) -> None:
    reader, writer = raw
    reading = hub.spawn(reader.receive, 3)
    wait_until_idle()
    for end in raw:
        assert os.get_blocking(end.fileno())
        assert os.get_blocking(end.fileno())
    writer.write(b"abc")
    assert reading.wait(50) == b"abc"
    # From here on, a look that isn't careful would stop everything.
    reading = hub.spawn(reader.receive, 3)
    wait_until_idle()
    writer.write(b"def")
    assert reading.wait(50) == b"def"
    assert os.get_blocking(reader.fileno())


def test_a_writer_to_a_descriptor_that_was_handed_out_waits_for_room(raw: Raw) -> None:
    reader, writer = raw
    data = bytes(range(256)) * 2048
    writer.fileno()
    writing = hub.spawn(writer.write, data)
    wait_until_idle()
    assert not writing.dead
    writing.link(lambda thread: writer.close())
    assert reader.readall() == data
    assert writing.wait(50) == len(data)


def test_close_wakes_who_waits_for_a_descriptor_that_was_handed_out(raw: Raw) -> None:
    reader, writer = raw
    reader.fileno()
    reading = hub.spawn(reader.receive, 3)
    wait_until_idle()
    reader.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        reading.wait(50)
    writer.close()


@pytest.mark.parametrize("road", ["watches"], indirect=True)
def test_a_reader_that_the_poller_wakes_before_the_close_is_known(raw: Raw) -> None:
    reader, _ = raw
    assert isinstance(reader.end, _ends.WatchedEnd)
    reading = hub.spawn(reader.receive, 3)
    wait_until_idle()
    # As another native thread does it, with this hub at work between the two steps.
    reader.end._file.close()
    reader.end._watches[0].notice(READ)
    with pytest.raises(OSError, match="Bad file descriptor"):
        reading.wait(50)


def test_a_reader_that_is_lent_after_it_was_read_empty(raw: Raw) -> None:
    reader, writer = raw
    for data in (b"first", b"second"):
        writer.write(data)
        assert reader.receive(10) == data
        reader.fileno()


@pytest.mark.parametrize("road", ["threads"], indirect=True)
class TestThreads:
    """What only native threads do."""

    def test_a_pipe_that_is_being_read_is_closed_when_that_ends(self, raw: Raw) -> None:
        reader, writer = raw
        reading = hub.spawn(reader.receive, 10)
        wait_until_idle()
        fd = reader.fileno()
        reader.close()
        with pytest.raises(OSError, match="Bad file descriptor"):
            reading.wait(50)
        os.fstat(fd)
        writer.close()
        while _is_open(fd):
            hub.sleep(0.001)

    def test_a_pipe_closed_before_the_thread_begins_is_not_read(self, raw: Raw) -> None:
        reader, _ = raw
        reading = hub.spawn(reader.receive, 10)
        hub.sleep(0)
        fd = reader.fileno()
        reader.close()
        with pytest.raises(OSError, match="Bad file descriptor"):
            reading.wait(50)
        while _is_open(fd):
            hub.sleep(0)

    def test_an_invalid_argument_means_a_broken_pipe(self, raw: Raw) -> None:
        _, writer = raw

        class WindowsFile(io.FileIO):
            def write(self, data: Any, /) -> int:
                raise OSError(errno.EINVAL, "Invalid argument")

        with WindowsFile(os.dup(writer.fileno()), "wb") as file:
            end = _ends.ThreadedEnd(file)
            with pytest.raises(BrokenPipeError):
                end.send(memoryview(b"abc"))

    def test_a_thread_that_cannot_be_started_is_an_error(
        self, raw: Raw, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reader, writer = raw

        class Exhausted:
            def execute(self, *args: object) -> object:
                raise RuntimeError("can't start new thread")

        writer.write(b"abc")
        with monkeypatch.context() as patch:
            patch.setattr(_ends, "get_threads", Exhausted)
            with pytest.raises(RuntimeError, match="can't start new thread"):
                reader.receive(10)
        assert reader.receive(10) == b"abc"


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True
