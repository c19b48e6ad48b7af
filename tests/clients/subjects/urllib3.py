"""urllib3: a pool that makes requests wait for one of fewer connections."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..client import Address, Client

CLIENT = Client("urllib3", server="pages")


def connect(address: Address) -> Any:
    urllib3 = import_module("urllib3")
    return urllib3.PoolManager(maxsize=CLIENT.parties // 2, block=True), address["url"]


def operate(pool: Any, number: int) -> int:
    manager, url = pool
    return int(manager.request("GET", f"{url}{number}").data)
