"""Check one client in this process: ``python -m tests.clients.child NAME MODE ADDRESS``.

Patched "first", which is the launcher's part, it imports the client now. Patched "last", it has
imported it, connected and had an answer before, and then connects anew; "kept", it goes on with
the old connections. The outcome is the last line, in JSON.
"""

from __future__ import annotations

import faulthandler
import json
import sys
from dataclasses import asdict

from eventlet.hub import patching

from .check import check
from .client import load, module_of

# Of a client that blocks for good, the stacks are all that will be known.
PATIENCE = 60


def main(name: str, mode: str, address: str) -> None:
    faulthandler.dump_traceback_later(PATIENCE, exit=True)
    client, module = load(name), module_of(name)
    pool = module.connect(json.loads(address))
    if mode != "first":
        answer = module.operate(pool, -1)
        assert answer == -1, f"unpatched, what was read back is {answer}, not -1"
        patching.patch()
    if hasattr(module, "hook"):
        module.hook()
    if mode == "last":
        pool = module.connect(json.loads(address))
    outcome = check(client, module, pool)
    faulthandler.cancel_dump_traceback_later()
    print(json.dumps(asdict(outcome)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
