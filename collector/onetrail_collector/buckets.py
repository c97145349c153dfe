"""Token buckets: how much each key may take, in memory that is bounded whoever comes.

A bucket's whole state is the moment at which it is full again, so that taking is one sum and a
full bucket is the same as none (the "virtual scheduling" form: ITU-T I.371, annex A). Whoever finds
a token may take more than there are, and then waits until the debt is paid: a batch that is larger
than a bucket is slowed down, and not refused for ever.
"""

import math

MAX_KEYS = 10_000  # about a megabyte; then the key that was used longest ago is forgotten


def take(
    full_at_s: float, now_s: float, *, cost: float, per_s: float, burst: float
) -> tuple[float, float]:
    """The bucket's next state, and the seconds to wait: 0 where `cost` was taken.

    A bucket holds `burst` tokens at most and gains `per_s` a second; a new one is full since 0.
    """
    wait_s = full_at_s - now_s - (burst - 1) / per_s
    if wait_s > 0:
        return full_at_s, wait_s
    return max(full_at_s, now_s) + cost / per_s, 0.0


class Buckets:
    """A bucket for each key, each gaining `per_s` a second and holding what it gains in `burst_s`.

    A rate of 0 sets no limit.
    """

    def __init__(self, per_s: float, burst_s: float, *, max_keys: int = MAX_KEYS) -> None:
        self._per_s = per_s
        self._burst_s = burst_s
        self._max_keys = max_keys
        self._full_at_s: dict[str, float] = {}  # the key that was used last comes last

    def take(self, key: str, now_s: float, cost: float = 1, *, per_s: float | None = None) -> int:
        """Whole seconds that `key` must wait; 0 where it may go on and `cost` is taken.

        `per_s` is the key's own rate, where it has one.
        """
        rate = self._per_s if per_s is None else per_s
        if not rate:
            return 0
        burst = rate * self._burst_s
        states = self._full_at_s
        state, wait_s = take(states.pop(key, 0.0), now_s, cost=cost, per_s=rate, burst=burst)
        states[key] = state
        if len(states) > self._max_keys:
            del states[next(iter(states))]
        return math.ceil(wait_s) if wait_s else 0

    def fill(self, key: str) -> None:
        """Forgive what `key` took."""
        self._full_at_s.pop(key, None)

    def wait_s(self, key: str, now_s: float) -> int:
        """What take() would answer, and nothing is taken."""
        if not self._per_s:
            return 0
        burst = self._per_s * self._burst_s
        state = self._full_at_s.get(key, 0.0)
        return math.ceil(take(state, now_s, cost=0, per_s=self._per_s, burst=burst)[1])
