"""An interpreter in a child process, which does what it is asked for."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from io import BytesIO
from typing import Any, NoReturn

from eventlet.hub import get_hub, spawn

from . import _server
from ._command import check_callback
from ._link import Link
from .errors import ProcessError, RemoteError, RemoteTraceback

# How the program is to be imported, of what `multiprocessing` tells its children.
_PREPARATION = ("sys_path", "sys_argv", "init_main_from_name", "init_main_from_path")

Reply = tuple[Any, ...]


class Child:
    """Starts an interpreter, and has it do things; it ends when nobody has this object any more.

    Arguments:
        dead_callback: called once, without arguments, when the child has ended.
    """

    def __init__(self, dead_callback: Callable[[], object] | None = None) -> None:
        if hasattr(sys, "_eventlet_imports_main"):
            raise ProcessError(
                "this program starts child processes while one of those imports it; put what is to"
                " happen only once under: if __name__ == '__main__':"
            )
        check_callback(dead_callback)
        self._link = Link(dead_callback)
        self._knows_main = False
        self._reader = spawn(self._link.run)
        try:
            self._link.send(self._encode("path", 0, (sys.path,)))
        except BaseException:  # whatever it is, nobody gets to know the child
            self.kill()
            self.wait()
            raise

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._link.pid

    @property
    def is_dead(self) -> bool:
        """Whether the child has ended."""
        return self._link.is_dead

    @property
    def is_idle(self) -> bool:
        """Whether the child lives, and has done all that it was asked for."""
        return not (self._link.is_dead or self._link.unanswered)

    def ask(self, operation: str, target: int, *args: Any) -> Reply:
        """Have the child do something, and return its reply; see `eventlet.processes._server`.

        When the green thread that waits is interrupted, so is the child in what it does for it.

        Arguments:
            target: the number of the object that it is about; 0 if there is none.

        Raises:
            DeadProcess: the child has died before it could answer.
            PicklingError, TypeError, AttributeError: an argument can't be pickled.
            BaseException: what the operation has raised.
        """
        request = self._encode(operation, target, args)
        if not self._knows_main and b"__main__" in request:
            # What is defined there can be unpickled only where the program has been imported.
            from multiprocessing import spawn as preparation

            data = preparation.get_preparation_data("eventlet")
            data = {name: data[name] for name in _PREPARATION if name in data}
            _check(self._link.ask(self._encode("main", 0, (data,))))
            self._knows_main = True
        return _check(self._link.ask(request))

    def forget(self, number: int) -> None:
        """Tell the child, by and by, that one of its objects isn't needed any more."""
        self._link.unneeded.append(number)

    def kill(self) -> None:
        """End the child at once; whoever waits for a reply gets `DeadProcess`."""
        self._link.kill()

    def wait(self) -> int:
        """Wait until the child has ended, and all have been told; return its exit code."""
        code = self._link.wait()
        # At the end of the program, this may be another native thread.
        if self._reader.hub is get_hub():
            self._reader.wait()
        return code

    def __del__(self) -> None:
        # Unless it could not be started.
        link: Link | None = getattr(self, "_link", None)
        if link is not None:
            link.close()

    def _encode(self, operation: str, target: int, args: tuple[Any, ...]) -> bytes:
        unneeded, self._link.unneeded = self._link.unneeded, []
        request = (tuple(unneeded), operation, target, args)
        if _server.is_plain(args):
            return _server.encode_plain(request)
        file = BytesIO()
        try:
            _Pickler(file, self).dump(request)
        except BaseException:
            self._link.unneeded += unneeded
            raise
        return file.getvalue()


class _Pickler(pickle.Pickler):
    """Pickles requests, and in them objects of the child as references."""

    def __init__(self, file: BytesIO, child: Child) -> None:
        super().__init__(file, _server.PROTOCOL)
        self._child = child

    def reducer_override(self, obj: Any) -> Any:
        get_reference = getattr(type(obj), "eventlet_reference", None)
        if get_reference is None:
            return NotImplemented
        child, number = get_reference(obj)
        if child is not self._child:
            raise TypeError(f"{obj!r} belongs to another child than this one, {self._child.pid}")
        return dereference, (number,)


def dereference(number: int) -> NoReturn:
    """Stand, in a request, for the function that finds an object of the child by its number."""
    raise ProcessError(f"object {number} is one of a child process, and was unpickled elsewhere")


def _check(reply: bytes) -> Reply:
    """Return a reply that isn't an error, and raise one that is."""
    found = _server.decode(reply)
    if found[0] != "error":
        return found
    _, pickled, description, text = found
    error = RemoteError(description) if pickled is None else pickle.loads(pickled)
    error.__cause__ = RemoteTraceback(text)
    raise error
