"""Functions of a standard module that look up their globals elsewhere."""

from __future__ import annotations

from types import FunctionType
from typing import Any


def rebind(function: FunctionType, names: dict[str, Any]) -> FunctionType:
    """Return a function that does what `function` does, but finds its globals in `names`.

    So it does what the standard function does in the very Python that runs.
    """
    twin = FunctionType(
        function.__code__, names, function.__name__, function.__defaults__, function.__closure__
    )
    twin.__kwdefaults__ = function.__kwdefaults__
    twin.__doc__ = function.__doc__
    return twin
