"""RabbitMQ, with a port mapper of its own: the usual one would outlive it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..client import Address
from ._program import HOST, find, free_port, running

# What is on the path only lets certain accounts start it.
FOLDERS = "/usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin"


@contextmanager
def serve(folder: Path) -> Iterator[Address]:
    server = find("rabbitmq-server", "rabbitmq-server", FOLDERS)
    mapper = find("epmd", "erlang-base")
    port, mapped = free_port(), free_port()
    settings = {
        "ERL_EPMD_ADDRESS": HOST,
        "ERL_EPMD_PORT": str(mapped),
        "HOME": str(folder),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq"),
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_LOG_BASE": str(folder),
        "RABBITMQ_MNESIA_BASE": str(folder),
        "RABBITMQ_NODENAME": "clients@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": HOST,
        "RABBITMQ_NODE_PORT": str(port),
    }
    (place := folder / "mapper").mkdir()
    with running([mapper, "-address", HOST, "-port", str(mapped)], mapped, place):
        with running([server], port, folder, env=settings):
            yield {"host": HOST, "port": port}
