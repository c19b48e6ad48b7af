"""Barriers, with the contract of `threading.Barrier`."""

from __future__ import annotations

from collections.abc import Callable
from threading import BrokenBarrierError

from ._counts import check_whole, clamp_timeout
from ._line import Line
from ._statistics import BarrierStatistics


class _Generation:
    """Those who pass the barrier together."""

    __slots__ = ("_barrier", "_may_pass", "arrived", "line")

    def __init__(self, barrier: Barrier) -> None:
        self._barrier = barrier
        self._may_pass: bool | None = None
        self.arrived = 0
        self.line = Line(guard=barrier._guard)
        self.line.alert = True

    def decide(self, may_pass: bool) -> None:
        """Let all who wait pass, or turn them away."""
        with self.line.guard:
            if self._may_pass is None:
                self._may_pass = may_pass
            self._hand_over()

    def _hand_over(self) -> None:
        with self.line.guard:
            if self._may_pass is not None:
                self.line.settle_all(self._may_pass)

    def _put_back(self, item: object) -> None:
        """Nothing to do: who was to pass has gone."""

    def __repr__(self) -> str:
        return repr(self._barrier)


class Barrier:
    """Makes those who come wait until there are enough of them, then lets all of them go on.

    Arguments:
        parties: how many are enough.
        action: called by the last one to come, before any goes on.
        timeout: the default for `wait`, in seconds; None waits for ever.

    Raises:
        TypeError, ValueError: `parties` is not a whole number, or less than 1; `timeout` is not
            a number; `action` is not callable.
    """

    def __init__(
        self,
        parties: int,
        action: Callable[[], object] | None = None,
        timeout: float | None = None,
    ) -> None:
        self._parties = check_whole("parties", parties, least=1)
        if action is not None and not callable(action):
            raise TypeError(f"action must be a function without arguments, not {action!r}")
        self._action = action
        self._timeout = clamp_timeout(timeout)
        self._guard = Line().guard
        self._broken = False
        self._generation = _Generation(self)

    def wait(self, timeout: float | None = None) -> int:
        """Wait until all parties have come.

        One that is killed here, or runs out of time, breaks the barrier for the others.

        Arguments:
            timeout: seconds; None takes the barrier's own.

        Returns:
            A number from 0 to ``parties - 1``, another one for each: in the order they came.

        Raises:
            BrokenBarrierError: the barrier is broken, or was reset while this one waited; the
                timeout of any of them breaks it.
            TypeError, ValueError: `timeout` is not a number; the barrier is as before.
        """
        timeout = self._timeout if timeout is None else clamp_timeout(timeout)
        with self._guard:
            if self._broken:
                raise BrokenBarrierError(f"{self!r} is broken; reset() mends it")
            generation = self._generation
            index = generation.arrived
            generation.arrived += 1
            is_last = generation.arrived == self._parties
            if is_last:
                self._generation = _Generation(self)
        if is_last:
            self._let_pass(generation)
        else:
            self._wait_for_all(generation, timeout)
        return index

    def reset(self) -> None:
        """Make the barrier as new. Those who wait get `BrokenBarrierError`."""
        with self._guard:
            self._renew()
            self._broken = False

    def abort(self) -> None:
        """Break the barrier: all who wait or come get `BrokenBarrierError`, until `reset`."""
        with self._guard:
            self._broken = True
            self._renew()

    @property
    def parties(self) -> int:
        """How many are enough."""
        return self._parties

    @property
    def n_waiting(self) -> int:
        """How many wait."""
        return self._generation.arrived

    @property
    def broken(self) -> bool:
        """Whether the barrier is broken."""
        return self._broken

    def statistics(self) -> BarrierStatistics:
        """Return a snapshot of the numbers."""
        return BarrierStatistics(self._parties, self.n_waiting, self._broken)

    def __repr__(self) -> str:
        state = "broken" if self._broken else f"{self.n_waiting} of {self._parties} waiting"
        return f"<{type(self).__name__} at {id(self):#x}, {state}>"

    # Behind the scenes

    def _let_pass(self, generation: _Generation) -> None:
        try:
            if self._action is not None:
                self._action()
        except BaseException:  # whatever it is, the others must not wait for ever
            self.abort()
            generation.decide(False)
            raise
        generation.decide(True)

    def _wait_for_all(self, generation: _Generation, timeout: float | None) -> None:
        try:
            ticket = generation.line.wait(generation, timeout)
        except BaseException:  # killed, most likely: nobody is going to take its place
            self._give_up(generation)
            raise
        if not ticket.done:
            if self._give_up(generation):
                raise BrokenBarrierError(f"not all came to {self!r} within {timeout} seconds")
            # All have come, just in time, and the last one is busy with the action.
            ticket = generation.line.wait(generation)
        if not ticket.item:
            raise BrokenBarrierError(f"{self!r} was broken or reset by another party")

    def _give_up(self, generation: _Generation) -> bool:
        """Break the barrier, unless all have come already; return whether it was broken."""
        with self._guard:
            if generation is not self._generation:
                return False
            self.abort()
            return True

    def _renew(self) -> None:
        """Turn away those who wait; under the guard."""
        generation, self._generation = self._generation, _Generation(self)
        generation.decide(False)
