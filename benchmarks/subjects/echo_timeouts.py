"""Echo over TCP where every wait of the server has a timeout; compare with `echo`."""

from benchmarks.subject import Subject, Work
from benchmarks.subjects._load import echo

SUBJECT = Subject(
    "echo over TCP with a timeout set, connections",
    "messages/s",
    {"1": 1, "100": 100},
    clock="own",
    servers=True,
    needs_c=True,
)


def against(contender: str, connections: int) -> Work:
    """Return the work against the server of a contender."""
    return echo(contender, busy=connections, kind="timeout")
