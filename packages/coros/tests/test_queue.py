from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from itertools import chain
from typing import Any

import pytest
from greenlet import greenlet

from eventlet import coros, hub
from eventlet.hub import testing

Make = Callable[[], Any]


@pytest.fixture(params=[None, 0, 1, 3], ids=["queue", "channel0", "channel1", "channel3"])
def make(request: pytest.FixtureRequest) -> Make:
    return lambda: coros.queue(request.param)


def test_messages_arrive_in_order(make: Make) -> None:
    queue = make()
    sender = hub.spawn(lambda: [queue.send(i) for i in range(20)])
    assert [queue.wait() for _ in range(20)] == list(range(20))
    sender.wait()
    assert len(queue) == 0
    assert not queue


@pytest.mark.in_order
def test_receivers_are_served_in_order(make: Make) -> None:
    queue = make()
    log: list[tuple[int, int]] = []

    def take(number: int) -> None:
        log.append((number, queue.wait()))

    threads = [hub.spawn(take, number) for number in range(4)]
    testing.wait_until_idle()
    assert queue.waiting() == 4
    for i in range(4):
        queue.send(i)
    for thread in threads:
        thread.wait()
    assert log == [(0, 0), (1, 1), (2, 2), (3, 3)]


def test_exceptions_travel_too(make: Make) -> None:
    queue = make()
    sender = hub.spawn(
        lambda: (
            queue.send(exc=KeyError("a")),
            queue.send_exception(ValueError, "b"),
            queue.send("c"),
            queue.send_exception(OSError(1, "d")),
        )
    )
    with pytest.raises(KeyError, match="a"):
        queue.wait()
    with pytest.raises(ValueError, match="b"):
        queue.wait()
    assert queue.wait() == "c"
    with pytest.raises(OSError, match="d"):
        queue.wait()
    sender.wait()


def test_wait_times_out(make: Make) -> None:
    queue = make()
    with pytest.raises(TimeoutError, match="within 0 seconds"):
        queue.wait(0)
    assert queue.waiting() == 0
    for timeout in (-1, float("nan")):
        with pytest.raises(ValueError, match="timeout"):
            queue.wait(timeout)
    hub.spawn(queue.send, 1)
    assert queue.wait(5) == 1


def test_a_killed_receiver_loses_nothing(make: Make) -> None:
    queue = make()
    killed, other = hub.spawn(queue.wait), hub.spawn(queue.wait)
    testing.wait_until_idle()
    killed.throw()
    queue.send("hi")
    assert other.wait() == "hi"
    with pytest.raises(hub.GreenletExit):
        killed.wait()


def test_a_receiver_that_is_killed_before_its_time_is_up(make: Make) -> None:
    queue = make()
    killed = hub.spawn(queue.wait, 1000)
    testing.wait_until_idle()
    killed.kill()
    assert queue.waiting() == 0
    hub.spawn(queue.send, "hi")
    assert queue.wait(5) == "hi"


def test_a_message_for_one_who_is_then_killed_is_received(make: Make) -> None:
    queue = make()
    got: list[str] = []

    def receive() -> None:
        got.append(queue.wait())
        hub.sleep(0)
        got.append("too far")

    killed = hub.spawn(receive)
    testing.wait_until_idle()
    queue.send("hi")
    killed.throw()
    with pytest.raises(hub.GreenletExit):
        killed.wait()
    assert got == ["hi"]


def test_a_receiver_that_times_out_in_the_round_of_the_send(make: Make) -> None:
    queue = make()

    def receive() -> Any:
        try:
            return queue.wait(0.01)
        except TimeoutError:
            return None

    threads = [hub.spawn(receive) for _ in range(3)]
    testing.wait_until_idle()
    sender = hub.spawn_after(0.01, queue.send, "hi")
    got = [thread.wait() for thread in threads]
    if "hi" in got:
        assert got.count("hi") == 1
    else:
        assert queue.wait() == "hi"
    sender.wait()


def test_what_was_thrown_past_the_hub_gives_the_message_back(make: Make) -> None:
    queue = make()
    bare = greenlet(queue.wait)
    hub.get_hub().call_soon(bare.switch)
    testing.wait_until_idle()
    queue.send("hi")
    with pytest.raises(KeyError):
        bare.throw(KeyError)
    assert queue.wait() == "hi"


def test_closing_lets_the_rest_be_received(make: Make) -> None:
    queue = make()
    with_room = isinstance(queue, coros.Queue) or queue.max_size
    if with_room:
        queue.send(1)
    queue.close()
    queue.close()
    assert queue.closed
    assert "closed" in repr(queue)
    assert queue.ready()
    with pytest.raises(coros.Closed, match="nothing can be sent"):
        queue.send(2)
    if with_room:
        assert queue.wait() == 1
    for _ in range(2):
        with pytest.raises(coros.Closed, match="nothing is left"):
            queue.wait()
    assert list(queue) == []


def test_closing_wakes_those_who_wait(make: Make) -> None:
    queue = make()
    threads = [hub.spawn(queue.wait) for _ in range(3)]
    testing.wait_until_idle()
    queue.close()
    for thread in threads:
        with pytest.raises(coros.Closed):
            thread.wait()


def test_iteration_ends_when_closed(make: Make) -> None:
    queue = make()

    def feed() -> None:
        for i in range(10):
            queue.send(i)
        queue.close()

    hub.spawn(feed)
    assert list(queue) == list(range(10))


def test_several_iterate(make: Make) -> None:
    queue = make()
    readers = [hub.spawn(list, queue) for _ in range(3)]
    testing.wait_until_idle()
    for i in range(30):
        queue.send(i)
        hub.sleep(0)
    queue.close()
    got = [reader.wait() for reader in readers]
    assert sorted(chain.from_iterable(got)) == list(range(30))
    assert all(part == sorted(part) for part in got)


def test_iteration_raises_what_was_sent(make: Make) -> None:
    queue = make()
    hub.spawn(queue.send_exception, KeyError("k"))
    with pytest.raises(KeyError):
        next(queue)


def test_an_iteration_does_not_take_a_message_for_the_end(make: Make) -> None:
    queue = make()
    hub.spawn(lambda: (queue.send_exception(coros.Closed("sent")), queue.close()))
    with pytest.raises(coros.Closed, match="sent"):
        next(queue)
    assert list(queue) == []


def test_a_queue_never_makes_senders_wait() -> None:
    queue: coros.Queue[int] = coros.Queue()
    assert not queue.ready()
    for i in range(1000):
        queue.send(i)
    assert len(queue) == 1000
    assert queue
    assert queue.ready()
    assert not queue.full()
    assert "1000 items, 0 waiting" in repr(queue)


def test_a_channel_makes_senders_wait() -> None:
    channel: coros.Channel[str] = coros.Channel(2)
    log: list[str] = []

    def send() -> None:
        for letter in "abcd":
            channel.send(letter)
            log.append(letter)

    sender = hub.spawn(send)
    testing.wait_until_idle()
    assert log == ["a", "b"]
    assert channel.full()
    assert channel.sending() == 1
    assert len(channel) == 3
    assert channel.wait() == "a"
    testing.wait_until_idle()
    assert log == ["a", "b", "c"]
    assert [channel.wait() for _ in range(3)] == ["b", "c", "d"]
    sender.wait()
    assert not channel.full()


def test_a_rendezvous() -> None:
    channel: coros.Channel[str] = coros.Channel()
    sender = hub.spawn(channel.send, "hi")
    testing.wait_until_idle()
    assert not sender.dead
    assert channel.ready()
    assert channel.full()
    assert channel.wait() == "hi"
    sender.wait()
    receiver = hub.spawn(channel.wait)
    testing.wait_until_idle()
    assert not channel.full()
    channel.send("you")
    assert receiver.wait() == "you"
    assert not channel.ready()


@pytest.mark.parametrize("size", [0, 1])
def test_a_send_that_ends_early_leaves_nothing_behind(size: int) -> None:
    channel: coros.Channel[str] = coros.Channel(size)
    for _ in range(size):
        channel.send("first")
    with pytest.raises(TimeoutError, match="no room"):
        channel.send("late", timeout=0)
    killed = hub.spawn(channel.send, "killed")
    testing.wait_until_idle()
    killed.kill()
    assert len(channel) == size
    for _ in range(size):
        assert channel.wait() == "first"
    with pytest.raises(TimeoutError):
        channel.wait(0)


@pytest.mark.parametrize("size", [0, 1])
def test_a_killed_sender_lets_the_next_one_in(size: int) -> None:
    channel: coros.Channel[str] = coros.Channel(size)
    for _ in range(size):
        channel.send("first")
    killed, other = hub.spawn(channel.send, "killed"), hub.spawn(channel.send, "other")
    testing.wait_until_idle()
    killed.throw()
    for _ in range(size):
        assert channel.wait() == "first"
    assert channel.wait() == "other"
    other.wait()
    assert len(channel) == 0


def test_a_killed_sender_at_a_rendezvous_hands_over_nothing() -> None:
    channel: coros.Channel[str] = coros.Channel()
    sender = hub.spawn(channel.send, "killed")
    testing.wait_until_idle()
    sender.throw()
    with pytest.raises(TimeoutError):
        channel.wait(0)


def test_a_killed_receiver_at_a_rendezvous_with_a_waiting_sender() -> None:
    channel: coros.Channel[str] = coros.Channel()
    receiver = hub.spawn(channel.wait)
    testing.wait_until_idle()
    receiver.throw()
    sender = hub.spawn(channel.send, "hi")
    testing.wait_until_idle()
    assert channel.wait() == "hi"
    sender.wait()


@pytest.mark.parametrize("size", [0, 1])
def test_closing_refuses_those_who_wait_to_send(size: int) -> None:
    channel: coros.Channel[str] = coros.Channel(size)
    for _ in range(size):
        channel.send("first")
    sender = hub.spawn(channel.send, "late")
    testing.wait_until_idle()
    channel.close()
    with pytest.raises(coros.Closed):
        sender.wait()
    assert list(channel) == ["first"] * size
    with pytest.raises(coros.Closed):
        channel.send("later")


@pytest.mark.parametrize("size", [0, 1])
def test_a_send_from_the_hub_never_waits(size: int) -> None:
    channel: coros.Channel[int] = coros.Channel(size)
    for i in range(4):
        hub.get_hub().call_soon(channel.send, i)
    testing.wait_until_idle()
    testing.wait_until_idle()
    assert len(channel) == 4
    assert [channel.wait() for _ in range(4)] == [0, 1, 2, 3]


@pytest.mark.parametrize("size", [0, 1])
def test_what_was_sent_from_the_hub_is_received_after_a_close(size: int) -> None:
    channel: coros.Channel[int] = coros.Channel(size)
    for i in range(4):
        hub.get_hub().call_soon(channel.send, i)
    testing.wait_until_idle()
    testing.wait_until_idle()
    late = hub.spawn(channel.send, 4)
    testing.wait_until_idle()
    channel.close()
    with pytest.raises(coros.Closed):
        late.wait()
    with pytest.raises(coros.Closed):
        channel.send(5)
    assert list(channel) == [0, 1, 2, 3]


@pytest.mark.parametrize("size", [0, 1])
def test_what_has_come_back_is_received_after_a_close(size: int) -> None:
    channel: coros.Channel[str] = coros.Channel(size)
    bare = greenlet(channel.wait)
    hub.get_hub().call_soon(bare.switch)
    testing.wait_until_idle()
    channel.send("back")
    for _ in range(size):
        channel.send("first")
    with pytest.raises(KeyError):
        bare.throw(KeyError)
    channel.close()
    assert sorted(channel) == ["back", "first"][: 1 + size]


def test_a_hub_error_ends_a_send_that_waits() -> None:
    channel: coros.Channel[int] = coros.Channel(1)
    channel.send(1)
    sender = hub.spawn(channel.send, 2)
    testing.wait_until_idle()
    sender.throw(hub.HubError("nobody is ever going to make room"))
    with pytest.raises(hub.HubError, match="nobody is ever"):
        sender.wait()
    assert len(channel) == 1


def test_a_send_from_the_hub_into_a_closed_channel(failures: list[BaseException]) -> None:
    channel: coros.Channel[int] = coros.Channel()
    channel.close()
    hub.get_hub().call_soon(channel.send, 1)
    testing.wait_until_idle()
    testing.wait_until_idle()
    assert [type(failure) for failure in failures] == [coros.Closed]


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="max_size must be at least 0"):
        coros.Channel(-1)
    for wrong in (True, 1.5, "3"):
        with pytest.raises(TypeError, match="max_size must be a whole number"):
            coros.queue(wrong)  # type: ignore[arg-type]
    channel: coros.Channel[int] = coros.Channel(1)
    with pytest.raises(TypeError):
        channel.send(exc=5)
    channel.send(1)
    with pytest.raises(ValueError, match="timeout"):
        channel.send(2, timeout=-1)
    assert len(channel) == 1


def test_received_messages_are_not_kept_alive(make: Make) -> None:
    class Message:
        alive = 0

        def __init__(self) -> None:
            Message.alive += 1

        def __del__(self) -> None:
            Message.alive -= 1

    queue = make()
    receiver = hub.spawn(lambda: [queue.wait() and None for _ in range(5)])
    for _ in range(5):
        queue.send(Message())
    receiver.wait()
    gc.collect()
    assert Message.alive == 0


def test_a_finalizer_may_send_while_its_native_thread_is_sending() -> None:
    queue: coros.Queue[Any] = coros.Queue()
    received: list[Any] = []

    class Noisy:
        def __init__(self) -> None:
            self.cycle = self

        def __del__(self) -> None:
            queue.send("collected")

    def receive() -> None:
        while True:
            received.append(queue.wait())

    threads = [hub.spawn(receive) for _ in range(3)]
    old = gc.get_threshold()
    gc.set_threshold(5)
    try:
        for i in range(300):
            Noisy()
            queue.send(i)
            if i % 7 == 0:
                hub.sleep(0)
    finally:
        gc.set_threshold(*old)
    gc.collect()
    testing.wait_until_idle()
    for thread in threads:
        thread.kill()
    assert received.count("collected") == 300
    assert sorted(item for item in received if item != "collected") == list(range(300))


@pytest.mark.parametrize("size", [None, 0, 1, 5])
def test_nothing_is_lost_or_doubled_between_native_threads(
    size: int | None, run_native: Callable[..., list[Any]]
) -> None:
    queue = coros.queue(size)
    each = 200
    senders = 4
    open_senders = threading.Semaphore(0)

    def send(number: int) -> list[Any]:
        for i in range(each):
            queue.send((number, i))
            if i % 40 == 0:
                hub.sleep(0)
        open_senders.release()
        return []

    def receive() -> list[Any]:
        return list(queue)

    def hub_of_receivers() -> list[Any]:
        threads = [hub.spawn(receive) for _ in range(3)]
        return [item for thread in threads for item in thread.wait()]

    def hub_of_senders() -> list[Any]:
        for thread in [hub.spawn(send, number) for number in (2, 3)]:
            thread.wait()
        return []

    def close_at_the_end() -> list[Any]:
        for _ in range(senders):
            open_senders.acquire()
        queue.close()
        return []

    parts = run_native(
        lambda: send(0),
        lambda: send(1),
        hub_of_senders,
        receive,
        hub_of_receivers,
        close_at_the_end,
    )
    everything = sorted(chain.from_iterable(parts))
    assert everything == [(number, i) for number in range(senders) for i in range(each)]
    alone = parts[3]
    for number in range(senders):
        mine = [i for sender, i in alone if sender == number]
        assert mine == sorted(mine)


@pytest.mark.parametrize("size", [None, 0, 2])
def test_nothing_is_lost_when_native_threads_time_out(
    size: int | None, run_native: Callable[..., list[Any]]
) -> None:
    queue = coros.queue(size)

    def send(number: int) -> list[Any]:
        sent = []
        for i in range(200):
            try:
                queue.send((number, i), timeout=0.0002)
                sent.append((number, i))
            except TimeoutError:
                pass
        return sent

    def receive() -> list[Any]:
        got = []
        misses = 0
        while misses < 60:
            try:
                got.append(queue.wait(0.0005))
                misses = 0
            except TimeoutError:
                misses += 1
        return got

    parts = run_native(lambda: send(0), lambda: send(1), receive, receive)
    left = [queue.wait() for _ in range(len(queue))]
    assert sorted(parts[0] + parts[1]) == sorted(parts[2] + parts[3] + left)


def test_a_close_in_another_native_thread_never_swallows_a_message(
    run_native: Callable[..., list[Any]],
) -> None:
    for _ in range(30):
        queue: coros.Queue[int] = coros.Queue()

        def send(queue: coros.Queue[int] = queue) -> int:
            for i in range(10**6):
                try:
                    queue.send(i)
                except coros.Closed:
                    return i
            return 10**6

        def receive(queue: coros.Queue[int] = queue) -> int:
            return len(list(queue))

        def close(queue: coros.Queue[int] = queue) -> int:
            queue.close()
            return 0

        sent, received, _ = run_native(send, receive, close)
        assert sent == received
