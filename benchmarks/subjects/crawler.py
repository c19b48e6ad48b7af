"""Crawl 200 hosts, 127.0.1.1 to 127.0.1.200, that close after each response; 50 pages at a time.

What counts is the processor time of the client. requests and urllib3 run under gevent, patched.
"""

from collections.abc import Callable
from importlib import import_module
from io import BytesIO
from typing import Any

from benchmarks.subject import AsyncWork, Subject, Work
from benchmarks.subjects._load import start_hosts

SUBJECT = Subject("a crawl of 200 hosts", "pages/s", {"": 200}, needs_c=True, limits=("floor",))
_AT_ONCE = 50
_SIZE = 1024


def _check(pages: list[bytes]) -> int:
    if any(len(page) != _SIZE for page in pages):
        raise RuntimeError("a page is not whole")
    return len(pages)


def ours(hosts: int) -> Work:
    coros, httpc = import_module("eventlet.coros"), import_module("eventlet.httpc")
    urls = start_hosts(_SIZE, hosts)

    def work(repeats: int) -> int:
        pool = coros.CoroutinePool(max_size=_AT_ONCE)
        waiters = [pool.execute(httpc.get, url) for _ in range(repeats) for url in urls]
        return _check([waiter.wait() for waiter in waiters])

    return work


def _under_gevent(fetch: Callable[[str], bytes], hosts: int) -> Work:
    pool = import_module("gevent.pool").Pool(_AT_ONCE)
    urls = start_hosts(_SIZE, hosts)
    return lambda repeats: _check(pool.map(fetch, urls * repeats))


def geventhttpclient(hosts: int) -> Work:
    http = import_module("geventhttpclient").HTTPClient

    def fetch(url: str) -> bytes:
        client = http.from_url(url)
        page: bytes = client.get("/").read()
        client.close()
        return page

    return _under_gevent(fetch, hosts)


def urllib3(hosts: int) -> Work:
    import_module("gevent.monkey").patch_all()
    pool = import_module("urllib3").PoolManager(num_pools=hosts)
    return _under_gevent(lambda url: pool.request("GET", url).data, hosts)


def requests(hosts: int) -> Work:
    import_module("gevent.monkey").patch_all()
    http = import_module("requests")
    session = http.Session()
    session.mount("http://", http.adapters.HTTPAdapter(pool_connections=hosts))
    return _under_gevent(lambda url: session.get(url).content, hosts)


def floor(hosts: int) -> Work:
    """The system calls, one request that is written beforehand, and no look at the answer."""
    import socket

    from benchmarks.subjects._floor import Scheduler
    from greenlet import getcurrent

    scheduler = Scheduler()
    give_up = scheduler.give_up
    targets = []
    for url in start_hosts(_SIZE, hosts):
        host, port = url.removeprefix("http://").removesuffix("/").split(":")
        request = f"GET / HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()
        targets.append(((host, int(port)), request))

    def fetch(address: tuple[str, int], request: bytes) -> bytes:
        sock = socket.socket()
        scheduler.register(sock.fileno(), connecting=True)
        sock.connect_ex(address)
        give_up()
        sock.send(request)
        give_up()
        answer = sock.recv(65536)
        sock.close()
        return answer.partition(b"\r\n\r\n")[2]

    def work(repeats: int) -> int:
        left, pages = targets * repeats, list[bytes]()
        wanted = len(left)

        def fetching() -> None:
            while left:
                pages.append(fetch(*left.pop()))
            if len(pages) == wanted:
                scheduler.ready.append(main)

        main = getcurrent()
        for _ in range(_AT_ONCE):
            scheduler.spawn(fetching)
        while len(pages) < wanted:
            give_up()
        return _check(pages)

    return work


async def _async_work(fetch: Callable[[str], Any], hosts: int) -> AsyncWork:
    from asyncio import gather

    urls = start_hosts(_SIZE, hosts)

    async def work(repeats: int) -> int:
        return _check(await gather(*(fetch(url) for _ in range(repeats) for url in urls)))

    return work


async def aiohttp(hosts: int) -> AsyncWork:
    from asyncio import get_running_loop

    http = import_module("aiohttp")
    session = http.ClientSession(connector=http.TCPConnector(limit=_AT_ONCE))
    # It ends with the process, and is not closed; which nobody wants to be told.
    get_running_loop().set_exception_handler(lambda *_: None)

    async def fetch(url: str) -> Any:
        async with session.get(url) as response:
            return await response.read()

    return await _async_work(fetch, hosts)


async def httpx(hosts: int) -> AsyncWork:
    http = import_module("httpx")
    limits = http.Limits(max_connections=_AT_ONCE)
    client = http.AsyncClient(limits=limits, timeout=None, trust_env=False)

    async def fetch(url: str) -> Any:
        return (await client.get(url)).content

    return await _async_work(fetch, hosts)


def pycurl(hosts: int) -> Work:
    curl = import_module("pycurl")
    multi = curl.CurlMulti()
    handles = [curl.Curl() for _ in range(_AT_ONCE)]
    urls = start_hosts(_SIZE, hosts)

    def begin(handle: Any, url: str) -> None:
        handle.body = BytesIO()
        handle.setopt(curl.URL, url)
        handle.setopt(curl.WRITEDATA, handle.body)
        multi.add_handle(handle)

    def work(repeats: int) -> int:
        left = urls * repeats
        pages: list[bytes] = []
        wanted = len(left)
        for handle in handles:
            begin(handle, left.pop())
        while len(pages) < wanted:
            multi.perform()
            for handle in multi.info_read()[1]:
                pages.append(handle.body.getvalue())
                multi.remove_handle(handle)
                if left:
                    begin(handle, left.pop())
            if len(pages) < wanted:
                multi.select(1.0)
        return _check(pages)

    return work
