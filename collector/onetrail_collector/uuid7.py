"""UUIDs in the order of time (RFC 9562, section 5.7), for events that came without an id."""

import os
import time
from uuid import UUID


def uuid7() -> str:
    """A UUIDv7: 48 bits of ms since 1970, and 74 random bits."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10))
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return str(UUID(int=value))
