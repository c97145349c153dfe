"""A gate before the collector for each client, so that it is known who tried while it was down."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Self


class Gate:
    """Forwards what comes to `port`; counts the connections that found nobody behind it."""

    def __init__(self, upstream: Callable[[], int]) -> None:
        self.port = 0
        self.found_nobody = 0
        self._upstream = upstream
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            behind, before = await asyncio.open_connection("127.0.0.1", self._upstream())
        except OSError:
            self.found_nobody += 1
            writer.transport.abort()
            return
        await asyncio.gather(_pipe(reader, before), _pipe(behind, writer))


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.close()


class Gates:
    """Runs gates in a thread of its own; a context manager."""

    def __init__(self) -> None:
        self._gates: list[Gate] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def add(self, upstream: Callable[[], int]) -> Gate:
        gate = Gate(upstream)
        asyncio.run_coroutine_threadsafe(gate.open(), self._loop).result(10)
        self._gates.append(gate)
        return gate

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        for gate in self._gates:
            await gate.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
