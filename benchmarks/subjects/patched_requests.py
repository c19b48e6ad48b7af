"""Fetch pages of 1 KiB with `requests`, made green by patching, 50 at a time.

What counts is the processor time of the client.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks.subject import Subject, Work
from benchmarks.subjects._load import start_pages

SUBJECT = Subject("requests, patched", "requests/s", needs_c=True)
_PARTIES = range(50)
_PATCHES = (
    "_thread", "multiprocessing", "os", "queue", "select", "signal", "socket", "ssl", "subprocess",
    "threading", "threading_local", "time",
)  # fmt: skip  # a name a line would hide the rest
_SIZE = 1024


def _work(spawn: Callable[..., Any], join: str, url: str) -> Work:
    http = import_module("requests")
    session = http.Session()
    session.mount("http://", http.adapters.HTTPAdapter(pool_maxsize=len(_PARTIES)))

    def party(repeats: int) -> None:
        for _ in range(repeats):
            if len(session.get(url).content) != _SIZE:
                raise RuntimeError("the page is not whole")

    def work(repeats: int) -> int:
        for thread in [spawn(party, repeats) for _ in _PARTIES]:
            getattr(thread, join)()
        return repeats * len(_PARTIES)

    return work


def ours(_: int) -> Work:
    url = start_pages(_SIZE)
    # All there is, by name: what could not be found would be passed over otherwise.
    import_module("eventlet.hub.patching").patch(*_PATCHES)
    return _work(import_module("eventlet.hub").spawn, "wait", url)


def gevent(_: int) -> Work:
    url = start_pages(_SIZE)
    import_module("gevent.monkey").patch_all()
    return _work(import_module("gevent").spawn, "get", url)


def eventlet(_: int) -> Work:
    url = start_pages(_SIZE)
    peer = import_module("eventlet")
    peer.monkey_patch()
    return _work(peer.spawn, "wait", url)


def threads(_: int) -> Work:
    from threading import Thread

    def spawn(function: Callable[[int], None], repeats: int) -> Thread:
        thread = Thread(target=function, args=(repeats,))
        thread.start()
        return thread

    return _work(spawn, "join", start_pages(_SIZE))
