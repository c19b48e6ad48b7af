"""Begin TLS and end it, one connection after another, each with a full handshake."""

from benchmarks.subject import Subject, Work
from benchmarks.subjects._load import shake_hands

SUBJECT = Subject("TLS handshakes", "handshakes/s", clock="own", servers=True)


def against(contender: str, _: int) -> Work:
    """Return the work against the server of a contender."""
    return shake_hands(contender)
