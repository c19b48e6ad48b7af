"""Echo 64-byte messages over TCP, the server on one core and the load on another."""

from benchmarks.subject import Subject, Work
from benchmarks.subjects._load import echo

SUBJECT = Subject(
    "echo over TCP, connections",
    "messages/s",
    {"1": 1, "100": 100, "1000": 1000},
    clock="own",
    servers=True,
    needs_c=True,
    limits=("c", "floor"),
)


def against(contender: str, connections: int) -> Work:
    """Return the work against the server of a contender."""
    return echo(contender, busy=connections)
