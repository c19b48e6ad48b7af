"""Fetch pages with 50 green threads (or tasks) from a server that keeps connections alive.

The server is nginx where it is installed, otherwise one of our own in C. What counts is the
processor time of the client. requests and urllib3 run under gevent, patched.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from benchmarks.subject import AsyncWork, Subject, Work
from benchmarks.subjects._load import start_pages

SUBJECT = Subject(
    "HTTP client, page of", "requests/s", {"1 KiB": 1024, "100 KiB": 102_400}, needs_c=True
)
_PARTIES = range(50)
_TIMES = range(2)


def _work(spawn: Callable[..., Any], join: str, fetch: Callable[[], int], size: int) -> Work:
    def party(repeats: int) -> None:
        for _ in range(repeats):
            for _ in _TIMES:
                if fetch() != size:
                    raise RuntimeError("the page is not whole")

    def work(repeats: int) -> int:
        for thread in [spawn(party, repeats) for _ in _PARTIES]:
            getattr(thread, join)()
        return repeats * len(_TIMES) * len(_PARTIES)

    return work


def ours(size: int) -> Work:
    from eventlet.httpc import Client, Limits
    from eventlet.hub import spawn

    url = start_pages(size)
    client = Client(limits=Limits(max_connections=len(_PARTIES), max_per_host=len(_PARTIES)))
    return _work(spawn, "wait", lambda: len(client.get(url).content), size)


def geventhttpclient(size: int) -> Work:
    peer, http = import_module("gevent"), import_module("geventhttpclient")
    url = start_pages(size)
    client = http.HTTPClient.from_url(url, concurrency=len(_PARTIES))
    return _work(peer.spawn, "get", lambda: len(client.get("/").read()), size)


def _patched() -> Any:
    import_module("gevent.monkey").patch_all()
    return import_module("gevent")


def urllib3(size: int) -> Work:
    url = start_pages(size)
    peer = _patched()
    pool = import_module("urllib3").PoolManager(maxsize=len(_PARTIES))
    return _work(peer.spawn, "get", lambda: len(pool.request("GET", url).data), size)


def requests(size: int) -> Work:
    url = start_pages(size)
    peer = _patched()
    http = import_module("requests")
    session = http.Session()
    session.mount("http://", http.adapters.HTTPAdapter(pool_maxsize=len(_PARTIES)))
    return _work(peer.spawn, "get", lambda: len(session.get(url).content), size)


async def _async_work(fetch: Callable[[], Any], size: int) -> AsyncWork:
    from asyncio import gather

    async def party(repeats: int) -> None:
        for _ in range(repeats):
            for _ in _TIMES:
                if len(await fetch()) != size:
                    raise RuntimeError("the page is not whole")

    async def work(repeats: int) -> int:
        await gather(*(party(repeats) for _ in _PARTIES))
        return repeats * len(_TIMES) * len(_PARTIES)

    return work


async def aiohttp(size: int) -> AsyncWork:
    from asyncio import get_running_loop

    http = import_module("aiohttp")
    url = start_pages(size)
    session = http.ClientSession(connector=http.TCPConnector(limit=len(_PARTIES)))
    # It ends with the process, and is not closed; which nobody wants to be told.
    get_running_loop().set_exception_handler(lambda *_: None)

    async def fetch() -> Any:
        async with session.get(url) as response:
            return await response.read()

    return await _async_work(fetch, size)


async def httpx(size: int) -> AsyncWork:
    http = import_module("httpx")
    url = start_pages(size)
    limits = http.Limits(max_connections=len(_PARTIES), max_keepalive_connections=len(_PARTIES))
    client = http.AsyncClient(limits=limits, trust_env=False)

    async def fetch() -> Any:
        return (await client.get(url)).content

    return await _async_work(fetch, size)


def pycurl(size: int) -> Work:
    from io import BytesIO

    curl = import_module("pycurl")
    url = start_pages(size)
    multi = curl.CurlMulti()
    handles = [curl.Curl() for _ in _PARTIES]

    def begin(handle: Any) -> None:
        handle.body = BytesIO()
        handle.setopt(curl.WRITEDATA, handle.body)
        multi.add_handle(handle)

    def work(repeats: int) -> int:
        wanted = repeats * len(_TIMES) * len(_PARTIES)
        done, left = 0, wanted - len(handles)
        for handle in handles:
            begin(handle)
        while done < wanted:
            multi.perform()
            for handle in multi.info_read()[1]:
                if len(handle.body.getvalue()) != size:
                    raise RuntimeError("the page is not whole")
                done += 1
                multi.remove_handle(handle)
                if left > 0:
                    left -= 1
                    begin(handle)
            if done < wanted:
                multi.select(1.0)
        return done

    for handle in handles:
        handle.setopt(curl.URL, url)
    return work
