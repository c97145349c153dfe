"""What the sender's thread does for the file now and then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from onetrail.clock import now
from onetrail.outbox import bounds

if TYPE_CHECKING:
    from onetrail.clock import Clock
    from onetrail.outbox.bounds import Bounds
    from onetrail.outbox.store import Store

_CLOCK_MOVED_MS = 1000


class Upkeep:
    """Bounds, the clock, what nobody needs. It writes only what has changed: flash wears out."""

    def __init__(self, limits: Bounds, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._offset_ms: int | None = None

    def run(self, disk: Store) -> None:
        """One round. May raise sqlite3.Error."""
        moment = now(self._clock)
        bounds.trim(disk, self._limits)
        bounds.trim_aside(disk, self._limits)
        bounds.trim_old(disk, self._limits, moment)
        offset_ms = moment.wall_ms - moment.mono_ms
        if self._offset_ms is None or abs(offset_ms - self._offset_ms) > _CLOCK_MOVED_MS:
            disk.set_anchor(moment)
            self._offset_ms = offset_ms
        disk.tidy()
        disk.shorten_log()
