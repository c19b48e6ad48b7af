"""Pass a byte to and fro over a pair of sockets, each party waiting for the other's.

"unix" and "tcp" compare the means that contenders offer for a descriptor of the program's own that
is waited on again and again: there, all try `recv` first and wait when it would block. Ours need
not try on TCP, after a read that brought less than was asked for: the watch knows that nothing is
left. "sockets" compares the sockets that a program would use.
"""

import socket
from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks.subject import AsyncWork, Subject, Work

_UNIX, _TCP, _SOCKETS = range(3)
SUBJECT = Subject(
    "ping-pong over a pair of sockets",
    "round trips/s",
    {"unix": _UNIX, "tcp": _TCP, "sockets": _SOCKETS},
    limits=("floor",),
)
_TIMES = range(100)
_CHUNK = 64


def _pair(case: int, module: Any = socket) -> tuple[Any, Any]:
    """Return two connected sockets of a module's."""
    if case == _UNIX:
        pair: tuple[Any, Any] = module.socketpair()
        return pair
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = module.socket()
        near.connect(listener.getsockname())
        accepted, _ = listener.accept()
        far = module.socket(fileno=accepted.detach())
    for each in (near, far):
        each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return near, far


def _receiver(sock: socket.socket, wait: Callable[[], object]) -> Callable[[], bytes]:
    sock.setblocking(False)
    recv = sock.recv

    def receive() -> bytes:
        while True:
            try:
                return recv(_CHUNK)
            except BlockingIOError:
                wait()

    return receive


def _answering(receive: Callable[[], bytes], send: Callable[[bytes], int]) -> None:
    while message := receive():
        send(message)


def _pinging(receive: Callable[[], bytes], send: Callable[[bytes], int]) -> Work:
    def work(repeats: int) -> int:
        for _ in range(repeats):
            for _ in _TIMES:
                send(b"x")
                receive()
        return repeats * len(_TIMES)

    return work


def _socket_work(case: int, module: Any, spawn: Callable[..., object]) -> Work:
    near, far = _pair(case, module)
    spawn(_answering, lambda: far.recv(_CHUNK), far.send)
    return _pinging(lambda: near.recv(_CHUNK), near.send)


def ours(case: int) -> Work:
    from eventlet.hub import get_hub, spawn

    if case == _SOCKETS:
        return _socket_work(case, import_module("eventlet.greensocket.socket"), spawn)

    def receiver(sock: socket.socket) -> Callable[[], bytes]:
        watch = get_hub().watch(sock.fileno())
        watch.drains = case == _TCP
        sock.setblocking(False)
        recv = sock.recv

        def receive() -> bytes:
            while True:
                if not watch.readable:
                    watch.until_readable(None)
                try:
                    data = recv(_CHUNK)
                except BlockingIOError:
                    watch.readable = False
                    continue
                if watch.drains and len(data) < _CHUNK:
                    watch.readable = False
                return data

        return receive

    near, far = _pair(case)
    spawn(_answering, receiver(far), far.send)
    return _pinging(receiver(near), near.send)


def gevent(case: int) -> Work:
    peer = import_module("gevent")
    hub = peer.get_hub()
    if case == _SOCKETS:
        return _socket_work(case, import_module("gevent.socket"), peer.spawn)

    def waiting(sock: socket.socket) -> Callable[[], object]:
        watcher = hub.loop.io(sock.fileno(), 1)
        return lambda: hub.wait(watcher)

    near, far = _pair(case)
    peer.spawn(_answering, _receiver(far, waiting(far)), far.send)
    return _pinging(_receiver(near, waiting(near)), near.send)


def eventlet(case: int) -> Work:
    peer = import_module("eventlet")
    trampoline = import_module("eventlet.hubs").trampoline
    if case == _SOCKETS:
        return _socket_work(case, import_module("eventlet.green.socket"), peer.spawn)

    def waiting(sock: socket.socket) -> Callable[[], object]:
        return lambda: trampoline(sock.fileno(), read=True)

    near, far = _pair(case)
    peer.spawn(_answering, _receiver(far, waiting(far)), far.send)
    return _pinging(_receiver(near, waiting(near)), near.send)


def floor(case: int) -> Work:
    from benchmarks.subjects._floor import Scheduler

    scheduler = Scheduler()
    give_up = scheduler.give_up
    near, far = _pair(case)

    def answering() -> None:
        scheduler.register(far.fileno())
        recv, send = far.recv, far.send
        while True:
            give_up()
            send(recv(_CHUNK))

    def work(repeats: int) -> int:
        send, recv = near.send, near.recv
        for _ in range(repeats):
            for _ in _TIMES:
                send(b"x")
                give_up()
                recv(_CHUNK)
        return repeats * len(_TIMES)

    scheduler.register(near.fileno())
    scheduler.spawn(answering)
    return work


async def asyncio(case: int) -> AsyncWork:
    from asyncio import create_task, get_running_loop

    loop = get_running_loop()
    near, far = _pair(case)
    for each in (near, far):
        each.setblocking(False)

    async def answering() -> None:
        while message := await loop.sock_recv(far, _CHUNK):
            await loop.sock_sendall(far, message)

    answerer = create_task(answering())

    async def work(repeats: int) -> int:
        assert not answerer.done()
        for _ in range(repeats):
            for _ in _TIMES:
                await loop.sock_sendall(near, b"x")
                await loop.sock_recv(near, _CHUNK)
        return repeats * len(_TIMES)

    return work


def threads(case: int) -> Work:
    from threading import Thread

    def spawn(*arguments: Any) -> None:
        Thread(target=arguments[0], args=arguments[1:], daemon=True).start()

    return _socket_work(case, socket, spawn)
