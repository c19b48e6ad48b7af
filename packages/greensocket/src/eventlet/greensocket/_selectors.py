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


class _Waiting(_standard.BaseSelector):
    """What all of them do when an event loop of asyncio may be what waits."""

    def select(self, timeout: float | None = None) -> _Ready:
        """Wait until something is ready, at most `timeout` seconds; return what is."""
        keep_loops_apart()
        return super().select(timeout)


class SelectSelector(_Waiting, _standard.SelectSelector):
    """A selector based on ``select()``; as `selectors.SelectSelector`."""

    _select = staticmethod(select)


best: type[_standard.BaseSelector] = SelectSelector

if hasattr(_select_module, "poll"):  # pragma: no branch - every POSIX system has it

    class PollSelector(_Waiting, _standard.PollSelector):
        """A selector based on ``poll()``; as `selectors.PollSelector`."""

        _selector_cls = _pollables.poll

    best = PollSelector

if hasattr(_select_module, "epoll"):  # pragma: no branch - Linux has it

    class EpollSelector(_Waiting, _standard.EpollSelector):
        """A selector based on ``epoll()``; as `selectors.EpollSelector`."""

        _selector_cls = _pollables.epoll

    best = EpollSelector

if sys.platform != "linux" and hasattr(_select_module, "kqueue"):  # pragma: no cover - BSD, macOS

    class KqueueSelector(_Waiting, _standard.KqueueSelector):
        """A selector based on ``kqueue()``; as `selectors.KqueueSelector`."""

        def __init__(self) -> None:
            super().__init__()
            self._selector.close()
            self._selector = _pollables.kqueue()

    best = KqueueSelector
