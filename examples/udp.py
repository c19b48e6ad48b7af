"""A UDP server that tells the time, and a client that asks again when an answer is lost.

python udp.py serve [PORT]
python udp.py ask PORT
"""

import sys
import time

from eventlet.greensocket import socket

ATTEMPTS = 3
# How long to wait for an answer, in seconds.
PATIENCE = 1.0


def serve(port: str = "0") -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", int(port)))
        print("listening on port", server.getsockname()[1], flush=True)
        while True:
            _, client = server.recvfrom(512)
            server.sendto(time.asctime().encode(), client)


def ask(port: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE)
        client.connect(("127.0.0.1", int(port)))
        for _ in range(ATTEMPTS):
            try:
                client.send(b"what time is it?")
                print(client.recv(512).decode())
                return
            except (TimeoutError, ConnectionRefusedError):
                continue
        sys.exit(f"no answer from port {port} after {ATTEMPTS} attempts")


if __name__ == "__main__":
    {"serve": serve, "ask": ask}[sys.argv[1]](*sys.argv[2:])
