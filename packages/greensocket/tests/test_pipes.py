"""Green file objects on pipes, terminals and files."""

from __future__ import annotations

import io
import os
import pty
from pathlib import Path
from typing import Any

import pytest

from eventlet import hub
from eventlet.greensocket import GreenPipe
from eventlet.greensocket import _system as system
from eventlet.hub._portable import PORTABLE
from eventlet.hub.testing import wait_until_idle

pytestmark = pytest.mark.usefixtures("no_leaks")

Ends = tuple[int, int]


@pytest.fixture(params=["own", "shared"])
def ends(request: pytest.FixtureRequest) -> Ends:
    """The two ends of a pipe: of our own, and one that child processes get too."""
    reading, writing = os.pipe()
    if request.param == "shared":
        for fd in (reading, writing):
            os.set_inheritable(fd, True)
    return reading, writing


def test_bytes_through_a_pipe(poller: str, ends: Ends) -> None:
    with GreenPipe(ends[0], "rb") as reader, GreenPipe(ends[1], "wb") as writer:
        reading = hub.spawn(reader.read)
        wait_until_idle()
        much = b"0123456789" * 50_000
        writer.write(much)
        writer.close()
        assert reading.wait() == much


def test_lines_of_text(poller: str, ends: Ends) -> None:
    with (
        GreenPipe(ends[0], "r", encoding="utf-8") as reader,
        GreenPipe(ends[1], "w", 1, encoding="utf-8") as writer,
    ):
        reading = hub.spawn(list, reader)
        writer.write("eins\nzwei äöü\n")
        wait_until_idle()
        writer.close()
        assert reading.wait() == ["eins\n", "zwei äöü\n"]


@pytest.mark.skipif(PORTABLE, reason="the portable road makes no descriptor non-blocking")
def test_shared_descriptors_stay_blocking() -> None:
    reading, writing = os.pipe()
    os.set_inheritable(reading, True)
    with GreenPipe(reading, "rb", 0) as reader, GreenPipe(writing, "wb", 0) as writer:
        assert os.get_blocking(reading)
        assert not os.get_blocking(writing)
        writer.write(b"x")
        assert reader.read(1) == b"x"


def test_standard_streams_are_never_made_non_blocking(run_script: Any) -> None:
    done = run_script("""
        import os, sys
        from eventlet.greensocket import GreenPipe
        out = GreenPipe(sys.stdout, "w")
        out.write("hello\\n")
        out.flush()
        assert [os.get_blocking(fd) for fd in range(3)] == [True] * 3
    """)
    assert (done.stdout, done.stderr) == ("hello\n", "")


def test_terminal(poller: str) -> None:
    ours, theirs = pty.openpty()
    with GreenPipe(ours, "r+b", 0) as master, GreenPipe(theirs, "r", encoding="utf-8") as terminal:
        assert terminal.isatty()
        reading = hub.spawn(terminal.readline)
        wait_until_idle()
        master.write(b"typed\n")
        assert reading.wait() == "typed\n"
        assert os.get_blocking(theirs)


def test_both_directions_through_a_buffer() -> None:
    ours, theirs = pty.openpty()
    with GreenPipe(ours, "r+b") as master, GreenPipe(theirs, "r") as terminal:
        master.write(b"typed\n")
        master.flush()
        assert terminal.readline() == "typed\n"


def test_regular_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with GreenPipe(os.open(path, os.O_CREAT | os.O_WRONLY), "wb") as file:
        file.write(b"kept")
    with path.open("rb") as plain, GreenPipe(plain, "r") as file:
        assert file.read() == "kept"
    assert plain.closed


def test_fifo(poller: str, tmp_path: Path) -> None:
    path = tmp_path / "fifo"
    os.mkfifo(path)
    reader = GreenPipe(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb")
    with reader, GreenPipe(os.open(path, os.O_WRONLY), "wb", 0) as writer:
        reading = hub.spawn(reader.read, 3)
        wait_until_idle()
        writer.write(b"abc")
        assert reading.wait() == b"abc"


def test_full_pipe_waits_for_its_reader(poller: str, ends: Ends) -> None:
    with GreenPipe(ends[0], "rb", 0) as reader, GreenPipe(ends[1], "wb") as writer:
        much = b"x" * 300_000
        writing = hub.spawn(lambda: (writer.write(much), writer.flush()))
        wait_until_idle()
        assert not writing.ready
        received = 0
        while received < len(much):
            received += len(reader.read(100_000))
        writing.wait()


@pytest.mark.may_leak("threads")  # in portable mode, a native one may have begun to read
@pytest.mark.parametrize("end", [0, 1])
def test_close_wakes_who_waits(poller: str, ends: Ends, end: int) -> None:
    with GreenPipe(ends[0], "rb", 0) as reader, GreenPipe(ends[1], "wb", 0) as writer:
        if end:
            waiting = hub.spawn(lambda: [writer.write(b"x" * 10_000) for _ in range(1000)])
        else:
            waiting = hub.spawn(reader.read, 1)
        wait_until_idle()
        assert not waiting.ready
        (writer if end else reader).close()
        with pytest.raises((OSError, ValueError)):
            waiting.wait()


def test_broken_pipe(ends: Ends) -> None:
    with GreenPipe(ends[1], "wb", 0) as writer:
        os.close(ends[0])
        with pytest.raises(BrokenPipeError):
            writer.write(b"x")


def test_killed_reader_leaves_the_pipe_usable(poller: str, ends: Ends) -> None:
    with GreenPipe(ends[0], "rb") as reader, GreenPipe(ends[1], "wb", 0) as writer:
        reading = hub.spawn(reader.readline)
        wait_until_idle()
        reading.kill()
        writer.write(b"line\n")
        assert reader.readline() == b"line\n"


def test_descriptor_may_outlive_the_file(ends: Ends) -> None:
    with GreenPipe(ends[1], "wb", closefd=False) as writer:
        writer.write(b"x")
    assert os.write(ends[1], b"y") == 1
    assert os.read(ends[0], 9) == b"xy"
    for fd in ends:
        os.close(fd)


def test_the_wrong_end_is_an_error_at_once(ends: Ends) -> None:
    for call in (lambda: system.write(ends[0], b"x"), lambda: system.read(ends[1], 1)):
        with pytest.raises(OSError, match="Bad file descriptor"):
            hub.spawn(call).wait(5)
    for fd in ends:
        os.close(fd)


def test_wrong_direction_and_closed_files(ends: Ends) -> None:
    reader, writer = GreenPipe(ends[0], "rb", 0), GreenPipe(ends[1], "wb", 0)
    with pytest.raises(io.UnsupportedOperation):
        reader.write(b"x")
    with pytest.raises(io.UnsupportedOperation):
        writer.read(1)
    assert (reader.readable(), reader.writable(), reader.seekable()) == (True, False, False)
    assert writer.write(b"") == 0
    assert reader.read(0) == b""
    for file in (reader, writer):
        file.close()
        file.close()
        with pytest.raises(ValueError, match="closed"):
            file.fileno()
    with pytest.raises(ValueError, match="closed"):
        reader.read(1)


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("", {}),
        ("x", {}),
        ("b", {}),
        ("rbt", {}),
        ("r", {"buffering": 0}),
        ("rb", {"encoding": "utf-8"}),
    ],
)
def test_arguments_that_do_not_go_together(mode: str, options: dict[str, Any]) -> None:
    reading, writing = os.pipe()
    with pytest.raises(ValueError, match=r"."):
        GreenPipe(reading, mode, **options)
    os.close(reading)
    os.close(writing)
    with pytest.raises(OSError, match="Bad file descriptor"):
        GreenPipe(reading, "rb")
    with pytest.raises(TypeError, match="not 'name'"):
        GreenPipe("name", "rb")


def test_portable_road_keeps_what_a_killed_reader_missed(run_script: Any) -> None:
    done = run_script(
        """
        import os
        from eventlet import hub
        from eventlet.greensocket import GreenPipe
        reading, writing = os.pipe()
        with GreenPipe(reading, "rb", 0) as reader, GreenPipe(writing, "wb", 0) as writer:
            first = hub.spawn(reader.read, 100)
            hub.sleep(0.01)
            first.kill()
            writer.write(b"not lost")
            hub.sleep(0.01)
            assert reader.read(3) == b"not"
            print(reader.read(99).decode())
            last = hub.spawn(reader.read, 1)
            hub.sleep(0.01)
            reader.close()
            try:
                last.wait()
            except OSError as error:
                print(error)
        reading, writing = os.pipe()
        os.close(reading)
        with GreenPipe(writing, "wb", 0) as writer:
            try:
                writer.write(b"x")
            except OSError as error:
                print(error)
        folder = GreenPipe(os.open("/", os.O_RDONLY), "rb", 0)
        with folder:
            try:
                folder.read(1)
            except OSError as error:
                print(error)
        """,
        EVENTLET_PORTABLE="1",
    )
    lines = done.stdout.splitlines()
    assert lines == [
        " lost",
        "[Errno 9] Bad file descriptor",
        "[Errno 32] Broken pipe",
        "[Errno 21] Is a directory",
    ]
    assert done.stderr == ""


def test_portable_road(run_script: Any) -> None:
    done = run_script(
        """
        import os
        from eventlet import hub
        from eventlet.greensocket import GreenPipe
        reading, writing = os.pipe()
        with GreenPipe(reading, "r") as reader, GreenPipe(writing, "w") as writer:
            thread = hub.spawn(reader.readline)
            hub.sleep(0)
            writer.write("through threads\\n")
            writer.flush()
            print(thread.wait(), end="")
            assert os.get_blocking(reading)
        """,
        EVENTLET_PORTABLE="1",
    )
    assert (done.stdout, done.stderr) == ("through threads\n", "")
