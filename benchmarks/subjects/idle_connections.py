"""Echo over one busy connection, beside none or 10,000 others that say nothing."""

from benchmarks.subject import Subject, Work
from benchmarks.subjects._load import echo

SUBJECT = Subject(
    "echo over one connection, idle ones beside it",
    "round trips/s",
    {"0": 0, "10000": 10_000},
    clock="own",
    servers=True,
    needs_c=True,
)


def against(contender: str, idle: int) -> Work:
    """Return the work against the server of a contender."""
    return echo(contender, busy=1, idle=idle)
