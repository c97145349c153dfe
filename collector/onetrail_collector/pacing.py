"""How often the background may resolve what is too large for a commit: a fifth of the time.

Between two of its transactions ingest gets as much time as the last one took. And where events of
one large region keep coming, each leaves it to be resolved once more: so after it was, that region
waits four times as long as it took; whatever else is left goes on. One that is too large for the
memory waits for an hour.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable
from collections.abc import Set as AbstractSet
from math import inf

PAUSE = 4.0  # times as long as it took
REST = 1.0  # likewise, between two of its transactions
TOO_LARGE_S = 3600.0


async def rest(began_s: float) -> None:
    """Let ingest go on, after a step that began at this time of the event loop."""
    await asyncio.sleep((asyncio.get_running_loop().time() - began_s) * REST)


class Pace:
    """Until when large regions wait, and the profile IDs known to be in one.

    pause: how many times as long as it took; 0 where nothing waits.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic, pause: float = PAUSE) -> None:
        self._clock_s = clock_s
        self._pause = pause
        self._waiting: set[int] = set()
        self._until_s = 0.0
        self._too_large: set[int] = set()
        self._too_large_until_s = 0.0
        self._passed = 0
        self._again_s = inf

    def done(self, profile_ids: Collection[int], took_s: float) -> None:
        """A large region of these was resolved."""
        if not self._pause:
            return
        self._waiting = set(profile_ids)
        self._until_s = self._clock_s() + self._pause * took_s
        self._again_s = min(self._again_s, self._until_s)

    def wait(self, profile_id: int) -> bool:
        """Let one that is in a large region wait; False where it need not."""
        if self._clock_s() >= self._until_s:
            return False
        self._waiting.add(profile_id)
        return True

    def waits(self, profile_ids: Iterable[int]) -> bool:
        """Whether one of these must wait."""
        return not self._waiting.isdisjoint(profile_ids)

    def leave(self, profiles: Iterable[int]) -> None:
        """What hangs together with these profiles is too large for the memory."""
        if not self._too_large:
            self._too_large_until_s = self._clock_s() + TOO_LARGE_S
        self._too_large.update(profiles)
        self._again_s = min(self._again_s, self._too_large_until_s)

    @property
    def too_large(self) -> AbstractSet[int]:
        """The profiles that were left, for an hour after the first."""
        return self._too_large

    def again(self) -> None:
        """Something that was looked at is left, for no reason that takes long."""
        self._again_s = 0.0

    def passed(self) -> int:
        """All that is left up to this number waits; 0 once the time of something is over."""
        now_s = self._clock_s()
        if now_s >= self._until_s:
            self._waiting = set()
        if now_s >= self._too_large_until_s:
            self._too_large = set()
        if now_s >= self._again_s:
            self._passed = 0
            self._again_s = self._too_large_until_s if self._too_large else inf
        return self._passed

    def passes(self, number: int) -> None:
        """All up to this number was looked at."""
        self._passed = number
