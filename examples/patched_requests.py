"""Fetch pages side by side with a client that knows nothing of green threads.

    pip install requests
    python patched_requests.py URL...

Any library in pure Python that waits on sockets will do in place of requests.
"""

import sys

from eventlet.hub import patching

patching.patch()  # sockets, sleeping, locks: whatever the installed packages can make green

import requests  # noqa: E402  not that it had to come after: patching reaches it either way

from eventlet import coros  # noqa: E402

AT_ONCE = 10
# How long a server may take to say something, in seconds.
PATIENCE = 30.0


def fetch(url: str) -> str:
    try:
        response = requests.get(url, timeout=PATIENCE)
    except requests.RequestException as error:
        return f"failed: {error}"
    return f"{response.status_code}, {len(response.content):,} bytes"


def main(urls: list[str]) -> None:
    for url, outcome in zip(urls, coros.map(fetch, urls, max_size=AT_ONCE), strict=True):
        print(url, outcome)


if __name__ == "__main__":
    main(sys.argv[1:])
