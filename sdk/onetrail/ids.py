"""Ids made on the device: UUIDv7 for events (RFC 9562), UUIDv4 for sessions and holders."""

from __future__ import annotations

import os

_RANDOM_BITS = 74
_LOW_62 = (1 << 62) - 1


class EventIds:
    """Makes event ids that only ever rise within a process. Not thread-safe by itself.

    Randomness comes from the system for each id, so that a forked child never repeats its parent's.
    """

    def __init__(self) -> None:
        self._last_ms = 0
        self._last_random = 0

    def next(self, wall_ms: int) -> str:
        """An id for an event at this time, in milliseconds since 1970.

        Within one millisecond, and while the clock stands before the last id's, the random part is
        counted up by a random step (method 2 of RFC 9562, section 6.2).
        """
        if wall_ms > self._last_ms:
            self._last_ms = wall_ms
            self._last_random = int.from_bytes(os.urandom(9), "big")  # 72 of 74 bits: room to count
        else:
            self._last_random += 1 + int.from_bytes(os.urandom(4), "big")
            if self._last_random >> _RANDOM_BITS:
                self._last_ms += 1
                self._last_random = int.from_bytes(os.urandom(9), "big")
        return _uuid7(self._last_ms, self._last_random)


def new_id() -> str:
    """A random UUID (version 4), as text."""
    value = int.from_bytes(os.urandom(16), "big")
    value = value & ~(0xF << 76) | 4 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    return _dashed(f"{value:032x}")


def _uuid7(ms: int, random: int) -> str:
    high = 0x7000 | random >> 62
    return _dashed(f"{ms & 0xFFFFFFFFFFFF:012x}{high:04x}{2 << 62 | random & _LOW_62:016x}")


def _dashed(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
