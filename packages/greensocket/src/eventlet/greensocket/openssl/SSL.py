# ruff: noqa: N999, N811 - the name of the module that this one mirrors
"""The module `OpenSSL.SSL`, on whose connections only the calling green thread waits.

It has every name of that module; `Connection` is the only one that is made anew.
"""

from __future__ import annotations

from typing import Any as _Any

from OpenSSL import SSL as _standard
from OpenSSL.SSL import *  # noqa: F403 - all of it

from .._openssl import Connection as Connection

__implements__ = ["Connection"]
__extensions__: list[str] = []
__imports__ = sorted(set(vars(_standard)["__all__"]) - {*__implements__})
__all__ = sorted({*__implements__, *__imports__})  # noqa: PLE0605 - as in the original


def __getattr__(name: str) -> _Any:
    # Names that the original does not list.
    return getattr(_standard, name)
