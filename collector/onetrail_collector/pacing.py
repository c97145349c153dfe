"""How often the background may resolve what is too large for a commit: a fifth of the time.

Between two of its transactions ingest gets as much time as the last one took. And where events of
one large region keep coming, each leaves it to be resolved once more: so after it was, that region
waits four times as long as it took; whatever else is left goes on.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable

PAUSE = 4.0  # times as long as it took
REST = 1.0  # likewise, between two of its transactions


async def rest(began_s: float) -> None:
    """Let ingest go on, after a step that began at this time of the event loop."""
    await asyncio.sleep((asyncio.get_running_loop().time() - began_s) * REST)


class Pace:
    """Until when large regions wait, and the profile IDs known to be in one."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._waiting: set[int] = set()
        self._until_s = 0.0
        self._passed = 0

    def done(self, profile_ids: Collection[int], took_s: float) -> None:
        """A large region of these was resolved."""
        self._waiting = set(profile_ids)
        self._until_s = self._clock_s() + PAUSE * took_s

    def wait(self, profile_id: int) -> bool:
        """Let one that is in a large region wait; False where it need not."""
        if self._clock_s() >= self._until_s:
            return False
        self._waiting.add(profile_id)
        return True

    def waits(self, profile_ids: Iterable[int]) -> bool:
        """Whether one of these must wait."""
        return not self._waiting.isdisjoint(profile_ids)

    def passed(self) -> int:
        """All that is left up to this number waits; 0, and nothing waits, once the time is over."""
        if self._clock_s() >= self._until_s:
            self._waiting, self._passed = set(), 0
        return self._passed

    def passes(self, number: int) -> None:
        """All up to this number was looked at."""
        self._passed = number
