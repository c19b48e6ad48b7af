"""Psycopg 3, with its C library for PostgreSQL and its own pool."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..client import DELAY, Address, Client
from ._connections import query

CLIENT = Client("psycopg", server="postgres", note="waits with wait_selector (hook)")


def connect(address: Address) -> Any:
    pool = import_module("psycopg_pool").ConnectionPool
    import_module("psycopg")
    settings = {("dbname" if name == "database" else name): address[name] for name in address}
    return pool(kwargs=settings, min_size=1, max_size=CLIENT.parties, open=True)


def hook() -> None:
    waiting: Any = import_module("psycopg.waiting")
    waiting.wait = waiting.wait_selector


def operate(pool: Any, number: int) -> int:
    with pool.connection() as connection:
        return query(connection, f"SELECT pg_sleep({DELAY}), %s::int", number)
