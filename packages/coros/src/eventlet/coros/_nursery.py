"""Nurseries: green threads that cannot outlive the block of code that starts them.

A nursery is a cancel scope around its block, and one around each child. The first failure of
anybody cancels all the others; the block is left only when all of them have ended. What comes out
of it:

- the kill, timeout or cancellation from outside that ended the block early, as it is, so that
  whoever has set it up recognizes it; children that fail while they are cancelled for it are
  reported through the hook for unobserved failures;
- else one `ExceptionGroup` of all failures, that of the block itself included;
- else nothing, also if the nursery was cancelled by `Nursery.cancel`.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, TypeVar

from eventlet.hub import Cancelled, CancelScope, GreenletExit, GreenThread, Timer, get_hub, spawn

from ._event import Event
from ._line import Line
from ._scheduler import check_seconds, report_unobserved
from .errors import Misuse, NurseryClosed, Overdue

T = TypeVar("T")

# Long enough for a child that says good-bye to a peer over a slow network, short enough that
# somebody who watches a program hang still gets to read why.
_GRACE = 10.0


class Nursery:
    """Starts green threads in a ``with`` block, which ends when all of them have ended.

    If one fails, the others and the block itself are cancelled, and all the failures leave the
    block as one `ExceptionGroup`. Nurseries nest, and children may start others in the nursery
    that they live in.

    Arguments:
        grace: how long children may go on after they were cancelled before that is reported, in
            seconds. They are waited for in any case.

    Attributes:
        cancel_called: whether the nursery was cancelled, or has cancelled itself after a failure.

    Raises:
        ValueError: `grace` is negative or not a number.
    """

    def __init__(self, *, grace: float = _GRACE) -> None:
        self._grace = check_seconds("grace must be a number of seconds >= 0", grace)
        self._scope = CancelScope()
        self._children: dict[GreenThread[Any], CancelScope] = {}
        self._failures: list[BaseException] = []
        self._line = Line()
        self._line.alert = True
        self._is_open = False
        self._alarm: Timer | None = None
        self.cancel_called = False

    def spawn(
        self, function: Callable[..., T], /, *args: Any, **kwargs: Any
    ) -> GreenThread[T | None]:
        """Start a child that calls ``function(*args, **kwargs)``.

        Returns:
            The green thread; its result is None if it was cancelled.

        Raises:
            NurseryClosed: the nursery has not been entered yet, or has been left.
            TypeError: `function` is not callable.
        """
        self._check(function)
        return self._begin(self._call, function, args, kwargs)

    def start(self, function: Callable[..., object], /, *args: Any, **kwargs: Any) -> Any:
        """Start a child, and wait until it says that it is ready.

        It is called as ``function(*args, started=started, **kwargs)``, and says so by calling
        ``started(value)``. Until then, what it raises is raised here, and only here.

        Returns:
            The `value` it gave to ``started``.

        Raises:
            NurseryClosed: the nursery has not been entered yet, or has been left.
            TypeError: `function` is not callable.
            Misuse: it has ended, or was cancelled, without having called ``started``.
        """
        self._check(function)
        ready: Event[Any] = Event()
        kwargs["started"] = ready.send
        child = self._begin(self._call_until_ready, ready, function, args, kwargs)
        child.link(_tell_end, ready)
        try:
            return ready.wait()
        except BaseException:
            if not ready.ready():  # we are interrupted: nobody is going to use what it starts
                self._cancel_child(child)
            raise

    def cancel(self) -> None:
        """Cancel the block and all children, now and whenever they wait until they have ended.

        Children that have not begun never run. Cancelling again changes nothing.
        """
        if self.cancel_called:
            return
        self.cancel_called = True
        self._scope.cancel()
        for child in list(self._children):
            self._cancel_child(child)
        if self._children:
            self._alarm = get_hub().call_later(self._grace, self._report_overdue)

    @property
    def children(self) -> list[GreenThread[Any]]:
        """The children that have not ended."""
        return list(self._children)

    def __enter__(self) -> Self:
        self._scope.__enter__()
        self._is_open = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if value is not None:
            self.cancel()
        if self._scope.__exit__(kind, value, traceback):
            value = None
        interruption = self._wait_for_children()
        self._is_open = False
        if self._alarm is not None:
            self._alarm.cancel()
        if value is not None and not isinstance(value, Exception):
            interruption = value
        try:
            return self._leave(value, interruption)
        finally:
            del value, interruption  # the traceback would keep them alive in a cycle

    def __repr__(self) -> str:
        state = "open" if self._is_open else "closed"
        cancelled = ", cancelled" if self.cancel_called else ""
        return f"<Nursery at {id(self):#x}, {state}, {len(self._children)} children{cancelled}>"

    # Children

    def _check(self, function: object) -> None:
        if not self._is_open:
            raise NurseryClosed(f"{self!r} takes no children: start them inside of its with block")
        if not callable(function):
            raise TypeError(f"a nursery starts functions, not {function!r}")

    def _begin(self, call: Callable[..., Any], *args: Any) -> GreenThread[Any]:
        scope = CancelScope()
        child = spawn(call, scope, *args)
        function = args[-3]
        child.name = f"{getattr(function, '__qualname__', function)}-{id(child):x}"
        self._children[child] = scope
        child.link(self._end)
        if self.cancel_called:
            self._cancel_child(child)
        return child

    def _call(
        self,
        scope: CancelScope,
        function: Callable[..., T],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> T | None:
        with scope:
            return function(*args, **kwargs)
        return None

    def _call_until_ready(
        self,
        scope: CancelScope,
        ready: Event[Any],
        function: Callable[..., T],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> T | None:
        try:
            return self._call(scope, function, args, kwargs)
        except Exception as error:
            if ready.ready():
                raise
            ready.send_exception(error)
            return None

    def _cancel_child(self, child: GreenThread[Any]) -> None:
        scope = self._children.get(child)
        if scope is not None and not child.cancel():
            scope.cancel()

    def _end(self, child: GreenThread[Any]) -> None:
        del self._children[child]
        failure = None if child.successful else child.exception
        if failure is not None and not isinstance(failure, (GreenletExit, Cancelled)):
            self._failures.append(failure)
            self.cancel()
        if not self._children:
            self._hand_over()

    def _report_overdue(self) -> None:
        if self._children:
            report_unobserved(Overdue(list(self._children), self._grace), self)

    # The end

    def _wait_for_children(self) -> BaseException | None:
        """Wait for all, come what may; return what came from outside meanwhile."""
        interruption = None
        if self._children:
            try:
                self._line.wait(self)
            except BaseException as error:
                interruption = error
                self.cancel()
        if self._children:
            self._line.wait_shielded(self)
        return interruption

    def _hand_over(self) -> None:
        with self._line.guard:
            if not self._children:
                self._line.settle_all()

    def _put_back(self, item: object) -> None:
        """Nothing to do: an end isn't used up."""

    def _leave(self, value: BaseException | None, interruption: BaseException | None) -> bool:
        failures, self._failures = self._failures, []
        try:
            if interruption is not None:
                for failure in failures:
                    if failure is not interruption:
                        report_unobserved(failure, self)
                if interruption is value:
                    return False
                raise interruption
            if isinstance(value, Exception) and not any(value is each for each in failures):
                failures.append(value)
            if failures:
                raise _group(failures) from None
            return True
        finally:
            del value, interruption, failures  # the traceback would keep them alive in a cycle


def _group(failures: list[BaseException]) -> BaseExceptionGroup[BaseException]:
    return BaseExceptionGroup("a nursery has ended because of failures", failures)


def _tell_end(child: GreenThread[Any], ready: Event[Any]) -> None:
    """Wake the one who waits in `Nursery.start` for a child that never got ready."""
    if not ready.ready():
        ready.send_exception(Misuse(f"{child!r} has ended without having called started()"))
