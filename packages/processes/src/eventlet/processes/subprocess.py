"""The standard `subprocess` module, for whose children only the calling green thread waits.

It has every name of the standard module. Those in `__implements__` are made anew here; all others
are the standard ones, so constants and exceptions are the same objects.
"""

import subprocess as _standard
import typing as _typing
from subprocess import *  # noqa: F403 - the names differ from platform to platform

from ._rebinding import rebind as _rebind

if not _typing.TYPE_CHECKING:  # for type checkers it is what the standard one is
    from ._popen import Popen as Popen

# All names, also private ones: the functions below look up theirs here.
for _name, _value in vars(_standard).items():
    globals().setdefault(_name, _value)

__implements__ = [
    "Popen",
    "call",
    "check_call",
    "check_output",
    "getoutput",
    "getstatusoutput",
    "run",
]
__extensions__: list[str] = []
__imports__ = sorted({*_standard.__all__} - {*__implements__})
__all__ = sorted(_standard.__all__)  # noqa: PLE0605 - from the platform

# The functions are the standard ones, which start children with the `Popen` that they find here.
for _name in __implements__[1:]:
    globals()[_name] = _rebind(getattr(_standard, _name), globals())

# Tracebacks and docs show the name that users type.
for _name in __implements__:
    globals()[_name].__module__ = __name__
del _name, _value
