from __future__ import annotations

import io
import os

import pytest

from eventlet import hub
from eventlet.hub.testing import wait_until_idle
from eventlet.processes._pipes import PipeReader, PipeWriter, RawPipe

Raw = tuple[RawPipe, RawPipe]
Pipe = tuple[PipeReader, PipeWriter]


class TestRawPipe:
    def test_is_a_raw_file(self, raw: Raw) -> None:
        reader, writer = raw
        assert isinstance(reader, io.RawIOBase)
        assert (reader.mode, writer.mode) == ("rb", "wb")
        assert reader.readable()
        assert not reader.writable()
        assert writer.writable()
        assert not writer.readable()
        assert not reader.isatty()
        assert reader.name == reader.fileno()

    def test_reads_what_is_there(self, raw: Raw) -> None:
        reader, writer = raw
        writer.write(b"abcdef")
        assert reader.read(4) == b"abcd"
        buffer = bytearray(4)
        assert reader.readinto(buffer) == 2
        assert buffer == b"ef\0\0"

    def test_reads_all(self, raw: Raw) -> None:
        reader, writer = raw
        writer.write(b"abcdef")
        writer.close()
        assert reader.read() == b"abcdef"

    def test_reads_nothing_without_waiting(self, raw: Raw) -> None:
        assert raw[0].read(0) == b""

    def test_knows_its_direction(self, raw: Raw) -> None:
        reader, writer = raw
        with pytest.raises(io.UnsupportedOperation, match="can't be written to"):
            reader.write(b"abc")
        with pytest.raises(io.UnsupportedOperation, match="can't be read from"):
            writer.read(1)

    def test_refuses_text(self, raw: Raw) -> None:
        with pytest.raises(TypeError):
            raw[1].write("abc")

    @pytest.mark.parametrize("operation", ["fileno", "isatty"])
    def test_is_of_no_use_when_closed(self, raw: Raw, operation: str) -> None:
        raw[0].close()
        raw[0].close()
        with pytest.raises(ValueError, match="closed"):
            getattr(raw[0], operation)()

    def test_garbage_is_closed(self) -> None:
        reader, writer = os.pipe()
        RawPipe(io.FileIO(writer, "wb"))
        with RawPipe(io.FileIO(reader, "rb")) as pipe:
            assert pipe.read() == b""


class TestPipeReader:
    def test_is_a_buffered_file(self, pipe: Pipe) -> None:
        reader, writer = pipe
        assert isinstance(reader, io.BufferedIOBase)
        assert reader.readable()
        assert not reader.writable()
        assert writer.writable()
        assert not reader.isatty()
        assert reader.mode == "rb"
        assert reader.name == reader.fileno() == reader.raw.fileno()

    def test_reads_exactly_as_much_as_was_asked_for(self, pipe: Pipe) -> None:
        reader, writer = pipe
        writer.raw.write(b"abc")
        reading = hub.spawn(reader.read, 5)
        wait_until_idle()
        writer.raw.write(b"defg")
        assert reading.wait(50) == b"abcde"
        assert reader.read(2) == b"fg"

    def test_reads_less_before_the_end(self, pipe: Pipe) -> None:
        reader, writer = pipe
        writer.raw.write(b"abc")
        writer.close()
        assert not reader.is_at_end
        assert reader.read(5) == b"abc"
        assert reader.is_at_end
        assert reader.read(5) == b""

    @pytest.mark.parametrize("size", [None, -1])
    def test_reads_all(self, pipe: Pipe, size: int | None) -> None:
        reader, writer = pipe
        writer.raw.write(b"abc" * 1000)
        writer.close()
        assert reader.read(size) == b"abc" * 1000

    def test_read1_returns_what_is_there(self, pipe: Pipe) -> None:
        reader, writer = pipe
        writer.raw.write(b"abcdef")
        assert reader.read1(0) == b""
        assert reader.read1(2) == b"ab"
        assert reader.read1() == b"cdef"

    def test_readinto(self, pipe: Pipe) -> None:
        reader, writer = pipe
        writer.raw.write(b"abcdef")
        buffer = bytearray(4)
        assert reader.readinto(buffer) == 4
        assert buffer == b"abcd"
        assert reader.readinto1(buffer) == 2
        assert buffer == b"efcd"

    def test_peek_leaves_it_there(self, pipe: Pipe) -> None:
        reader, writer = pipe
        writer.raw.write(b"abc")
        assert reader.pending() == b""
        assert reader.peek() == b"abc"
        assert reader.peek(1) == b"abc"
        assert reader.pending() == b"abc"
        assert reader.read(3) == b"abc"

    def test_reads_lines(self, pipe: Pipe) -> None:
        reader, writer = pipe
        writer.raw.write(b"one\ntwo")
        assert reader.readline() == b"one\n"
        reading = hub.spawn(reader.readline)
        wait_until_idle()
        writer.raw.write(b" and a half\nthree")
        assert reading.wait(50) == b"two and a half\n"
        writer.close()
        assert reader.readline(None) == b"three"
        assert reader.readline() == b""

    def test_reads_parts_of_lines(self, pipe: Pipe) -> None:
        reader, writer = pipe
        writer.raw.write(b"one\ntwo")
        assert reader.readline(0) == b""
        assert reader.readline(2) == b"on"
        assert reader.readline(2) == b"e\n"
        assert reader.readline(2) == b"tw"

    def test_iterates_over_lines(self, pipe: Pipe) -> None:
        reader, writer = pipe
        writer.raw.write(b"one\ntwo\nthree")
        writer.close()
        assert list(reader) == [b"one\n", b"two\n", b"three"]

    def test_readers_take_turns(self, pipe: Pipe) -> None:
        reader, writer = pipe
        readings = [hub.spawn(reader.read, 3) for _ in range(2)]
        wait_until_idle()
        for letter in b"abcdef":
            writer.raw.write(bytes([letter]))
            wait_until_idle()
        assert {reading.wait(50) for reading in readings} == {b"abc", b"def"}

    @pytest.mark.parametrize("args", [(), (6,)])
    def test_a_killed_reader_loses_nothing(self, pipe: Pipe, args: tuple[int, ...]) -> None:
        reader, writer = pipe
        reading = hub.spawn(reader.read, *args)
        writer.raw.write(b"abc")
        wait_until_idle()
        reading.kill()
        writer.raw.write(b"def")
        writer.close()
        assert reader.read() == b"abcdef"

    @pytest.mark.parametrize("operation", ["read", "read1", "readline", "peek"])
    def test_is_of_no_use_when_closed(self, pipe: Pipe, operation: str) -> None:
        pipe[0].close()
        pipe[0].close()
        with pytest.raises(ValueError, match="closed file"):
            getattr(pipe[0], operation)()

    def test_text_on_top(self, pipe: Pipe) -> None:
        reader, writer = pipe
        writer.raw.write("één\r\ntwee\n".encode())
        writer.close()
        with io.TextIOWrapper(reader, encoding="utf-8") as text:
            assert text.readlines() == ["één\n", "twee\n"]
        assert reader.closed


class TestPipeWriter:
    def test_writes_when_flushed(self, pipe: Pipe) -> None:
        reader, writer = pipe
        assert writer.write(b"abc") == 3
        reading = hub.spawn(reader.read, 3)
        wait_until_idle()
        assert not reading.dead
        writer.flush()
        assert reading.wait(50) == b"abc"

    def test_writes_what_does_not_fit_into_the_buffer(self, pipe: Pipe) -> None:
        reader, writer = pipe
        data = b"x" * io.DEFAULT_BUFFER_SIZE
        assert writer.write(b"abc") == 3
        assert writer.write(data) == len(data)
        assert reader.read(3 + len(data)) == b"abc" + data

    def test_close_flushes(self, pipe: Pipe) -> None:
        reader, writer = pipe
        writer.write(b"abc")
        writer.close()
        writer.close()
        assert reader.read() == b"abc"

    def test_abandon_does_not(self, pipe: Pipe) -> None:
        reader, writer = pipe
        writer.write(b"abc")
        writer.abandon()
        assert writer.closed
        assert reader.read() == b""

    def test_abandon_wakes_a_writer(self, pipe: Pipe) -> None:
        _, writer = pipe
        writing = hub.spawn(writer.write, bytes(1_000_000))
        wait_until_idle()
        writer.abandon()
        with pytest.raises(OSError, match="Bad file descriptor"):
            writing.wait(50)

    def test_garbage_is_closed_without_waiting(self, raw: Raw) -> None:
        reader, writer = raw
        PipeWriter(writer).write(b"abc")
        assert writer.closed
        assert reader.read() == b""

    def test_writers_take_turns(self, pipe: Pipe) -> None:
        reader, writer = pipe
        writings = [hub.spawn(writer.write, letter * 500_000) for letter in (b"a", b"b")]

        def close_after_them() -> None:
            for writing in writings:
                writing.wait()
            writer.close()

        hub.spawn(close_after_them)
        received = reader.read()
        halves = {received[:500_000], received[500_000:]}
        # Compared piece by piece, because pytest takes its time to explain a large difference.
        assert {half[:1] * len(half) == half for half in halves} == {True}
        assert len(halves) == 2

    def test_a_broken_pipe_is_told_and_the_file_closed(self, pipe: Pipe) -> None:
        reader, writer = pipe
        reader.close()
        writer.write(b"abc")
        with pytest.raises(BrokenPipeError):
            writer.flush()
        with pytest.raises(BrokenPipeError):
            writer.close()
        assert writer.closed
        assert writer.raw.closed

    def test_a_killed_flush_can_be_repeated(self, pipe: Pipe) -> None:
        reader, writer = pipe
        filler = bytes(1_000_000)
        filling = hub.spawn(writer.raw.write, filler)
        wait_until_idle()
        writer.write(b"abc")
        flushing = hub.spawn(writer.flush)
        wait_until_idle()
        flushing.kill()
        filling.kill()
        closing = hub.spawn(writer.close)
        assert reader.read().strip(b"\0") == b"abc"
        closing.wait(50)

    @pytest.mark.parametrize(("operation", "args"), [("write", (b"abc",)), ("flush", ())])
    def test_is_of_no_use_when_closed(
        self, pipe: Pipe, operation: str, args: tuple[bytes, ...]
    ) -> None:
        pipe[1].close()
        with pytest.raises(ValueError, match="closed file"):
            getattr(pipe[1], operation)(*args)

    def test_refuses_text(self, pipe: Pipe) -> None:
        with pytest.raises(TypeError):
            pipe[1].write("abc")
