"""The green socket: the standard socket class, on which only the calling green thread waits.

The descriptor is non-blocking from the moment it is made, for the C code of the base class as for
the system; the mode that a person asked for is kept in `_timeout`. Each operation is tried first,
if the watch of the descriptor doesn't know better, and parks only when the system says that it
would block. The methods that most bytes pass through are written out in full for their speed; all
others share `_when_readable` and `_when_writable`.
"""

from __future__ import annotations

import _socket
import errno
import os
import socket as _standard
import sys
from collections.abc import Callable, Iterable
from functools import partial
from math import isnan
from operator import index
from typing import TYPE_CHECKING, Any, TypeVar, TypeVarTuple

from eventlet.hub import WrongThread, get_hub
from eventlet.hub._native import get_ident

from ._connecting import connect_ex, family_of, resolved, type_of
from ._detached import note_detached
from ._readiness import GONE, UNWATCHED, unwatch, watch_here
from ._sendfile import send_by_kernel

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

    from eventlet.hub import Watch

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

# By name, not by `super()`: `_earlier_sockets` has these methods work on objects of other classes.
_Standard = _standard.socket
# What the base class does, without waiting.
_Base = _socket.socket
_recv = _Base.recv
_recv_into = _Base.recv_into
_send = _Base.send
_sendto: Callable[..., int] = _Base.sendto
_accept: Callable[[_socket.socket], tuple[int, Any]] = _Base._accept  # type: ignore[attr-defined]

# Flags with which the system itself never waits.
_NEVER_WAITS = getattr(_socket, "MSG_DONTWAIT", 0) | getattr(_socket, "MSG_ERRQUEUE", 0)
_NEVER_WAITS_TO_READ = _NEVER_WAITS | _socket.MSG_OOB
_WAIT_ALL = getattr(_socket, "MSG_WAITALL", 0)
# With which Linux makes a descriptor non-blocking from the start: a call less for each socket.
_NON_BLOCKING = _socket.SOCK_NONBLOCK if sys.platform == "linux" else 0


class GreenSocket(_standard.socket):
    """A socket with the contract of the standard class, on which only green threads wait.

    Arguments, methods, timeouts, non-blocking mode and errors are those of `socket.socket`. On
    top of them:

    - Any number of green threads and native threads may use one socket, also in one direction;
      those that wait are served first come, first served.
    - Closing it wakes all that wait for it, with ``OSError(EBADF)``.
    - Names are resolved by the resolver that `eventlet.greensocket.dns` has chosen.

    At the level of the system the descriptor is always non-blocking, and stays so after `detach`.
    """

    __slots__ = ("_timeout", "_watch", "_watches")

    _timeout: float | None
    _watch: Watch
    _watches: tuple[Watch, ...]

    def __init__(
        self, family: int = -1, type: int = -1, proto: int = -1, fileno: int | None = None
    ) -> None:
        self._watch = UNWATCHED
        self._watches = ()
        if type == -1 and fileno is None:
            type = _socket.SOCK_STREAM
        if fileno is None and _NON_BLOCKING and not type & _NON_BLOCKING:
            _Standard.__init__(self, family, type | _NON_BLOCKING, proto)
            self._timeout = _socket.getdefaulttimeout()
            return
        _Standard.__init__(self, family, type, proto, fileno)
        self._timeout = _Base.gettimeout(self)
        _Base.setblocking(self, False)

    @property
    def _drains(self) -> bool:
        """Whether a short read proves that nothing is left, as with TCP: see `Watch.drains`."""
        return (
            family_of(self) in (_socket.AF_INET, _socket.AF_INET6)
            and type_of(self) == _socket.SOCK_STREAM
            and self.proto in (0, _standard.IPPROTO_TCP)
        )

    # Modes

    def gettimeout(self) -> float | None:
        """Return the timeout in seconds: None waits for ever, 0 never waits."""
        return self._timeout

    def settimeout(self, value: float | None, /) -> None:
        """Set the timeout of later operations, in seconds; None waits for ever, 0 never waits.

        Raises:
            TypeError: `value` is not a number.
            ValueError: `value` is negative or NaN.
        """
        if value is not None:
            value = value if isinstance(value, float) else float(index(value))
            if isnan(value):
                raise ValueError("a timeout must be a number of seconds, not NaN")
            if value < 0:
                raise ValueError(f"Timeout value out of range: {value!r} is negative")
            if value == 0:
                self._watch = UNWATCHED
        self._timeout = value

    @property
    def timeout(self) -> float | None:
        """The timeout in seconds, as `gettimeout` returns it."""
        return self._timeout

    def setblocking(self, flag: bool, /) -> None:
        """Wait for ever (true) or never (false) in later operations.

        Raises:
            OSError: the descriptor is not open.
        """
        _Base.setblocking(self, False)
        self.settimeout(None if flag else 0.0)

    def getblocking(self) -> bool:
        """Return whether operations wait at all."""
        return self._timeout != 0

    # Waiting

    def _await_readable(
        self, deadline: float | None, *, tried: bool, again: bool = False
    ) -> float | None:
        """Park until it is worth trying to read, and return the deadline for the next time.

        Arguments:
            deadline: what an earlier call within the same operation returned; None at first.
            tried: whether the system has just said that a read would block.
            again: whether it has said so after a first wait.
        """
        watch = self._watch_here()
        if deadline is None and self._timeout is not None:
            deadline = watch.hub.time() + self._timeout
        if tried:
            watch.readable = False
        try:
            watch.until_readable(deadline, first=again)
        except OSError as error:
            if not self._is_passing(error):
                raise
        return deadline

    def _await_writable(
        self, deadline: float | None, *, tried: bool, again: bool = False
    ) -> float | None:
        """As `_await_readable`, for writing."""
        watch = self._watch_here()
        if deadline is None and self._timeout is not None:
            deadline = watch.hub.time() + self._timeout
        if tried:
            watch.writable = False
        try:
            watch.until_writable(deadline, first=again)
        except OSError as error:
            if not self._is_passing(error):
                raise
        return deadline

    def _watch_here(self) -> Watch:
        watch = self._watch
        if watch.hub.ident == get_ident() and not watch.closed and watch.hub is get_hub():
            return watch
        return watch_here(self)

    def _is_passing(self, error: Exception) -> bool:
        """Whether an operation that has ended with `error` is to be tried again."""
        if isinstance(error, BlockingIOError):
            return self._timeout != 0
        if isinstance(error, OSError):
            # Another socket object has registered our descriptor anew.
            return error.errno == errno.EBADF and self._watches is not GONE
        return isinstance(error, WrongThread)

    def _when_readable(self, operation: Callable[[Any, *Ts], T], flags: int, *args: *Ts) -> T:
        """Call ``operation(self, *args)`` as soon as it doesn't block; `flags` are among `args`."""
        if not flags and not self._watch.readable:
            return self._read_on(False, False, None, operation, *args)
        try:
            return operation(self, *args)
        except BlockingIOError:
            if self._timeout == 0 or flags & _NEVER_WAITS_TO_READ:
                raise
        return self._read_on(True, False, None, operation, *args)

    def _read_on(
        self,
        tried: bool,
        again: bool,
        deadline: float | None,
        operation: Callable[[Any, *Ts], T],
        *args: *Ts,
    ) -> T:
        """Park, and call ``operation(self, *args)`` until it doesn't block.

        Arguments:
            tried, again, deadline: as for `_await_readable`.
        """
        deadline = self._await_readable(deadline, tried=tried, again=again)
        while True:
            try:
                return operation(self, *args)
            except BlockingIOError:
                if self._timeout == 0:
                    raise
            deadline = self._await_readable(deadline, tried=True, again=True)

    def _when_writable(self, operation: Callable[[Any, *Ts], T], flags: int, *args: *Ts) -> T:
        """As `_when_readable`, for writing."""
        deadline = None
        parked = not flags and not self._watch.writable
        if parked:
            deadline = self._await_writable(None, tried=False)
        while True:
            try:
                return operation(self, *args)
            except BlockingIOError:
                if self._timeout == 0 or flags & _NEVER_WAITS:
                    raise
            deadline = self._await_writable(deadline, tried=True, again=parked)
            parked = True

    # Receiving

    def recv(self, bufsize: int, flags: int = 0, /) -> bytes:
        """Return up to `bufsize` bytes as soon as there are any; none at the end of the stream."""
        if flags:
            return self._recv_with(flags, bufsize)
        watch = self._watch
        deadline = None
        tried = parked = False
        data: bytes | None
        try:
            if not watch.readable and bufsize > 0:
                if self._timeout is not None:
                    deadline = watch.hub.time() + self._timeout
                parked = True
                watch.until_readable(deadline)
            data = _recv(self, bufsize)
        except (OSError, WrongThread) as error:
            if not self._is_passing(error):
                raise
            tried = isinstance(error, BlockingIOError)
            data = None
        if data is None:
            data = self._read_on(
                tried, parked and tried, deadline if tried else None, _recv, bufsize
            )
            watch, parked = self._watch, False
        # Who has parked with the watch is of its native thread.
        if watch.drains and 0 < len(data) < bufsize and (parked or watch.hub.ident == get_ident()):
            watch.readable = False
        return data

    def _recv_with(self, flags: int, bufsize: int) -> bytes:
        if not self._waits_for_all(flags):
            return self._when_readable(_recv, flags, bufsize, flags)
        buffer = bytearray(bufsize)
        del buffer[self._fill(memoryview(buffer), flags) :]
        return bytes(buffer)

    def recv_into(self, buffer: WriteableBuffer, nbytes: int = 0, flags: int = 0) -> int:
        """Receive into `buffer`, up to its size or `nbytes`, and return the number of bytes."""
        if flags:
            return self._recv_into_with(flags, buffer, nbytes)
        watch = self._watch
        deadline = None
        tried = parked = False
        try:
            size = nbytes or len(buffer)  # type: ignore[arg-type]  # what it cannot, comes next
        except TypeError:
            size = memoryview(buffer).nbytes
        try:
            if not watch.readable and size > 0:
                if self._timeout is not None:
                    deadline = watch.hub.time() + self._timeout
                parked = True
                watch.until_readable(deadline)
            received = _recv_into(self, buffer, nbytes)
        except (OSError, WrongThread) as error:
            if not self._is_passing(error):
                raise
            tried = isinstance(error, BlockingIOError)
            received = -1
        if received < 0:
            received = self._read_on(
                tried, parked and tried, deadline if tried else None, _recv_into, buffer, nbytes
            )
            watch, parked = self._watch, False
        if watch.drains and 0 < received < size and (parked or watch.hub.ident == get_ident()):
            watch.readable = False
        return received

    def _recv_into_with(self, flags: int, buffer: WriteableBuffer, nbytes: int) -> int:
        if not self._waits_for_all(flags):
            return self._when_readable(_recv_into, flags, buffer, nbytes, flags)
        view = memoryview(buffer).cast("B")
        if not 0 <= nbytes <= len(view):
            return _recv_into(self, buffer, nbytes, flags)  # raises
        return self._fill(view[: nbytes or len(view)], flags)

    def _waits_for_all(self, flags: int) -> bool:
        """Whether ``MSG_WAITALL`` counts: the standard class ignores it once there's a timeout."""
        return (
            bool(flags & _WAIT_ALL)
            and not flags & (_NEVER_WAITS_TO_READ | _socket.MSG_PEEK)
            and self._timeout is None
            and type_of(self) == _socket.SOCK_STREAM
        )

    def _fill(self, view: memoryview, flags: int) -> int:
        """Receive until `view` is full or the stream ends, and return the number of bytes."""
        filled = 0
        while filled < len(view):
            received = self._when_readable(_recv_into, flags, view[filled:], 0, flags)
            if not received:
                break
            filled += received
        return filled

    def recvfrom(self, bufsize: int, flags: int = 0, /) -> tuple[bytes, Any]:
        """Receive up to `bufsize` bytes; return them, and the address they came from."""
        return self._when_readable(_Base.recvfrom, flags, bufsize, flags)

    def recvfrom_into(
        self, buffer: WriteableBuffer, nbytes: int = 0, flags: int = 0
    ) -> tuple[int, Any]:
        """Receive into `buffer`; return the number of bytes, and the address they came from."""
        return self._when_readable(_Base.recvfrom_into, flags, buffer, nbytes, flags)

    if hasattr(_Base, "recvmsg"):  # pragma: no branch - every POSIX system has it

        def recvmsg(
            self, bufsize: int, ancbufsize: int = 0, flags: int = 0, /
        ) -> tuple[bytes, list[tuple[int, int, bytes]], int, Any]:
            """Receive data and ancillary data: ``(data, ancdata, msg_flags, address)``."""
            return self._when_readable(_Base.recvmsg, flags, bufsize, ancbufsize, flags)

        def recvmsg_into(
            self,
            buffers: Iterable[WriteableBuffer],
            ancbufsize: int = 0,
            flags: int = 0,
            /,
        ) -> tuple[int, list[tuple[int, int, bytes]], int, Any]:
            """As `recvmsg`, into a series of buffers; the first item is the number of bytes."""
            again = list(buffers)  # an iterator would be used up by the first try
            return self._when_readable(_Base.recvmsg_into, flags, again, ancbufsize, flags)

    # Sending

    def send(self, data: ReadableBuffer, flags: int = 0, /) -> int:
        """Send as much of `data` as there is room for, at least one byte; return how much."""
        if self._watch.writable:
            try:
                return _send(self, data, flags)
            except BlockingIOError:
                if self._timeout == 0:
                    raise
        return self._when_writable(_send, flags, data, flags)

    def sendall(self, data: ReadableBuffer, flags: int = 0, /) -> None:
        """Send all of `data`. After an error there is no telling how much of it was sent."""
        sent = -1
        if self._watch.writable:
            try:
                sent = _send(self, data, flags)
            except BlockingIOError:
                if self._timeout == 0:
                    raise
            else:
                if type(data) is bytes and sent == len(data):
                    return
        self._send_rest(data, sent, flags)

    def _send_rest(self, data: ReadableBuffer, sent: int, flags: int) -> None:
        """Send what is left of `data` when `sent` bytes are; -1 if it hasn't been tried."""
        deadline = None
        with memoryview(data) as view, view.cast("B") as rest:
            parked = not self._watch.writable
            while sent < len(rest):
                if parked and sent < 0:
                    deadline = self._await_writable(None, tried=False)
                sent = max(sent, 0)
                try:
                    sent += _send(self, rest[sent:], flags)
                except BlockingIOError:
                    if self._timeout == 0 or flags & _NEVER_WAITS:
                        raise
                else:
                    continue
                deadline = self._await_writable(deadline, tried=True, again=parked)
                parked = True

    def sendto(self, data: ReadableBuffer, /, *flags_and_address: Any) -> int:
        """Send `data`: ``sendto(data, address)`` or ``sendto(data, flags, address)``."""
        if not flags_and_address:
            return _sendto(self, data)  # raises
        *flags, address = flags_and_address
        where = resolved(self, address)
        known = flags[0] if flags and isinstance(flags[0], int) else 0
        rest = (data, *flags, where)
        return self._when_writable(_sendto, known, *rest)

    if hasattr(_Base, "sendmsg"):  # pragma: no branch - every POSIX system has it

        def sendmsg(
            self,
            buffers: Iterable[ReadableBuffer],
            ancdata: Iterable[tuple[int, int, ReadableBuffer]] = (),
            flags: int = 0,
            address: Any = None,
            /,
        ) -> int:
            """Send a series of buffers and ancillary data; return how many bytes were sent."""
            again = list(buffers), list(ancdata)  # iterators would be used up by the first try
            where = None if address is None else resolved(self, address)
            return self._when_writable(_Base.sendmsg, flags, *again, flags, where)

    if hasattr(_Base, "sendmsg_afalg"):  # pragma: no cover - many kernels have no such sockets

        def sendmsg_afalg(
            self, msg: Iterable[ReadableBuffer] = (), *, flags: int = 0, **options: Any
        ) -> int:
            """Send to a socket of the kernel's crypto interface; the options are those in C."""
            again = list(msg)
            operation = partial(_Base.sendmsg_afalg, flags=flags, **options)
            return self._when_writable(operation, flags, again)

    def _sendfile_use_sendfile(
        self, file: Any, offset: int = 0, count: int | None = None
    ) -> int:  # what `sendfile` of the base class tries first
        self._check_sendfile_params(file, offset, count)  # type: ignore[attr-defined]
        return send_by_kernel(self, file, offset, count)

    # Connections

    def connect(self, address: Any, /) -> None:
        """Connect to `address`.

        Raises:
            OSError: the connection was refused or failed; `TimeoutError` if it took too long.
            gaierror: the name in `address` cannot be resolved.
        """
        code = connect_ex(self, address)
        if code:
            raise OSError(code, os.strerror(code))

    def connect_ex(self, address: Any, /) -> int:
        """As `connect`, but return the error number of a failure, 0 for none."""
        try:
            return connect_ex(self, address)
        except TimeoutError as error:
            return error.errno or errno.EWOULDBLOCK

    def bind(self, address: Any, /) -> None:
        """Give the socket an address of its own."""
        _Base.bind(self, resolved(self, address))

    def accept(self) -> tuple[GreenSocket, Any]:
        """Wait for a connection; return a green socket for it and the address of its peer."""
        fd, address = self._when_readable(_accept, 0)
        return GreenSocket(family_of(self), type_of(self), self.proto, fd), address

    # The end

    def _real_close(self, _close: Callable[[_socket.socket], None] = _Base.close) -> None:
        unwatch(self)
        _close(self)

    def detach(self) -> int:
        """Give up the descriptor without closing it, and return it.

        It stays non-blocking. But where there is no timeout, the green `os.read` and `os.write`
        wait for it all the same, as the standard ones would.
        """
        unwatch(self)
        if self._timeout is None and self.fileno() >= 0:
            note_detached(self.fileno())
        return _Standard.detach(self)

    def __del__(self) -> None:
        # The hub must not believe that it knows the next descriptor of this number.
        try:
            if self._watches and self._watches is not GONE:
                unwatch(self)
        except AttributeError:
            pass  # made by `__new__` alone
        _Base.__del__(self)  # type: ignore[attr-defined]  # the C code has one
