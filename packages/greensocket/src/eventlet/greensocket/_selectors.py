"""The classes of the standard `selectors` module, asking the green twins of what those ask."""

from __future__ import annotations

import select as _select_module
import selectors as _standard
import sys

from eventlet.hub._event_loops import keep_loops_apart

from . import _pollables
from ._select import select

# What a selector returns: keys, and what each is ready for.
_Ready = list[tuple[_standard.SelectorKey, int]]


class SelectSelector(_standard.SelectSelector):
    """A selector based on ``select()``; as `selectors.SelectSelector`."""

    _select = staticmethod(select)

    def select(self, timeout: float | None = None) -> _Ready:
        """Wait until something is ready, at most `timeout` seconds; return what is."""
        keep_loops_apart()
        return super().select(timeout)


best: type[_standard.BaseSelector] = SelectSelector

if hasattr(_select_module, "poll"):  # pragma: no branch - every POSIX system has it

    class PollSelector(_standard.PollSelector):
        """A selector based on ``poll()``; as `selectors.PollSelector`."""

        _selector_cls = _pollables.poll

        def select(self, timeout: float | None = None) -> _Ready:
            """Wait until something is ready, at most `timeout` seconds; return what is."""
            keep_loops_apart()
            return super().select(timeout)

    best = PollSelector

if hasattr(_select_module, "epoll"):  # pragma: no branch - Linux has it

    class EpollSelector(_standard.EpollSelector):
        """A selector based on ``epoll()``; as `selectors.EpollSelector`."""

        _selector_cls = _pollables.epoll

        def select(self, timeout: float | None = None) -> _Ready:
            """Wait until something is ready, at most `timeout` seconds; return what is."""
            keep_loops_apart()
            return super().select(timeout)

    best = EpollSelector

if sys.platform != "linux" and hasattr(_select_module, "kqueue"):  # pragma: no cover - BSD, macOS

    class KqueueSelector(_standard.KqueueSelector):
        """A selector based on ``kqueue()``; as `selectors.KqueueSelector`."""

        def __init__(self) -> None:
            super().__init__()
            self._selector.close()
            self._selector = _pollables.kqueue()

        def select(self, timeout: float | None = None) -> _Ready:
            """Wait until something is ready, at most `timeout` seconds; return what is."""
            keep_loops_apart()
            return super().select(timeout)

    best = KqueueSelector
