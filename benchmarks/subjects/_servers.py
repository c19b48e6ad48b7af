"""An echo server for each contender: a process that prints its port and serves until killed.

Each is written the way that the contender's own documentation suggests, with nothing left out or
added that another has not.
"""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks.contenders import CONTENDERS

_BACKLOG = 1024
_CHUNK = 4096
_ADDRESS = ("127.0.0.1", 0)


def _announce(port: int) -> None:
    print(port, flush=True)


def _serve(socket: Any, spawn: Callable[..., object]) -> None:
    """Serve with the `socket` module and the `spawn` of a contender that has green threads."""

    def echo(connection: Any) -> None:
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

    _serve(import_module("eventlet.greensocket.socket"), spawn)


def gevent() -> None:
    _serve(import_module("gevent.socket"), import_module("gevent").spawn)


def eventlet() -> None:
    _serve(import_module("eventlet.green.socket"), import_module("eventlet").spawn_n)


def threads() -> None:
    import socket
    from threading import Thread

    def spawn(function: Callable[..., object], *args: Any) -> None:
        Thread(target=function, args=args, daemon=True).start()

    _serve(socket, spawn)


async def asyncio() -> None:
    from asyncio import StreamReader, StreamWriter, start_server

    async def echo(reader: StreamReader, writer: StreamWriter) -> None:
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
        writer.close()

    server = await start_server(echo, *_ADDRESS, backlog=_BACKLOG)
    _announce(server.sockets[0].getsockname()[1])
    await server.serve_forever()


async def trio() -> None:
    peer = import_module("trio")

    async def echo(stream: Any) -> None:
        while data := await stream.receive_some(_CHUNK):
            await stream.send_all(data)

    async with peer.open_nursery() as nursery:
        listeners = await nursery.start(peer.serve_tcp, echo, _ADDRESS[1])
        _announce(listeners[0].socket.getsockname()[1])


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
