"""A chat server: what one guest types is shown to all others.

    python chat_server.py [HOST [PORT]]     then, as often as you like: nc HOST PORT

A guest has one green thread, which reads. Another writes to it while there is something to write,
so that nobody waits for a guest who doesn't read; who falls too far behind is shown out.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from itertools import islice

from eventlet import hub
from eventlet.greensocket import GreenSocket, listen, serve
from eventlet.greensocket.socket import SHUT_RDWR

HOST, PORT = "127.0.0.1", 3000
MOST_GUESTS = 20_000
# Bytes in a line, and bytes that may wait for a guest who doesn't read.
LONGEST_LINE = 1024
MOST_UNREAD = 64 * 1024
MOST_NAMES = 100


class Guest:
    """Somebody in the room."""

    def __init__(self, name: str, connection: GreenSocket) -> None:
        self.name = name
        self._connection = connection
        self._unread = bytearray()
        self._is_writing = False

    def show(self, line: bytes) -> None:
        """Send a line without waiting for it to go out."""
        self._unread += line
        if len(self._unread) > MOST_UNREAD:
            self._show_out()
        elif not self._is_writing:
            self._is_writing = True
            hub.spawn(self._write)

    def _write(self) -> None:
        try:
            while self._unread:
                lines, self._unread = self._unread, bytearray()
                self._connection.sendall(lines)
        except OSError:
            self._show_out()
        finally:
            self._is_writing = False

    def _show_out(self) -> None:
        try:
            self._connection.shutdown(SHUT_RDWR)  # ends the reading, and so all the rest
        except OSError:
            pass  # the guest has gone by itself


class Room:
    """The guests, by name."""

    def __init__(self) -> None:
        self.guests: dict[str, Guest] = {}

    def welcome(self, connection: GreenSocket, _address: object) -> None:
        """Let somebody take part until they leave."""
        try:
            lines = read_lines(connection)
            guest = self._introduce(connection, lines)
            if guest is not None:
                try:
                    self._listen_to(guest, lines)
                finally:
                    del self.guests[guest.name]
        except OSError:
            pass  # the guest is gone, or was shown out

    def _introduce(self, connection: GreenSocket, lines: Iterator[str]) -> Guest | None:
        connection.sendall(b"What is your name?\n")
        for name in lines:
            if name and name not in self.guests:
                guest = self.guests[name] = Guest(name, connection)
                guest.show(
                    f"Hello {name}! Type /who to see who is here, /quit to leave.\n".encode()
                )
                return guest
            connection.sendall(b"That name is taken; another one?\n")
        return None

    def _listen_to(self, guest: Guest, lines: Iterator[str]) -> None:
        for line in lines:
            if line == "/quit":
                return
            if line == "/who":
                names = ", ".join(islice(self.guests, MOST_NAMES))
                guest.show(f"{len(self.guests)} here: {names}\n".encode())
            elif line:
                self._tell_others(guest, f"{guest.name}: {line}\n".encode())

    def _tell_others(self, speaker: Guest, line: bytes) -> None:
        for guest in self.guests.values():
            if guest is not speaker:
                guest.show(line)
        hub.sleep(0)  # lets it go out before the next, however fast somebody types


def read_lines(connection: GreenSocket) -> Iterator[str]:
    """Yield what a guest types, without what could upset the others' terminals."""
    with connection.makefile("rb", LONGEST_LINE) as file:
        while line := file.readline(LONGEST_LINE):
            text = line.decode(errors="replace").strip()
            yield "".join(letter for letter in text if letter.isprintable())


def allow_many_guests() -> None:
    """Take as many descriptors as the system lets us have."""
    if sys.platform != "win32":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def main(host: str = HOST, port: str | int = PORT) -> None:
    allow_many_guests()
    with listen((host, int(port)), backlog=1024) as listener:
        print("chatting at {}:{}".format(*listener.getsockname()), flush=True)
        try:
            serve(listener, Room().welcome, MOST_GUESTS)
        except KeyboardInterrupt:
            print("bye")


if __name__ == "__main__":
    main(*sys.argv[1:])
