"""Objects that live in child processes, and are used from here."""

from __future__ import annotations

from ._remote import RemoteObject as RemoteObject
from ._remote import getpid as getpid
from ._remote import kill as kill
from ._remote import status as status
from ._remote import wrap as wrap
from ._remote import wrap_module as wrap_module
from ._remote_pool import RemotePool as RemotePool

__all__ = ["RemoteObject", "RemotePool", "getpid", "kill", "status", "wrap", "wrap_module"]

# Tracebacks and docs show the name that users type.
for _name in __all__:
    globals()[_name].__module__ = __name__
del _name
