"""One hub a native thread: which one, how it is chosen, and what is left of it."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from threading import Thread

import pytest
from greenlet import GreenletExit

from eventlet.hub import (
    GreenThread,
    Hub,
    HubBusy,
    HubError,
    SelectLimit,
    Waiter,
    WrongThread,
    available_hubs,
    get_hub,
    sleep,
    spawn,
    spawn_after,
    use_hub,
    wait_readable,
)
from eventlet.hub._pollers import SelectPoller

resource = pytest.importorskip("resource", reason="limits of descriptors are POSIX")

RunScript = Callable[..., "subprocess.CompletedProcess[str]"]
FDS = "/proc/self/fd"
counts_descriptors = pytest.mark.skipif(not os.path.isdir(FDS), reason="counts in /proc")


def in_native_thread(function: Callable[[], object]) -> list[object]:
    """Return what a function returns or raises in another native thread."""
    outcome: list[object] = []

    def run() -> None:
        try:
            outcome.append(function())
        except Exception as error:
            outcome.append(error)

    thread = Thread(target=run)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
    return outcome


@pytest.fixture(autouse=True)
def _default_hub_afterwards() -> Iterator[None]:
    use_hub()
    yield
    use_hub()


class TestUseHub:
    @pytest.mark.parametrize("name", available_hubs())
    def test_it_takes_a_name(self, name: str) -> None:
        hub = use_hub(name)
        assert get_hub() is hub
        assert hub.stats().poller == name
        sleep(0.001)

    def test_it_takes_a_class_or_a_hub(self) -> None:
        assert use_hub(SelectPoller).stats().poller == "select"
        hub = Hub(SelectPoller(), lambda: 7.0)
        assert use_hub(hub) is hub
        assert get_hub().time() == 7.0
        assert use_hub(hub) is hub, "the one that is in use stays"
        assert not hub.destroyed
        assert spawn(lambda: 1).wait() == 1

    def test_an_unknown_name_is_an_error_and_changes_nothing(self) -> None:
        hub = get_hub()
        with pytest.raises(ValueError, match=r"no poller 'nonsense' on this platform; .*select"):
            use_hub("nonsense")
        assert get_hub() is hub
        assert not hub.destroyed

    def test_a_hub_that_has_ended_or_belongs_to_another_native_thread_is_refused(self) -> None:
        hub = get_hub()
        ended = Hub(SelectPoller())
        ended.close()
        with pytest.raises(HubError, match="cannot be used again"):
            use_hub(ended)
        (error,) = in_native_thread(lambda: use_hub(hub))
        assert isinstance(error, WrongThread)
        assert get_hub() is hub
        assert not hub.destroyed

    def test_a_hub_that_is_only_made_does_not_disturb_the_one_in_use(self) -> None:
        waiter: Waiter[int] = Waiter()
        thread = spawn(waiter.wait)
        sleep(0)
        other = Hub(SelectPoller())
        with pytest.raises(HubBusy):
            use_hub(other)
        waiter.switch(1)
        assert thread.wait() == 1
        other.close()
        sleep(0.001)

    def test_a_hub_that_is_only_made_can_be_closed(self, run_script: RunScript) -> None:
        done = run_script(
            """
            from eventlet.hub import *
            from eventlet.hub._pollers import SelectPoller
            Hub(SelectPoller()).close()
            sleep(0.001)
            print(spawn(lambda: "fine").wait())
            """
        )
        assert (done.stdout, done.stderr) == ("fine\n", "")

    def test_the_environment_names_the_default(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("EVENTLET_HUB", "select")
        assert use_hub().stats().poller == "select"
        monkeypatch.setenv("EVENTLET_HUB", "nonsense")
        with pytest.raises(ValueError, match="no poller 'nonsense'"):
            use_hub()
        assert in_native_thread(get_hub)[0].args[0].startswith("no poller")  # type: ignore[attr-defined]
        monkeypatch.setenv("EVENTLET_HUB", "")
        use_hub()

    @pytest.mark.parametrize("portable", ["", "0", "1"])
    def test_portable_mode_takes_select(self, run_script: RunScript, portable: str) -> None:
        done = run_script(
            "from eventlet.hub import *; print(get_hub().stats().poller, available_hubs()[0])",
            EVENTLET_PORTABLE=portable,
            EVENTLET_HUB="",
        )
        chosen, best = done.stdout.split()
        assert chosen == ("select" if portable == "1" else best)


class TestNativeThreads:
    def test_each_has_its_own_hub(self) -> None:
        hubs = [get_hub(), *in_native_thread(get_hub), *in_native_thread(get_hub)]
        assert len(set(map(id, hubs))) == 3
        assert all(hub.destroyed for hub in hubs[1:])  # type: ignore[attr-defined]

    def test_many_work_at_once(self) -> None:
        def work() -> int:
            def step(number: int) -> int:
                sleep(0.001 * (number % 3))
                return number

            return sum(thread.wait() for thread in [spawn(step, n) for n in range(100)])

        results: list[int] = []
        natives = [Thread(target=lambda: results.append(work())) for _ in range(16)]
        for native in natives:
            native.start()
        for native in natives:
            native.join(30)
        assert results == [4950] * 16

    @counts_descriptors
    def test_their_descriptors_go_with_them(self) -> None:
        in_native_thread(lambda: sleep(0.001))
        before = len(os.listdir(FDS))
        for _ in range(20):
            in_native_thread(lambda: sleep(0.001))
        assert len(os.listdir(FDS)) == before

    @counts_descriptors
    def test_one_may_end_while_green_threads_are_parked_in_it(self) -> None:
        """Their `finally` blocks run, and nothing can make them stay."""
        cleaned: list[str] = []
        caught: list[type[BaseException]] = []
        one, other = socket.socketpair()

        def tidy() -> None:
            try:
                sleep(60)
            except GreenletExit:
                cleaned.append("tidy")
                raise

        def reading() -> None:
            try:
                wait_readable(one)
            finally:
                cleaned.append("reading")

        def waits_once_more(seconds: float) -> None:
            try:
                sleep(60)
            finally:
                try:
                    sleep(seconds)
                except HubError as error:
                    caught.append(type(error))

        def never_begins() -> None:
            cleaned.append("never")

        def work() -> None:
            spawn(reading)
            first = spawn(tidy)
            for _ in range(5):
                spawn(waits_once_more, 0)
                spawn(waits_once_more, 1)
                spawn(first.wait)
            sleep(0.001)
            spawn(never_begins)

        in_native_thread(work)
        before = len(os.listdir(FDS))
        cleaned.clear()
        caught.clear()
        in_native_thread(work)
        assert sorted(cleaned) == ["reading", "tidy"]
        assert caught == [HubError] * 10
        assert len(os.listdir(FDS)) == before
        one.close()
        other.close()

    def test_who_waits_for_a_green_thread_there_learns_of_its_end(self) -> None:
        threads: list[GreenThread[None]] = []
        ready: Waiter[None] = Waiter()
        go: list[Waiter[None]] = []

        def work() -> None:
            go.append(Waiter())
            threads.append(spawn(sleep, 60))
            sleep(0)
            threads.append(spawn_after(60, sleep))
            threads.append(spawn(sleep, 60))
            ready.switch()
            go[0].wait(10)
            threads.append(spawn(sleep, 60))

        native = Thread(target=work)
        native.start()
        ready.wait(10)
        waiting = [spawn(thread.wait) for thread in threads]
        sleep(0.001)
        go[0].switch()
        for each in waiting:
            with pytest.raises(GreenletExit):
                each.wait(10)
        native.join()
        with pytest.raises(GreenletExit):
            threads[-1].wait(10)

    def test_a_link_that_waits_does_not_hold_up_the_end_of_one(self) -> None:
        threads: list[GreenThread[int]] = []
        calls: list[str] = []
        ready: Waiter[None] = Waiter()
        go: list[Waiter[None]] = []

        def work() -> None:
            go.append(Waiter())
            thread = spawn(lambda: 1)
            thread.link(lambda _: sleep(60))
            thread.link(lambda _: sleep(60))
            thread.link(lambda _: calls.append("the last link"))
            threads.append(thread)
            sleep(0)
            ready.switch()
            go[0].wait(10)

        native = Thread(target=work)
        native.start()
        ready.wait(10)
        waiting = spawn(threads[0].wait)
        sleep(0)
        go[0].switch()
        assert waiting.wait(10) == 1
        native.join()
        assert calls == ["the last link"]

    def test_calls_into_one_that_has_ended_are_lost_quietly(self) -> None:
        (hub,) = in_native_thread(get_hub)
        assert isinstance(hub, Hub)
        hub.call_soon_threadsafe(print, "never")


class TestNoDescriptorsLeft:
    @pytest.mark.parametrize("name", available_hubs())
    @pytest.mark.parametrize("spare", [0, 1, 2])
    def test_making_a_hub_fails_cleanly_and_works_again_later(
        self, name: str, spare: int, request: pytest.FixtureRequest
    ) -> None:
        hub = get_hub()
        reserved = [os.open(os.devnull, os.O_RDONLY) for _ in range(spare)]
        request.getfixturevalue("no_descriptors_left")
        for fd in reserved:
            os.close(fd)
        try:
            use_hub(name)
        except OSError:
            assert get_hub() is hub, "the old one goes on"
        sleep(0.001)
        assert spawn(lambda: 1).wait() == 1
        again = [os.open(os.devnull, os.O_RDONLY) for _ in range(spare if get_hub() is hub else 0)]
        for fd in again:
            os.close(fd)

    def test_a_native_thread_gets_an_error_and_no_hub(self, no_descriptors_left: None) -> None:
        (error,) = in_native_thread(lambda: sleep(0))
        assert isinstance(error, OSError)

    def test_afterwards_all_is_well(self) -> None:
        assert in_native_thread(lambda: sleep(0)) == [None]


@pytest.mark.skipif(
    resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 2048, reason="too few descriptors allowed"
)
def test_the_select_poller_refuses_to_start_where_the_numbers_are_too_large() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (2048, hard))
    taken: list[int] = []
    hub = get_hub()
    try:
        while not taken or taken[-1] < 1100:
            taken.append(os.open(os.devnull, os.O_RDONLY))
        with pytest.raises(SelectLimit, match="choose another poller"):
            use_hub("select")
        assert get_hub() is hub
        sleep(0.001)
    finally:
        for fd in taken:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
