"""The pipes to an interpreter in a child process, and who waits for its replies."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from subprocess import PIPE, TimeoutExpired
from subprocess import _args_from_interpreter_flags as interpreter_flags  # type: ignore[attr-defined]
from typing import Any

from eventlet.hub import Hub, Waiter, get_hub, spawn
from eventlet.hub._native import allocate_lock

from . import _server
from ._ends import CHUNK, End
from ._pipes import PipeWriter, RawPipe
from ._popen import Popen
from .errors import DeadProcess

_BOOT = """\
import sys
names = {'__name__': 'eventlet.processes._server'}
with open(sys.argv[1], 'rb') as file:
    exec(compile(file.read(), sys.argv[1], 'exec'), names)
names['main']()
"""
# How many seconds a child has to end after it has closed the pipe for its replies.
_GRACE = 5.0


class Link:
    """Starts an interpreter, sends it requests, and brings the replies to who waits for them.

    Several green threads, in several native threads, may ask; the requests are sent one after the
    other, without waiting for the replies.

    Arguments:
        dead_callback: called once, without arguments, when the child has ended.
    """

    def __init__(self, dead_callback: Callable[[], object] | None) -> None:
        self._popen, self._cancellations = _start()
        self._requests: End = self._popen.stdin.end
        self._replies: End = self._popen.stdout.end
        self._dead_callback = dead_callback
        self._numbers = count(1)
        self._waiters: dict[int, Waiter[bytes]] = {}
        # What is to be sent, and the right to send it.
        self._outgoing = bytearray()
        self._turn = allocate_lock()
        # The hub that will send it.
        self._sender: Hub | None = None
        # Numbers of objects of the child that aren't needed any more.
        self.unneeded: list[int] = []
        self.is_dead = False
        self.unanswered = 0

    @property
    def pid(self) -> int:
        return self._popen.pid

    def send(self, request: bytes, number: int = 0) -> None:
        """Send a request whose reply nobody waits for, or the one for `number`."""
        if self.is_dead:
            raise self._dead()
        self.unanswered += 1
        self._outgoing += _server.HEADER.pack(len(request), number) + request
        if self.unanswered > 1:  # the child is busy: what others ask for now may be sent along
            self._send_soon()
            return
        try:
            self._send_out()
        except BrokenPipeError as error:
            raise self._dead() from error

    def ask(self, request: bytes) -> bytes:
        """Send a request and wait for its reply; cancel it if that is interrupted."""
        number = next(self._numbers)
        waiter: Waiter[bytes] = Waiter()  # Waiter[bytes]() takes 1 µs longer
        self._waiters[number] = waiter
        try:
            self.send(request, number)
            return waiter.wait()
        except DeadProcess:
            raise
        except BaseException:  # whatever it is, nobody wants the result
            spawn(self._cancel, number)
            raise
        finally:
            self._waiters.pop(number, None)

    def run(self) -> None:
        """Bring replies to who waits for them, until the child dies; in a green thread."""
        header, buffer = _server.HEADER, bytearray()
        try:
            while data := self._replies.receive(CHUNK):
                buffer += data
                while len(buffer) >= header.size:
                    length, number = header.unpack_from(buffer)
                    end = header.size + length
                    if len(buffer) < end:
                        break
                    reply = bytes(buffer[header.size : end])
                    del buffer[:end]
                    self._deliver(number, reply)
        finally:
            self._bury()

    def kill(self) -> None:
        self._popen.kill()

    def wait(self) -> int:
        return self._popen.wait()

    def close(self) -> None:
        """Have the child end when it has done what it was asked for."""
        self._popen.stdin.close()
        self._cancellations.abandon()

    # Behind the scenes

    def _send_soon(self) -> None:
        """Send what there is when the green threads that are ready have had their turn."""
        hub = get_hub()
        if self._sender is not hub:  # which may have ended with its native thread
            self._sender = hub
            hub.call_soon(self._send_due)

    def _send_due(self) -> None:
        self._sender = None
        if self._popen.stdin.closed:  # if somebody waits, the end of the child will tell him
            return
        try:
            self._send_out()
        except OSError:  # it doesn't read any more, and so will never answer
            self.kill()

    def _send_out(self) -> None:
        """Send what there is, unless somebody does already, without waiting for the child."""
        while self._outgoing and self._turn.acquire(blocking=False):
            try:
                sent = self._requests.send_nowait(bytes(self._outgoing[:CHUNK]))
                del self._outgoing[:sent]
            finally:
                self._turn.release()
            if self._outgoing and not sent:
                spawn(self._send_patiently)
                return

    def _send_patiently(self) -> None:
        """Send what there is while the child takes it; in a green thread of its own.

        So whoever has asked may be interrupted at any time, and the request still arrives whole.
        """
        if not self._turn.acquire(blocking=False):
            return
        try:
            while self._outgoing:
                chunk = memoryview(bytes(self._outgoing[:CHUNK]))
                self._requests.send(chunk, self._note_sent)
        except OSError:  # it doesn't read any more, and so will never answer
            self.kill()
            return
        finally:
            self._turn.release()
        self._send_out()

    def _note_sent(self, size: int) -> None:
        del self._outgoing[:size]

    def _deliver(self, number: int, reply: bytes) -> None:
        self.unanswered -= 1
        waiter = self._waiters.get(number)
        if waiter is not None and waiter.switch(reply):
            return
        if number:  # nobody has waited long enough to learn of the object, if it is one
            kind, *rest = _server.decode(reply)
            if kind == "object":
                self.unneeded.append(rest[0])

    def _cancel(self, number: int) -> None:
        with suppress(OSError, ValueError):  # of a pipe to a child that is dead, or closed
            self._cancellations.write(_server.CANCEL.pack(number))
            self._cancellations.flush()

    def _bury(self) -> None:
        self.is_dead = True
        self.close()
        self._popen.stdout.close()
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


def _start() -> tuple[Popen, PipeWriter]:
    """Start an interpreter; return it and a third pipe to it, besides those of its files."""
    theirs, ours = os.pipe()
    cancellations = PipeWriter(RawPipe(io.FileIO(ours, "wb")))
    try:
        options, number = _inherit(theirs)
        command = [sys.executable, *interpreter_flags(), "-c", _BOOT, _server.__file__, str(number)]
        popen = Popen(command, stdin=PIPE, stdout=PIPE, bufsize=0, **options)
    except BaseException:  # whatever it is, there is nobody to talk to
        cancellations.abandon()
        raise
    finally:
        os.close(theirs)
    return popen, cancellations


def _inherit(fd: int) -> tuple[dict[str, Any], int]:
    """Return the options for `Popen` that let a child have a descriptor, and its name there."""
    if sys.platform == "win32":  # pragma: no cover  there is no such call elsewhere
        import msvcrt

        handle = msvcrt.get_osfhandle(fd)
        os.set_handle_inheritable(handle, True)
        startup = subprocess.STARTUPINFO(lpAttributeList={"handle_list": [handle]})
        return {"startupinfo": startup}, handle
    return {"pass_fds": [fd]}, fd
