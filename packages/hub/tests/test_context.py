"""Context variables: inherited at the spawn, isolated afterwards."""

from __future__ import annotations

from contextvars import ContextVar, copy_context

import pytest

from eventlet.hub import (
    sleep,
    spawn,
)

pytestmark = pytest.mark.usefixtures("no_leaks")

variable: ContextVar[str] = ContextVar("variable", default="default")


class TestContext:
    def test_it_is_inherited_from_the_spawner_as_it_was_then(self) -> None:
        def work() -> str:
            variable.set("spawner's")
            child = spawn(variable.get)
            variable.set("changed since")
            return child.wait()

        assert spawn(work).wait() == "spawner's"
        assert variable.get() == "default"

    def test_it_is_isolated_between_green_threads_that_take_turns(self) -> None:
        def work(name: str) -> list[str]:
            variable.set(name)
            seen = []
            for _ in range(3):
                sleep(0)
                seen.append(variable.get())
            return seen

        threads = [spawn(work, str(number)) for number in range(5)]
        assert [thread.wait() for thread in threads] == [[str(n)] * 3 for n in range(5)]
        assert variable.get() == "default"

    def test_the_handle_has_it(self) -> None:
        thread = spawn(variable.set, "inside")
        thread.wait()
        assert thread.context[variable] == "inside"
        assert variable not in copy_context()

    def test_a_link_runs_in_it(self) -> None:
        seen: list[str] = []
        thread = spawn(variable.set, "inside")
        thread.link(lambda _: seen.append(variable.get()))
        thread.wait()
        assert seen == ["inside"]
