"""Who is asked for the addresses of a host: the system, or name servers.

The system's resolver can only be asked in a way that blocks, and may take long. So lookups have a
small pool of native threads to themselves: neither do slow ones keep other blocking calls waiting,
nor the other way round. Lookups that are equal, and under way at the same time, are one lookup.
"""

from __future__ import annotations

import socket as _standard
from collections.abc import Callable, Hashable
from typing import Any, NamedTuple, Protocol, TypeVar

from eventlet.hub import GreenThread, Hub, get_hub, spawn
from eventlet.hub._threadpool import ThreadPool

T = TypeVar("T")

Host = str | bytes | None
Port = str | bytes | int | None
Infos = list[tuple[Any, Any, int, str, Any]]

# Lookups that may be under way at once.
_WORKERS = 8
# Answers that are kept at most; more hosts than a program talks to in the life of an answer.
_MAX_ANSWERS = 1024

# Held here, so that it stays what it is when the standard module is patched.
_getaddrinfo = _standard.getaddrinfo


class Resolver(Protocol):
    """Looks up hosts; for `eventlet.greensocket.dns.use`."""

    def getaddrinfo(
        self, host: Host, port: Port, family: int, type: int, proto: int, flags: int
    ) -> Infos:
        """Return what `socket.getaddrinfo` returns; called for names only, not for addresses."""


class _Answer(NamedTuple):
    infos: Infos
    expires: float


class Flights:
    """Lookups that are under way, each of which may have many who wait for it."""

    def __init__(self) -> None:
        self._under_way: dict[tuple[Hub, Hashable], GreenThread[Infos | Exception]] = {}

    def join(self, key: Hashable, lookup: Callable[[], Infos]) -> Infos:
        """Return the answer to a lookup that is under way, or to `lookup` if none is.

        A kill or timeout ends only the wait of the one it is for.
        """
        place = (get_hub(), key)
        flight = self._under_way.get(place)
        if flight is None:
            flight = self._under_way[place] = spawn(_outcome, lookup)
            flight.link(lambda _: self._under_way.pop(place))
        outcome = flight.wait()
        if not isinstance(outcome, Exception):
            return outcome
        try:
            raise outcome
        finally:
            del outcome  # whose traceback holds this frame


def _outcome(lookup: Callable[[], Infos]) -> Infos | Exception:
    try:
        return lookup()
    except Exception as error:
        return error


class Answers:
    """Answers that are kept for some time.

    Arguments:
        ttl: for how long at most, in seconds; 0 keeps none.
    """

    def __init__(self, ttl: float) -> None:
        if not ttl >= 0:
            raise ValueError(f"ttl must be a number of seconds >= 0, not {ttl!r}")
        self.ttl = ttl
        self._answers: dict[Hashable, _Answer] = {}

    def get(self, key: Hashable) -> Infos | None:
        """Return an answer that is not too old yet, or None."""
        answer = self._answers.get(key)
        if answer is None or answer.expires <= get_hub().time():
            return None
        return list(answer.infos)

    def put(self, key: Hashable, infos: Infos, ttl: float) -> None:
        """Keep an answer for `ttl` seconds, but no longer than allowed."""
        ttl = min(ttl, self.ttl)
        if ttl <= 0:
            return
        self._answers.pop(key, None)  # so that the order is that of age
        while len(self._answers) >= _MAX_ANSWERS:
            del self._answers[next(iter(self._answers))]
        self._answers[key] = _Answer(list(infos), get_hub().time() + ttl)

    def clear(self) -> None:
        """Forget all answers."""
        self._answers.clear()


class ThreadPoolResolver:
    """Asks the system, in native threads.

    Arguments:
        max_workers: lookups that may be under way at once.
        ttl: for how many seconds answers are kept; the system doesn't say how long they are good
            for, so by default none is.
        idle_timeout: after how many seconds without work a native thread ends.

    Raises:
        ValueError: `max_workers` is less than 1, or a time is negative.
    """

    def __init__(
        self, max_workers: int = _WORKERS, ttl: float = 0, idle_timeout: float = 30.0
    ) -> None:
        self._pool = ThreadPool(max_workers, "lookup", idle_timeout)
        self._flights = Flights()
        self._answers = Answers(ttl)

    def getaddrinfo(
        self, host: Host, port: Port, family: int, type: int, proto: int, flags: int
    ) -> Infos:
        """Return what `socket.getaddrinfo` returns.

        Raises:
            gaierror: the host or the port is unknown.
        """
        key = (host, port, family, type, proto, flags)
        known = self._answers.get(key)
        if known is not None:
            return known
        infos = self._flights.join(key, lambda: self.ask(_getaddrinfo, *key))
        self._answers.put(key, infos, self._answers.ttl)
        return list(infos)

    def ask(self, function: Callable[..., T], *args: Any) -> T:
        """Call one of the standard functions in a native thread."""
        return self._pool.execute(function, *args)

    def clear(self) -> None:
        """Forget all answers."""
        self._answers.clear()
