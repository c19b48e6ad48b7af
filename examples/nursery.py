"""Try to reach several addresses at once, each with its own limit, and all with a common one.

    python nursery.py HOST:PORT...

No green thread outlives the block that it was started in, however that block ends.
"""

import sys
import time

from eventlet.coros import Nursery
from eventlet.greensocket import connect
from eventlet.hub import move_on_after

# How long one address may take, and all together, in seconds.
EACH = 2.0
ALL = 5.0


def reach(address: str, results: dict[str, str]) -> None:
    host, _, port = address.rpartition(":")
    began = time.monotonic()
    try:
        connect((host, int(port)), timeout=EACH).close()
    except (OSError, ValueError) as error:
        results[address] = f"failed: {error}"
    else:
        results[address] = f"reached in {(time.monotonic() - began) * 1000:.0f} ms"


def main(addresses: list[str]) -> int:
    results: dict[str, str] = {}
    with move_on_after(ALL):
        with Nursery() as nursery:
            for address in addresses:
                nursery.spawn(reach, address, results)
    for address in addresses:
        print(address, results.get(address, f"gave up after {ALL:g} s"))
    return 0 if all(text.startswith("reached") for text in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
