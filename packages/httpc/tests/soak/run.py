"""Read a thousand slow answers at a time, and need no more memory in the end than at first.

::

    python run.py               # 1,000 answers of 200 pieces of 16 KiB: 3 GiB
    python run.py 200 --pieces 1000
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time

from eventlet import hub
from eventlet.greensocket import listen, serve, socket
from eventlet.httpc import Client, Limits, Timeouts
from eventlet.hub import tpool

PIECE = bytes(16 * 1024)
PAUSE = 0.1  # between two pieces of one answer, in seconds, if the machine keeps up
# What the system and the allocator may do as they like, in bytes for all answers together.
SLACK = 16 * 1024 * 1024
PAGE = os.sysconf("SC_PAGESIZE")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("answers", nargs="?", type=int, default=1000)
    parser.add_argument("--pieces", type=int, default=200)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    _allow_descriptors(options.answers + 100)
    if options.serve:
        return drip(options.pieces)
    command = [sys.executable, __file__, "--serve", *sys.argv[1:]]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        port = int(server.stdout.readline())
        sizes = read_all(f"http://127.0.0.1:{port}/", options.answers, options.pieces)
        server.stdin.close()
    early, late = max(sizes[: len(sizes) // 4]), max(sizes)
    print(f"largest size in memory: {early >> 20} MiB in the first quarter, {late >> 20} in all")
    return int(late > early + SLACK)


def read_all(url: str, answers: int, pieces: int) -> list[int]:
    """Read that many answers at a time; return how large we were, each second."""
    sizes: list[int] = []

    def read() -> None:
        with client.stream("GET", url) as response:
            got = sum(len(piece) for piece in response.iter_bytes())
        if got != pieces * len(PIECE):
            raise ValueError(f"of {pieces * len(PIECE)} bytes, {got} arrived")

    def watch() -> None:
        while True:
            hub.sleep(1)
            sizes.append(_size())

    limits = Limits(max_connections=answers, max_per_host=answers)
    began = time.perf_counter()
    with Client(limits=limits, timeout=Timeouts(read=60), trust_env=False) as client:
        readers = [hub.spawn(read) for _ in range(answers)]
        watcher = hub.spawn(watch)
        for reader in readers:
            reader.wait()
        hub.kill(watcher)
    took = time.perf_counter() - began
    amount = answers * pieces * len(PIECE) >> 20
    print(f"{answers} answers, {amount} MiB in {took:.1f} s")
    return sizes


def drip(pieces: int) -> int:
    """Answer whoever asks with pieces that take their time, until standard input ends."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (pieces * len(PIECE))

    def answer(connection: socket.socket, address: object) -> None:
        connection.recv(65536)
        connection.sendall(head)
        for _ in range(pieces):
            connection.sendall(PIECE)
            hub.sleep(PAUSE)
        connection.recv(1)

    listener = listen(("127.0.0.1", 0), backlog=4096)
    print(listener.getsockname()[1], flush=True)
    hub.spawn(serve, listener, answer, concurrency=100_000)
    tpool.execute(sys.stdin.buffer.read)
    return 0


def _allow_descriptors(amount: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < amount:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(amount, hard), hard))


def _size() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * PAGE


if __name__ == "__main__":
    sys.exit(main())
