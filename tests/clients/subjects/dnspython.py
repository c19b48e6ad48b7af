"""dnspython: queries over UDP and, every other one, over TCP."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..client import Address, Client

CLIENT = Client("dnspython", server="names", note="UDP and TCP in turns")


def connect(address: Address) -> Any:
    resolver = import_module("dns.resolver").Resolver(configure=False)
    resolver.nameservers, resolver.port = [address["host"]], address["port"]
    return resolver


def operate(pool: Any, number: int) -> int:
    answer = pool.resolve(f"{number}.example.", "TXT", tcp=number % 2 == 1)
    return int(answer[0].strings[0])
