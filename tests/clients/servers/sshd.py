"""OpenSSH, for the present account."""

from __future__ import annotations

import getpass
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..client import Address
from ._program import HOST, find, free_port, running

# As root, it drops its privileges in there, and insists on it.
EMPTY = Path("/run/sshd")


@contextmanager
def serve(folder: Path) -> Iterator[Address]:
    server = find("sshd", "openssh-server", "/usr/sbin")
    keygen = find("ssh-keygen", "openssh-client")
    port = free_port()
    for name in ("host", "user"):
        command = [keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(command, check=True)
    settings = {
        "AuthorizedKeysFile": folder / "user.pub",
        "HostKey": folder / "host",
        "ListenAddress": HOST,
        "MaxSessions": 100,
        "MaxStartups": 100,
        "PidFile": "none",
        "PermitRootLogin": "yes",
        "Port": port,
        # Only as the outermost one, a shell behind sshd runs what the account has for it to begin
        # with, which can take long and is none of our business.
        "SetEnv": "SHLVL=1",
        "StrictModes": "no",
    }
    if os.geteuid() == 0:
        EMPTY.mkdir(mode=0o755, exist_ok=True)
    options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
    with running([server, "-D", "-e", "-f", "/dev/null", *options], port, folder):
        yield {"host": HOST, "port": port, "user": getpass.getuser(), "key": str(folder / "user")}
