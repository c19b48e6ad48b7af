from __future__ import annotations

import asyncio
import sys
from asyncio import events
from typing import Any

import pytest
from greenlet import getcurrent, gettrace, settrace

from eventlet.hub import GreenThread, sleep, spawn
from eventlet.hub._event_loops import keep_loops_apart


def run_loop(seen: list[bool]) -> None:
    """Do what a loop does: be the running one, wait for events, have callbacks that wait."""
    loop = asyncio.new_event_loop()
    events._set_running_loop(loop)
    try:
        keep_loops_apart()
        for _ in range(3):
            sleep(0)
            seen.append(events._get_running_loop() is loop)
    finally:
        events._set_running_loop(None)
        loop.close()


def test_each_green_thread_has_its_own_loop() -> None:
    before = gettrace()
    seen: list[bool] = []
    threads: list[GreenThread[Any]] = [spawn(run_loop, seen) for _ in range(3)]
    while any(threads):
        sleep(0)
        assert events._get_running_loop() is None
    for thread in threads:
        thread.wait()
    assert seen == [True] * 9
    sleep(0)
    assert gettrace() is before


def test_a_tracer_that_was_there_goes_on() -> None:
    traced: list[str] = []

    def trace(event: str, switch: object) -> None:
        traced.append(event)

    before = settrace(trace)
    try:
        seen: list[bool] = []
        spawn(run_loop, seen).wait()
        assert seen == [True] * 3
        count = len(traced)
        assert count >= 3
        spawn(getcurrent).wait()
        assert len(traced) > count
        assert gettrace() is trace
    finally:
        settrace(before)


def test_no_loop_costs_nothing() -> None:
    before = gettrace()
    keep_loops_apart()
    assert gettrace() is before


def test_before_asyncio_is_loaded_there_is_no_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    before = gettrace()
    monkeypatch.delitem(sys.modules, "asyncio.events")
    keep_loops_apart()
    assert gettrace() is before
