"""The servers, one module each: ``serve(folder)`` runs it for a ``with`` block.

It keeps its data in *folder*, listens on a free port of the loopback interface, and gives what
clients have to know of it.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from importlib import import_module
from pathlib import Path

from ..client import Address
from ._program import Missing as Missing


def start(name: str, folder: Path) -> AbstractContextManager[Address]:
    """Run a server for a ``with`` block.

    Raises:
        Missing: it is not installed.
    """
    server: AbstractContextManager[Address] = import_module(f".{name}", __package__).serve(folder)
    return server
