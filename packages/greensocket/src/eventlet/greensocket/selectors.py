"""The standard `selectors` module, in which only the calling green thread waits.

It has every name of the standard module. Each class is a subclass of the standard one.
"""

from __future__ import annotations

import selectors as _standard
from selectors import *  # noqa: F403 - all of it, but for what is made anew
from typing import Any as _Any

from . import _selectors

__implements__ = ["DefaultSelector"]
DefaultSelector = _selectors.best  # type: ignore[assignment,misc]

for _name, _value in vars(_selectors).items():
    if _name.endswith("Selector"):
        globals()[_name] = _value
        __implements__ += [_name]
del _name, _value

__extensions__: list[str] = []
__imports__ = ["BaseSelector", "EVENT_READ", "EVENT_WRITE", "SelectorKey"]
__all__ = sorted({*__implements__, *__imports__})  # noqa: PLE0605 - from the platform


def __getattr__(name: str) -> _Any:
    # Private names, which some programs use all the same.
    return getattr(_standard, name)
