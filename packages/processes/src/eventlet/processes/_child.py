"""An interpreter in a child process, which does what it is asked for."""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable
from io import BytesIO
from itertools import count
from subprocess import PIPE, TimeoutExpired
from subprocess import _args_from_interpreter_flags as interpreter_flags  # type: ignore[attr-defined]
from typing import Any, NoReturn

from eventlet.hub import Waiter, get_hub, spawn

from . import _server
from ._pipes import PipeReader, PipeWriter
from ._popen import Popen
from .errors import DeadProcess, ProcessError, RemoteError, RemoteTraceback

_BOOT = """\
import sys
names = {'__name__': 'eventlet.processes._server'}
with open(sys.argv[1], 'rb') as file:
    exec(compile(file.read(), sys.argv[1], 'exec'), names)
names['main']()
"""
# How many seconds a child has to end after it has closed the pipe for its replies.
_GRACE = 5.0
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
        self._link = _Link(dead_callback)
        self._unneeded: list[int] = []
        self._knows_main = False
        self._reader = spawn(self._link.run)
        try:
            self._link.send(self._encode("path", (sys.path,)))
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

    def ask(self, operation: str, *args: Any) -> Reply:
        """Have the child do something, and return its reply; see `eventlet.processes._server`.

        Raises:
            DeadProcess: the child has died before it could answer.
            PicklingError, TypeError, AttributeError: an argument can't be pickled.
            BaseException: what the operation has raised.
        """
        request = self._encode(operation, args)
        if not self._knows_main and b"__main__" in request:
            # What is defined there can be unpickled only where the program has been imported.
            from multiprocessing import spawn as preparation

            data = preparation.get_preparation_data("eventlet")
            data = {name: data[name] for name in _PREPARATION if name in data}
            _check(self._link.ask(self._encode("main", (data,))))
            self._knows_main = True
        return _check(self._link.ask(request))

    def forget(self, number: int) -> None:
        """Tell the child, by and by, that one of its objects isn't needed any more."""
        self._unneeded.append(number)

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
        link: _Link | None = getattr(self, "_link", None)
        if link is not None:
            link.close()

    def _encode(self, operation: str, args: tuple[Any, ...]) -> bytes:
        file = BytesIO()
        unneeded, self._unneeded = self._unneeded, []
        try:
            _Pickler(file, self).dump((unneeded, operation, args))
        except BaseException:
            self._unneeded += unneeded
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


class _Link:
    """The pipes to a child, and who waits for its replies."""

    def __init__(self, dead_callback: Callable[[], object] | None) -> None:
        self._popen = Popen(
            [sys.executable, *interpreter_flags(), "-c", _BOOT, _server.__file__],
            stdin=PIPE,
            stdout=PIPE,
            bufsize=0,
        )
        # A request goes into the buffer as a whole, or not at all.
        self._requests = PipeWriter(self._popen.stdin, sys.maxsize)
        self._replies = PipeReader(self._popen.stdout)
        self._dead_callback = dead_callback
        self._numbers = count(1)
        self._waiters: dict[int, Waiter[bytes]] = {}
        self.is_dead = False
        self.unanswered = 0

    @property
    def pid(self) -> int:
        return self._popen.pid

    def send(self, request: bytes, number: int = 0) -> None:
        """Send a request whose reply nobody waits for, or the one for `number`."""
        if self.is_dead:
            raise self._dead()
        try:
            self.unanswered += 1
            self._requests.write(_server.HEADER.pack(len(request), number) + request)
            self._requests.flush()
        except (OSError, ValueError) as error:
            if not (isinstance(error, BrokenPipeError) or self._requests.closed):
                raise
            raise self._dead() from error

    def ask(self, request: bytes) -> bytes:
        """Send a request and wait for its reply; one that nobody waits for any more is dropped."""
        number = next(self._numbers)
        waiter = self._waiters[number] = Waiter[bytes]()
        try:
            self.send(request, number)
            return waiter.wait()
        finally:
            self._waiters.pop(number, None)

    def run(self) -> None:
        """Bring replies to who waits for them, until the child dies; in a green thread."""
        try:
            while len(header := self._replies.read(_server.HEADER.size)) == _server.HEADER.size:
                length, number = _server.HEADER.unpack(header)
                reply = self._replies.read(length)
                self.unanswered -= 1
                waiter = self._waiters.get(number)
                if waiter is not None and len(reply) == length:
                    waiter.switch(reply)
        finally:
            self._bury()

    def kill(self) -> None:
        self._popen.kill()

    def wait(self) -> int:
        return self._popen.wait()

    def close(self) -> None:
        """Have the child end when it has done what it was asked for."""
        self._requests.abandon()

    def _bury(self) -> None:
        self.is_dead = True
        self._requests.abandon()
        self._replies.close()
        try:
            self._popen.wait(_GRACE)
        except TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
        for waiter in list(self._waiters.values()):
            waiter.throw(self._dead())
        if self._dead_callback is not None:
            spawn(self._dead_callback)

    def _dead(self) -> DeadProcess:
        return DeadProcess("this child does nothing any more", self.pid, self._popen.poll())


def _check(reply: bytes) -> Reply:
    """Return a reply that isn't an error, and raise one that is."""
    kind, *rest = pickle.loads(reply)
    if kind != "error":
        return (kind, *rest)
    pickled, description, text = rest
    error = RemoteError(description) if pickled is None else pickle.loads(pickled)
    error.__cause__ = RemoteTraceback(text)
    raise error
