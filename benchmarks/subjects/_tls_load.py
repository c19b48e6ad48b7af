"""The client of the subjects over TLS; the conversation is that of `_load.c`.

    python -m benchmarks.subjects._tls_load echo|handshakes PORT BUSY SIZE

It is slower than the servers, and may be: what counts is their processor time.
"""

import socket
import ssl
import sys
from selectors import EVENT_READ, DefaultSelector


def main(what: str, port: int, busy: int, size: int) -> None:
    """Do for each line on standard input what it says, and print how much was done."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    address = ("127.0.0.1", port)
    message = bytes(size)
    connections = [] if what == "handshakes" else [connect(context, address) for _ in range(busy)]
    for line in sys.stdin:
        wanted = int(line)
        if what == "handshakes":
            wanted = max(1, wanted // 100)  # each takes as long as a hundred messages
            for _ in range(wanted):
                with connect(context, address) as connection:
                    exchange(connection, message)
        elif busy == 1:
            for _ in range(wanted):
                exchange(connections[0], message)
        else:
            exchange_with_all(connections, message, wanted)
        print(wanted, flush=True)


def connect(context: ssl.SSLContext, address: tuple[str, int]) -> ssl.SSLSocket:
    connection = context.wrap_socket(socket.create_connection(address))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def exchange(connection: ssl.SSLSocket, message: bytes) -> None:
    connection.sendall(message)
    receive(connection, len(message))


def receive(connection: ssl.SSLSocket, size: int) -> None:
    while size:
        data = connection.recv(size)
        if not data:
            raise EOFError("the server has ended the connection")
        size -= len(data)


def exchange_with_all(connections: list[ssl.SSLSocket], message: bytes, wanted: int) -> None:
    started = ended = 0
    with DefaultSelector() as selector:
        for connection in connections[:wanted]:
            selector.register(connection, EVENT_READ)
            connection.sendall(message)
            started += 1
        while ended < wanted:
            for key, _ in selector.select():
                connection = key.fileobj  # type: ignore[assignment]  # which we registered
                receive(connection, len(message))
                ended += 1
                if started < wanted:
                    connection.sendall(message)
                    started += 1


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
