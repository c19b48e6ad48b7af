"""The memory of a server for each of 10,000 connections that say nothing."""

from benchmarks.subject import Subject, Work
from benchmarks.subjects._load import memory_of_idle

SUBJECT = Subject(
    "an idle connection of a server",
    "bytes",
    {"10000": 10_000},
    footprint=True,
    servers=True,
    needs_c=True,
)


def against(contender: str, connections: int) -> Work:
    """Return the work against the server of a contender."""
    return memory_of_idle(contender, connections)
