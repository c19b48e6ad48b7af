"""Failures that nobody waits for are reported once, and never those that somebody has seen."""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Callable

import pytest
from greenlet import GreenletExit, greenlet

from eventlet.hub import (
    GreenThread,
    get_hub,
    kill,
    print_unobserved,
    set_unobserved_hook,
    sleep,
    spawn,
    spawn_after,
)

pytestmark = pytest.mark.usefixtures("no_leaks")


def fail(error: BaseException) -> None:
    raise error


def suppress_failure(function: Callable[[], object]) -> None:
    with contextlib.suppress(LookupError, SystemExit, KeyboardInterrupt):
        function()


def run_to_the_end(thread: GreenThread[None]) -> None:
    while thread:
        sleep(0)


class TestWhatIsReported:
    def test_a_failure_when_the_handle_is_dropped(self, failures: list[BaseException]) -> None:
        error = LookupError("lost")
        thread = spawn(fail, error)
        run_to_the_end(thread)
        assert failures == [], "somebody could still ask"
        del thread
        assert failures == [error]
        gc.collect()
        assert failures == [error], "once"

    def test_at_once_where_nobody_holds_the_handle(self, failures: list[BaseException]) -> None:
        spawn(fail, LookupError())
        sleep(0)
        assert len(failures) == 1

    def test_also_when_somebody_gave_up_waiting(self, failures: list[BaseException]) -> None:
        thread = spawn_after(0.002, fail, LookupError())
        with pytest.raises(TimeoutError):
            thread.wait(0)
        run_to_the_end(thread)
        del thread
        assert len(failures) == 1

    def test_what_kills_one_that_never_began(self, failures: list[BaseException]) -> None:
        spawn(fail, KeyError()).kill(LookupError)
        assert [type(error) for error in failures] == [LookupError]

    @pytest.mark.parametrize(
        "observe",
        [
            lambda thread: suppress_failure(thread.wait),
            lambda thread: thread.exception,
        ],
    )
    def test_not_what_somebody_has_seen(
        self, failures: list[BaseException], observe: Callable[[GreenThread[None]], object]
    ) -> None:
        thread = spawn(fail, LookupError())
        run_to_the_end(thread)
        observe(thread)
        del thread
        gc.collect()
        assert failures == []

    def test_not_what_one_of_many_has_seen(self, failures: list[BaseException]) -> None:
        thread = spawn(fail, LookupError())
        for waiting in [spawn(thread.wait) for _ in range(3)]:
            with pytest.raises(LookupError):
                waiting.wait()
        del thread, waiting
        gc.collect()
        assert failures == []

    def test_not_a_kill(self, failures: list[BaseException]) -> None:
        thread = spawn(sleep, 60)
        sleep(0)
        thread.kill()
        spawn(fail, GreenletExit())
        spawn(fail, LookupError()).kill()
        sleep(0)
        del thread
        assert failures == []

    def test_a_callbacks_failure_with_the_callback(self) -> None:
        seen = []
        previous = set_unobserved_hook(lambda error, source: seen.append((error, source)))
        hub = get_hub()
        error = LookupError()
        hub.call_soon(fail, error)
        hub.call_later(0, fail, error)
        sleep(0.001)
        set_unobserved_hook(previous)
        assert seen == [(error, fail)] * 2

    def test_a_callbacks_kill(self, failures: list[BaseException]) -> None:
        """Nobody has killed the hub: that one went astray."""
        get_hub().call_soon(fail, GreenletExit())
        sleep(0)
        assert len(failures) == 1


class TestHook:
    def test_it_gets_something_that_is_named_like_the_green_thread(self) -> None:
        seen = []
        previous = set_unobserved_hook(lambda error, source: seen.append(repr(source)))
        thread = spawn(fail, LookupError())
        thread.name = "worker 7"
        del thread
        sleep(0)
        assert set_unobserved_hook(previous) is not previous
        assert len(seen) == 1
        assert "worker 7" in seen[0]

    def test_none_brings_back_the_default(self) -> None:
        previous = set_unobserved_hook(None)
        assert set_unobserved_hook(previous) is print_unobserved

    def test_one_that_fails_loses_neither_failure(self, capsys: pytest.CaptureFixture[str]) -> None:
        def broken(error: BaseException, source: object) -> None:
            raise KeyError("the hook's own")

        previous = set_unobserved_hook(broken)
        get_hub().call_soon(fail, LookupError("the callback's"))
        spawn(fail, LookupError("the green thread's"))
        sleep(0)
        set_unobserved_hook(previous)
        text = capsys.readouterr().err
        assert text.count("LookupError: the callback's\n") == 1 + 1  # with what failed after it
        assert "LookupError: the green thread's\n" in text
        assert text.count('KeyError: "the hook\'s own"\n') == 2

    @pytest.mark.parametrize("by", ["call_soon", "call_later", "link"])
    def test_one_that_ends_the_program_reaches_the_main_greenlet(self, by: str) -> None:
        def leave(error: BaseException, source: object) -> None:
            raise SystemExit(3)

        previous = set_unobserved_hook(leave)
        try:
            if by == "call_soon":
                get_hub().call_soon(fail, LookupError())
            elif by == "call_later":
                get_hub().call_later(0, fail, LookupError())
            else:
                spawn(lambda: 1).link(lambda _: fail(LookupError()))
            with pytest.raises(SystemExit):
                sleep(1)
        finally:
            set_unobserved_hook(previous)
        assert spawn(lambda: 1).wait() == 1


class TestDefault:
    def test_it_prints_name_and_traceback(self, capsys: pytest.CaptureFixture[str]) -> None:
        thread = spawn(fail, LookupError("lost"))
        thread.name = "worker 7"
        del thread
        sleep(0)
        text = capsys.readouterr().err
        assert "worker 7" in text
        assert "Traceback (most recent call last):" in text
        assert "in fail" in text
        assert "LookupError: lost" in text
        assert "_carrier.py" not in text

    def test_a_program_without_a_console_goes_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stderr", None)
        spawn(fail, LookupError())
        get_hub().call_soon(fail, LookupError())
        sleep(0)
        assert spawn(lambda: 1).wait() == 1

    def test_a_program_with_a_closed_console_goes_on(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with open("/dev/null" if sys.platform != "win32" else "NUL", "w") as closed:
            pass
        monkeypatch.setattr(sys, "stderr", closed)
        get_hub().call_soon(fail, LookupError())
        sleep(0)
        assert spawn(lambda: 1).wait() == 1


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
class TestTheEnd:
    def test_of_the_program_reaches_the_main_greenlet(
        self, kind: type[BaseException], failures: list[BaseException]
    ) -> None:
        spawn(fail, kind(7))
        with pytest.raises(kind) as caught:
            sleep(1)
        assert caught.value.args == (7,)
        assert failures == []

    def test_of_the_program_reaches_it_though_somebody_waits(
        self, kind: type[BaseException]
    ) -> None:
        thread = spawn(fail, kind(7))
        seen = spawn(suppress_failure, thread.wait)
        with pytest.raises(kind):
            sleep(1)
        seen.wait()

    def test_of_the_program_reaches_it_though_it_has_switched_away_by_hand(
        self, kind: type[BaseException]
    ) -> None:
        bare = greenlet(lambda: sleep(60))
        spawn(fail, kind(7))
        with pytest.raises(kind):
            bare.switch()
        kill(bare)

    def test_of_the_program_reaches_it_from_a_callback(self, kind: type[BaseException]) -> None:
        get_hub().call_soon(fail, kind(7))
        with pytest.raises(kind):
            sleep(1)
        get_hub().call_later(0, fail, kind(8))
        with pytest.raises(kind):
            sleep(1)
