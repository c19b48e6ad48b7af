"""An echo server for each contender: a process that prints its port and serves until killed.

It serves plainly, or with a timeout set for each wait ("timeout"), or over TLS ("tls").

Each is written the way that the contender's own documentation suggests, with nothing left out or
added that another has not.
"""

import os
import sys
from collections.abc import Callable
from contextlib import nullcontext, suppress
from importlib import import_module
from pathlib import Path
from socket import IPPROTO_TCP, TCP_NODELAY
from typing import Any

from benchmarks.contenders import CONTENDERS

_BACKLOG = 1024
_CHUNK = 4096
_ADDRESS = ("127.0.0.1", 0)
_TIMEOUT = 30.0
_KIND = sys.argv[2] if len(sys.argv) > 2 else "plain"
# A certificate of no worth, with its key, which is good until 2126.
_CERTIFICATE = Path(__file__).parent / "_certificate.pem"


def _announce(port: int) -> None:
    print(port, flush=True)


def _context(ssl: Any) -> Any:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(_CERTIFICATE)
    return context


def _serve(socket: Any, ssl: str, spawn: Callable[..., object]) -> None:
    """Serve with the modules and the `spawn` of a contender that has green threads."""
    context = _context(import_module(ssl)) if _KIND == "tls" else None

    def echo(connection: Any) -> None:
        if context is not None:
            # asyncio and trio do so by themselves. Each handshake would wait for the client, which
            # takes its time to acknowledge, and find the caches of the processor cold.
            connection.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
            connection = context.wrap_socket(connection, server_side=True)
        if _KIND == "timeout":
            connection.settimeout(_TIMEOUT)
        with connection:
            while data := connection.recv(_CHUNK):
                connection.sendall(data)

    listener = socket.socket()
    listener.bind(_ADDRESS)
    listener.listen(_BACKLOG)
    _announce(listener.getsockname()[1])
    while True:
        connection, _ = listener.accept()
        spawn(echo, connection)


def ours() -> None:
    from eventlet.hub import spawn

    _serve(import_module("eventlet.greensocket.socket"), "eventlet.greensocket.ssl", spawn)


def gevent() -> None:
    _serve(import_module("gevent.socket"), "gevent.ssl", import_module("gevent").spawn)


def eventlet() -> None:
    spawn = import_module("eventlet").spawn_n
    _serve(import_module("eventlet.green.socket"), "eventlet.green.ssl", spawn)


def floor() -> None:
    """Serve as the least scheduler can, where sending never blocks."""
    import socket

    from benchmarks.subjects._floor import Scheduler

    scheduler = Scheduler()
    give_up = scheduler.give_up

    def echo(connection: socket.socket) -> None:
        scheduler.register(connection.fileno())
        recv, send = connection.recv, connection.send
        give_up()
        while data := recv(_CHUNK):
            send(data)
            give_up()
        connection.close()

    listener = socket.create_server(_ADDRESS, backlog=_BACKLOG)
    _announce(listener.getsockname()[1])
    scheduler.register(listener.fileno())
    while True:
        give_up()
        with suppress(BlockingIOError):
            while True:
                scheduler.spawn(echo, listener.accept()[0])


def threads() -> None:
    import socket
    from threading import Thread

    def spawn(function: Callable[..., object], *args: Any) -> None:
        Thread(target=function, args=args, daemon=True).start()

    _serve(socket, "ssl", spawn)


def c() -> None:
    """Become a server in C: what the machine could do at best."""
    from benchmarks.subjects._load import compiled

    program = compiled("_echo")
    fd = os.open(program, os.O_RDONLY)
    os.unlink(program)
    os.rmdir(os.path.dirname(program))
    os.execve(fd, ["echo"], os.environ)


async def asyncio() -> None:
    import ssl
    from asyncio import StreamReader, StreamWriter, start_server, timeout

    async def receive(reader: StreamReader) -> bytes:
        if _KIND != "timeout":
            return await reader.read(_CHUNK)
        async with timeout(_TIMEOUT):
            return await reader.read(_CHUNK)

    async def echo(reader: StreamReader, writer: StreamWriter) -> None:
        while data := await receive(reader):
            writer.write(data)
            await writer.drain()
        writer.close()

    context = _context(ssl) if _KIND == "tls" else None
    server = await start_server(echo, *_ADDRESS, backlog=_BACKLOG, ssl=context)
    _announce(server.sockets[0].getsockname()[1])
    await server.serve_forever()


async def trio() -> None:
    import ssl

    peer = import_module("trio")

    async def echo(stream: Any) -> None:
        # Whoever hangs up in the middle would end the whole server.
        with suppress(peer.BrokenResourceError):
            await converse(stream)

    async def converse(stream: Any) -> None:
        async with stream:
            while True:
                with peer.fail_after(_TIMEOUT) if _KIND == "timeout" else nullcontext():
                    data = await stream.receive_some(_CHUNK)
                if not data:
                    return
                await stream.send_all(data)

    async with peer.open_nursery() as nursery:
        serve: tuple[Any, ...]
        if _KIND == "tls":
            serve = (peer.serve_ssl_over_tcp, echo, _ADDRESS[1], _context(ssl))
        else:
            serve = (peer.serve_tcp, echo, _ADDRESS[1])
        listeners = await nursery.start(*serve)
        _announce(getattr(listeners[0], "transport_listener", listeners[0]).socket.getsockname()[1])


def main(contender: str) -> None:
    """Serve until killed."""
    chosen = CONTENDERS[contender]
    serve = globals()[chosen.adapter]
    if chosen.runner == "plain":
        serve()
    elif chosen.runner == "trio":
        import_module("trio").run(serve)
    else:
        from asyncio import Runner

        factory = import_module("uvloop").new_event_loop if chosen.runner == "uvloop" else None
        with Runner(loop_factory=factory) as runner:
            runner.run(serve())


if __name__ == "__main__":
    main(sys.argv[1])
