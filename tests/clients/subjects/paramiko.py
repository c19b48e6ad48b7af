"""Paramiko: commands of a shell, over a few connections that carry several each."""

from __future__ import annotations

from importlib import import_module
from itertools import cycle
from typing import Any

from ..client import DELAY, Address, Client

CLIENT = Client("paramiko", server="sshd", note="10 at a time on each connection")
SHARED_BY = 10


def connect(address: Address) -> Any:
    paramiko = import_module("paramiko")

    def connection() -> Any:
        client = paramiko.SSHClient()
        client.set_missing_host_key_policy(paramiko.AutoAddPolicy())
        names = {"hostname": "host", "port": "port", "username": "user", "key_filename": "key"}
        settings = {option: address[name] for option, name in names.items()}
        client.connect(**settings, allow_agent=False, look_for_keys=False, timeout=30)
        return client

    return cycle([connection() for _ in range(CLIENT.parties // SHARED_BY)])


def operate(pool: Any, number: int) -> int:
    _, stdout, _ = next(pool).exec_command(f"sleep {DELAY}; echo {number}")
    return int(stdout.read())
