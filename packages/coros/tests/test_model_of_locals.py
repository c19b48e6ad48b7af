"""Thread-local data against a dictionary for each green thread, under random schedules."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from eventlet import coros, hub
from eventlet.hub import testing

Names = st.sampled_from(["first", "second", "base"])
Orders = coros.Queue[Callable[[], None]]


class Value:
    """Something that one can see the end of."""


class Mine(coros.local):
    """Begins with an attribute in each green thread."""

    def __init__(self, base: Value, log: list[int]) -> None:
        log.append(id(hub.getcurrent()))
        self.base = base


class Party:
    """A green thread, and what it must see; None stands for the one that runs the schedule."""

    def __init__(self, orders: Orders | None = None) -> None:
        self.orders = orders
        self.thread: Any = None if orders is None else hub.spawn(self.obey, orders)
        self.values: list[dict[str, Value] | None] = [{}, None]

    def end(self) -> None:
        assert self.orders is not None
        self.orders.close()

    @staticmethod
    def obey(orders: Orders) -> None:
        for order in orders:
            order()
            del order  # it may know a value

    def do(self, function: Callable[[], Any]) -> Any:
        if self.orders is None:
            return function()
        results: list[Any] = []

        def order() -> None:
            try:
                results.append(function())
            except AttributeError as error:
                results.append(error)

        self.orders.send(order)
        testing.wait_until_idle()
        (result,) = results
        if isinstance(result, AttributeError):
            raise result.with_traceback(None)
        return result


class LocalMachine(RuleBasedStateMachine):
    """Each green thread sees what it has set itself, and nothing outlives it."""

    @initialize()
    def begin(self) -> None:
        self.base = Value()
        self.log: list[int] = []
        self.locals: list[Any] = [coros.local(), Mine(self.base, self.log)]
        self.parties = [Party()]
        self.parties[0].values[1] = {"base": self.base}
        self.inits = 1
        self.gone: list[weakref.ref[Value]] = []

    def teardown(self) -> None:
        for party in getattr(self, "parties", [])[1:]:
            party.thread.throw()
        testing.wait_until_idle()
        if self.living():  # in a cycle with the traceback of an error, for one
            gc.collect()
        assert self.living() == []

    def living(self) -> list[Value]:
        found = [value() for value in getattr(self, "gone", [])]
        return [value for value in found if value is not None]

    @rule()
    def begin_another(self) -> None:
        self.parties.append(Party(coros.Queue()))

    @rule(data=st.data(), which=st.sampled_from([0, 1]), name=Names)
    def set_it(self, data: st.DataObject, which: int, name: str) -> None:
        party, values = self.pick(data, which)
        values[name] = Value()
        party.do(lambda: setattr(self.locals[which], name, values[name]))

    @rule(data=st.data(), which=st.sampled_from([0, 1]), name=Names)
    def delete_it(self, data: st.DataObject, which: int, name: str) -> None:
        party, values = self.pick(data, which)
        if name in values:
            party.do(lambda: delattr(self.locals[which], name))
            del values[name]
        else:
            with pytest.raises(AttributeError, match=name):
                party.do(lambda: delattr(self.locals[which], name))

    @rule(data=st.data(), which=st.sampled_from([0, 1]))
    def look(self, data: st.DataObject, which: int) -> None:
        party, values = self.pick(data, which)
        found = party.do(lambda: dict(vars(self.locals[which])))
        assert found == values
        assert len(self.log) == self.inits

    def pick(self, data: st.DataObject, which: int) -> tuple[Party, dict[str, Value]]:
        party: Party = data.draw(st.sampled_from(self.parties))
        values = party.values[which]
        if values is None:
            values = party.values[which] = {"base": self.base}
            self.inits += 1
        return party, values

    @precondition(lambda self: len(getattr(self, "parties", [])) > 1)
    @rule(data=st.data(), is_killed=st.booleans())
    def end_one(self, data: st.DataObject, is_killed: bool) -> None:
        party = data.draw(st.sampled_from(self.parties[1:]))
        self.parties.remove(party)
        mine = [value for values in party.values for value in (values or {}).values()]
        self.gone += [weakref.ref(value) for value in mine if value is not self.base]
        party.values.clear()
        if is_killed:
            party.thread.throw()
        else:
            party.end()
        testing.wait_until_idle()
        assert party.thread.dead


def test_as_in_the_model() -> None:
    run_state_machine_as_test(
        LocalMachine, settings=settings(max_examples=30, stateful_step_count=40, deadline=None)
    )
