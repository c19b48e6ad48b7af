"""Tracing of all native threads, with the contract that `threading` has since Python 3.12."""

from __future__ import annotations

import sys

if sys.version_info < (3, 12):
    from collections.abc import Callable
    from threading import setprofile, settrace
    from typing import Any

    def settrace_all_threads(func: Callable[..., Any] | None) -> None:
        """Trace this native thread and those that are started later.

        Before Python 3.12 there is no way to trace others that run already.
        """
        settrace(func)
        sys.settrace(func)

    def setprofile_all_threads(func: Callable[..., Any] | None) -> None:
        """Profile this native thread and those that are started later.

        Before Python 3.12 there is no way to profile others that run already.
        """
        setprofile(func)
        sys.setprofile(func)

else:
    from threading import setprofile_all_threads as setprofile_all_threads
    from threading import settrace_all_threads as settrace_all_threads
