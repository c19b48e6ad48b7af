"""A client under test: one module of `tests.clients.subjects`, described by its `CLIENT`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from pkgutil import iter_modules
from types import ModuleType
from typing import Any

PACKAGE = f"{__package__}.subjects"

# How long the server takes over one operation, in seconds.
DELAY = 0.2

Address = Mapping[str, Any]


@dataclass(frozen=True)
class Client:
    """What the table says of a client, and what it needs.

    Its module has two functions. ``connect(address)`` imports the client, and returns what all
    green threads share: a session, a pool. ``operate(pool, number)`` has the server take `DELAY`
    seconds over a request, and returns `number` as it has come back from there.
    A third one, ``hook()``, is there where the client has to be told to wait through Python; it is
    called once all is patched.

    Attributes:
        distribution: as installed.
        server: a module of `tests.clients.servers`.
        parties: how many green threads operate at a time.
        note: what the table says beside the name.
        blocks: whether it is known to hold the hub; then that has to be detected.
    """

    distribution: str
    server: str
    parties: int = 50
    note: str = ""
    blocks: bool = False

    @property
    def version(self) -> str:
        """The installed version."""
        return version(self.distribution)


def names() -> list[str]:
    """Return the names of all subjects."""
    found = iter_modules(import_module(PACKAGE).__path__)
    return [module.name for module in found if not module.name.startswith("_")]


def module_of(name: str) -> ModuleType:
    """Import the module of a subject; the client itself is imported by its `connect`."""
    return import_module(f"{PACKAGE}.{name}")


def load(name: str) -> Client:
    """Return the description of a subject."""
    found = module_of(name).CLIENT
    assert isinstance(found, Client)
    return found
