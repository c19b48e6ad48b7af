"""What happens when another native thread is faster, at the worst possible moment.

The stores here are given containers that lose an item just before it is taken, or gain one just
when somebody has found them empty. That is what another native thread does once in a million times.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from greenlet import greenlet

import eventlet.coros.queue as green
from eventlet import coros, hub
from eventlet.coros import _line as lines
from eventlet.coros import _task_queue as task_queue
from eventlet.hub import testing


class Racy(deque[Any]):
    """Loses its items when the first of them is about to be taken, once."""

    def __init__(self) -> None:
        super().__init__(["stolen"])
        self._is_fast = True

    def popleft(self) -> Any:
        if self._is_fast:
            self._is_fast = False
            self.clear()
        return super().popleft()


class Contested(deque[Any]):
    """Gets another item from another native thread just before one is put, once."""

    def __init__(self) -> None:
        super().__init__()
        self._is_fast = True

    def append(self, item: Any) -> None:
        if self._is_fast:
            self._is_fast = False
            super().append("theirs")
        super().append(item)


def make_racy(store: Any) -> None:
    store._items = store._takers.store = Racy()


@pytest.mark.parametrize(
    ("make", "take", "give"),
    [
        (coros.Queue, lambda it: it.wait(5), lambda it: it.send("mine")),
        (coros.Queue, next, lambda it: it.send("mine")),
        (lambda: coros.Channel(2), lambda it: it.wait(5), lambda it: it.send("mine")),
        (lambda: coros.Channel(2), next, lambda it: it.send("mine")),
        (green.SimpleQueue, lambda it: it.get(timeout=5), lambda it: it.put("mine")),
        (green.Queue, lambda it: it.get(timeout=5), lambda it: it.put("mine")),
    ],
)
def test_an_item_is_taken_by_another(
    make: Callable[[], Any], take: Callable[[Any], Any], give: Callable[[Any], Any]
) -> None:
    store = make()
    make_racy(store)
    taker = hub.spawn(take, store)
    testing.wait_until_idle()
    assert not taker.dead
    give(store)
    assert taker.wait() == "mine"


@pytest.mark.parametrize("make", [coros.Semaphore, coros.Lock])
def test_a_permit_is_taken_by_another(make: Callable[[], Any]) -> None:
    store = make()
    make_racy(store)
    taker = hub.spawn(store.acquire)
    testing.wait_until_idle()
    assert not taker.dead
    store.release()
    assert taker.wait()


@pytest.mark.parametrize("make", [coros.Queue, lambda: coros.Channel(2), coros.Semaphore])
def test_an_item_is_taken_by_another_during_a_hand_over(make: Callable[[], Any]) -> None:
    store = make()
    wait = store.acquire if isinstance(store, coros.Semaphore) else store.wait
    taker = hub.spawn(wait)
    testing.wait_until_idle()
    make_racy(store)
    store._hand_over()
    assert store.waiting() == 1
    taker.kill()
    assert store.waiting() == 0


@pytest.mark.parametrize(
    ("make", "close", "take", "closed"),
    [
        (coros.Queue, lambda it: it.close(), lambda it: it.wait(), coros.Closed),
        (lambda: coros.Channel(2), lambda it: it.close(), lambda it: it.wait(), coros.Closed),
        (lambda: green.Queue(2), lambda it: it.shutdown(), lambda it: it.get(), green.ShutDown),
    ],
)
def test_the_last_item_is_taken_by_another_while_all_are_told_that_it_is_closed(
    make: Callable[[], Any],
    close: Callable[[Any], None],
    take: Callable[[Any], Any],
    closed: type[Exception],
) -> None:
    store = make()
    taker = hub.spawn(take, store)
    testing.wait_until_idle()
    make_racy(store)
    close(store)
    with pytest.raises(closed):
        taker.wait()


def test_the_last_item_is_taken_by_another_while_somebody_brings_one() -> None:
    store: green.Queue[str] = green.Queue(1)

    class Vanishing(deque[Any]):
        """Loses what was in it at the second glance."""

        looks = 0

        def __len__(self) -> int:
            self.looks += 1
            return 1 if self.looks <= 2 else super().__len__()

    taker = hub.spawn(store.get)
    testing.wait_until_idle()
    store._items = store._takers.store = Vanishing()
    store._givers.append(lines.make_ticket(None, store, "mine"))
    store._hand_over()
    assert taker.wait() == "mine"
    assert store.unfinished_tasks == 1
    store.task_done()


class Yielding(deque[Any]):
    """Lets other native threads run when somebody has found room and is about to put an item."""

    def append(self, item: Any) -> None:
        time.sleep(0)
        super().append(item)


def replace_items(store: Any, kind: type[deque[Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task_queue, "deque", kind)  # for the short cut, which looks at the type
    store._items = store._takers.store = kind()


SENDERS = 3


BOUNDED = pytest.mark.parametrize(
    ("make", "send", "receive"),
    [
        (coros.Channel, coros.Channel.send, coros.Channel.wait),
        (green.Queue, green.Queue.put, green.Queue.get),
    ],
)


@BOUNDED
def test_the_last_place_is_taken_by_another(
    make: Callable[[int], Any],
    send: Callable[..., None],
    receive: Callable[[Any], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = make(1)
    replace_items(store, Contested, monkeypatch)
    sender = hub.spawn(send, store, "mine", timeout=5)
    testing.wait_until_idle()
    assert not sender.dead
    assert list(store._items) == ["theirs"]
    assert receive(store) == "theirs"
    assert receive(store) == "mine"
    sender.wait()
    assert list(store._items) == []


@BOUNDED
def test_the_last_place_is_taken_by_another_while_one_is_let_in(
    make: Callable[[int], Any],
    send: Callable[..., None],
    receive: Callable[[Any], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = make(1)
    send(store, "first")
    sender = hub.spawn(send, store, "mine", timeout=5)
    testing.wait_until_idle()
    replace_items(store, Contested, monkeypatch)
    store._hand_over()
    testing.wait_until_idle()
    assert not sender.dead
    assert receive(store) == "theirs"
    assert receive(store) == "mine"
    sender.wait()


def before_a_remove(monkeypatch: pytest.MonkeyPatch, what: Callable[[lines.Line], None]) -> None:
    """Do something to a line, once, when somebody is about to take a ticket out of it."""
    remove, done = lines.Line.remove, list[bool]()

    def remove_late(line: lines.Line, ticket: lines.Ticket) -> None:
        if not done:
            done.append(True)
            what(line)
        remove(line, ticket)

    monkeypatch.setattr(lines.Line, "remove", remove_late)


def take_first(line: lines.Line) -> None:
    ticket = line.popleft()
    ticket.settle(ticket.item or "theirs")


@pytest.mark.parametrize("room", [0, 1])
def test_a_taker_is_served_by_another(room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    channel: coros.Channel[str] = coros.Channel(room)
    taker = hub.spawn(channel.wait)
    testing.wait_until_idle()
    before_a_remove(monkeypatch, take_first)
    sender = hub.spawn(channel.send, "mine")
    assert taker.wait() == "theirs"
    assert channel.wait(0) == "mine"
    sender.wait()


def test_a_taker_is_served_with_something_that_another_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channel: coros.Channel[str] = coros.Channel(1)
    takers = [hub.spawn(channel.wait) for _ in range(2)]
    testing.wait_until_idle()
    before_a_remove(monkeypatch, lambda line: channel._items.clear())
    channel.send("theirs")
    assert channel.waiting() == 2
    channel.send("mine")
    channel.send("next")
    assert [taker.wait() for taker in takers] == ["mine", "next"]


@pytest.mark.parametrize("room", [0, 1])
def test_a_giver_is_let_in_by_another(room: int, monkeypatch: pytest.MonkeyPatch) -> None:
    channel: coros.Channel[str] = coros.Channel(room)
    senders = [hub.spawn(channel.send, f"{number}") for number in range(2 + room)]
    testing.wait_until_idle()
    before_a_remove(monkeypatch, take_first)
    got = [channel.wait(0)]  # the other native thread has got what was first in line
    got.extend(channel.wait(0) for _ in range(room))
    assert got == (["0", "2"] if room else ["1"])
    for sender in senders:
        sender.wait()


def test_a_giver_finds_the_room_that_was_made_for_it_taken() -> None:
    channel: coros.Channel[str] = coros.Channel(1)
    channel.send("first")
    sender = hub.spawn(channel.send, "mine")
    testing.wait_until_idle()
    channel._items = channel._takers.store = Contested()
    channel._items.extend(["first"])
    assert channel.wait() == "first"
    testing.wait_until_idle()
    assert not sender.dead
    assert channel.wait() == "theirs"
    assert channel.wait() == "mine"
    sender.wait()


def test_what_a_giver_has_brought_is_taken_before_it_is_found_to_be_too_much() -> None:
    channel: coros.Channel[str] = coros.Channel(1)

    class Exchanged(deque[Any]):
        """Another native thread takes what is put, and puts two of its own."""

        def append(self, item: Any) -> None:
            self.extend(["theirs", "theirs"])

    channel.send("first")
    sender = hub.spawn(channel.send, "mine")
    testing.wait_until_idle()
    channel._items = channel._takers.store = Exchanged(["first"])
    assert channel.wait() == "first"
    sender.wait()
    assert list(channel._items) == ["theirs", "theirs"]


def test_a_channel_is_closed_while_a_giver_is_let_in() -> None:
    channel: coros.Channel[str] = coros.Channel(1)

    class Closing(deque[Any]):
        """Another native thread closes the channel while something is put."""

        def append(self, item: Any) -> None:
            channel.close()
            super().append(item)

    channel.send("first")
    sender = hub.spawn(channel.send, "mine")
    testing.wait_until_idle()
    channel._items = channel._takers.store = Closing(["first"])
    assert channel.wait() == "first"
    with pytest.raises(coros.Closed):
        sender.wait()
    with pytest.raises(coros.Closed):
        channel.wait()


@BOUNDED
def test_a_handler_takes_one_while_another_is_taken_back(
    make: Callable[[int], Any],
    send: Callable[..., None],
    receive: Callable[[Any], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    got: list[Any] = []

    class Interrupted(deque[Any]):
        """Looks empty at first; a handler receives when somebody looks for what to take back."""

        puts = 0

        def append(self, item: Any) -> None:
            self.puts += 1
            super().append(item)

        def __len__(self) -> int:
            return super().__len__() if self.puts > 1 else 0

        def __getitem__(self, place: Any) -> Any:
            if not got:
                got.append(receive(store))
            return super().__getitem__(place)

    store = make(1)
    send(store, "first")
    sender = hub.spawn(send, store, "second", timeout=5)
    testing.wait_until_idle()
    replace_items(store, Interrupted, monkeypatch)
    store._items.append("first")
    bad = -1 if make is coros.Channel else 0  # which it looks at only when it has to wait
    with pytest.raises((ValueError, green.Full)):
        send(store, "late", timeout=bad)
    assert got == ["first"]
    assert list(store._items) == ["second"]
    sender.wait()


@BOUNDED
def test_native_threads_that_put_at_once_never_put_too_many(
    make: Callable[[int], Any],
    send: Callable[..., None],
    receive: Callable[[Any], Any],
    run_native: Callable[..., list[Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for _ in range(5):
        store, accepted = make(50), deque[int]()
        replace_items(store, Yielding, monkeypatch)

        def fill(first: int, store: Any = store, accepted: deque[int] = accepted) -> None:
            for number in range(first, first + 40):
                try:
                    send(store, number, timeout=0)
                except (TimeoutError, green.Full):
                    return
                accepted.append(number)

        run_native(*(partial(fill, first) for first in range(0, 160, 40)))
        assert len(accepted) == len(store._items) == 50
        assert sorted(accepted) == sorted(receive(store) for _ in range(50))


@BOUNDED
@pytest.mark.parametrize("room", [1, 3])
def test_native_threads_that_put_and_take_at_once_lose_nothing(
    make: Callable[[int], Any],
    send: Callable[..., None],
    receive: Callable[[Any], Any],
    room: int,
    run_native: Callable[..., list[Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store, received = make(room), deque[int]()
    replace_items(store, Yielding, monkeypatch)

    def take() -> None:
        for _ in range(300):
            received.append(receive(store))
            assert len(store._items) <= room + SENDERS  # each on its way to be counted

    def put(first: int) -> None:
        for number in range(first, first + 300):
            send(store, number)

    puts = [partial(put, first) for first in range(0, 300 * SENDERS, 300)]
    run_native(*puts, *[take] * SENDERS)
    assert sorted(received) == list(range(300 * SENDERS))
    assert not store._items
    assert not store._givers


@pytest.mark.parametrize("room", [0, 1])
def test_a_send_comes_just_when_the_others_have_been_turned_away(
    room: int,
) -> None:
    late: list[lines.Ticket] = []

    class Interrupted(coros.Channel[Any]):
        def _on_alert(self) -> None:
            super()._on_alert()
            if not late:
                late.append(lines.make_ticket(None, self, "late"))
                self._givers.append(late[0])

    channel = Interrupted(room)
    channel.close()
    assert not late[0].done
    assert not channel._items


@BOUNDED
def test_others_enter_while_all_are_turned_away(
    make: Callable[[int], Any], send: Callable[..., None], receive: Callable[[Any], Any]
) -> None:
    store, late = make(1), list[lines.Ticket]()

    class Entering(lines.Ticket):
        """Somebody enters the line when this ticket in it is looked at, once."""

        @property
        def done(self) -> bool:
            if not late:
                late.append(lines.make_ticket(None, store, "late"))
                store._givers.append(late[0])
            return False

        @done.setter
        def done(self, done: bool) -> None:
            assert done

    first = Entering()
    first.fiber = None
    store._givers.extend([first, lines.make_ticket(None, store, "second")])
    store.close() if make is coros.Channel else store.shutdown()
    assert late[0].done
    assert not store._givers
    assert not store._items


@BOUNDED
def test_what_is_too_much_has_been_sent_if_somebody_has_got_it(
    make: Callable[[int], Any], send: Callable[..., None], receive: Callable[[Any], Any]
) -> None:
    store = make(1)
    store._items.extend(["theirs", "theirs"])
    assert not store._is_too_much("mine")
    assert [receive(store), receive(store)] == ["theirs", "theirs"]


def test_a_message_comes_just_when_somebody_has_found_nothing() -> None:
    queue: coros.Queue[str] = coros.Queue()

    class Late(deque[Any]):
        """Looks empty at the first glance."""

        looks = 0

        def __bool__(self) -> bool:
            self.looks += 1
            if self.looks == 2:
                self.append("late")
            return len(self) > 0

    for timeout in (None, 5):
        queue._items = queue._takers.store = Late()
        assert queue.wait(timeout) == "late"


def test_an_event_is_sent_just_when_somebody_has_found_it_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    event: coros.Event[str] = coros.Event()
    append = lines.Line.append

    def append_late(line: lines.Line, ticket: lines.Ticket) -> None:
        if line is event._line:
            event.send("late")
        append(line, ticket)

    monkeypatch.setattr(lines.Line, "append", append_late)
    assert event.wait(5) == "late"
    event.reset()
    assert event.wait() == "late"


def test_a_release_comes_from_a_handler_while_entering(monkeypatch: pytest.MonkeyPatch) -> None:
    semaphore = coros.Semaphore()
    append = lines.Line.append

    def append_interrupted(line: lines.Line, ticket: lines.Ticket) -> None:
        append(line, ticket)
        if line is semaphore._takers:
            semaphore.release()

    monkeypatch.setattr(lines.Line, "append", append_interrupted)
    assert semaphore.acquire()
    assert semaphore.acquire(timeout=5)
    assert semaphore.balance == 0


def test_a_send_and_a_close_in_different_native_threads() -> None:
    for queue in (coros.Queue[Any](), coros.Channel[Any](2)):

        class Slow(deque[Any]):
            """Is closed by another native thread while something is appended."""

            def append(self, item: Any, queue: Any = queue) -> None:
                super().append(item)
                queue.close()

        queue._items = queue._takers.store = Slow()
        with pytest.raises(coros.Closed):
            queue.send("late")


def test_a_claim_passes_over_those_whose_hub_is_gone() -> None:
    event: coros.Event[int] = coros.Event()

    def leave_behind() -> None:
        hub.spawn(event.wait)
        testing.wait_until_idle()

    thread = threading.Thread(target=leave_behind)
    thread.start()
    thread.join()
    assert event.waiting() == 0
    event.send(1)


def test_a_kill_that_comes_after_a_claim_from_another_native_thread(
    elsewhere: Callable[[Callable[[], Any]], Any],
) -> None:
    queue: coros.Queue[str] = coros.Queue()
    got: list[str] = []

    def receive() -> None:
        got.append(queue.wait())
        hub.sleep(0)
        got.append("too far")

    for _ in range(30):
        receiver = hub.spawn(receive)
        testing.wait_until_idle()
        elsewhere(lambda: queue.send("hi"))
        receiver.throw()
        with pytest.raises((hub.GreenletExit,)):
            receiver.wait()
        if not got:
            assert queue.wait(0) == "hi"
        assert got in ([], ["hi"])
        got.clear()


def test_a_deadlock_behind_a_shield_is_told() -> None:
    script = """
from eventlet import coros, hub

condition = coros.Condition(coros.Lock())

def hold():
    with condition:
        condition.notify()
        coros.Event().wait()

def main():
    with condition:
        hub.spawn(hold)
        condition.wait()

try:
    main()
except hub.Deadlock:
    print("told")
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=50, check=False
    )
    assert "told" in done.stdout, done.stderr


def test_a_taker_leaves_just_before_it_is_served() -> None:
    queue: coros.Queue[str] = coros.Queue()
    assert not queue._give_to_first("late")
    assert len(queue) == 0


@pytest.mark.parametrize("make", [coros.Queue, coros.Channel, green.SimpleQueue])
def test_a_taker_is_served_by_another_just_before(make: Callable[[], Any]) -> None:
    class ContestedLine(lines.Line):
        """Has its first ticket taken by another native thread, which serves it, once."""

        def remove(self, ticket: lines.Ticket) -> None:
            if not ticket.done:
                claimed = self.claim()
                assert claimed is ticket
                claimed.settle("theirs")
            super().remove(ticket)

    store = make()
    store._takers = ContestedLine(store._takers.store, returns=True)
    receive = store.get if isinstance(store, green.SimpleQueue) else store.wait
    taker = hub.spawn(receive)
    testing.wait_until_idle()
    assert not store._give_to_first("mine")
    assert taker.wait() == "theirs"


def test_a_container_is_emptied_by_another_just_before() -> None:
    class Own(green.Queue[Any]):
        def _qsize(self) -> int:
            return len(self.queue)

    for queue in (Own(), green.LifoQueue[Any](), green.PriorityQueue[Any]()):
        with pytest.raises(IndexError):
            queue._items.popleft()


def test_a_greenlet_made_by_hand_that_ends_wakes_nobody() -> None:
    event: coros.Event[str] = coros.Event()

    def wait() -> str:
        hub.get_hub().call_soon(greenlet(lambda: None).switch)
        return event.wait()

    thread = hub.spawn(wait)
    testing.wait_until_idle()
    assert not thread.dead
    event.send("news")
    assert thread.wait() == "news"


class Interrupted(deque[Any]):
    """Stands for a ready queue, and has a signal handler raise when its head has been taken out."""

    def __init__(self, ready: deque[Any]) -> None:
        self._ready = ready

    def popleft(self) -> Any:
        self._ready.popleft()
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    "wait",
    [
        lambda: coros.Semaphore(0).__enter__(),
        lambda: coros.Semaphore(0).acquire(),
        lambda: coros.Queue[None]().wait(),
        lambda: coros.Event[None]().wait(),
    ],
)
def test_whom_a_signal_handler_has_kept_from_running_runs_all_the_same(
    wait: Callable[[], object],
) -> None:
    with testing.fresh_hub():
        hub.sleep(0)
        me: Any = hub.getcurrent()
        threads = [hub.spawn(hub.sleep) for _ in range(2)]
        hub.sleep(0)  # now they stand in the queue themselves
        ready = me.ready
        me.ready = Interrupted(ready)
        with pytest.raises(KeyboardInterrupt):
            wait()
        me.ready = ready
        hub.sleep(0.001)
        assert [thread.dead for thread in threads] == [True, True]


def test_native_threads_in_a_hurry_lose_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", str(Path(__file__).parent / "soak" / "run.py"), "200"],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("200 rounds in ")
