"""What hypercorn does: HTTP/2 with many streams at a time."""

from __future__ import annotations

from collections.abc import Iterator

from eventlet.httpc import Client
from eventlet.hub import kill, sleep, spawn

from .application import PARTY


def test_many_streams_on_one_connection(client2: Client, hypercorn: str) -> None:
    for _ in range(3):
        threads = [spawn(client2.get, f"{hypercorn}/meet") for _ in range(PARTY)]
        responses = [thread.wait() for thread in threads]
        assert {(response.text, response.http_version) for response in responses} == {("met", "2")}
    assert client2.statistics() == (1, 1, 0)


def test_bodies_both_ways_at_once(client2: Client, hypercorn: str) -> None:
    def exchange(n: int) -> bool:
        content = bytes([n]) * 300_000
        pieces = (content[start : start + 70_000] for start in range(0, len(content), 70_000))
        with client2.stream("POST", f"{hypercorn}/echo", content=pieces) as response:
            return b"".join(response.iter_bytes()) == content

    threads = [spawn(exchange, n) for n in range(50)]
    assert all(thread.wait() for thread in threads)
    assert client2.statistics() == (1, 1, 0)


def test_the_caller_may_wait_for_the_answer_between_two_pieces(
    client2: Client, hypercorn: str
) -> None:
    sent: list[bytes] = []
    received: list[bytes] = []

    def pieces() -> Iterator[bytes]:
        for piece in (b"one", b"two", b"three"):
            sent.append(piece)
            yield piece
            while len(received) < len(sent):
                sleep(0.001)

    with client2.stream("POST", f"{hypercorn}/echo", content=pieces()) as response:
        received.extend(response.iter_bytes())
    assert received == sent == [b"one", b"two", b"three"]


def test_a_page_without_an_end_is_left(client2: Client, hypercorn: str) -> None:
    for _ in range(20):
        with client2.stream("GET", f"{hypercorn}/endless") as response:
            assert len(next(response.iter_bytes(1_000_000))) == 1_000_000
    readers = [spawn(client2.get, f"{hypercorn}/endless", max_body=10**9) for _ in range(5)]
    sleep(0.2)
    for reader in readers:
        kill(reader)
    assert client2.post(f"{hypercorn}/echo", content=b"still here").content == b"still here"
    assert client2.statistics() == (1, 1, 0)
