"""SQLAlchemy: 200 green threads share its pool of 50 connections."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..client import DELAY, Address, Client

CLIENT = Client("sqlalchemy", server="mariadb", parties=200, note="200 at a time, 50 connections")


def connect(address: Address) -> Any:
    sqlalchemy = import_module("sqlalchemy")
    url = sqlalchemy.URL.create(
        "mysql+pymysql", address["user"], host=address["host"], port=address["port"]
    )
    engine = sqlalchemy.create_engine(url, pool_size=50, max_overflow=0)
    return engine, sqlalchemy.text(f"SELECT SLEEP({DELAY}), :number")


def operate(pool: Any, number: int) -> int:
    engine, statement = pool
    with engine.connect() as connection:
        _, got = connection.execute(statement, {"number": number}).one()
        return int(got)
