"""gRPC from the thread pool: what to do about a client that waits in C."""

from __future__ import annotations

from typing import Any

from eventlet.hub import tpool

from ..client import Client
from . import grpcio
from .grpcio import connect as connect

CLIENT = Client("grpcio", server="grpc", note="in the thread pool")


def hook() -> None:
    tpool.set_num_threads(CLIENT.parties)


def operate(pool: Any, number: int) -> int:
    got: int = tpool.execute(grpcio.operate, pool, number)
    return got
