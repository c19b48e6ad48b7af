"""Checks of what is to be started, with errors that say what is wrong with it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

Text = str | bytes | os.PathLike[str] | os.PathLike[bytes]
_TEXT_TYPES = (str, bytes, os.PathLike)


def make_command_line(command: Text, args: Sequence[Text]) -> list[Text]:
    """Return a program and its arguments as one list.

    Raises:
        TypeError: one of them is neither text, bytes nor a path; `args` is no list of them.
        ValueError: the command is empty, or there is a NUL character somewhere.
    """
    if isinstance(args, _TEXT_TYPES):
        raise TypeError(f"args takes a list of arguments, not the single one {args!r}")
    if not isinstance(args, Iterable):
        raise TypeError(f"args takes a list of arguments, not {args!r}")
    words = [command, *args]
    for word in words:
        if not isinstance(word, _TEXT_TYPES):
            raise TypeError(f"a command and its arguments are text, bytes or paths, not {word!r}")
        if b"\0" in os.fsencode(word):
            raise ValueError(f"no program can be given the NUL character in {word!r}")
    if not os.fspath(command):
        raise ValueError(f"the command is empty: {command!r}")
    return words


def check_surroundings(stderr: object, cwd: object, env: object) -> None:
    """Raise `TypeError` for what a child can't be started with; None stands for the default."""
    if not (stderr is None or isinstance(stderr, int) or hasattr(stderr, "fileno")):
        raise TypeError(f"stderr must be a file, a descriptor, PIPE or the like, not {stderr!r}")
    if not (cwd is None or isinstance(cwd, _TEXT_TYPES)):
        raise TypeError(f"cwd must be the path of a folder, not {cwd!r}")
    if not (env is None or isinstance(env, Mapping)):
        raise TypeError(f"env must be a mapping of names to values, not {env!r}")
    for text in chain.from_iterable((env or {}).items()):
        if not isinstance(text, _TEXT_TYPES):
            raise TypeError(f"names and values in env are text or bytes, not {text!r}")


def check_callback(dead_callback: object) -> None:
    """Raise `TypeError` for a callback that could not be called when the time has come."""
    if dead_callback is not None and not callable(dead_callback):
        raise TypeError(f"dead_callback must be a function, not {dead_callback!r}")
