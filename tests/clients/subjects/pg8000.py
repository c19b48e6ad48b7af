"""pg8000: PostgreSQL in Python alone, connections without a pool of their own."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..client import DELAY, Address, Client
from ._connections import Connections, query

CLIENT = Client("pg8000", server="postgres")


def connect(address: Address) -> Any:
    pg8000 = import_module("pg8000.dbapi")
    return Connections(lambda: pg8000.connect(**address))


def operate(pool: Any, number: int) -> int:
    with pool.connection() as connection:
        return query(connection, f"SELECT cast(pg_sleep({DELAY}) as text), cast(%s as int)", number)
