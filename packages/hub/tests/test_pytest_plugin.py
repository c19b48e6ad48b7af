"""The pytest plugin, in runs of pytest of their own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, distribution

import pytest

from eventlet.hub import available_hubs, get_hub, sleep, spawn
from eventlet.hub.testing import fresh_hub

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.may_leak  # some of the tests in the tests do

PLUGIN = "eventlet.hub._pytest_plugin"
HEADER = "import os, pytest\nfrom eventlet.hub import *\n"
ORDER_DEPENDENT = """
def test_order():
    order = []
    for thread in [spawn(order.append, number) for number in range(10)]:
        thread.wait()
    assert order == list(range(10)), f"order {order} end"
"""

Run = Callable[..., pytest.RunResult]


@pytest.fixture(autouse=True)
def hub() -> Iterator[None]:
    """Give each test a hub of its own, which takes along what is left in it."""
    with fresh_hub():
        yield


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs tests from their source text, with the plugin."""

    def run(source: str, *options: str) -> pytest.RunResult:
        pytester.makepyfile(HEADER + source)
        return pytester.runpytest_inprocess("--strict-markers", "-p", PLUGIN, *options)

    # Others would be imported anew for each run.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    return run


class TestVirtualClock:
    def test_jumps(self, run: Run) -> None:
        run("""
def test_it(virtual_clock):
    sleep(30)
    assert virtual_clock() == 30 == get_hub().time()

def test_without():
    assert get_hub().time() > 0
    with Timeout(0.001, False):
        sleep(30)
""").assert_outcomes(passed=2)

    def test_takes_a_threshold(self, run: Run) -> None:
        run("""
@pytest.mark.virtual_clock(threshold=0.001)
def test_it(virtual_clock):
    assert virtual_clock.threshold == 0.001
    sleep(30)
    assert virtual_clock() == 30
""").assert_outcomes(passed=1)

    def test_makes_room_after_a_test_that_left_something(self, run: Run) -> None:
        run("""
def test_careless():
    spawn(sleep, 30)

def test_it(virtual_clock):
    sleep(30)
    assert get_hub().stats().green_threads == 0
""").assert_outcomes(passed=2)


class TestPoller:
    def test_runs_the_test_on_each(self, run: Run) -> None:
        result = run(
            """
def test_it(poller):
    assert get_hub().poller.name == poller
    assert spawn(len, "four").wait() == 4

def test_with_clock(virtual_clock, poller):
    assert get_hub().poller.name == poller
    sleep(30)
    assert virtual_clock() == 30

def test_after():
    assert get_hub().poller.name == NAME
""".replace("NAME", repr(get_hub().poller.name)),
            "-v",
        )
        names = available_hubs()
        result.assert_outcomes(passed=2 * len(names) + 1)
        result.stdout.fnmatch_lines([f"*::test_it?{name}? PASSED*" for name in names])


class TestNoLeaks:
    def test_fails_a_test_that_leaves_something(self, run: Run) -> None:
        result = run("""
def linger():
    sleep(30)  # here

def test_it(no_leaks):
    spawn(linger).name = "lingerer"
    sleep(0)

def test_clean(no_leaks):
    spawn(sleep, 0).wait()

def test_other():
    pass
""")
        result.assert_outcomes(passed=3, errors=1)
        result.stdout.fnmatch_lines(
            [
                "*ERROR at teardown of test_it*",
                "In this test, these were begun and not ended:",
                "- GreenThread lingerer, * old: sleeps for * more",
                "*sleep(30)  # here",
            ]
        )
        assert "_pytest_plugin.py" not in result.stdout.str()

    def test_looks_after_the_other_fixtures_have_ended(self, run: Run) -> None:
        run("""
@pytest.fixture(autouse=True)
def check(no_leaks):
    pass

@pytest.fixture
def server():
    thread = spawn(sleep, 30)
    yield thread
    thread.kill()

def test_it(server, virtual_clock):
    sleep(1)
""").assert_outcomes(passed=1)

    def test_looks_into_the_hubs_of_fixtures(self, run: Run) -> None:
        result = run("""
def test_it(no_leaks, virtual_clock):
    spawn(sleep, 30).name = "lingerer"
""")
        result.assert_outcomes(passed=1, errors=1)
        result.stdout.fnmatch_lines(["- GreenThread lingerer*"])

    def test_is_silent_when_the_test_fails_anyway(self, run: Run) -> None:
        result = run("""
def test_it(no_leaks):
    spawn(sleep, 30)
    assert False

def test_again(no_leaks):
    spawn(sleep, 30)
""")
        result.assert_outcomes(passed=1, failed=1, errors=1)

    def test_ignores_what_is_marked(self, run: Run) -> None:
        result = run("""
@pytest.mark.may_leak
def test_anything(no_leaks):
    global left
    spawn(sleep, 30)
    left = os.dup(1)

def test_more():
    os.close(left)

@pytest.mark.may_leak("threads")
def test_threads(no_leaks):
    spawn(sleep, 30)

@pytest.mark.may_leak("threads")
def test_timers(no_leaks):
    get_hub().call_later(30, print)

@pytest.mark.may_leak("sockets")
def test_typing_error(no_leaks):
    pass
""")
        result.assert_outcomes(passed=4, errors=2)
        result.stdout.fnmatch_lines(["*there is no kind 'sockets' to allow*"])


class TestSeed:
    def test_makes_order_random_and_reproducible(self, run: Run) -> None:
        orders = []
        for seed in ("1", "1", "2"):
            result = run(ORDER_DEPENDENT, "--eventlet-seed", seed)
            result.assert_outcomes(failed=1)
            result.stdout.fnmatch_lines(
                [
                    f"eventlet: shuffling green threads with --eventlet-seed {seed}",
                    f"run with --eventlet-seed {seed}",
                ]
            )
            found = re.search(r"order (\[.*\]) end", result.stdout.str())
            assert found is not None
            orders.append(found[1])
        assert orders[0] == orders[1] != orders[2]

    def test_can_be_drawn(self, run: Run) -> None:
        result = run(ORDER_DEPENDENT, "--eventlet-seed", "random")
        result.stdout.re_match_lines(
            [r"eventlet: shuffling .* --eventlet-seed \d+$", r"run with --eventlet-seed \d+$"]
        )

    def test_covers_fixtures_and_fresh_hubs(self, run: Run) -> None:
        source = ORDER_DEPENDENT.replace("test_order()", "test_order(virtual_clock)")
        run(source, "--eventlet-seed", "1").assert_outcomes(failed=1)

    @pytest.mark.in_order
    def test_leaves_tests_of_the_order_alone(self, run: Run) -> None:
        run("@pytest.mark.in_order" + ORDER_DEPENDENT, "--eventlet-seed", "1").assert_outcomes(
            passed=1
        )

    @pytest.mark.in_order
    def test_changes_nothing_unless_asked(self, run: Run) -> None:
        result = run(ORDER_DEPENDENT)
        result.assert_outcomes(passed=1)
        assert "eventlet: " not in result.stdout.str()


def test_asks_for_nothing_in_tests_that_do_not_ask(run: Run) -> None:
    threads = [spawn(sleep, 0)]
    hub = get_hub()
    run("def test_it(): pass").assert_outcomes(passed=1)
    assert get_hub() is hub
    for thread in threads:
        thread.wait()


def test_markers_and_options_are_documented(run: Run) -> None:
    result = run("", "--markers")
    result.stdout.fnmatch_lines(["@pytest.mark.virtual_clock*", "@pytest.mark.may_leak*"])
    assert "--eventlet-seed=N|random" in run("", "--help").stdout.str()


def test_pytest_finds_it_where_the_distribution_is_installed() -> None:
    try:
        entry_points = distribution("eventlet-hub").entry_points
    except PackageNotFoundError:
        pytest.skip("runs from the sources")
    [plugin] = entry_points.select(group="pytest11")
    assert plugin.value == PLUGIN
