"""gRPC: waits in C, for threads in C."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..client import Address, Client

CLIENT = Client("grpcio", server="grpc", note="waits in C", blocks=True)


def connect(address: Address) -> Any:
    channel = import_module("grpc").insecure_channel(f"{address['host']}:{address['port']}")
    return channel.unary_unary("/clients.Echo/Echo")


def operate(pool: Any, number: int) -> int:
    return int(pool(str(number).encode(), timeout=30))
