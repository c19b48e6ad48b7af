"""PyMySQL: connections without a pool of their own."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..client import DELAY, Address, Client
from ._connections import Connections, query

CLIENT = Client("pymysql", server="mariadb")


def connect(address: Address) -> Any:
    pymysql = import_module("pymysql")
    return Connections(lambda: pymysql.connect(**address))


def operate(pool: Any, number: int) -> int:
    with pool.connection() as connection:
        return query(connection, f"SELECT SLEEP({DELAY}), %s", number)
