"""What time it is, told in a way that survives a clock that jumps.

A device's wall clock may be forty years off until NTP sets it. So each event keeps two readings:
the wall clock, and a clock that only ever counts up within one boot. When the event is sent, its
time is counted back from the wall clock of that moment: true relative to the request's `sent_at`.
"""

from __future__ import annotations

import sys
import time
from functools import lru_cache
from typing import NamedTuple, Protocol


class Reading(NamedTuple):
    """Both clocks at one moment, in milliseconds, and the boot in which the second one counts."""

    wall_ms: int
    mono_ms: int
    boot: str


class Clock(Protocol):
    """Where times come from; `onetrail.testing.FakeClock` is another."""

    @property
    def boot(self) -> str:
        """The boot in which the monotonic clock counts."""
        ...

    def wall_ms(self) -> int:
        """Milliseconds since 1970, as the device believes."""
        ...

    def mono_ms(self) -> int:
        """Milliseconds of a clock that never jumps and goes on while the device sleeps."""
        ...


class SystemClock:
    """The device's own clocks."""

    def __init__(self) -> None:
        self._boot: str | None = None
        # Linux's CLOCK_MONOTONIC stands still while a laptop sleeps; this one does not.
        self._mono_id = getattr(time, "CLOCK_BOOTTIME", None)

    @property
    def boot(self) -> str:
        """The boot in which the monotonic clock counts; read once."""
        if self._boot is None:
            from onetrail.boot import boot_id  # noqa: PLC0415  read at first use, not at import

            self._boot = boot_id()
        return self._boot

    def wall_ms(self) -> int:
        """Milliseconds since 1970, as the device believes."""
        return time.time_ns() // 1_000_000

    def mono_ms(self) -> int:
        """Milliseconds of a clock that never jumps."""
        if self._mono_id is not None and sys.platform != "win32":
            return time.clock_gettime_ns(self._mono_id) // 1_000_000
        return time.monotonic_ns() // 1_000_000


def now(clock: Clock) -> Reading:
    """Both clocks at this moment."""
    return Reading(clock.wall_ms(), clock.mono_ms(), clock.boot)


def true_ms(event: Reading, anchor: Reading) -> int:
    """When the event happened on the anchor's wall clock.

    Within one boot the distance between two monotonic readings is the truth, whatever the wall
    clock did in between. Across boots only the event's own wall clock is left.
    """
    if event.boot == anchor.boot:
        return anchor.wall_ms - (anchor.mono_ms - event.mono_ms)
    return event.wall_ms


def rfc3339(wall_ms: int) -> str:
    """The time in UTC with milliseconds: `2026-11-23T14:05:06.789Z`."""
    seconds, milliseconds = divmod(wall_ms, 1000)
    return f"{_to_the_second(seconds)}.{milliseconds:03d}Z"


@lru_cache(maxsize=256)  # events come in bursts: most share their second with a neighbour
def _to_the_second(seconds: int) -> str:
    year, month, day, hour, minute, second, *_ = time.gmtime(seconds)
    return f"{year:04d}-{month:02d}-{day:02d}T{hour:02d}:{minute:02d}:{second:02d}"
