"""A span of time in pieces, each in the coarsest step in which its counts are kept.

A year is eleven months and some days at its ends: a thirtieth of the rows that its days have.
"""

from datetime import UTC, datetime
from typing import NamedTuple

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
MONTH_MS = 31 * DAY_MS  # the name of a step: a month of the calendar (UTC), which is no longer


class Piece(NamedTuple):
    """The steps of one length that begin in [from_ms, to_ms)."""

    step_ms: int
    from_ms: int
    to_ms: int


def pieces(
    from_ms: int, to_ms: int, steps_ms: tuple[int, ...], *, months_to_ms: int
) -> list[Piece]:
    """What makes up the span, of steps from the finest to the coarsest.

    Coarse steps lie wholly within it, the finest begin there; months are summed up to months_to_ms.
    """
    if from_ms >= to_ms:
        return []
    *finer, step_ms = steps_ms
    if not finer:
        return [Piece(step_ms, from_ms, to_ms)]
    last_ms = start_of(min(to_ms, months_to_ms) if step_ms == MONTH_MS else to_ms, step_ms)
    first_ms = _next(from_ms, step_ms) if from_ms < last_ms else last_ms
    if first_ms == last_ms:
        return pieces(from_ms, to_ms, tuple(finer), months_to_ms=months_to_ms)
    return [
        *pieces(from_ms, first_ms, tuple(finer), months_to_ms=months_to_ms),
        Piece(step_ms, first_ms, last_ms),
        *pieces(last_ms, to_ms, tuple(finer), months_to_ms=months_to_ms),
    ]


def start_of(time_ms: int, step_ms: int) -> int:
    """When the step begins in which a time lies."""
    if step_ms != MONTH_MS:
        return time_ms - time_ms % step_ms
    day = datetime.fromtimestamp(time_ms / 1000, UTC)
    return int(datetime(day.year, day.month, 1, tzinfo=UTC).timestamp()) * 1000


def _next(time_ms: int, step_ms: int) -> int:
    """When the first step begins at this time or later."""
    start_ms = start_of(time_ms, step_ms)
    return time_ms if start_ms == time_ms else start_of(start_ms + step_ms, step_ms)
