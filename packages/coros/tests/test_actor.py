from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest

from eventlet import coros, hub
from eventlet.hub import testing


class Recorder(coros.Actor):
    """Notes what it receives."""

    def __init__(self, concurrency: int = 1) -> None:
        super().__init__(concurrency)
        self.log: list[Any] = []
        self.most = 0
        self.running = 0

    def received(self, message: Any) -> None:
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            if isinstance(message, BaseException):
                raise message
            hub.sleep(0)
            self.log.append(message)
        finally:
            self.running -= 1


def test_messages_are_handled_in_order() -> None:
    actor = Recorder()
    for i in range(10):
        actor.cast(i)
    assert not actor.log
    assert "10 in the mailbox" in repr(actor)
    testing.wait_until_idle()
    assert actor.log == list(range(10))
    assert actor.most == 1


def test_concurrency() -> None:
    actor = Recorder(concurrency=3)
    for i in range(10):
        actor.cast(i)
    testing.wait_until_idle()
    assert sorted(actor.log) == list(range(10))
    assert actor.most == 3


def test_a_failure_is_reported_and_the_actor_lives_on(failures: list[BaseException]) -> None:
    actor = Recorder()
    error = KeyError("message")
    actor.cast(error)
    actor.cast("next")
    testing.wait_until_idle()
    assert failures == [error]
    assert actor.log == ["next"]


def test_a_killed_handler_does_not_stop_the_actor() -> None:
    actor = Recorder()
    actor.cast(hub.GreenletExit())
    actor.cast("next")
    testing.wait_until_idle()
    assert actor.log == ["next"]


def test_dropping_the_last_reference_ends_it() -> None:
    actor = Recorder()
    testing.wait_until_idle()
    loop = actor._killer
    gone = weakref.ref(actor)
    del actor
    gc.collect()
    assert gone() is None
    loop.wait(5)


def test_what_was_cast_is_handled_before_that() -> None:
    log: list[Any] = []

    class Mine(coros.Actor):
        def received(self, message: Any) -> None:
            log.append(message)

    Mine().cast(1)
    testing.wait_until_idle()
    assert log == [1]


def test_kill() -> None:
    ended: list[str] = []

    class Slow(coros.Actor):
        def received(self, message: Any) -> None:
            try:
                hub.sleep(1000)
            finally:
                ended.append(message)

    actor = Slow(concurrency=2)
    for name in "abc":
        actor.cast(name)
    testing.wait_until_idle()
    actor.kill()
    testing.wait_until_idle()
    assert sorted(ended) == ["a", "b"]
    assert "killed" in repr(actor)
    with pytest.raises(coros.Closed):
        actor.cast("d")
    actor.kill()


def test_an_actor_may_kill_itself() -> None:
    log: list[str] = []

    class Mine(coros.Actor):
        def received(self, message: Any) -> None:
            self.kill()
            log.append("too far")

    actor = Mine()
    actor.cast(1)
    actor.cast(2)
    testing.wait_until_idle()
    assert not log
    assert "killed" in repr(actor)


def test_received_must_be_overridden(failures: list[BaseException]) -> None:
    actor = coros.Actor()
    actor.cast(1)
    testing.wait_until_idle()
    assert [type(failure) for failure in failures] == [NotImplementedError]


def test_bad_concurrency() -> None:
    with pytest.raises(ValueError, match="concurrency must be at least 1"):
        coros.Actor(0)
    with pytest.raises(TypeError, match="whole number"):
        coros.Actor(1.5)  # type: ignore[arg-type]
