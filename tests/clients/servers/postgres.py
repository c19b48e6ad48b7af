"""PostgreSQL."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..client import Address
from ._program import HOST, account, find, free_port, give, running

FOLDERS = "/usr/lib/postgresql/*/bin"


@contextmanager
def serve(folder: Path) -> Iterator[Address]:
    initdb = find("initdb", "postgresql", FOLDERS)
    server = find("postgres", "postgresql", FOLDERS)
    user, port = account("postgres"), free_port()
    give(folder, user)
    data = str(folder / "data")
    options = ["--auth=trust", "--username=eventlet", "--encoding=UTF8", "--locale=C", "--no-sync"]
    subprocess.run(
        [initdb, *options, data], check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL
    )
    settings = {
        "listen_addresses": HOST,
        "port": port,
        "unix_socket_directories": "",
        "max_connections": 200,
        "fsync": "off",
    }
    flags = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    with running([server, "-D", data, *flags], port, folder, user=user):
        yield {"host": HOST, "port": port, "user": "eventlet", "database": "postgres"}
