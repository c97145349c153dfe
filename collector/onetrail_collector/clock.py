"""Time as the collector sees it: whole milliseconds since 1970, injected wherever it is needed."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], int]
"""Answers the present time in milliseconds since 1970-01-01T00:00:00Z."""


def system_clock() -> int:
    """The machine's clock, in ms."""
    return time.time_ns() // 1_000_000


def to_ms(moment: datetime) -> int:
    """Milliseconds since 1970; a moment without a zone is taken as UTC."""
    since = moment.replace(tzinfo=UTC) - _1970 if moment.tzinfo is None else moment - _1970
    return (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


def to_rfc3339(time_ms: int) -> str:
    """`2026-11-23T14:05:06.789Z`, the form of every time that leaves the collector (RFC 3339)."""
    in_range_ms = min(max(time_ms, _YEAR_1_MS), _YEAR_9999_MS)
    moment = _1970 + timedelta(milliseconds=in_range_ms)
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


_1970 = datetime(1970, 1, 1, tzinfo=UTC)
_YEAR_1_MS = -62_135_596_800_000
_YEAR_9999_MS = 253_402_300_799_999
