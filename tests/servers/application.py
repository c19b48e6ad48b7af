"""What hypercorn serves: an echo, a place where many have to meet, and a page without an end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

Send = Callable[[dict[str, Any]], Awaitable[None]]

PARTY = 100
waiting: list[asyncio.Event] = []


async def application(scope: dict[str, Any], receive: Any, send: Send) -> None:
    """Answer one request."""
    if scope["type"] == "lifespan":
        return
    await ROUTES[scope["path"]](receive, send)


async def echo(receive: Any, send: Send) -> None:
    """Send back what comes, as it comes."""
    await begin(send)
    more = True
    while more:
        event = await receive()
        more = event.get("more_body", False)
        await send({"type": "http.response.body", "body": event["body"], "more_body": True})
    await send({"type": "http.response.body"})


async def meet(receive: Any, send: Send) -> None:
    """Answer when so many requests as make a party are here at a time."""
    waiting.append(asyncio.Event())
    mine = waiting[-1]
    if len(waiting) == PARTY:
        for event in waiting:
            event.set()
        waiting.clear()
    await mine.wait()
    await begin(send)
    await send({"type": "http.response.body", "body": b"met"})


async def endless(receive: Any, send: Send) -> None:
    """Send for as long as somebody reads."""
    gone = asyncio.create_task(_until_gone(receive))
    await begin(send)
    while not gone.done():
        await send({"type": "http.response.body", "body": bytes(16384), "more_body": True})
        await asyncio.sleep(0)


async def _until_gone(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def begin(send: Send) -> None:
    """Send the headers."""
    await send({"type": "http.response.start", "status": 200, "headers": []})


ROUTES = {"/echo": echo, "/meet": meet, "/endless": endless}
