"""A bell that wakes everybody who waits for it: something new is there."""

import asyncio
import contextlib


class Bell:
    """Costs next to nothing while nobody listens. Used within one event loop."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()

    def ring(self) -> None:
        """Wake all who wait now."""
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)
        self._waiting.clear()

    async def wait(self, timeout_s: float) -> None:
        """Until it rings, or the time is over."""
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.add(waiting)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(waiting, timeout_s)
        self._waiting.discard(waiting)
