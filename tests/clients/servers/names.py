"""A name server that knows every name, and takes its time: the text record of a name is itself."""

from __future__ import annotations

import socket
import socketserver
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from threading import Thread

from ..client import DELAY, Address
from ._program import HOST, running_module


@contextmanager
def serve(folder: Path) -> Iterator[Address]:
    with running_module(__name__, folder) as port:
        yield {"host": HOST, "port": port}


def answer(query: bytes) -> bytes:
    message, rrset = import_module("dns.message"), import_module("dns.rrset")
    question = message.from_wire(query)
    response = message.make_response(question)
    name = question.question[0].name
    text = name.labels[0].decode()
    response.answer.append(rrset.from_text(name, 60, "IN", "TXT", f'"{text}"'))
    time.sleep(DELAY)
    wire: bytes = response.to_wire()
    return wire


class Datagram(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        query, listener = self.request
        listener.sendto(answer(query), self.client_address)


class Stream(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        while length := self.rfile.read(2):
            response = answer(self.rfile.read(int.from_bytes(length)))
            self.wfile.write(len(response).to_bytes(2) + response)


class UDP(socketserver.ThreadingUDPServer):
    daemon_threads = True


class TCP(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    where = sys.argv[1], int(sys.argv[2])
    Thread(target=UDP(where, Datagram).serve_forever, daemon=True).start()
    TCP(where, Stream).serve_forever()
