"""Where the time of a request went."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

from rich.table import Table

from .._budget import TraceEvent

# What the time up to a point was spent on.
_PHASES = {
    "connecting": "waiting for a turn",
    "connected": "connecting",
    "secured": "TLS",
    "reused": "waiting for a turn",
    "sent": "sending",
    "answered": "waiting for the answer",
    "complete": "receiving",
}


class Timing:
    """Collects the events of requests; its `note` is the `trace` of a client."""

    def __init__(self) -> None:
        self._events: dict[int, list[TraceEvent]] = defaultdict(list)

    def note(self, event: TraceEvent) -> None:
        """Keep an event."""
        self._events[event.request].append(event)

    def phases(self) -> list[list[tuple[str, float]]]:
        """Return for each request what took how long, in seconds, in order."""
        return [
            [(_PHASES[later.name], later.at - earlier.at) for earlier, later in pairwise(events)]
            for _, events in sorted(self._events.items())
        ]

    def table(self) -> Table:
        """Return the phases of all requests, to be printed."""
        table = Table(box=None, header_style="dim")
        table.add_column("request", justify="right")
        table.add_column("spent on")
        table.add_column("ms", justify="right")
        for number, phases in enumerate(self.phases(), 1):
            total = sum(seconds for _, seconds in phases)
            table.add_row(str(number), "in all", f"{total * 1000:.2f}", style="bold")
            for name, seconds in phases:
                table.add_row("", name, f"{seconds * 1000:.2f}")
        return table
