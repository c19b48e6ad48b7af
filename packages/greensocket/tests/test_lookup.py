"""Looking up names: who is asked, how often, and what is kept."""

from __future__ import annotations

import _socket
import socket as standard
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from eventlet import hub
from eventlet.greensocket import GreenSocket, dns, socket
from eventlet.greensocket._lookup import is_name
from eventlet.greensocket._racing import alternating, race

Info = tuple[int, int, int, str, Any]

# The system refuses it by itself: no test depends on whether a name server answers.
NOT_A_HOST = "not a host"


@pytest.fixture(autouse=True)
def default_resolver() -> Iterator[None]:
    yield
    dns.use()


class Recorder:
    """A resolver that answers from a list, and remembers the questions."""

    def __init__(self, **answers: list[Info]) -> None:
        self.answers = answers
        self.questions: list[Any] = []

    def getaddrinfo(self, host: Any, *rest: Any) -> list[Any]:
        self.questions.append((host, *rest))
        return self.answers[host]


@pytest.mark.parametrize(
    "host", ["", "127.0.0.1", "::1", "fe80::1%lo", None, b"127.0.0.1", "<broadcast>", "a\0b", 5]
)
def test_addresses_are_not_names(host: Any) -> None:
    assert not is_name(host)


@pytest.mark.parametrize(
    "host", ["localhost", b"localhost", "127.1", "1.2.3", "\u00e4.example", b"\xff"]
)
def test_names(host: Any) -> None:
    assert is_name(host)


def test_same_answers_as_the_standard_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    # The name of this machine may be known to nobody but a name server.
    for module in (standard, _socket):
        monkeypatch.setattr(module, "gethostname", lambda: "localhost")
    assert socket.getaddrinfo("localhost", 80) == standard.getaddrinfo("localhost", 80)
    assert socket.getaddrinfo("127.0.0.1", "http") == standard.getaddrinfo("127.0.0.1", "http")
    assert socket.getaddrinfo(None, 80, flags=socket.AI_PASSIVE)
    assert socket.gethostbyname("localhost") == standard.gethostbyname("localhost")
    assert socket.gethostbyname("127.0.0.1") == "127.0.0.1"
    assert socket.gethostbyname_ex("localhost") == standard.gethostbyname_ex("localhost")
    assert socket.gethostbyaddr("127.0.0.1") == standard.gethostbyaddr("127.0.0.1")
    assert socket.getnameinfo(("127.0.0.1", 80), 0) == standard.getnameinfo(("127.0.0.1", 80), 0)
    numeric = socket.NI_NUMERICHOST | socket.NI_NUMERICSERV
    assert socket.getnameinfo(("127.0.0.1", 80), numeric) == ("127.0.0.1", "80")
    for name in ("", "localhost", "0.0.0.0", " 127.0.0.1 ", NOT_A_HOST):
        assert socket.getfqdn(name) == standard.getfqdn(name)


def test_failures_are_those_of_the_standard_functions() -> None:
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo(NOT_A_HOST, 80)
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("localhost", "no such service")
    with pytest.raises(TypeError):
        socket.getnameinfo("localhost", 0)


class Gate:
    """Stands in for the system's function, and holds back its answers."""

    def __init__(self) -> None:
        self.calls = 0
        self.open = threading.Event()

    def __call__(self, *args: Any) -> Any:
        self.calls += 1
        self.open.wait(20)
        if args[0] == "bad":
            raise socket.gaierror(socket.EAI_NONAME, "nobody knows")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", args[1]))]


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    gate = Gate()
    monkeypatch.setattr("eventlet.greensocket._resolvers._getaddrinfo", gate)
    return gate


def test_equal_lookups_in_flight_are_one(gate: Gate) -> None:
    asking = [hub.spawn(socket.getaddrinfo, "host", 80) for _ in range(5)]
    other = hub.spawn(socket.getaddrinfo, "host", 81)
    killed = hub.spawn(socket.getaddrinfo, "host", 80)
    while gate.calls < 2:
        hub.sleep(0.001)
    killed.kill()
    gate.open.set()
    answers = [thread.wait() for thread in asking]
    assert gate.calls == 2
    assert all(answer == answers[0] for answer in answers)
    assert len({id(answer) for answer in answers}) == 5
    assert other.wait()[0][4] == ("192.0.2.1", 81)
    socket.getaddrinfo("host", 80)
    assert gate.calls == 3


def test_shared_failure_reaches_everybody(gate: Gate) -> None:
    asking = [hub.spawn(socket.getaddrinfo, "bad", 80) for _ in range(3)]
    gate.open.set()
    for thread in asking:
        with pytest.raises(socket.gaierror, match="nobody knows"):
            thread.wait()
    assert gate.calls == 1


def test_a_slow_lookup_holds_up_nobody_else(gate: Gate) -> None:
    asking = hub.spawn(socket.getaddrinfo, "host", 80)
    while not gate.calls:
        hub.sleep(0.001)
    one, other = socket.socketpair()
    with one, other:
        one.send(b"x")
        assert other.recv(1) == b"x"
    assert not asking.ready
    gate.open.set()
    asking.wait()


def test_answers_are_kept_when_asked_for(gate: Gate, virtual_clock: Any) -> None:
    gate.open.set()
    dns.use("threadpool", ttl=10)
    for _ in range(3):
        socket.getaddrinfo("host", 80)
    assert gate.calls == 1
    hub.sleep(11)
    socket.getaddrinfo("host", 80)
    assert gate.calls == 2
    resolver = dns.get_resolver()
    assert isinstance(resolver, dns.ThreadPoolResolver)
    resolver.clear()
    socket.getaddrinfo("host", 80)
    assert gate.calls == 3


def test_not_too_many_answers_are_kept(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("eventlet.greensocket._resolvers._MAX_ANSWERS", 2)
    gate.open.set()
    dns.use(ttl=10)
    for host in ("a", "b", "c", "c", "b", "a"):
        socket.getaddrinfo(host, 80)
    assert gate.calls == 4


def test_other_questions_do_not_depend_on_the_resolver() -> None:
    dns.use(Recorder())
    assert socket.gethostbyaddr("127.0.0.1") == standard.gethostbyaddr("127.0.0.1")


def test_choosing_a_resolver() -> None:
    mine = Recorder(host=[(socket.AF_INET, socket.SOCK_DGRAM, 0, "", ("192.0.2.7", 0))])
    assert dns.use(mine) is mine is dns.get_resolver()
    assert socket.gethostbyname("host") == "192.0.2.7"
    for name, options in (
        ("bind", {}),
        ("threadpool", {"ttl": -1}),
        ("threadpool", {"max_workers": 0}),
    ):
        with pytest.raises(ValueError, match=r"."):
            dns.use(name, **options)
    with pytest.raises(TypeError, match="options belong"):
        dns.use(mine, ttl=1)
    with pytest.raises(TypeError, match="a resolver has a method getaddrinfo, which None lacks"):
        dns.use(None)  # type: ignore[arg-type]
    assert dns.get_resolver() is mine


# Asking name servers


@pytest.fixture
def name_server() -> Iterator[tuple[int, list[str]]]:
    """A name server in a native thread: its port, and the questions it has been asked."""
    message = pytest.importorskip("dns.message")
    import dns.rrset

    questions: list[str] = []
    records = {("host.example.", "A"): "192.0.2.10", ("host.example.", "AAAA"): "2001:db8::10"}
    sock = standard.socket(standard.AF_INET, standard.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            data, address = sock.recvfrom(2048)
            if data == b"stop":
                return
            query = message.from_wire(data)
            name, kind = query.question[0].to_text().split()[0::2]
            questions.append(f"{name} {kind}")
            answer = message.make_response(query)
            if (name, kind) in records:
                rrset = dns.rrset.from_text(name, 30, "IN", kind, records[name, kind])
                answer.answer.append(rrset)
            elif name != "empty.example.":
                answer.set_rcode(2 if name == "broken.example." else 3)
            sock.sendto(answer.to_wire(), address)

    thread = threading.Thread(target=serve)
    thread.start()
    yield sock.getsockname()[1], questions
    with standard.socket(standard.AF_INET, standard.SOCK_DGRAM) as stopper:
        stopper.sendto(b"stop", sock.getsockname())
    thread.join()
    sock.close()


@pytest.fixture
def use_name_server(name_server: tuple[int, list[str]], tmp_path: Path) -> Callable[..., list[str]]:
    def use(**options: Any) -> list[str]:
        hosts = tmp_path / "hosts"
        hosts.write_text("# comment\n192.0.2.99 Listed other # more\n::9 listed\n")
        dns.use(
            "dnspython",
            nameservers=["127.0.0.1"],
            port=name_server[0],
            hosts_file=hosts,
            timeout=5,
            **options,
        )
        return name_server[1]

    return use


def addresses(host: Any, family: int = 0) -> list[str]:
    infos = socket.getaddrinfo(host, 80, family, socket.SOCK_STREAM)
    return [str(info[4][0]) for info in infos]


def test_name_server_is_asked_once_for_each_kind(use_name_server: Callable[..., list[str]]) -> None:
    questions = use_name_server()
    for _ in range(2):
        assert addresses("host.example") == ["2001:db8::10", "192.0.2.10"]
    assert questions == ["host.example. AAAA", "host.example. A"]
    assert addresses(b"host.example", socket.AF_INET) == ["192.0.2.10"]
    assert len(questions) == 3
    resolver = dns.get_resolver()
    assert isinstance(resolver, dns.DnspythonResolver)
    resolver.clear()
    addresses("host.example", socket.AF_INET)
    assert len(questions) == 4


def test_answers_of_name_servers_need_not_be_kept(
    use_name_server: Callable[..., list[str]],
) -> None:
    questions = use_name_server(ttl=0)
    for _ in range(2):
        addresses("host.example", socket.AF_INET)
    assert len(questions) == 2


def test_hosts_file_comes_first(use_name_server: Callable[..., list[str]]) -> None:
    questions = use_name_server()
    assert addresses("listed") == ["192.0.2.99", "::9"]
    assert addresses("LISTED.", socket.AF_INET6) == ["::9"]
    assert addresses("other") == ["192.0.2.99"]
    assert not questions


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("missing.example", socket.EAI_NONAME),
        ("empty.example", socket.EAI_NONAME),
        ("broken.example", socket.EAI_FAIL),
    ],
)
def test_name_servers_that_do_not_know(
    use_name_server: Callable[..., list[str]], name: str, code: int
) -> None:
    use_name_server()
    with pytest.raises(socket.gaierror) as caught:
        socket.getaddrinfo(name, 80)
    assert caught.value.errno == code


def test_silent_name_server(tmp_path: Path) -> None:
    with standard.socket(standard.AF_INET, standard.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        dns.use(
            "dnspython",
            nameservers=["127.0.0.1"],
            port=silent.getsockname()[1],
            timeout=0.05,
            hosts_file=tmp_path / "missing",
        )
        with pytest.raises(socket.gaierror) as caught:
            socket.getaddrinfo("host.example", 80)
        assert caught.value.errno == socket.EAI_AGAIN


def test_system_configuration_by_default() -> None:
    assert isinstance(dns.use("dnspython"), dns.DnspythonResolver)
    assert "127.0.0.1" in addresses("localhost")


# Racing


def infos(*hosts: str) -> list[Info]:
    return [
        (socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, 80))
        for host in hosts
    ]


def test_families_take_turns() -> None:
    found = alternating(infos("::1", "::2", "::3", "10.0.0.1", "10.0.0.2"))
    assert [info[4][0] for info in found] == ["::1", "10.0.0.1", "::2", "10.0.0.2", "::3"]


def test_silent_address_costs_only_its_head_start(virtual_clock: Any) -> None:
    begun: list[tuple[str, float]] = []
    made: list[GreenSocket] = []
    start = hub.get_hub().time()

    def attempt(info: Info) -> GreenSocket:
        host = info[4][0]
        begun.append((host, hub.get_hub().time() - start))
        if host != "10.0.0.1":
            hub.sleep(100)
        hub.sleep(0.1)
        made.append(GreenSocket())
        return made[-1]

    winner = race(infos("::1", "::2", "10.0.0.1"), attempt)
    assert winner is made[0]
    assert begun == [("::1", 0.0), ("10.0.0.1", 0.25)]
    hub.sleep(0)
    assert hub.get_hub().stats().green_threads == 0
    made[0].close()


def test_failure_hands_on_at_once(virtual_clock: Any) -> None:
    start = hub.get_hub().time()

    def attempt(info: Info) -> GreenSocket:
        hub.sleep(0.01)
        raise ConnectionRefusedError(info[4][0])

    errors = race(infos("::1", "10.0.0.1", "10.0.0.2"), attempt)
    assert isinstance(errors, list)
    assert [str(error) for error in errors] == ["::1", "10.0.0.1", "10.0.0.2"]
    assert hub.get_hub().time() - start == pytest.approx(0.03)


def test_late_winner_is_closed(virtual_clock: Any) -> None:
    made: list[GreenSocket] = []

    def attempt(info: Info) -> GreenSocket:
        hub.sleep(0.5 if ":" in info[4][0] else 0.25)
        made.append(GreenSocket())
        return made[-1]

    winner = race(infos("::1", "10.0.0.1"), attempt)
    hub.sleep(1)
    assert isinstance(winner, GreenSocket)
    assert winner.fileno() >= 0
    assert [sock.fileno() >= 0 for sock in made if sock is not winner] in ([], [False])
    winner.close()


def test_killed_race_leaves_nothing(virtual_clock: Any) -> None:
    ended: list[str] = []

    def attempt(info: Info) -> GreenSocket:
        try:
            hub.sleep(100)
        finally:
            ended.append(info[4][0])
        raise AssertionError

    racing = hub.spawn(race, infos("::1", "10.0.0.1"), attempt)
    hub.sleep(1)
    racing.kill()
    hub.sleep(0)
    assert sorted(ended) == ["10.0.0.1", "::1"]


def test_create_connection_races(listener: GreenSocket) -> None:
    port = listener.getsockname()[1]
    dns.use(Recorder(host=[*infos("::1")[:0], *infos("127.0.0.1", "127.0.0.2")]))
    resolver = dns.get_resolver()
    assert isinstance(resolver, Recorder)
    resolver.answers["host"] = [
        (family, kind, proto, name, (where[0], port))
        for family, kind, proto, name, where in infos("127.0.0.2", "127.0.0.1")
    ]
    with socket.create_connection(("host", port)) as sock:
        assert sock.getpeername() == listener.getsockname()
    resolver.answers["host"] = []
    with pytest.raises(OSError, match="no address"):
        socket.create_connection(("host", port))
