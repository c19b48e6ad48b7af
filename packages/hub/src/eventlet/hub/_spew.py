"""A trace of every line that runs."""

from __future__ import annotations

import linecache
import re
import sys
from collections.abc import Collection, Iterator
from reprlib import Repr
from types import FrameType
from typing import Any, Self, TextIO

_NAME = re.compile(r"[^\W\d]\w*")

# In characters: long enough to recognise a value, short enough for a line of a terminal.
_MAX_VALUE = 60


class Spew:
    """A trace function, as `sys.settrace` takes one, that prints every line before it runs.

    Arguments:
        trace_names: the names of the modules to show; None shows all.
        show_values: print the variables that occur in the line, too.
        file: where to print; None takes what `sys.stdout` is at the time.
    """

    def __init__(
        self,
        trace_names: Collection[str] | None = None,
        show_values: bool = True,
        file: TextIO | None = None,
    ) -> None:
        self.trace_names = trace_names
        self.show_values = show_values
        self.file = file
        self._repr = Repr()
        self._repr.maxother = self._repr.maxstring = _MAX_VALUE

    def __call__(self, frame: FrameType, event: str, _arg: object) -> Self:
        if event == "line":
            module = frame.f_globals.get("__name__", "[unknown]")
            if self.trace_names is None or module in self.trace_names:
                self._print(module, frame)
        return self

    def _print(self, module: str, frame: FrameType) -> None:
        code = frame.f_code
        line = linecache.getline(code.co_filename, frame.f_lineno, frame.f_globals).rstrip()
        text = f"{module}:{frame.f_lineno}: {line or code.co_name}\n"
        if self.show_values:
            text += "".join(f"\t{name}={value}\n" for name, value in self._values(line, frame))
        (self.file or sys.stdout).write(text)

    def _values(self, line: str, frame: FrameType) -> Iterator[tuple[str, str]]:
        local_names = frame.f_locals
        for name in dict.fromkeys(_NAME.findall(line)):
            if name in local_names:
                yield name, self._repr.repr(local_names[name])


_previous: list[Any] = []


def spew(trace_names: Collection[str] | None = None, show_values: bool = False) -> None:
    """Print every line of Python that this native thread runs, to standard output, until `unspew`.

    It takes the place of a debugger or coverage tracer meanwhile. Functions that are running
    already are not followed.

    Arguments:
        trace_names: the names of the modules to show, such as ``"__main__"``; None shows all.
        show_values: print the values of the variables that occur in each line, too.
    """
    if not isinstance(sys.gettrace(), Spew):
        _previous[:] = [sys.gettrace()]
    sys.settrace(Spew(trace_names, show_values))


def unspew() -> None:
    """End what `spew` began, and put back the tracer that was there before; harmless otherwise."""
    if isinstance(sys.gettrace(), Spew):
        sys.settrace(_previous.pop() if _previous else None)
