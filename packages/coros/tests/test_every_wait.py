"""Every place in this package where somebody can wait, and all that can strike him there.

As the test of the same name of the hub: it may come while the wait goes on, in the very round in
which the wait ends, or before it begins. Whoever was struck takes nothing with him: those who wait
beside him are woken as often as somebody wakes them, and the same wait can be made again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from threading import Thread as NativeThread
from typing import Any, NamedTuple

import pytest

import eventlet.coros.queue as green_queue
import eventlet.coros.threading as green_threading
from eventlet import coros, hub
from eventlet.hub import testing

# Seconds: of a limit that doesn't matter, of one that strikes, and of real time for all others.
LONG = 60.0
SHORT = 1.0
PATIENCE = 20


class Place(NamedTuple):
    """Somewhere to wait.

    Attributes:
        wait: wait there, for so many seconds at most.
        wake: let one of those who wait go on, or all of them.
        waiting: how many wait, for those who can tell.
        close: send all away who wait, where there is a way to do that.
    """

    wait: Callable[[float | None], object]
    wake: Callable[[], object]
    waiting: Callable[[], int] = lambda: 0
    close: Callable[[], object] | None = None


Make = Callable[[], Place]


def limited(wait: Callable[[], object]) -> Callable[[float | None], object]:
    """Give a wait that has no timeout of its own a limit, in the way that users do."""

    def call(timeout: float | None) -> None:
        with hub.Timeout(timeout, TimeoutError):
            wait()

    return call


def checked(wait: Callable[[float | None], object]) -> Callable[[float | None], object]:
    """Raise what others raise, for a wait that returns False when the time has passed."""

    def call(timeout: float | None) -> None:
        if wait(timeout) is False:
            raise TimeoutError

    return call


def event() -> Place:
    shared: coros.Event[int] = coros.Event()

    def wake() -> None:
        shared.send(1)
        shared.reset()

    return Place(shared.wait, wake, shared.waiting)


def flag() -> Place:
    shared = green_threading.Event()

    def wake() -> None:
        shared.set()
        shared.clear()

    return Place(checked(shared.wait), wake, lambda: len(shared._line))


def metaphore() -> Place:
    shared = coros.Metaphore()
    shared.inc()

    def wake() -> None:
        shared.dec()
        shared.inc()

    return Place(shared.wait, wake, shared.waiting)


def semaphore() -> Place:
    shared = coros.Semaphore()
    return Place(checked(lambda t: shared.acquire(timeout=t)), shared.release, shared.waiting)


def semaphore_block() -> Place:
    shared = coros.Semaphore()
    return Place(limited(shared.__enter__), shared.release, shared.waiting)


def bounded_semaphore() -> Place:
    shared = coros.BoundedSemaphore(0, 3)
    return Place(checked(lambda t: shared.acquire(timeout=t)), shared.release, shared.waiting)


def release_of_a_bounded_semaphore() -> Place:
    shared = coros.BoundedSemaphore(1, 1)
    wait = checked(lambda t: shared.release(timeout=t))
    return Place(wait, shared.acquire, lambda: shared.statistics()[2])


def standard_semaphore() -> Place:
    shared = green_threading.Semaphore(0)
    return Place(checked(lambda t: shared.acquire(timeout=t)), shared.release, shared.waiting)


def standard_bounded_semaphore() -> Place:
    shared = green_threading.BoundedSemaphore(5)
    while shared.acquire(False):
        pass
    return Place(checked(lambda t: shared.acquire(timeout=t)), shared.release, shared.waiting)


def lock() -> Place:
    shared = coros.Lock()
    shared.acquire()
    return Place(
        checked(lambda t: shared.acquire(timeout=t)),
        shared.release,
        lambda: shared.statistics().waiting,
    )


def reentrant_lock() -> Place:
    shared = coros.RLock()
    holders: list[coros.Event[None]] = []

    def hold() -> None:
        # Released by whoever has it, when it is told to.
        with shared:
            holders.append(coros.Event())
            holders[-1].wait()

    def wait(timeout: float | None) -> None:
        if not shared.acquire(timeout=timeout):
            raise TimeoutError
        shared.release()

    def wake() -> None:
        holders.pop().send()
        hub.spawn(hold)

    hub.spawn(hold)
    testing.wait_until_idle()
    return Place(wait, wake)


def condition() -> Place:
    shared = coros.Condition()

    def wait(timeout: float | None) -> None:
        with shared:
            if not shared.wait(timeout):
                raise TimeoutError

    def wake() -> None:
        with shared:
            shared.notify()

    return Place(wait, wake, shared.waiting)


def queue() -> Place:
    shared: coros.Queue[int] = coros.Queue()
    return Place(shared.wait, lambda: shared.send(1), shared.waiting, shared.close)


def iteration_of_a_queue() -> Place:
    shared: coros.Queue[int] = coros.Queue()
    wait = limited(lambda: next(shared))
    return Place(wait, lambda: shared.send(1), shared.waiting, shared.close)


def channel() -> Place:
    shared: coros.Channel[int] = coros.Channel(5)
    return Place(shared.wait, lambda: shared.send(1), shared.waiting, shared.close)


def full_channel() -> Place:
    shared: coros.Channel[int] = coros.Channel(1)
    shared.send(1)
    return Place(lambda t: shared.send(2, timeout=t), shared.wait, shared.sending, shared.close)


def rendezvous() -> Place:
    shared: coros.Channel[int] = coros.Channel()

    def wake() -> None:
        if shared.waiting():
            shared.send(1)

    return Place(shared.wait, wake, shared.waiting, shared.close)


def rendezvous_of_senders() -> Place:
    shared: coros.Channel[int] = coros.Channel()

    def wake() -> None:
        if shared.ready():
            shared.wait()

    return Place(lambda t: shared.send(1, timeout=t), wake, shared.sending, shared.close)


def task_queue(make: Callable[[int], green_queue.Queue[int]] = green_queue.Queue) -> Place:
    shared = make(5)
    return Place(
        lambda t: shared.get(timeout=t),
        lambda: shared.put(1),
        lambda: len(shared._takers),
        shared.shutdown,
    )


def stack() -> Place:
    return task_queue(green_queue.LifoQueue)


def heap() -> Place:
    return task_queue(green_queue.PriorityQueue)


def full_task_queue() -> Place:
    shared: green_queue.Queue[int] = green_queue.Queue(1)
    shared.put(1)
    return Place(
        lambda t: shared.put(2, timeout=t),
        shared.get,
        lambda: len(shared._givers),
        shared.shutdown,
    )


def end_of_tasks() -> Place:
    shared: green_queue.Queue[int] = green_queue.Queue()
    shared.put(1)

    def wake() -> None:
        shared.task_done()
        shared.put(1)

    return Place(shared.join, wake)


def simple_queue() -> Place:
    shared: green_queue.SimpleQueue[int] = green_queue.SimpleQueue()
    return Place(lambda t: shared.get(timeout=t), lambda: shared.put(1))


def pool(give_back: Callable[..., object] = coros.TokenPool.put) -> Place:
    shared = coros.TokenPool(max_size=1)
    lent = [shared.get()]

    def wait(timeout: float | None) -> None:
        lent.append(shared.get(timeout))

    def wake() -> None:
        give_back(shared, lent.pop())
        testing.wait_until_idle()

    return Place(wait, wake, shared.waiting)


def broken_pool() -> Place:
    return pool(coros.TokenPool.discard)


def fan() -> Place:
    gate: coros.Event[None] = coros.Event()

    def wake() -> None:
        gate.send()
        gate.reset()

    shared = coros.TokenPool(max_size=9)
    return Place(limited(lambda: shared.fan(lambda _, __: gate.wait(), [1, 2])), wake)


class Workers:
    """A pool of green threads with one worker, which ends when it is told to."""

    def __init__(self) -> None:
        self.pool = coros.CoroutinePool(max_size=1, track_events=True)
        self.gates: coros.Queue[None] = coros.Queue()

    def begin(self) -> hub.GreenThread[None]:
        return self.pool.execute(self.gates.wait)

    def end_one(self) -> None:
        self.gates.send()
        testing.wait_until_idle()


def full_coroutine_pool() -> Place:
    workers = Workers()
    workers.begin()
    return Place(limited(workers.begin), workers.end_one, workers.pool.waiting)


def results_of_a_coroutine_pool() -> Place:
    workers = Workers()

    def wake() -> None:
        workers.begin()
        workers.end_one()

    return Place(workers.pool.wait, wake)


def idle_coroutine_pool() -> Place:
    workers = Workers()
    workers.begin()

    def wake() -> None:
        workers.end_one()
        workers.begin()

    return Place(workers.pool.wait_all, wake)


def end_of_a_coroutine_pool() -> Place:
    gate: coros.Event[None] = coros.Event()

    def wait() -> None:
        with coros.CoroutinePool() as pool:
            pool.execute(gate.wait)

    def wake() -> None:
        gate.send()
        gate.reset()

    return Place(limited(wait), wake)


def results(iterate: Callable[..., Iterator[Any]]) -> Place:
    gate: coros.Event[None] = coros.Event()

    def wake() -> None:
        gate.send()
        gate.reset()

    return Place(limited(lambda: next(iterate(lambda _: gate.wait(), [1, 2]))), wake)


def results_in_order() -> Place:
    return results(coros.map)


def results_out_of_order() -> Place:
    return results(coros.imap_unordered)


def nursery() -> Place:
    gate: coros.Event[None] = coros.Event()

    def wait() -> None:
        with coros.Nursery() as nursery:
            nursery.spawn(gate.wait)

    def wake() -> None:
        gate.send()
        gate.reset()

    return Place(limited(wait), wake)


def start_in_a_nursery() -> Place:
    gate: coros.Event[None] = coros.Event()

    def begin(started: Callable[[], object]) -> None:
        gate.wait()
        started()

    def wait() -> None:
        try:
            with coros.Nursery() as nursery:
                nursery.start(begin)
        except* TimeoutError:
            raise TimeoutError from None

    def wake() -> None:
        gate.send()
        gate.reset()

    return Place(limited(wait), wake)


def thread() -> Place:
    gate = green_threading.Event()
    threads: list[green_threading.Thread] = []

    def begin() -> None:
        threads.append(green_threading.Thread(target=gate.wait))
        threads[-1].start()

    def wait(timeout: float | None) -> None:
        mine = threads[-1]
        mine.join(timeout)
        if mine.is_alive():
            raise TimeoutError

    def wake() -> None:
        gate.set()
        gate.clear()
        begin()

    begin()
    return Place(wait, wake)


PLACES: list[Make] = [
    event,
    flag,
    metaphore,
    semaphore,
    semaphore_block,
    bounded_semaphore,
    release_of_a_bounded_semaphore,
    standard_semaphore,
    standard_bounded_semaphore,
    lock,
    reentrant_lock,
    condition,
    queue,
    iteration_of_a_queue,
    channel,
    full_channel,
    rendezvous,
    rendezvous_of_senders,
    task_queue,
    stack,
    heap,
    full_task_queue,
    end_of_tasks,
    simple_queue,
    pool,
    broken_pool,
    fan,
    full_coroutine_pool,
    results_of_a_coroutine_pool,
    idle_coroutine_pool,
    end_of_a_coroutine_pool,
    results_in_order,
    results_out_of_order,
    nursery,
    start_in_a_nursery,
    thread,
]


class Mine(BaseException):
    pass


def in_a_native_thread(function: Callable[[], object]) -> None:
    native = NativeThread(target=function)
    native.start()
    native.join()


class Strike(NamedTuple):
    """What strikes one who waits.

    Attributes:
        block: the block in which he waits.
        timeout: for how long he waits there.
        come: let it come.
        expected: what he sees.
        is_sudden: whether it has come when the call returns, not as late as in the hub.
    """

    block: Callable[[], AbstractContextManager[object]]
    timeout: float | None
    come: Callable[[hub.GreenThread[None], testing.VirtualClock], object]
    expected: tuple[type[BaseException], ...]
    is_sudden: bool = False


def pass_time(_: object, clock: testing.VirtualClock) -> None:
    clock.advance(SHORT)


STRIKES = {
    "a kill": Strike(nullcontext, None, lambda it, _: it.throw(), (hub.GreenletExit,), True),
    "a kill of one with a limit": Strike(
        nullcontext, LONG, lambda it, _: it.throw(), (hub.GreenletExit,), True
    ),
    "another exception": Strike(nullcontext, None, lambda it, _: it.throw(Mine), (Mine,), True),
    "a kill from another native thread": Strike(
        nullcontext, None, lambda it, _: in_a_native_thread(it.throw), (hub.GreenletExit,)
    ),
    "a timeout": Strike(
        nullcontext, SHORT, pass_time, (TimeoutError, green_queue.Empty, green_queue.Full)
    ),
    "a timeout around it": Strike(lambda: hub.Timeout(SHORT), None, pass_time, (hub.Timeout,)),
    "a scope": Strike(lambda: hub.fail_after(SHORT), None, pass_time, (TimeoutError,)),
}


@pytest.fixture
def clock() -> Iterator[testing.VirtualClock]:
    with testing.virtual_clock() as clock:
        yield clock


@pytest.fixture(params=PLACES, ids=lambda make: make.__name__)
def place(request: pytest.FixtureRequest, clock: testing.VirtualClock) -> Place:
    found: Place = request.param()
    return found


@pytest.fixture(params=STRIKES)
def strike(request: pytest.FixtureRequest) -> Strike:
    return STRIKES[request.param]


def begin(strike: Strike, place: Place, woken: list[str]) -> list[hub.GreenThread[Any]]:
    """Let three wait, the first of whom will be struck."""

    def work() -> None:
        with strike.block():
            place.wait(strike.timeout)
            woken.append("victim")
            coros.Event[None]().wait(strike.timeout)

    threads: list[hub.GreenThread[Any]] = [hub.spawn(work)]
    testing.wait_until_idle()
    threads += [hub.spawn(place.wait, None) for _ in range(2)]
    testing.wait_until_idle()
    return threads


def finish(place: Place, others: list[hub.GreenThread[Any]], wakes: int) -> None:
    """Wake the others, as often as they may have to be; then wait once more."""
    while not all(each.dead for each in others):
        assert wakes, "somebody was woken who had been struck"
        wakes -= 1
        place.wake()
        testing.wait_until_idle()
    for each in others:
        each.wait()
    assert place.waiting() == 0
    again = hub.spawn(place.wait, None)
    testing.wait_until_idle()
    assert not again.dead
    place.wake()
    again.wait(PATIENCE)


def test_one_who_waits_is_struck(place: Place, strike: Strike, clock: testing.VirtualClock) -> None:
    woken: list[str] = []
    victim, *others = begin(strike, place, woken)
    strike.come(victim, clock)
    with pytest.raises(strike.expected):
        victim.wait(PATIENCE)
    assert woken == []
    finish(place, others, 2)


@pytest.mark.parametrize("order", ["struck first", "woken first", "struck by the hub"])
def test_one_is_struck_in_the_round_in_which_he_is_woken(
    place: Place, strike: Strike, order: str, clock: testing.VirtualClock
) -> None:
    woken: list[str] = []
    victim, *others = begin(strike, place, woken)
    if order == "struck first":
        strike.come(victim, clock)
        place.wake()
    elif order == "woken first":
        place.wake()
        strike.come(victim, clock)
    else:
        hub.get_hub().call_soon(strike.come, victim, clock)
        place.wake()
    with pytest.raises(strike.expected):
        victim.wait(PATIENCE)
    testing.wait_until_idle()
    if order == "struck first" and strike.is_sudden:
        assert woken == []
    finish(place, others, 2 if woken else 1)


def test_one_who_was_struck_before_does_not_begin_to_wait(place: Place) -> None:
    gate: coros.Event[None] = coros.Event()

    def work() -> None:
        gate.wait()
        place.wait(None)

    victim = hub.spawn(work)
    testing.wait_until_idle()
    gate.send()
    victim.throw(Mine)
    with pytest.raises(Mine):
        victim.wait(PATIENCE)
    finish(place, [], 0)


@pytest.mark.parametrize(
    "place",
    [
        queue,
        iteration_of_a_queue,
        channel,
        full_channel,
        rendezvous,
        rendezvous_of_senders,
        task_queue,
        stack,
        heap,
        full_task_queue,
    ],
    indirect=True,
    ids=lambda make: make.__name__,
)
@pytest.mark.parametrize("order", ["struck first", "closed first"])
def test_all_who_wait_are_sent_away(
    place: Place, strike: Strike, order: str, clock: testing.VirtualClock
) -> None:
    sent_away = (coros.Closed, green_queue.ShutDown, StopIteration)
    assert place.close is not None
    victim, *others = begin(strike, place, [])
    if order == "struck first":
        strike.come(victim, clock)
        place.close()
    else:
        place.close()
        strike.come(victim, clock)
    with pytest.raises(strike.expected + sent_away):
        victim.wait(PATIENCE)
    for each in others:
        with pytest.raises(sent_away):
            each.wait(PATIENCE)
    assert place.waiting() == 0
    with pytest.raises(sent_away):
        hub.spawn(place.wait, None).wait(PATIENCE)
