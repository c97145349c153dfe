"""Ids made on the device: UUIDv7 for events (RFC 9562), UUIDv4 for sessions and holders."""

from __future__ import annotations

import os

_RANDOM_BITS = 74
_FRESH_BYTES = 9  # 72 of 74 random bits: room to count up within a millisecond
_LOW_62 = (1 << 62) - 1
_VERSION_7, _VARIANT = 7 << 76, 2 << 62


class EventIds:
    """Makes event ids that only ever rise within a process. Not thread-safe by itself.

    Each millisecond begins with fresh randomness. Within one, and while the clock stands before the
    last id's time, the random part is counted up (method 2 of RFC 9562, section 6.2). A forked
    child must call renew(): else it would count on from where its parent does.
    """

    def __init__(self) -> None:
        self._last_ms = 0
        self._random = 0

    def next(self, wall_ms: int) -> str:
        """An id for an event at this time, in milliseconds since 1970."""
        if wall_ms > self._last_ms:
            self._last_ms = wall_ms
            self._random = int.from_bytes(os.urandom(_FRESH_BYTES), "big")
        else:
            self._random += 1
            if self._random >> _RANDOM_BITS:
                self._last_ms += 1
                self._random = int.from_bytes(os.urandom(_FRESH_BYTES), "big")
        high, low = self._random >> 62, self._random & _LOW_62
        value = (self._last_ms & 0xFFFFFFFFFFFF) << 80 | _VERSION_7 | high << 64 | _VARIANT | low
        return _dashed(f"{value:032x}")

    def renew(self) -> None:
        """Forgets what was counted: the next id begins with fresh randomness."""
        self._last_ms = 0


def new_id() -> str:
    """A random UUID (version 4), as text."""
    value = int.from_bytes(os.urandom(16), "big")
    value = value & ~(0xF << 76) | 4 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    return _dashed(f"{value:032x}")


def _dashed(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
