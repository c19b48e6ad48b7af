"""What runs in a child process whose objects and functions its parent uses.

This file is executed by itself: it imports nothing of this package, so that a child starts fast.

A request is a tuple: numbers of objects that the parent doesn't need any more, the name of an
operation, the number of the object that it is about or 0, and more arguments. Another object of the
child is, in an argument, a call of a function that finds it by its number.

A reply is a tuple too: "value" and a copy of the result; "object", a number to use it by and the
name of its type; "method", for an attribute that is there to be called; or "error", the pickled
exception or None, its description and its traceback as text. Both have their length and the number
of the request in front. They are marshalled, which is fastest, if nothing but plain values is in
them, and pickled otherwise.

On a pipe of its own come the numbers of requests whose results nobody wants any more. A native
thread reads them and interrupts the main thread, which need not look there: so a request that is
not cancelled costs nothing more.
"""

from __future__ import annotations

import io
import marshal
import operator
import os
import pickle
import signal
import struct
import sys
import traceback
from _thread import get_ident, interrupt_main, start_new_thread
from collections.abc import Callable
from inspect import isroutine
from typing import Any, BinaryIO

# How many bytes follow, and the number of the request.
HEADER = struct.Struct("!QQ")
# The number of a request that is cancelled.
CANCEL = struct.Struct("!Q")
PROTOCOL = pickle.HIGHEST_PROTOCOL
# The first byte of what was pickled (PEP 307); no marshalled tuple begins with it.
_PICKLED = 0x80

# What can't change is worth as much as the object itself.
_PLAIN_TYPES = frozenset(map(type, (None, True, 1, 1.0, 1j, "", b"", ..., NotImplemented)))
# Means nothing to most programs, and is ignored by default. Windows lacks it.
_INTERRUPT = getattr(signal, "SIGURG", None) or signal.SIGBREAK  # type: ignore[attr-defined]

_OPERATIONS: dict[str, Callable[..., Any]] = {
    "bool": bool,
    "contains": operator.contains,
    "delattr": delattr,
    "delitem": operator.delitem,
    "dir": lambda obj: tuple(dir(obj)),
    "eq": operator.eq,
    "getitem": operator.getitem,
    "hash": hash,
    "iter": iter,
    "len": len,
    "next": next,
    "setattr": setattr,
    "setitem": operator.setitem,
    "str": str,
}


class Server:
    """Does what the parent asks for, one thing after the other."""

    def __init__(self) -> None:
        self._objects: dict[int, Any] = {}
        self._last_number = 0
        # The request that can be interrupted just now, and those that are to be.
        self._running = 0
        self._cancelled: set[int] = set()
        self._special: dict[str, Callable[..., tuple[Any, ...]]] = {
            "adopt": self._hand_out,
            "apply": lambda function, args, kwargs: ("value", function(*args, **dict(kwargs))),
            "call": lambda obj, args, kwargs: self._return(obj(*args, **dict(kwargs))),
            "callmethod": lambda obj, name, args, kwargs: self._return(
                getattr(obj, name)(*args, **dict(kwargs))
            ),
            "copy": lambda obj: ("value", obj),
            "getattr": self._get_attribute,
            "import": self._import,
            "main": self._import_main,
            "path": self._set_path,
            "status": self._get_status,
        }

    def answer(self, request: bytes, number: int = 0) -> bytes:
        """Return the reply to a request."""
        try:
            try:
                self._running = number
                self._check_cancelled()
                return self._answer(request)
            finally:
                # An interrupt that comes before this line has done the same.
                self._running = 0
        except BaseException as error:  # even SystemExit is only an answer
            return encode(_describe(error))
        finally:
            self._cancelled.discard(number)

    def cancel(self, number: int) -> None:
        """Note that the result of a request isn't wanted, running or still to come."""
        self._cancelled.add(number)

    def interrupt(self, *_: object) -> None:
        """Interrupt the request that runs, if it is cancelled; in the handler of a signal."""
        self._check_cancelled()

    def _check_cancelled(self) -> None:
        if self._running in self._cancelled:
            self._running = 0
            raise KeyboardInterrupt("nobody waits for this call any more")

    def _answer(self, request: bytes) -> bytes:
        if request[0] == _PICKLED:
            unneeded, operation, target, args = _Unpickler(request, self._objects).load()
        else:
            unneeded, operation, target, args = marshal.loads(request)
        for number in unneeded:
            del self._objects[number]
        if target:
            args = self._objects[target], *args
        special = self._special.get(operation)
        if special is not None:
            return encode(special(*args))
        return encode(self._return(_OPERATIONS[operation](*args)))

    def _return(self, result: Any) -> tuple[Any, ...]:
        return ("value", result) if is_plain(result) else self._hand_out(result)

    def _hand_out(self, obj: Any) -> tuple[Any, ...]:
        self._last_number += 1
        self._objects[self._last_number] = obj
        return ("object", self._last_number, type(obj).__qualname__)

    def _get_attribute(self, obj: Any, name: str) -> tuple[Any, ...]:
        value = getattr(obj, name)
        return ("method",) if isroutine(value) else self._return(value)

    def _import(self, name: str) -> tuple[Any, ...]:
        __import__(name)
        return self._hand_out(sys.modules[name])

    def _import_main(self, data: dict[str, Any]) -> tuple[Any, ...]:
        from multiprocessing import spawn

        # Whoever starts children while their program is being imported would do so for ever.
        sys._eventlet_imports_main = True  # type: ignore[attr-defined]
        try:
            spawn.prepare(data)
        finally:
            del sys._eventlet_imports_main  # type: ignore[attr-defined]
        return ("value", None)

    def _set_path(self, path: list[str]) -> tuple[Any, ...]:
        sys.path[:] = path
        return ("value", None)

    def _get_status(self) -> tuple[Any, ...]:
        status = {
            "object_count": len(self._objects),
            "next_id": self._last_number + 1,
            "pid": os.getpid(),
        }
        return ("value", status)


class _Unpickler(pickle.Unpickler):
    """Finds the objects of this child that a request refers to."""

    def __init__(self, request: bytes, objects: dict[int, Any]) -> None:
        super().__init__(io.BytesIO(request))
        self._objects = objects

    def find_class(self, module: str, name: str) -> Any:
        if name == "dereference" and module == "eventlet.processes._child":
            return self._objects.__getitem__
        return super().find_class(module, name)


def is_plain(value: Any) -> bool:
    """Whether a value can't change, and is of a type that every Python has."""
    kind = type(value)
    if kind is tuple or kind is frozenset:
        # Not all(...), which takes twice as long for the few that there are.
        for each in value:  # noqa: SIM110
            if type(each) not in _PLAIN_TYPES and not is_plain(each):
                return False
        return True
    return kind in _PLAIN_TYPES


def encode(message: tuple[Any, ...]) -> bytes:
    """Return a message of plain values, or of others that can be pickled, as bytes."""
    return encode_plain(message) if is_plain(message) else pickle.dumps(message, PROTOCOL)


def encode_plain(message: tuple[Any, ...]) -> bytes:
    """Return a message of plain values as bytes."""
    try:
        return marshal.dumps(message)
    except ValueError:  # NotImplemented is in it, or nesting that is too deep
        return pickle.dumps(message, PROTOCOL)


def decode(message: bytes) -> tuple[Any, ...]:
    """Return what was encoded."""
    load = pickle.loads if message[0] == _PICKLED else marshal.loads
    found: tuple[Any, ...] = load(message)
    return found


def _describe(error: BaseException) -> tuple[Any, ...]:
    text = "".join(traceback.format_exception(error))
    try:
        pickled = pickle.dumps(error, PROTOCOL)
        pickle.loads(pickled)
    except Exception:  # an exception may do anything when it is copied
        pickled = None
    return ("error", pickled, f"{type(error).__qualname__}: {error}", text)


def serve(requests: BinaryIO, replies: BinaryIO, server: Server) -> None:
    """Answer requests until there are no more."""
    while len(header := requests.read(HEADER.size)) == HEADER.size:
        length, number = HEADER.unpack(header)
        request = requests.read(length)
        if len(request) < length:
            return
        reply = server.answer(request, number)
        rest = HEADER.pack(len(reply), number) + reply
        while rest:
            rest = rest[replies.write(rest) :]


def heed(cancellations: BinaryIO, server: Server, main: int) -> None:
    """Cancel what the parent doesn't want any more, until it is gone; in a native thread.

    Arguments:
        main: the number of the main thread.
    """
    while len(data := cancellations.read(CANCEL.size)) == CANCEL.size:
        server.cancel(*CANCEL.unpack(data))
        if hasattr(signal, "pthread_kill"):
            signal.pthread_kill(main, _INTERRUPT)  # which also ends a wait of the system
        else:
            interrupt_main(_INTERRUPT)


def _open_inherited(number: int) -> BinaryIO:
    """Open the pipe that the parent knows by this number: a descriptor, on Windows a handle."""
    if sys.platform == "win32":  # pragma: no cover  there is no such call elsewhere
        import msvcrt

        number = msvcrt.open_osfhandle(number, os.O_RDONLY)
    os.set_inheritable(number, False)
    return open(number, "rb", 0)


def main() -> None:
    """Serve the parent, out of reach of everything that prints and reads."""
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    server = Server()
    signal.signal(_INTERRUPT, server.interrupt)
    start_new_thread(heed, (_open_inherited(int(sys.argv[2])), server, get_ident()))
    try:
        with open(requests, "rb") as reader, open(replies, "wb", 0) as writer:
            serve(reader, writer, server)
    except (BrokenPipeError, KeyboardInterrupt):
        pass  # the parent is gone, or is about to be
