"""How long to wait before the next attempt: never in step with a thousand other devices."""

from __future__ import annotations

CAP_S = 60.0
BASE_S = 0.5
_CAP_REACHED = 10  # 0.5 s doubled this often is over the cap; larger powers only cost time


def next_delay_s(
    attempt: int, *, jitter: float, cap_s: float = CAP_S, base_s: float = BASE_S
) -> float:
    """Seconds to wait after the given failed attempt (1 is the first).

    Exponential with full jitter: anywhere between nothing and the doubled delay, so that a fleet
    that lost its collector at one moment comes back spread out. `jitter` is in [0, 1). It comes on
    top of a Retry-After, so that those who were all told the same are spread out too.
    """
    return jitter * min(cap_s, base_s * 2.0 ** min(attempt - 1, _CAP_REACHED))
