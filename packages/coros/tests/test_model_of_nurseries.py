"""Nurseries against a simple model of them, under random schedules.

Children end, fail, are killed and are cancelled, some of them behind a shield, in any order; the
block is left, fails or is killed at any moment. Whatever happens, no child outlives the block, and
what comes out of it is what the model says.
"""

from __future__ import annotations

import math
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from eventlet import coros, hub
from eventlet.hub import testing


class Child:
    """One child, and what it is told to do in the end."""

    def __init__(self, is_shielded: bool) -> None:
        self.is_shielded = is_shielded
        self.orders: coros.Event[None] = coros.Event()

    def run(self) -> None:
        with hub.move_on_after(math.inf, shield=self.is_shielded):
            self.orders.wait()


class NurseryMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.unobserved: list[BaseException] = []
        self.hook = hub.set_unobserved_hook(lambda error, source: self.unobserved.append(error))
        self.open_one()

    def open_one(self) -> None:
        self.gate: coros.Event[None] = coros.Event()
        self.nursery = coros.Nursery(grace=math.inf)
        self.owner = hub.spawn(self.own)
        self.children: list[tuple[hub.GreenThread[Any], Child]] = []
        self.failures: list[BaseException] = []
        self.is_cancelled = self.is_killed = False
        self.is_in_block = True
        testing.wait_until_idle()

    def own(self) -> str:
        with self.nursery:
            self.gate.wait()
        return "left"

    def teardown(self) -> None:
        if not hasattr(self, "children"):
            return  # it has not even begun
        self.cancel()
        while self.children:
            self.children.pop()[1].orders.send()
        testing.wait_until_idle()
        self.check_the_end()
        hub.set_unobserved_hook(self.hook)

    def is_open(self) -> bool:
        return hasattr(self, "children") and (self.is_in_block or bool(self.children))

    def cancel_in_the_model(self) -> None:
        self.is_cancelled = True
        self.is_in_block = False
        self.children = [each for each in self.children if each[1].is_shielded]

    @precondition(is_open)
    @rule(is_shielded=st.booleans())
    def start_a_child(self, is_shielded: bool) -> None:
        child = Child(is_shielded)
        thread = self.nursery.spawn(child.run)
        testing.wait_until_idle()
        if self.is_cancelled:
            assert thread.dead  # it has never run
        else:
            self.children.append((thread, child))

    @precondition(lambda self: bool(getattr(self, "children", None)))
    @rule(data=st.data(), error=st.sampled_from([None, OSError, KeyError]))
    def end_a_child(self, data: st.DataObject, error: type[Exception] | None) -> None:
        self.end_each([data.draw(st.sampled_from(self.children))], error)

    @precondition(lambda self: len(getattr(self, "children", [])) > 1)
    @rule(error=st.sampled_from([OSError, KeyError]))
    def fail_all_in_one_round(self, error: type[Exception]) -> None:
        self.end_each(list(self.children), error)

    def end_each(self, children: list[tuple[Any, Child]], error: type[Exception] | None) -> None:
        for each in children:
            self.children.remove(each)
            if error is None:
                each[1].orders.send()
            else:
                self.failures.append(error())
                each[1].orders.send(exc=self.failures[-1])
        if error is not None:
            self.cancel_in_the_model()

    @precondition(lambda self: bool(getattr(self, "children", None)))
    @rule(data=st.data())
    def kill_a_child(self, data: st.DataObject) -> None:
        """Which is no failure; but a shield holds it back."""
        picked = data.draw(st.sampled_from(self.children))
        if not picked[1].is_shielded:
            picked[0].throw()
            self.children.remove(picked)

    @precondition(is_open)
    @rule()
    def cancel(self) -> None:
        self.nursery.cancel()
        self.cancel_in_the_model()

    @precondition(lambda self: getattr(self, "is_in_block", False))
    @rule()
    def leave_the_block(self) -> None:
        self.gate.send()
        self.is_in_block = False

    @precondition(lambda self: getattr(self, "is_in_block", False))
    @rule()
    def fail_in_the_block(self) -> None:
        self.failures.append(ValueError())
        self.gate.send(exc=self.failures[-1])
        self.cancel_in_the_model()

    @precondition(lambda self: self.is_open() and not self.is_killed)
    @rule()
    def kill_the_owner(self) -> None:
        self.owner.throw()
        self.is_killed = True
        self.cancel_in_the_model()

    @precondition(lambda self: hasattr(self, "children") and not self.is_open())
    @rule()
    def open_another(self) -> None:
        self.check_the_end()
        self.unobserved.clear()
        self.open_one()

    @invariant()
    def check(self) -> None:
        if not hasattr(self, "children"):
            return
        testing.wait_until_idle()
        assert self.nursery.children == [thread for thread, _ in self.children]
        assert self.nursery.cancel_called == self.is_cancelled
        assert self.owner.dead != self.is_open()

    def check_the_end(self) -> None:
        assert self.owner.dead
        assert not self.nursery.children
        if self.is_killed:
            assert isinstance(self.owner.exception, hub.GreenletExit)
            if self.failures and isinstance(self.failures[0], ValueError):
                # As always when something is raised while the block is left by something else.
                assert self.owner.exception.__context__ is self.failures.pop(0)
            self.check_same(self.unobserved)
            return
        assert not self.unobserved
        if self.failures:
            assert isinstance(self.owner.exception, ExceptionGroup)
            self.check_same(self.owner.exception.exceptions)
        else:
            assert self.owner.value == "left"

    def check_same(self, found: Any) -> None:
        assert sorted(map(id, found)) == sorted(map(id, self.failures))


def test_as_in_the_model() -> None:
    run_state_machine_as_test(
        NurseryMachine,
        settings=settings(max_examples=150, stateful_step_count=20, deadline=None),
    )
