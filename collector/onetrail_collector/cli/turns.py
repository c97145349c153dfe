"""Turns at the file: a command that stores much lets a running collector commit in between."""

import asyncio
import time

TURN_S = 1.0  # no commit of the collector waits much longer
PAUSE_S = 0.02  # a waiting one looks every 5 ms (store/database.py)


class Turn:
    """How long transactions may follow each other before others have theirs."""

    def __init__(self) -> None:
        self._ends = time.monotonic() + TURN_S

    async def go_on(self, next_s: float) -> None:
        """At once, or after a pause where the next, of about so long, would not fit."""
        if time.monotonic() + next_s > self._ends:
            await asyncio.sleep(PAUSE_S)
            self._ends = time.monotonic() + TURN_S
