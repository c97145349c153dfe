"""IDs that the collector makes: random ones, and ones in the order of time (RFC 9562)."""

import os
import time
from collections.abc import Iterator

_VARIANT = "89ab"  # the two bits that every UUID of this RFC has, with two random ones


def uuid4() -> str:
    """A UUIDv4, for a profile ID or a session: 122 random bits."""
    digits = os.urandom(16).hex()
    variant = _VARIANT[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def neighbours() -> Iterator[str]:
    """UUIDv4s of 98 random bits each, after 24 that they share: as rows of one place in an index.

    An index of a million random ids has as many pages as rows of a batch: each would be written.
    """
    start = os.urandom(3).hex()
    while True:
        random = os.urandom(13 * 64).hex()
        for place in range(0, len(random), 26):
            digits = start + random[place : place + 26]
            variant = _VARIANT[int(digits[16], 16) & 3]
            yield (
                f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
            )


def uuid7() -> str:
    """A UUIDv7, for an event that came without an id: 48 bits of ms since 1970, 74 random bits."""
    time_ms = time.time_ns() // 1_000_000
    digits = f"{time_ms & 0xFFFFFFFFFFFF:012x}{os.urandom(10).hex()}"
    variant = _VARIANT[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-7{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
