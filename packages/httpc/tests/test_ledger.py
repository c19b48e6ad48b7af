from __future__ import annotations

import random
from collections import Counter
from collections.abc import Hashable
from typing import Any

import pytest

from eventlet.httpc import Limits
from eventlet.httpc._ledger import Ledger, Turn


class Connection:
    def __init__(self, key: Hashable) -> None:
        self.key = key


class Line:
    """Records who was woken with what."""

    def __init__(self, ledger: Ledger[Connection]) -> None:
        self.ledger = ledger
        self.woken: list[tuple[str, Connection | None]] = []

    def join(self, name: str, key: str, *, is_there: bool = True) -> Turn[Connection]:
        def wake(item: Connection | None) -> bool:
            if is_there:
                self.woken.append((name, item))
            return is_there

        return self.ledger.stand_in_line(key, wake)


def make(total: int = 10, host: int = 10, keepalive: int = 10) -> tuple[Ledger[Any], Line]:
    ledger: Ledger[Any] = Ledger(Limits(total, host, keepalive))
    return ledger, Line(ledger)


def connect(ledger: Ledger[Connection], key: str) -> Connection:
    assert ledger.take_slot(key) == (True, None)
    return Connection(key)


def test_the_last_used_idle_connection_is_taken_first() -> None:
    ledger, _ = make()
    first, second = connect(ledger, "a"), connect(ledger, "a")
    assert ledger.give_back(first) is None
    assert ledger.give_back(second) is None
    assert ledger.oldest_idle() is first
    assert ledger.take_idle("a") is second
    assert ledger.take_idle("a") is first
    assert ledger.take_idle("a") is None
    assert ledger.take_idle("b") is None
    assert (ledger.slots, ledger.idle) == (2, 0)


def test_more_idle_ones_than_are_kept_go_oldest_first() -> None:
    ledger, _ = make(keepalive=1)
    first, second = connect(ledger, "a"), connect(ledger, "b")
    assert ledger.give_back(first) is None
    assert ledger.give_back(second) is first
    assert ledger.slots == 1
    assert ledger.retire_all() == [second]
    assert (ledger.slots, ledger.idle, ledger.oldest_idle()) == (0, 0, None)


def test_nothing_is_kept_if_nothing_may_be() -> None:
    ledger, _ = make(keepalive=0)
    first = connect(ledger, "a")
    assert ledger.give_back(first) is first
    assert ledger.slots == 0


def test_a_full_host_and_a_full_pool_have_no_slot() -> None:
    ledger, _ = make(total=2, host=1)
    connect(ledger, "a")
    assert ledger.take_slot("a") == (False, None)
    connect(ledger, "b")
    assert ledger.take_slot("c") == (False, None)


def test_an_idle_connection_elsewhere_makes_room() -> None:
    ledger, _ = make(total=1)
    first = connect(ledger, "a")
    ledger.give_back(first)
    assert ledger.take_slot("b") == (True, first)
    assert (ledger.slots, ledger.idle) == (1, 0)


def test_a_connection_is_passed_on_in_order_of_arrival() -> None:
    ledger, line = make(host=1)
    connection = connect(ledger, "a")
    line.join("first", "a")
    line.join("second", "a")
    assert ledger.waiting == 2
    assert ledger.give_back(connection) is None
    assert ledger.give_back(connection) is None
    assert line.woken == [("first", connection), ("second", connection)]
    assert ledger.give_back(connection) is None
    assert (ledger.idle, ledger.waiting) == (1, 0)


def test_a_slot_is_passed_on_where_a_connection_is_lost() -> None:
    ledger, line = make(host=1)
    connect(ledger, "a")
    line.join("first", "a")
    ledger.give_back_slot("a")
    assert line.woken == [("first", None)]
    assert ledger.slots == 1


def test_those_who_have_gone_are_passed_over() -> None:
    ledger, line = make(host=1)
    connection = connect(ledger, "a")
    line.join("gone", "a", is_there=False)
    line.join("here", "a")
    ledger.give_back(connection)
    assert line.woken == [("here", connection)]
    line.join("gone", "a", is_there=False)
    line.join("here too", "a")
    ledger.give_back_slot("a")
    assert line.woken[1:] == [("here too", None)]
    line.join("gone", "a", is_there=False)
    ledger.give_back_slot("a")
    assert (ledger.slots, ledger.waiting) == (0, 0)


def test_who_leaves_the_line_is_not_woken() -> None:
    ledger, line = make(total=1)
    connection = connect(ledger, "a")
    leaver = line.join("leaver", "a")
    line.join("stayer", "a")
    ledger.leave_line(leaver)
    ledger.leave_line(leaver)
    ledger.give_back(connection)
    assert line.woken == [("stayer", connection)]


def test_an_earlier_request_elsewhere_gets_the_room_of_a_connection() -> None:
    ledger, line = make(total=1)
    connection = connect(ledger, "a")
    line.join("early", "b")
    line.join("late", "a")
    assert ledger.give_back(connection) is connection
    assert line.woken == [("early", None)]
    ledger.give_back_slot("b")
    assert line.woken[1:] == [("late", None)]


def test_a_line_behind_a_full_host_does_not_hold_up_the_others() -> None:
    ledger, line = make(total=2, host=1)
    connect(ledger, "a")
    b = connect(ledger, "b")
    line.join("second a", "a")
    line.join("c", "c")
    assert ledger.give_back(b) is b
    assert line.woken == [("c", None)]


def test_leaving_the_common_line_lets_others_of_the_same_host_in() -> None:
    ledger, line = make(total=2, host=1)
    connect(ledger, "a")
    connect(ledger, "b")
    first = line.join("first c", "c")
    line.join("second c", "c")
    ledger.leave_line(first)
    ledger.give_back_slot("a")
    assert line.woken == [("second c", None)]


def test_who_finds_the_host_full_meanwhile_waits_for_the_host() -> None:
    ledger, line = make(total=2, host=1)
    connect(ledger, "a")
    connect(ledger, "b")
    line.join("first c", "c")
    line.join("second c", "c")
    ledger.give_back_slot("a")
    ledger.give_back_slot("b")
    assert line.woken == [("first c", None)]
    ledger.give_back_slot("c")
    assert line.woken[1:] == [("second c", None)]


@pytest.mark.parametrize("seed", range(30))
def test_limits_hold_and_nobody_waits_in_vain(seed: int) -> None:
    chance = random.Random(seed)
    total, host, keepalive = (chance.randint(1, 6) for _ in range(3))
    ledger, _ = make(total, host, keepalive)
    in_use: list[Connection] = []
    turns: list[Turn[Connection]] = []

    def finished(key: str, turn: list[Turn[Connection]]) -> Any:
        def wake(item: Connection | None) -> bool:
            if chance.random() < 0.1:
                return False
            in_use.append(item or Connection(key))
            turns.remove(turn[0])
            return True

        return wake

    for _ in range(500):
        action = chance.random()
        if action < 0.5:
            key = chance.choice("abc")
            connection = ledger.take_idle(key)
            has_slot = connection is not None or ledger.take_slot(key)[0]
            if has_slot:
                in_use.append(connection or Connection(key))
            else:
                box: list[Turn[Connection]] = []
                box.append(ledger.stand_in_line(key, finished(key, box)))
                turns.append(box[0])
        elif action < 0.7 and in_use:
            ledger.give_back(in_use.pop(chance.randrange(len(in_use))))
        elif action < 0.9 and in_use:
            ledger.give_back_slot(in_use.pop(chance.randrange(len(in_use))).key)
        elif turns:
            ledger.leave_line(turns.pop(chance.randrange(len(turns))))
        counts = Counter(connection.key for connection in in_use)
        assert ledger.slots == len(in_use) + ledger.idle <= total
        assert all(count <= host for count in counts.values())
        assert ledger.idle <= keepalive or ledger.idle == 0
    while in_use:
        ledger.give_back_slot(in_use.pop().key)
    assert ledger.waiting == 0
    assert ledger.slots == ledger.idle
