"""The standard `select` module, in which only the calling green thread waits.

It has every name of the standard module. `select` takes any number of descriptors, of any size.
"""

from __future__ import annotations

import select as _standard
from typing import TYPE_CHECKING
from typing import Any as _Any

from ._select import select as select

__implements__ = ["select"]

if hasattr(_standard, "poll"):  # pragma: no branch - every POSIX system has it
    from ._pollables import poll as poll

    __implements__ += ["poll"]
if hasattr(_standard, "epoll"):  # pragma: no branch - Linux has it
    from ._pollables import epoll as epoll

    __implements__ += ["epoll"]
if hasattr(_standard, "kqueue"):  # pragma: no cover - BSD and macOS
    from ._pollables import kqueue as kqueue  # type: ignore[attr-defined]

    __implements__ += ["kqueue"]

__extensions__: list[str] = []
__imports__ = sorted(
    {name for name in dir(_standard) if not name.startswith("_")} - {*__implements__}
)
__all__ = sorted({*__implements__, *__imports__})  # noqa: PLE0605 - from the platform

if TYPE_CHECKING:
    from select import *  # type: ignore[assignment]  # noqa: F403
else:
    globals().update({_name: getattr(_standard, _name) for _name in __imports__})


def __getattr__(name: str) -> _Any:
    # Private names, which some programs use all the same.
    return getattr(_standard, name)
