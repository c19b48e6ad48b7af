"""The command line of `eventlet.hub.patching`: run a program with patches applied."""

from __future__ import annotations

import argparse
import os
import runpy
import sys
from collections.abc import Sequence

from ._patching import patch
from .errors import UnknownPatch


def main(argv: Sequence[str] | None = None) -> None:
    """Patch, and run the program that the arguments name, as its interpreter would have.

    Arguments:
        argv: without the name of this program; None takes them from `sys.argv`.
    """
    parser = argparse.ArgumentParser(
        prog="python -m eventlet.hub.patching",
        description="Run a program with the standard library made green.",
    )
    parser.add_argument("--only", metavar="NAME,...", help="patch these modules, not all there are")
    parser.add_argument("-m", action="store_true", dest="is_module", help="run a module by name")
    parser.add_argument("program", help="a script, or with -m a module")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="passed to the program")
    options = parser.parse_args(argv)
    try:
        patch(*(options.only.split(",") if options.only is not None else ()))
    except UnknownPatch as error:
        parser.error(str(error))
    sys.argv = [options.program, *options.arguments]
    if options.is_module:
        runpy.run_module(options.program, run_name="__main__", alter_sys=True)
    else:
        sys.path[0] = os.path.dirname(os.path.abspath(options.program))
        runpy.run_path(options.program, run_name="__main__")
