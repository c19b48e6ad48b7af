"""MariaDB."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..client import Address
from ._program import HOST, account, find, free_port, give, running


@contextmanager
def serve(folder: Path) -> Iterator[Address]:
    install = find("mariadb-install-db", "mariadb-server")
    server = find("mariadbd", "mariadb-server", "/usr/sbin")
    user, port = account("mysql"), free_port()
    give(folder, user)
    where = ["--no-defaults", f"--datadir={folder / 'data'}"]
    # The installer is one of those that take the account from the command line, and so it may
    # read what only root can.
    how = ["--auth-root-authentication-method=normal", "--skip-test-db"]
    subprocess.run(
        [install, *where, *how], check=True, user=user, cwd=folder, stdout=subprocess.DEVNULL
    )
    options = [
        f"--bind-address={HOST}",
        f"--port={port}",
        f"--socket={folder / 'socket'}",
        f"--pid-file={folder / 'pid'}",
        "--max-connections=200",
    ]
    with running([server, *where, *options], port, folder, user=user):
        yield {"host": HOST, "port": port, "user": "root"}
