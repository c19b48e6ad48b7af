"""Fill the chat server of the examples with guests, and see that each is told what others say.

    python soak_chat.py [--clients 5000] [--lines 20]

Prints figures about the server; fails when a line doesn't reach somebody, or reaches them twice.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eventlet import coros, hub
from eventlet.greensocket import GreenSocket, connect

SERVER = Path(__file__).resolve().parent.parent / "examples" / "chat_server.py"
# Who connects at the same time: fewer than the server's listener has room for.
AT_ONCE = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--clients", type=int, default=5000)
    parser.add_argument("--lines", type=int, default=20, help="how many of them say something")
    options = parser.parse_args()
    allow_many_descriptors()
    with chat_server() as (address, pid):
        empty = resident_memory(pid)
        began = time.monotonic()
        guests = list(
            coros.map(
                lambda number: Guest(address, f"guest-{number}"),
                range(options.clients),
                max_size=AT_ONCE,
            )
        )
        joined = time.monotonic() - began
        full = resident_memory(pid)
        spoken = talk(guests, options.lines)
        for guest in guests:
            guest.close()
        wait_until_alone(address)
    print(f"{len(guests)} clients joined in {joined:.1f} s, {len(guests) / joined:.0f} a second")
    print(f"{options.lines * len(guests) / spoken:.0f} lines a second were delivered to all")
    if full is not None and empty is not None:
        print(f"the server took {(full - empty) / len(guests):.1f} KiB of memory for each client")


class Guest:
    """A client of the chat server."""

    def __init__(self, address: tuple[str, int], name: str) -> None:
        self.name = name
        self._connection: GreenSocket = connect(address, timeout=60)
        self._file: Any = self._connection.makefile("rb", 512)
        assert self.hear() == "What is your name?"
        self.say(name)
        assert self.hear().startswith(f"Hello {name}!")

    def say(self, line: str) -> None:
        self._connection.sendall(line.encode() + b"\n")

    def hear(self) -> str:
        line: str = self._file.readline().decode()
        assert line.endswith("\n"), f"{self.name} was shown out"
        return line[:-1]

    def close(self) -> None:
        self._file.close()
        self._connection.close()


def talk(guests: list[Guest], count: int) -> float:
    """Have some guests say a line each, and return after how many seconds all had heard them."""
    speakers = guests[:: max(1, len(guests) // count)][:count]
    hearing = [hub.spawn(hear_all, guest, speakers) for guest in guests]
    began = time.monotonic()
    for speaker in speakers:
        speaker.say(f"I am {speaker.name}")
    for thread in hearing:
        thread.wait()
    return time.monotonic() - began


def hear_all(guest: Guest, speakers: list[Guest]) -> None:
    expected = sorted(f"{each.name}: I am {each.name}" for each in speakers if each is not guest)
    heard = sorted(guest.hear() for _ in expected)
    assert heard == expected, f"{guest.name} has heard {heard}"


def wait_until_alone(address: tuple[str, int]) -> None:
    """Ask who is there until those who have left are gone."""
    observer = Guest(address, "observer")
    with hub.Timeout(60):
        observer.say("/who")
        while observer.hear() != "1 here: observer":
            hub.sleep(0.01)
            observer.say("/who")
    observer.close()


@contextmanager
def chat_server() -> Iterator[tuple[tuple[str, int], int]]:
    """Run the server in a process of its own; its address and its number."""
    command = [sys.executable, str(SERVER), "127.0.0.1", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        port = process.stdout.readline().rpartition(":")[2]
        try:
            yield ("127.0.0.1", int(port)), process.pid
        finally:
            process.terminate()


def resident_memory(pid: int) -> int | None:
    """Return how much memory a process has, in KiB; None where proc(5) doesn't tell."""
    try:
        status = Path(f"/proc/{pid}/status").read_text("ascii")
    except OSError:
        return None
    return int(status.partition("VmRSS:")[2].split()[0])


def allow_many_descriptors() -> None:
    if sys.platform != "win32":
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    main()
