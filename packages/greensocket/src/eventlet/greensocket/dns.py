"""How names are looked up: who is asked, and for how long answers are kept.

By default the system is asked, in a small pool of native threads, and nothing is kept::

    from eventlet.greensocket import dns

    dns.use("threadpool", ttl=60)
    dns.use("dnspython", nameservers=["192.0.2.53"])
"""

from __future__ import annotations

from ._choice import get_resolver as get_resolver
from ._choice import use as use
from ._nameservers import DnspythonResolver as DnspythonResolver
from ._resolvers import Resolver as Resolver
from ._resolvers import ThreadPoolResolver as ThreadPoolResolver

__all__ = ["DnspythonResolver", "Resolver", "ThreadPoolResolver", "get_resolver", "use"]

# Tracebacks and docs show the name that users type.
for _name in __all__:
    globals()[_name].__module__ = __name__
del _name
