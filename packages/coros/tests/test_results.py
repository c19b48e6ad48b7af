from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from eventlet import coros, hub
from eventlet.hub import testing


def slowly(rounds: int) -> int:
    for _ in range(rounds):
        hub.sleep(0)
    return rounds


def test_results_come_as_they_end() -> None:
    pool = coros.CoroutinePool(max_size=3)
    assert list(pool.generate_results(slowly, [(5,), (1,), (3,)])) == [1, 3, 5]
    assert list(pool.generate_results(pow, [])) == []


def test_an_endless_input_is_read_no_further_than_there_is_room() -> None:
    pool = coros.CoroutinePool(max_size=3)
    read = 0

    def endless() -> Iterator[tuple[int]]:
        nonlocal read
        for i in itertools.count():
            read += 1
            yield (i,)

    results = pool.generate_results(slowly, ((0,) for _ in endless()), qsize=2)
    for _ in range(50):
        next(results)
    assert 50 < read <= 50 + 3 + 2
    pool.wait_all()


def test_a_failure_is_raised_and_one_can_go_on() -> None:
    pool = coros.CoroutinePool(max_size=1)
    results = pool.generate_results(int, [("1",), ("x",), ("3",)])
    assert next(results) == 1
    with pytest.raises(ValueError, match="invalid literal"):
        next(results)
    assert list(results) == [3]


def test_a_failing_input_is_raised_after_what_was_launched() -> None:
    def failing() -> Iterator[tuple[int]]:
        yield (1,)
        yield (2,)
        raise KeyError("input")

    pool = coros.CoroutinePool(max_size=4)
    results = pool.generate_results(slowly, failing())
    assert [next(results), next(results)] == [1, 2]
    with pytest.raises(KeyError, match="input"):
        next(results)
    assert list(results) == []


def test_a_full_pool_is_waited_for() -> None:
    pool = coros.CoroutinePool(max_size=1)
    gate: coros.Event[None] = coros.Event()
    pool.execute(gate.wait)
    reader = hub.spawn(list, pool.generate_results(slowly, [(1,), (2,)]))
    testing.wait_until_idle()
    assert not reader.dead
    gate.send()
    assert reader.wait() == [1, 2]


def test_it_can_be_killed_while_the_pool_is_full() -> None:
    pool = coros.CoroutinePool(max_size=1)
    gate: coros.Event[None] = coros.Event()
    pool.execute(gate.wait)
    results = pool.generate_results(slowly, [(1,), (2,)])
    reader = hub.spawn(next, results)
    testing.wait_until_idle()
    reader.kill()
    with pytest.raises(TimeoutError), hub.Timeout(0.01, TimeoutError):
        next(results)
    gate.send()
    assert list(results) == [1, 2]


def test_it_can_be_killed_inside_of_the_pool() -> None:
    """Where it runs the calls itself, and a call that was interrupted is not repeated."""
    pool = coros.CoroutinePool(max_size=1)
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        hub.sleep(number)
        return number

    def read() -> list[int]:
        results = pool.generate_results(work, [(1000,), (0,)])
        with pytest.raises(TimeoutError), hub.Timeout(0.01, TimeoutError):
            next(results)
        return list(results)

    assert pool.execute(read).wait() == [0]
    assert begun == [1000, 0]


def test_it_can_be_used_inside_of_the_pool() -> None:
    pool = coros.CoroutinePool(max_size=1)
    worker = pool.execute(lambda: list(pool.generate_results(slowly, [(1,), (2,)])))
    assert worker.wait() == [1, 2]


@pytest.mark.parametrize("iterate", [coros.map, coros.imap_unordered])
def test_a_second_reader_is_refused(iterate: Callable[..., Iterator[Any]]) -> None:
    gate: coros.Event[int] = coros.Event()
    results = iterate(lambda _: gate.wait(), [1, 2])
    reader = hub.spawn(next, results)
    testing.wait_until_idle()
    with pytest.raises(coros.Misuse, match="one at a time"):
        next(results)
    gate.send(7)
    assert reader.wait() == 7
    assert list(results) == [7]


@pytest.mark.parametrize("iterate", [coros.map, coros.imap_unordered])
def test_a_killed_reader_loses_no_result(iterate: Callable[..., Iterator[Any]]) -> None:
    gate: coros.Event[None] = coros.Event()
    results = iterate(lambda i: (gate.wait(), i)[1], [1, 2, 3])
    reader = hub.spawn(next, results)
    testing.wait_until_idle()
    reader.kill()
    gate.send()
    assert sorted(results) == [1, 2, 3]


def test_map_keeps_the_order() -> None:
    assert list(coros.map(slowly, [5, 1, 3], max_size=2)) == [5, 1, 3]
    assert list(coros.map(slowly, [])) == []


def test_map_is_lazy_and_takes_endless_input() -> None:
    read: list[int] = []

    def endless() -> Iterator[int]:
        for _ in itertools.count():
            read.append(1)
            yield 0

    results = coros.map(slowly, endless(), max_size=2)
    testing.wait_until_idle()
    assert not read
    assert list(itertools.islice(results, 20)) == [0] * 20
    assert len(read) <= 24


def test_map_raises_where_it_failed() -> None:
    results = coros.map(int, ["1", "x", "3"])
    assert next(results) == 1
    with pytest.raises(ValueError, match="invalid"):
        next(results)
    assert next(results) == 3


def test_imap_unordered_is_unordered() -> None:
    assert list(coros.imap_unordered(slowly, [5, 1, 3])) == [1, 3, 5]


def test_no_more_than_max_size_run() -> None:
    running = most = 0

    def work(_: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        hub.sleep(0)
        running -= 1

    list(coros.map(work, range(20), max_size=3))
    assert most == 3


def test_bad_arguments() -> None:
    for iterate in (coros.map, coros.imap_unordered):
        with pytest.raises(TypeError, match="function"):
            iterate(5, [])  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            iterate(slowly, 5)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="max_size must be at least 1"):
            iterate(int, [], max_size=0)
        with pytest.raises(TypeError, match="whole number"):
            iterate(int, [], max_size=1.5)  # type: ignore[arg-type]
    pool = coros.CoroutinePool()
    with pytest.raises(ValueError, match="qsize"):
        pool.generate_results(int, [], qsize=-1)
    with pytest.raises(TypeError):
        next(pool.generate_results(int, [5]))  # type: ignore[list-item]
