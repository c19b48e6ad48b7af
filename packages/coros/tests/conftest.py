"""What the tests of the primitives share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from eventlet import hub

NativeRun = Callable[..., list[Any]]


@pytest.fixture
def failures() -> Iterator[list[BaseException]]:
    """Collect the failures that nobody waits for, instead of printing them."""
    found: list[BaseException] = []
    previous = hub.set_unobserved_hook(lambda error, source: found.append(error))
    yield found
    hub.set_unobserved_hook(previous)


@pytest.fixture
def run_native() -> NativeRun:
    """Run functions in native threads of their own, all at once, and return their results."""

    def run(*functions: Callable[[], Any]) -> list[Any]:
        results: list[Any] = [None] * len(functions)
        errors: list[BaseException] = []

        def call(index: int) -> None:
            try:
                results[index] = functions[index]()
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=call, args=(i,)) for i in range(len(functions))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(50)
            assert not thread.is_alive(), "a native thread hangs"
        if errors:
            raise errors[0]
        return results

    return run


@pytest.fixture
def elsewhere() -> Callable[[Callable[[], Any]], Any]:
    """Run a function in another native thread, while the hub of this one goes on, to its end."""

    def run(function: Callable[[], Any]) -> Any:
        done: hub.Waiter[Any] = hub.Waiter()

        def call() -> None:
            try:
                done.switch(function())
            except BaseException as error:
                done.throw(error)

        thread = threading.Thread(target=call)
        thread.start()
        try:
            return done.wait(50)
        finally:
            thread.join(50)

    return run
