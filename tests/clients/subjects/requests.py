"""Requests: one session, and its pool of connections."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..client import Address, Client

CLIENT = Client("requests", server="pages")


def connect(address: Address) -> Any:
    requests = import_module("requests")
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", requests.adapters.HTTPAdapter(pool_maxsize=CLIENT.parties))
    return session, address["url"]


def operate(pool: Any, number: int) -> int:
    session, url = pool
    response = session.get(f"{url}{number}")
    response.raise_for_status()
    return int(response.text)
