"""Psycopg 2, told to wait through Python."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from eventlet.hub import trampoline

from ..client import DELAY, Address, Client
from ._connections import Connections, query

CLIENT = Client("psycopg2-binary", server="postgres", note="with a wait callback (hook)")


def connect(address: Address) -> Any:
    psycopg2 = import_module("psycopg2")
    return Connections(lambda: psycopg2.connect(**address))


def hook() -> None:
    extensions = import_module("psycopg2.extensions")

    def wait(connection: Any) -> None:
        while (state := connection.poll()) != extensions.POLL_OK:
            reads = state == extensions.POLL_READ
            trampoline(connection, read=reads, write=not reads)

    extensions.set_wait_callback(wait)


def operate(pool: Any, number: int) -> int:
    with pool.connection() as connection:
        return query(connection, f"SELECT pg_sleep({DELAY}), %s", number)
