"""httpx: one client, without asyncio."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..client import Address, Client

CLIENT = Client("httpx", server="pages")


def connect(address: Address) -> Any:
    httpx = import_module("httpx")
    return httpx.Client(base_url=address["url"], trust_env=False, timeout=30)


def operate(pool: Any, number: int) -> int:
    return int(pool.get(f"/{number}").raise_for_status().text)
