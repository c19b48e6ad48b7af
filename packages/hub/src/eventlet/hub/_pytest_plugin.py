"""The pytest plugin: `eventlet.hub.testing` as fixtures, markers and options.

It does nothing for tests that don't ask for any of them.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Iterator

import pytest

from . import testing
from ._fresh_hub import end_hub
from ._leaks import KINDS
from ._registry import available_hubs, get_hub, use_hub

_MARKERS = """\
virtual_clock(threshold=0.0): options for the fixture `virtual_clock`
in_order: the test is about the order of things; --eventlet-seed leaves it alone
may_leak(*kinds): what `no_leaks` ignores: 'threads', 'timers', 'descriptors'; by default, all
"""
# What `random` draws from; short enough to be typed again.
_SEEDS = 10**6


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("eventlet")
    group.addoption(
        "--eventlet-seed",
        metavar="N|random",
        help="run green threads in a random order, which is the same for the same N",
    )


def pytest_configure(config: pytest.Config) -> None:
    for marker in _MARKERS.splitlines():
        config.addinivalue_line("markers", marker)
    seed = config.getoption("--eventlet-seed")
    if seed is not None:
        if seed == "random":
            seed = str(random.randrange(_SEEDS))
        config.pluginmanager.register(_Shuffling(seed), "eventlet-shuffling")


class _Shuffling:
    """Runs every test with its own series drawn from one seed."""

    def __init__(self, seed: str) -> None:
        self._seed = seed

    def pytest_report_header(self) -> str:
        return f"eventlet: shuffling green threads with --eventlet-seed {self._seed}"

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        if item.get_closest_marker("in_order") is not None:
            return (yield)
        # With the name of the test, so that it fails alone as it failed among others.
        with testing.shuffled(f"{self._seed} {item.nodeid}"):
            return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self,
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if report.failed:
            report.sections.append(("eventlet", f"run with --eventlet-seed {self._seed}"))
        return report


class _Outcomes:
    """Remembers which tests have failed; registered by the first one that asks."""

    FAILED = pytest.StashKey[bool]()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        if report.failed:
            item.stash[self.FAILED] = True
        return report


@pytest.fixture
def no_leaks(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail the test, unless it fails anyway, if it leaves something behind that it began."""
    manager = request.config.pluginmanager
    if not manager.has_plugin("eventlet-outcomes"):
        manager.register(_Outcomes(), "eventlet-outcomes")
    mark = request.node.get_closest_marker("may_leak")
    __tracebackhide__ = True
    try:
        with testing.no_leaks(allow=() if mark is None else mark.args or KINDS):
            yield
            if request.node.stash.get(_Outcomes.FAILED, False):
                raise _FailedAnyway
    except _FailedAnyway:
        pass
    except testing.LeftBehind as error:
        raise pytest.fail.Exception(f"In this test, {error}", pytrace=False) from None


class _FailedAnyway(Exception):
    """Tells `no_leaks` that the block has failed."""


@pytest.fixture(params=available_hubs())
def poller(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run the test on every poller of the platform, in a fresh hub; the value is its name."""
    _end_busy_hub()
    with testing.fresh_hub(request.param):
        yield request.param


@pytest.fixture
def virtual_clock(request: pytest.FixtureRequest) -> Iterator[testing.VirtualClock]:
    """Run the test in a fresh hub whose clock jumps; the value is the clock.

    Together with the fixture `poller`, on every poller.
    """
    chosen = request.getfixturevalue("poller") if "poller" in request.fixturenames else None
    mark = request.node.get_closest_marker("virtual_clock")
    _end_busy_hub()
    with testing.virtual_clock(chosen, **({} if mark is None else mark.kwargs)) as clock:
        yield clock


def _end_busy_hub() -> None:
    """Make room for a fresh hub where an earlier test has left green threads behind."""
    hub = get_hub()
    if hub.stats().green_threads:
        end_hub(hub)
        use_hub()
