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
    wait_s = max(full_at_s - now_s - (burst - 1) / per_s, 0.0)
    if wait_s > 0:
        return full_at_s, wait_s
    return max(full_at_s, now_s) + cost / per_s, 0.0


class Buckets:
    """A bucket for each key; `per_s` 0 sets no limit."""

    def __init__(self, per_s: float, burst: float, *, max_keys: int = MAX_KEYS) -> None:
        self._per_s = per_s
        self._burst = burst
        self._max_keys = max_keys
        self._full_at_s: dict[str, float] = {}  # the key that was used last comes last

    def take(self, key: str, now_s: float, cost: float = 1, *, per_s: float | None = None) -> int:
        """Whole seconds that `key` must wait; 0 where it may go on and `cost` is taken.

        `per_s` is a rate of the key's own; its burst then lasts as long as the others'.
        """
        rate = self._per_s if per_s is None else per_s
        if not rate:
            return 0
        burst = self._burst if per_s is None else max(per_s * self._burst / self._per_s, 1)
        states = self._full_at_s
        state, wait_s = take(states.pop(key, 0.0), now_s, cost=cost, per_s=rate, burst=burst)
        states[key] = state
        if len(states) > self._max_keys:
            del states[next(iter(states))]
        return math.ceil(wait_s)
