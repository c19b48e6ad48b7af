"""redis: a pool of connections, and a command that waits."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..client import DELAY, Address, Client

CLIENT = Client("redis", server="redis")


def connect(address: Address) -> Any:
    redis = import_module("redis")
    pool = redis.BlockingConnectionPool(max_connections=CLIENT.parties, timeout=30, **address)
    return redis.Redis(connection_pool=pool)


def operate(pool: Any, number: int) -> int:
    pool.set(f"key-{number}", number)
    assert pool.blpop([f"nothing-{number}"], DELAY) is None
    return int(pool.get(f"key-{number}"))
