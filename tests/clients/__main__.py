"""Run the clients against their servers and print a table: ``python -m tests.clients [NAME...]``.

Patched "last", a client had connected before, and connects anew; the column "kept" says how it
does with the connections that it had. The exit status tells whether every client did as it should:
those known to hold the hub have to be caught at it. A client whose server is not installed is
skipped, with the Debian package to install.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from .check import Outcome
from .client import Address, Client, load, names
from .servers import Missing, start

MODES = {
    "first": ["-m", "eventlet.hub.patching", "-m", "tests.clients.child"],
    "last": ["-m", "tests.clients.child"],
    "kept": ["-m", "tests.clients.child"],
}

# Longer than a child waits before it gives up by itself.
PATIENCE = 90

ROW = "{:<16} {:<8} {:<8} {:<8} {:<8} {}".format


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out the command line and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.clients")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a client; without any, all")
    wanted = parser.parse_args(arguments).names or names()
    unknown = sorted({*wanted} - {*names()})
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; there are {', '.join(names())}")
    print(ROW("client", "version", *MODES, "remarks: what failed, and why"), flush=True)
    with tempfile.TemporaryDirectory(prefix="clients-") as folder:
        os.chmod(folder, 0o755)  # servers that refuse to be root go on as somebody else
        return 0 if all(list(run(wanted, Path(folder)))) else 1


def run(wanted: Sequence[str], folder: Path) -> Iterator[bool]:
    """Run each server for as long as its clients need it; yield whether each did as it should."""
    for server, group in groupby(sorted(wanted, key=_server), _server):
        (place := folder / server).mkdir()
        clients = list(group)
        try:
            with start(server, place) as address:
                yield from [report(name, address) for name in clients]
        except Missing as missing:
            for name in clients:
                print(ROW(name, load(name).version, *["skipped"] * len(MODES), missing))


def _server(name: str) -> str:
    return load(name).server


def report(name: str, address: Address) -> bool:
    """Print the row of one client, and return whether it did as it should."""
    client = load(name)
    outcomes = {mode: run_child(name, mode, address) for mode in MODES}
    cells = [_verdict(outcome) for outcome in outcomes.values()]
    remarks = [client.note, *(_reason(mode, outcome) for mode, outcome in outcomes.items())]
    print(ROW(name, client.version, *cells, "; ".join(filter(None, remarks))), flush=True)
    # A connection that was made of native parts may stay native; patching.md says so.
    return all(_as_expected(client, outcomes[mode]) for mode in ("first", "last"))


def run_child(name: str, mode: str, address: Address) -> Outcome:
    """Check one client in a fresh process."""
    command = [sys.executable, *MODES[mode], name, mode, json.dumps(address)]
    try:
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        return Outcome(failure=f"did not end within {PATIENCE} s")
    if done.returncode:
        print(name, mode, done.stderr, file=sys.stderr)
        return Outcome(failure=f"ended with {done.returncode}, see above")
    return Outcome(**json.loads(done.stdout.splitlines()[-1]))


def _as_expected(client: Client, outcome: Outcome) -> bool:
    return bool(outcome.failure and outcome.held) if client.blocks else not outcome.failure


def _verdict(outcome: Outcome) -> str:
    if outcome.failure:
        return "BLOCKS" if outcome.held else "FAILS"
    return f"{outcome.seconds:.2f} s"


def _reason(mode: str, outcome: Outcome) -> str:
    if not outcome.failure:
        return ""
    return f"patched {mode}: {', '.join(filter(None, [outcome.failure, outcome.held]))}"


if __name__ == "__main__":
    sys.exit(main())
