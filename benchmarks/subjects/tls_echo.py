"""Echo 64-byte messages over TLS, the server on one core and the load on another."""

from benchmarks.subject import Subject, Work
from benchmarks.subjects._load import echo_over_tls

SUBJECT = Subject(
    "echo over TLS, connections",
    "messages/s",
    {"1": 1, "100": 100, "1000": 1000},
    clock="own",
    servers=True,
)


def against(contender: str, connections: int) -> Work:
    """Return the work against the server of a contender."""
    return echo_over_tls(contender, busy=connections)
