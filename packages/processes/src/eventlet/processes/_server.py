"""What runs in a child process whose objects and functions its parent uses.

This file is executed by itself: it imports nothing of this package, so that a child starts fast.

A request is a pickled tuple: numbers of objects that the parent doesn't need any more, the name of
an operation, and its arguments. An object of the child is, in an argument, a call of a function
that finds it by its number.

A reply is a pickled tuple too: "value" and a copy of the result; "object", a number to use it by
and the name of its type; "method", for an attribute that is there to be called; or "error", the
pickled exception or None, its description and its traceback as text. Both have their length and the
number of the request in front.
"""

from __future__ import annotations

import io
import operator
import os
import pickle
import struct
import sys
import traceback
from collections.abc import Callable
from inspect import isroutine
from typing import Any, BinaryIO

# How many bytes follow, and the number of the request.
HEADER = struct.Struct("!QQ")
PROTOCOL = pickle.HIGHEST_PROTOCOL

# What can't change is worth as much as the object itself.
_PLAIN_TYPES = (type(None), bool, int, float, complex, str, bytes, type(...), type(NotImplemented))

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
        self._special: dict[str, Callable[..., tuple[Any, ...]]] = {
            "adopt": self._hand_out,
            "apply": lambda function, args, kwargs: ("value", function(*args, **kwargs)),
            "call": lambda obj, args, kwargs: self._return(obj(*args, **kwargs)),
            "callmethod": lambda obj, name, args, kwargs: self._return(
                getattr(obj, name)(*args, **kwargs)
            ),
            "copy": lambda obj: ("value", obj),
            "getattr": self._get_attribute,
            "import": self._import,
            "main": self._import_main,
            "path": self._set_path,
            "status": self._get_status,
        }

    def answer(self, request: bytes) -> bytes:
        """Return the reply to a request."""
        try:
            unneeded, operation, args = _Unpickler(request, self._objects).load()
            for number in unneeded:
                del self._objects[number]
            special = self._special.get(operation)
            if special is not None:
                reply = special(*args)
            else:
                reply = self._return(_OPERATIONS[operation](*args))
            return pickle.dumps(reply, PROTOCOL)
        except BaseException as error:  # even SystemExit is only an answer
            return pickle.dumps(_describe(error), PROTOCOL)

    def _return(self, result: Any) -> tuple[Any, ...]:
        return ("value", result) if _is_plain(result) else self._hand_out(result)

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


def _is_plain(value: Any) -> bool:
    kind = type(value)
    return kind in _PLAIN_TYPES or (kind in (tuple, frozenset) and all(map(_is_plain, value)))


def _describe(error: BaseException) -> tuple[Any, ...]:
    text = "".join(traceback.format_exception(error))
    try:
        pickled = pickle.dumps(error, PROTOCOL)
        pickle.loads(pickled)
    except Exception:  # an exception may do anything when it is copied
        pickled = None
    return ("error", pickled, f"{type(error).__qualname__}: {error}", text)


def serve(requests: BinaryIO, replies: BinaryIO) -> None:
    """Answer requests until there are no more."""
    server = Server()
    while len(header := requests.read(HEADER.size)) == HEADER.size:
        length, number = HEADER.unpack(header)
        request = requests.read(length)
        if len(request) < length:
            return
        reply = server.answer(request)
        replies.write(HEADER.pack(len(reply), number))
        replies.write(reply)
        replies.flush()


def main() -> None:
    """Serve the parent, out of reach of everything that prints and reads."""
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    try:
        with open(requests, "rb") as reader, open(replies, "wb") as writer:
            serve(reader, writer)
    except (BrokenPipeError, KeyboardInterrupt):
        pass  # the parent is gone, or is about to be
