"""A limited number of child processes that take turns in being used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from subprocess import STDOUT
from typing import IO, Any
from weakref import WeakMethod, WeakSet

from ._closing_pools import ClosingPool
from ._command import Text, check_surroundings, make_command_line
from ._process import Process


class ProcessPool(ClosingPool[Process]):
    """Lends out processes that all run the same program, and starts one when none is free.

    A process that dies while nobody uses it leaves the pool at once, and one that is dead when it
    is put back does so then; whoever is next gets a new one. Leaving a ``with`` block closes the
    pool.

    Arguments:
        command, args: the program and its arguments, as for `Process`.
        min_size: how many processes to start now.
        max_size: how many there can be.
        stderr, cwd, env, start_new_session, end_with_parent: as for `Process`.

    Raises:
        TypeError: a size is not a whole number, or another argument of the wrong type.
        ValueError: a size is negative, `min_size` above `max_size`, or the command is empty.
        OSError: a process could not be started.
    """

    def __init__(
        self,
        command: Text,
        args: Sequence[Text] | None = None,
        min_size: int = 0,
        max_size: int = 4,
        *,
        stderr: int | IO[Any] | None = STDOUT,
        cwd: Text | None = None,
        env: Mapping[str, str] | None = None,
        start_new_session: bool = False,
        end_with_parent: bool = False,
    ) -> None:
        check_surroundings(stderr, cwd, env)
        self.command = command
        self.args = make_command_line(command, () if args is None else args)[1:]
        self._options: dict[str, Any] = {
            "stderr": stderr, "cwd": cwd, "env": env, "start_new_session": start_new_session,
            "end_with_parent": end_with_parent,
        }  # fmt: skip
        self._living: set[Process] = set()
        # Those that were in use before: they may have died since.
        self._used: WeakSet[Process] = WeakSet()
        super().__init__(min_size, max_size)

    def create(self) -> Process:
        """Start a process.

        Raises:
            PoolClosed: the pool was closed.
            OSError, TypeError, ValueError: as for `Process`.
        """
        self._check_open()
        # The children keep neither the pool alive nor, with it, themselves.
        bury = WeakMethod(self._bury_dead)

        def on_death() -> None:
            if (method := bury()) is not None:
                method()

        process = Process(self.command, self.args, on_death, **self._options)
        if self._is_closed:  # meanwhile
            process.destroy()
        self._check_open()
        self._living.add(process)
        return process

    def get(self, timeout: float | None = None) -> Process:
        """Take a process; start one if none is free, or wait for one if there are enough.

        Arguments:
            timeout: seconds to wait for one; None waits for ever.

        Raises:
            TimeoutError: none was put back in time.
            PoolClosed: the pool was closed.
            OSError: a process could not be started; the next to call `get` tries again.
        """
        while (process := super().get(timeout)) in self._used and process.dead:
            self.discard(process)
        self._used.add(process)
        return process

    # Behind the scenes

    def _is_dead(self, item: Process) -> bool:
        return item.dead

    def _end(self, item: Process) -> None:
        self._living.discard(item)
        item.destroy()

    def _bury_dead(self) -> None:
        """Take note of a death."""
        self._living = {process for process in self._living if process.returncode is None}
        for process in [process for process in self.free_items if process.dead]:
            # Nobody waits in line while a process is free, so nobody is to be told.
            self.free_items.remove(process)
            self.current_size -= 1
            process.close()

    def _kill_all(self) -> None:
        while self._living:
            self._living.pop().destroy()
