"""Forward the connections to a local port to another address, both ways.

python port_forwarder.py PORT HOST PORT
"""

import sys
from contextlib import suppress

from eventlet.coros import Nursery
from eventlet.greensocket import connect, listen, serve, socket

CHUNK = 65536
# How long the other side may take to accept a connection, in seconds.
PATIENCE = 10.0


def main(port: int, host: str, target: int) -> None:
    with listen(("127.0.0.1", port)) as listener:
        print("listening on port", listener.getsockname()[1], flush=True)
        serve(listener, lambda client, _: forward(client, (host, target)))


def forward(client: socket.socket, address: tuple[str, int]) -> None:
    try:
        with connect(address, timeout=PATIENCE) as server, Nursery() as nursery:
            nursery.spawn(pump, client, server)
            nursery.spawn(pump, server, client)
    except OSError as error:
        print("cannot connect:", error, file=sys.stderr, flush=True)


def pump(source: socket.socket, target: socket.socket) -> None:
    """Copy until `source` has no more to say, and pass that on; the other way may go on."""
    with suppress(OSError):  # one of them is gone, and the other will hear of it below
        while data := source.recv(CHUNK):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
