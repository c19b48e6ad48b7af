"""Pika: a message is held back by the broker, and delivered to where the answer is awaited."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..client import DELAY, Address, Client
from ._connections import Connections

CLIENT = Client("pika", server="rabbitmq")


def connect(address: Address) -> Any:
    pika = import_module("pika")
    parameters = pika.ConnectionParameters(**address)
    return Connections(lambda: pika.BlockingConnection(parameters))


def operate(pool: Any, number: int) -> int:
    with pool.connection() as connection:
        channel = connection.channel()
        inbox = channel.queue_declare("", exclusive=True).method.queue
        route = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": inbox}
        held = {"x-message-ttl": round(DELAY * 1000), **route}
        waiting_room = channel.queue_declare("", exclusive=True, arguments=held).method.queue
        channel.basic_publish("", waiting_room, str(number).encode())
        for _, _, body in channel.consume(inbox, auto_ack=True):
            channel.close()
            return int(body)
    raise EOFError("the channel was closed before the answer came")
