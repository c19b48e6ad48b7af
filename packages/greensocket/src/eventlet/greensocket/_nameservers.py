"""Asking name servers oneself, with dnspython: their answers say how long they are good for."""

from __future__ import annotations

import _socket
import os
import socket as _standard
import sys
from typing import TYPE_CHECKING

from eventlet.hub._threadpool import ThreadPool

from ._resolvers import Answers, Flights, Host, Infos, Port, _getaddrinfo

if TYPE_CHECKING:
    import dns.resolver

_WORKERS = 8
# No answer is kept longer than a day, whatever it says of itself.
_LONGEST_TTL = 86400.0


class DnspythonResolver:
    """Asks name servers, and keeps their answers for as long as they say.

    Hosts that are in the system's hosts file are taken from there.

    Arguments:
        nameservers: their addresses; None takes those that the system uses.
        timeout: for all attempts of one lookup together, in seconds.
        ttl: for how many seconds answers are kept at most; 0 keeps none.
        hosts_file: None takes the system's, by hosts(5).
        port: where the name servers listen.

    Raises:
        ImportError: dnspython isn't installed: ``pip install eventlet-greensocket[dnspython]``.
        ValueError: `ttl` is negative.
    """

    def __init__(
        self,
        nameservers: list[str] | None = None,
        timeout: float = 10.0,
        ttl: float = _LONGEST_TTL,
        hosts_file: str | os.PathLike[str] | None = None,
        port: int = 53,
    ) -> None:
        from dns.resolver import Resolver

        self._resolver: dns.resolver.Resolver = Resolver(configure=nameservers is None)
        if nameservers is not None:
            self._resolver.nameservers = list(nameservers)
        self._resolver.port = port
        self._resolver.lifetime = timeout
        self._hosts_file = _default_hosts_file() if hosts_file is None else hosts_file
        self._pool = ThreadPool(_WORKERS, name="name servers")
        self._flights = Flights()
        self._answers = Answers(ttl)

    def getaddrinfo(
        self, host: Host, port: Port, family: int, type: int, proto: int, flags: int
    ) -> Infos:
        """Return what `socket.getaddrinfo` returns.

        Raises:
            gaierror: the host or the port is unknown.
        """
        name = host if isinstance(host, str) else bytes(host or b"").decode("ascii")
        key = (name, port, family, type, proto, flags)
        known = self._answers.get(key)
        if known is not None:
            return known
        return list(self._flights.join(key, lambda: self._look_up(*key)))

    def clear(self) -> None:
        """Forget all answers."""
        self._answers.clear()

    def _look_up(
        self, name: str, port: Port, family: int, type: int, proto: int, flags: int
    ) -> Infos:
        addresses, ttl = self._pool.execute(self._addresses, name, family)
        infos = []
        for address in addresses:
            numeric = flags | _socket.AI_NUMERICHOST
            infos += _getaddrinfo(address, port, family, type, proto, numeric)
        self._answers.put((name, port, family, type, proto, flags), infos, ttl)
        return infos

    # In a native thread

    def _addresses(self, name: str, family: int) -> tuple[list[str], float]:
        """Return the addresses of a host, and for how many seconds they are good."""
        known = [address for address in self._from_hosts(name) if _is_of(address, family)]
        if known:
            return known, 0.0
        found: list[str] = []
        ttl = _LONGEST_TTL
        for kind, kind_family in (("AAAA", _standard.AF_INET6), ("A", _standard.AF_INET)):
            if family in (0, kind_family):
                addresses, kind_ttl = self._ask(name, kind)
                found += addresses
                ttl = min(ttl, kind_ttl)
        if not found:
            raise _standard.gaierror(_socket.EAI_NONAME, "Name or service not known")
        return found, ttl

    def _ask(self, name: str, kind: str) -> tuple[list[str], float]:
        from dns.exception import DNSException, Timeout
        from dns.resolver import NXDOMAIN, NoAnswer

        try:
            answer = self._resolver.resolve(name, kind, search=True)
        except (NXDOMAIN, NoAnswer):
            return [], _LONGEST_TTL
        except Timeout as error:
            raise _standard.gaierror(_socket.EAI_AGAIN, str(error)) from error
        except DNSException as error:
            raise _standard.gaierror(_socket.EAI_FAIL, str(error)) from error
        return [record.to_text() for record in answer], float(answer.rrset.ttl)  # type: ignore[union-attr]

    def _from_hosts(self, name: str) -> list[str]:
        wanted = name.rstrip(".").lower()
        try:
            with open(self._hosts_file, encoding="utf-8", errors="replace") as file:
                lines = [line.partition("#")[0].lower().split() for line in file]
        except FileNotFoundError:
            return []
        return [words[0] for words in lines if wanted in words[1:]]


def _is_of(address: str, family: int) -> bool:
    return family in (0, _standard.AF_INET6 if ":" in address else _standard.AF_INET)


def _default_hosts_file() -> str:
    if sys.platform == "win32":  # pragma: no cover - Windows
        root = os.environ.get("SYSTEMROOT", r"C:\Windows")
        return os.path.join(root, "System32", "drivers", "etc", "hosts")
    return "/etc/hosts"
