"""Make the standard library green, wherever it is in use, and undo it.

What can be patched depends on what is installed: each distribution declares it through the entry
point group ``eventlet.patches``. From the command line::

    python -m eventlet.hub.patching [--only NAME,...] script.py arguments...
    python -m eventlet.hub.patching [--only NAME,...] -m module arguments...
"""

from __future__ import annotations

from ._originals import original as original
from ._patching import Changes as Changes
from ._patching import Patch as Patch
from ._patching import available as available
from ._patching import is_patched as is_patched
from ._patching import patch as patch
from ._patching import patched as patched
from ._patching import report as report
from ._patching import unpatch as unpatch
from .errors import UnknownPatch as UnknownPatch

__all__ = [
    "Changes",
    "Patch",
    "UnknownPatch",
    "available",
    "is_patched",
    "original",
    "patch",
    "patched",
    "report",
    "unpatch",
]

# Tracebacks and docs show the name that users type.
for _name in __all__:
    if _name != "UnknownPatch":  # which is one of `eventlet.hub`
        globals()[_name].__module__ = "eventlet.hub.patching"  # also where this is `__main__`
del _name

if __name__ == "__main__":
    from ._launcher import main

    main()
