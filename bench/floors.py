"""Servers that do less than the collector, to compare it with: `uvicorn floors:bare` and so on.

bare    answers "ok"
decode  decodes the body with msgspec, answers "ok"
naive   also stores each event under a unique id with executemany, one group commit at a time
        (NAIVE_DB names the file, NAIVE_SYNCHRONOUS is NORMAL or FULL); no source, session, profile
"""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiosqlite
import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route


class Event(msgspec.Struct):
    """What a naive collector looks at."""

    id: str
    type: str
    properties: msgspec.Raw = msgspec.Raw(b"{}")


class Batch(msgspec.Struct):
    """A body of POST /track."""

    events: list[Event]


decoder = msgspec.json.Decoder(Batch)
OK = b"ok"


async def answer_ok(_: Request) -> PlainTextResponse:
    return PlainTextResponse(OK)


async def answer_decoded(request: Request) -> PlainTextResponse:
    decoder.decode(await request.body())
    return PlainTextResponse(OK)


async def answer_stored(request: Request) -> PlainTextResponse:
    batch = decoder.decode(await request.body())
    stored = asyncio.get_running_loop().create_future()
    rows = [(event.id, event.type, bytes(event.properties).decode()) for event in batch.events]
    request.state.waiting.append((rows, stored))
    request.state.arrived.set()
    await stored
    return PlainTextResponse(OK)


@asynccontextmanager
async def storing(_: Starlette) -> AsyncIterator[dict[str, object]]:
    """One writer that commits whatever arrived while the last commit ran."""
    path = os.environ["NAIVE_DB"]
    with sqlite3.connect(path) as setup:
        setup.execute("PRAGMA journal_mode = WAL")
        setup.execute("CREATE TABLE events (id TEXT UNIQUE, type TEXT, properties TEXT)")
    setup.close()
    connection = await aiosqlite.connect(path, isolation_level=None)
    await connection.execute(f"PRAGMA synchronous = {os.environ['NAIVE_SYNCHRONOUS']}")
    waiting: list[tuple[list[tuple[str, str, str]], asyncio.Future[None]]] = []
    arrived = asyncio.Event()

    async def write() -> None:
        while True:
            await arrived.wait()
            arrived.clear()
            group = waiting[:]
            waiting.clear()
            await connection.execute("BEGIN")
            await connection.executemany(
                "INSERT OR IGNORE INTO events VALUES (?, ?, ?)",
                [row for rows, _ in group for row in rows],
            )
            await connection.execute("COMMIT")
            for _, stored in group:
                if not stored.done():
                    stored.set_result(None)

    task = asyncio.create_task(write())
    yield {"waiting": waiting, "arrived": arrived}
    task.cancel()
    await connection.close()


bare = Starlette(routes=[Route("/track", answer_ok, methods=["POST"])])
decode = Starlette(routes=[Route("/track", answer_decoded, methods=["POST"])])
naive = Starlette(routes=[Route("/track", answer_stored, methods=["POST"])], lifespan=storing)
