"""An HTTP/2 connection that many green threads share (RFC 9113).

`h2` knows the protocol; here are the socket and the streams' owners. One green thread reads for
all, and wakes whomever a frame is for; what is to be sent is collected, and written by another
one that lives as long as there is something to write. So whoever kills or times out the owner of
a stream never cuts a frame in two.

Memory: a stream's window is opened again only when its owner has taken what came, so that a slow
reader keeps at most one window; the window of the connection is too large to matter, and nobody
waits for somebody else's slow reader. What is to be sent is limited by `_HIGH_WATER`.

`h2` takes a GOAWAY for the end of everything, while the answers to requests that came before it
are still on their way (section 6.8). These frames are read here, and kept from it.
"""

from __future__ import annotations

import _socket
import os
import ssl
from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from functools import lru_cache, partial
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (
    DataReceived,
    InformationalResponseReceived,
    RemoteSettingsChanged,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
    WindowUpdated,
)
from h2.exceptions import FrameDataMissingError, FrameTooLargeError, H2Error
from h2.settings import SettingCodes, Settings

from eventlet.hub import GreenThread, Waiter, get_hub, sleep, spawn

from ._connection import reason_of
from ._parser import MAX_HEAD
from ._request import Request
from ._stream import Stream
from .errors import HTTPError, ProtocolError, ReadError, WriteError

_RECEIVE = 64 * 1024
# What a server may send on one stream before its owner takes it, in bytes: a round trip of
# 20 milliseconds at 400 megabits a second.
_WINDOW = 1024 * 1024
# The same for all streams together: as much as the protocol allows.
_TOTAL_WINDOW = 2**31 - 1
_DEFAULT_WINDOW = 2**16 - 1
# No further piece of a body is accepted while so many bytes are waiting to be sent...
_HIGH_WATER = 256 * 1024
# ...and with so many the server makes us answer without reading the answers.
_TOO_MUCH = 4 * 1024 * 1024

# How often an idle connection is read before it is used again: no farewell is longer.
_GLANCES = 8
# What the class of green TLS sockets makes wait.
_recv_nowait = ssl.SSLSocket.read

_FRAME_HEADER = 9
_GOAWAY = 7
_MAX_FRAME = 2**14
# A connection has no numbers for streams beyond this one.
_LAST_NUMBER = 2**31 - 1

# These belong to HTTP/1.1 (section 8.2.2), or are said in another way.
_DROPPED = frozenset(
    {b"connection", b"host", b"keep-alive", b"proxy-connection", b"te", b"transfer-encoding",
     b"upgrade"}
)  # fmt: skip


class Session:
    """A connection for many exchanges at a time.

    Arguments:
        sock: a green TLS socket that has agreed on HTTP/2; it belongs to this object.
        key: what the connection leads to, for the pool.
        peer: names the other end in errors.

    Attributes:
        users: how many streams are given out now.
        is_open: whether more can be.
        has_served: whether any has been used.
        has_answered: whether the server has answered on any.
        has_failed: whether the connection is broken.
        idle_since: when it came back to the pool, on the hub's clock.
        on_change: called when there may be room for more streams, or when there will be no more.
    """

    def __init__(self, sock: ssl.SSLSocket, key: Hashable, peer: str) -> None:
        self.key = key
        self.peer = peer
        self.users = 0
        self.is_open = True
        self.has_served = False
        self.has_answered = False
        self.has_failed = False
        self.idle_since = 0.0
        self.on_change: Callable[[], object] | None = None
        self._sock = sock
        sock.settimeout(None)
        if sock.family in (_socket.AF_INET, _socket.AF_INET6):
            sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        self._hub = get_hub()
        self._process = os.getpid()
        self._time = self._hub.time
        self._heard = self._time()
        self._streams: dict[int, Stream] = {}
        self._ready: Waiter[HTTPError | None] = Waiter()
        self._incoming = bytearray()
        self._outgoing = bytearray()
        self._writer: GreenThread[None] | None = None
        self._h2 = _make_state()
        self._flush()
        self._reader = spawn(self._read)

    def wait_until_ready(self) -> None:
        """Wait for the server's settings, which it sends first of all.

        Raises:
            ReadError, ProtocolError: it did not.
        """
        error = self._ready.wait()
        if error is not None:
            raise error

    @property
    def has_room(self) -> bool:
        """Whether another stream can be opened now."""
        return self.is_open and self.users < self._h2.remote_settings.max_concurrent_streams

    def open(self) -> Stream:
        """Return a stream for the caller alone; only while there is room."""
        self.users += 1
        return Stream(self)

    def is_alive(self, expiry: float) -> bool:
        """Whether an idle connection can serve another exchange, as far as one can know.

        What has arrived in the meantime is read first, as it may be a farewell.
        """
        for _ in range(_GLANCES):
            if not self._receive(partial(_recv_nowait, self._sock)):
                break
        return self.is_open and self._time() - self.idle_since <= expiry

    def suspect(self, since: float) -> None:
        """Open no more streams if nothing at all has been heard for as long as a timeout."""
        if self._heard <= since:
            self._shut()

    def close(self) -> None:
        """Close the connection, whatever its streams are doing. Doesn't wait."""
        # A forked child has a copy; what it sends would be the parent's.
        if not (self.has_failed or self._hub.destroyed or self._process != os.getpid()):
            self._say_goodbye()
        self._fail(ReadError, "the connection was closed")
        for thread in (self._reader, self._writer):
            if thread is not None:
                thread.throw()
        self._sock.close()

    def __repr__(self) -> str:
        return f"<Session to {self.peer}, {len(self._streams)} streams>"

    # What streams do

    def begin(self, stream: Stream, request: Request, head: bytes, *, is_whole: bool) -> None:
        """Send the headers of a request.

        Raises:
            WriteError: the connection takes no more requests.
        """
        try:
            if not self.is_open:
                raise WriteError(self.peer, "the connection takes no more requests")
            number = self._h2.get_next_available_stream_id()
            if number >= _LAST_NUMBER:
                self._shut()
            self._h2.send_headers(number, _fields(request, head), end_stream=is_whole)
        except (H2Error, WriteError) as error:
            stream.is_refused = True
            raise WriteError(self.peer, _words(error)) from error
        self.has_served = True
        stream.number = number
        stream.is_sent = is_whole
        self._streams[number] = stream
        self._flush()

    def send(self, stream: Stream, data: bytes) -> int:
        """Send as much of `data` as there is room for; return how many bytes."""
        if len(self._outgoing) >= _HIGH_WATER:
            return 0
        number = stream.number
        room = min(self._h2.local_flow_control_window(number), self._h2.max_outbound_frame_size)
        if room <= 0:
            return 0
        piece = data[:room]
        self._h2.send_data(number, piece)
        self._flush()
        return len(piece)

    def send_end(self, stream: Stream) -> None:
        """Say that the body is complete."""
        self._h2.end_stream(stream.number)
        stream.is_sent = True
        self._flush()

    def acknowledge(self, stream: Stream) -> None:
        """Tell the server that what it sent has been taken, so that it can send more."""
        length, stream.unread = stream.unread, 0
        if not self.has_failed:
            self._h2.acknowledge_received_data(length, stream.number)
            self._flush()

    def end(self, stream: Stream) -> None:
        """Forget a stream; tell the server if that comes early."""
        if self._streams.pop(stream.number, None) is None:
            return
        if stream.unread:
            self.acknowledge(stream)
        if not (stream.is_gone or (stream.is_sent and stream.has_ended)):
            self._h2.reset_stream(stream.number, ErrorCodes.CANCEL)
            self._flush()

    # Receiving

    def _read(self) -> None:
        try:
            while self._receive(self._sock.recv):
                sleep(0)  # frames may come faster than they can be taken apart
        finally:
            self._fail(ReadError, "it closed the connection")

    def _receive(self, recv: Callable[[int], bytes]) -> bool:
        """Take what `recv` returns; return whether there may be more."""
        try:
            if data := recv(_RECEIVE):
                self._take(data)
            else:
                self._fail(ReadError, "it closed the connection")
        except ssl.SSLWantReadError:
            return False
        except H2Error as error:
            self._flush()
            self._fail(ProtocolError, _words(error))
        except OSError as error:
            self._fail(ReadError, reason_of(error))
        except ValueError as error:  # how ssl says that the socket was closed in the meantime
            self._fail(ReadError, str(error))
        return not self.has_failed

    def _take(self, data: bytes) -> None:
        self._heard = self._time()
        self._incoming += data
        for frame in _frames(self._incoming):
            if frame[3] == _GOAWAY:
                self._take_goaway(frame)
                continue
            for event in self._h2.receive_data(frame):
                self._dispatch(event)
        self._flush()

    def _dispatch(self, event: Any) -> None:
        """Tell whomever it is for; nobody, if its stream was left or it needs nothing done."""
        kind = type(event)
        if kind in _TAKERS:
            _TAKERS[kind](self, event)
        elif kind in _OF_STREAMS and event.stream_id in self._streams:
            _OF_STREAMS[kind](self, self._streams[event.stream_id], event)

    def _take_head(self, stream: Stream, event: ResponseReceived) -> None:
        self.has_answered = True
        stream.take_head(event.headers)
        if stream.parser.status == 304 and event.stream_ended is None:
            # Nothing can follow (RFC 9110, section 15.4.5), but `h2` would hold that against the
            # length that such an answer may state.
            self._h2.reset_stream(event.stream_id, ErrorCodes.CANCEL)
            stream.take_end()
            stream.fail(ReadError(self.peer, "it has answered"), is_gone=True)

    def _take_reset(self, stream: Stream, event: StreamReset) -> None:
        error = ReadError(self.peer, f"it reset the stream: {_code(event.error_code)}")
        is_refused = event.error_code == ErrorCodes.REFUSED_STREAM
        stream.fail(error, is_gone=True, is_refused=is_refused)

    def _take_settings(self, event: RemoteSettingsChanged) -> None:
        self._ready.switch(None)
        self._notify_senders()
        self._notify_pool()

    def _take_window(self, event: WindowUpdated) -> None:
        if not event.stream_id:
            self._notify_senders()
        elif (stream := self._streams.get(event.stream_id)) is not None:
            stream.notify_sender()

    def _take_goaway(self, frame: bytes) -> None:
        """Take note that no more requests are wanted, and which ones have been ignored."""
        if len(frame) < _FRAME_HEADER + 8:
            raise FrameDataMissingError("it sent a GOAWAY that is too short")
        last = int.from_bytes(frame[_FRAME_HEADER : _FRAME_HEADER + 4], "big") & _LAST_NUMBER
        code = int.from_bytes(frame[_FRAME_HEADER + 4 : _FRAME_HEADER + 8], "big")
        reason = f"it takes no more requests: {_code(code)}"
        for number in [number for number in self._streams if number > last]:
            error = ReadError(self.peer, reason)
            self._streams[number].fail(error, is_gone=True, is_refused=True)
        self._shut()

    # Sending

    def _flush(self) -> None:
        """Have what `h2` wants to send written."""
        self._outgoing += self._h2.data_to_send()
        if len(self._outgoing) > _TOO_MUCH:
            self._fail(ProtocolError, "it asks for answers and does not read them")
        elif self._outgoing and self._writer is None and not self.has_failed:
            self._writer = spawn(self._write)

    def _write(self) -> None:
        try:
            while self._outgoing:
                data = bytes(self._outgoing)
                self._outgoing.clear()
                self._sock.sendall(data)
                self._notify_senders()
        except OSError as error:
            self._fail(WriteError, reason_of(error))
        except ValueError as error:  # see `_read`
            self._fail(WriteError, str(error))
        finally:
            self._writer = None

    def _say_goodbye(self) -> None:
        """Send a GOAWAY (section 6.8) if that can be done at once."""
        if self._writer is not None:  # which may be in the middle of a frame
            return
        self._h2.close_connection()
        self._sock.settimeout(0)
        with suppress(OSError, ValueError):  # it's a courtesy
            self._sock.send(self._h2.data_to_send())

    # Telling others

    def _shut(self) -> None:
        self.is_open = False
        self._notify_pool()

    def _fail(self, kind: type[ReadError | WriteError | ProtocolError], reason: str) -> None:
        """End all streams with an error; only the first one counts."""
        if self.has_failed:
            return
        self.has_failed = True
        for stream in self._streams.values():
            stream.fail(kind(self.peer, reason), is_gone=True)
        self._ready.switch(kind(self.peer, reason))
        self._shut()

    def _notify_senders(self) -> None:
        for stream in self._streams.values():
            stream.notify_sender()

    def _notify_pool(self) -> None:
        if self.on_change is not None:
            self.on_change()


_TAKERS: dict[type, Callable[[Session, Any], None]] = {
    RemoteSettingsChanged: Session._take_settings,
    WindowUpdated: Session._take_window,
}
_OF_STREAMS: dict[type, Callable[[Session, Stream, Any], None]] = {
    ResponseReceived: Session._take_head,
    InformationalResponseReceived: lambda _, stream, event: stream.take_interim(event.headers),
    DataReceived: lambda _, stream, event: stream.take_body(
        event.data, event.flow_controlled_length
    ),
    TrailersReceived: lambda _, stream, event: stream.take_trailers(event.headers),
    StreamEnded: lambda _, stream, event: stream.take_end(),
    StreamReset: Session._take_reset,
}


def _make_state() -> H2Connection:
    state = H2Connection(H2Configuration(client_side=True, header_encoding=None))
    state.local_settings = Settings(
        client=True,
        initial_values={
            SettingCodes.ENABLE_PUSH: 0,
            SettingCodes.INITIAL_WINDOW_SIZE: _WINDOW,
            SettingCodes.MAX_HEADER_LIST_SIZE: MAX_HEAD,
        },
    )
    state.initiate_connection()
    state.increment_flow_control_window(_TOTAL_WINDOW - _DEFAULT_WINDOW)
    return state


def _frames(buffer: bytearray) -> Iterator[bytes]:
    """Take the complete frames out of a buffer.

    Raises:
        FrameTooLargeError: one is longer than we have allowed, or this is no HTTP/2.
    """
    while len(buffer) >= _FRAME_HEADER:
        size = _FRAME_HEADER + int.from_bytes(buffer[:3], "big")
        if size > _FRAME_HEADER + _MAX_FRAME:
            raise FrameTooLargeError(f"it sent a frame of {size} bytes")
        if len(buffer) < size:
            return
        frame = bytes(buffer[:size])
        del buffer[:size]
        yield frame


def _fields(request: Request, head: bytes) -> list[tuple[bytes, bytes]]:
    """Return the header fields that a serialised request has in HTTP/2."""
    url = request.url
    _, _, lines = head.partition(b"\r\n")
    authority, fields = _parsed(lines)
    pseudo = [
        (b":method", request.method.encode("ascii")),
        (b":scheme", url.scheme.encode("ascii")),
        (b":authority", authority),
        (b":path", url.target.encode("ascii")),
    ]
    return pseudo + fields


# Most requests of a program differ in nothing but their targets.
@lru_cache(256)
def _parsed(lines: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
    """Return the authority and the other fields of serialised headers."""
    authority = b""
    fields = []
    for line in lines.split(b"\r\n"):
        name, _, value = line.partition(b": ")
        name = name.lower()
        if name == b"host":
            authority = value
        elif name and name not in _DROPPED:
            fields.append((name, value))
    return authority, fields


def _words(error: Exception) -> str:
    return getattr(error, "reason", None) or str(error) or type(error).__name__


def _code(code: int) -> str:
    return ErrorCodes(code).name if code in ErrorCodes._value2member_map_ else f"error {code}"
