"""Counts over time, from the roll-ups: as fast with ten million events as with ten."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from onetrail_collector.api.operation import Call, Nothing, Operation
from onetrail_collector.clock import to_ms, to_rfc3339
from onetrail_collector.errors import wrong_shape
from onetrail_collector.store.periods import DAY_MS, HOUR_MS, MINUTE_MS, MONTH_MS, start_of
from onetrail_collector.store.protocol import Store
from onetrail_collector.store.rows import OTHER, CountRow, CountsAsked

Metric = Literal["events", "sessions", "profile_ids", "merges", "rejected", "pages", "referrers"]
Step = Literal["minute", "hour", "day", "month", "whole"]

STEPS_MS: dict[str, int] = {
    "minute": MINUTE_MS,
    "hour": HOUR_MS,
    "day": DAY_MS,
    "month": MONTH_MS,
}
WITHOUT_MINUTES = ("pages", "referrers")
MINUTES_UP_TO, HOURS_UP_TO = timedelta(hours=3), timedelta(days=8)  # of a whole; beyond by day
MAX_STEPS = 2_000
MOST_LINES = 12


class SeriesAsked(msgspec.Struct, rename={"from_": "from"}):
    """Which counts: of the steps that begin in [from, to), RFC 3339; at most 2,000 of them.

    `whole` is one step for all the time, which begins with a minute, hour or day, as long as it is.
    """

    from_: datetime
    to: datetime
    metric: Metric = "events"
    step: Step = "hour"
    by: Literal["", "source", "label"] = ""
    source: str | None = None
    most: Annotated[int, Meta(ge=1, le=MOST_LINES)] = MOST_LINES


class Line(msgspec.Struct):
    """The counts of one label, a number for each step, and their sum."""

    label: str
    counts: list[int]
    total: int


class Series(msgspec.Struct):
    """When each step begins, and the lines, the greatest first."""

    starts: list[str]
    lines: list[Line]
    total: int


async def counts_over_time(call: Call[SeriesAsked, Nothing]) -> Series:
    """How often something happened in each step of time, in all, by source or by label.

    The label of an event is its type; of a rejected one, the error; of a page, its address; of a
    referrer, its site. The time of merges and rejected events is that of the commit.
    """
    return await read_series(call.store, call.asked)


OPERATIONS = (Operation("GET", "/counts/series", counts_over_time, "read", Series, SeriesAsked),)


async def read_series(store: Store, asked: SeriesAsked) -> Series:
    """What is asked for, from the store. Raises Refused (422)."""
    starts = _starts(asked)
    if asked.step == "minute" and asked.metric in WITHOUT_MINUTES:
        raise wrong_shape(f"step: {asked.metric} are counted by hour, day and month; not by minute")
    rows = await store.read_counts(
        CountsAsked(
            by=asked.by,
            whole=asked.step == "whole",
            metric=asked.metric,
            step_ms=STEPS_MS[_finest_step(asked)],
            from_ms=starts[0],
            to_ms=to_ms(asked.to),
            source=asked.source or None,
            most=asked.most,
        )
    )
    lines = _lines(rows, starts, asked.step)
    return Series([to_rfc3339(start) for start in starts], lines, sum(ln.total for ln in lines))


def _finest_step(asked: SeriesAsked) -> str:
    """The finest step in which the counts are read that make up what is asked for."""
    if asked.step != "whole":
        return asked.step
    length = asked.to - asked.from_
    if length <= MINUTES_UP_TO and asked.metric not in WITHOUT_MINUTES:
        return "minute"
    return "hour" if length <= HOURS_UP_TO else "day"


def _starts(asked: SeriesAsked) -> list[int]:
    """When the steps begin; the first is the one that `from` lies in."""
    from_ms, end_ms = to_ms(asked.from_), to_ms(asked.to)
    if not 0 <= from_ms < end_ms:
        raise wrong_shape("from: expected a time before `to`, and after 1970")
    if asked.step == "month":
        starts = list(_months(asked.from_, end_ms))
    else:
        step_ms = STEPS_MS[_finest_step(asked)]
        end_ms = from_ms + 1 if asked.step == "whole" else end_ms
        starts = list(range(from_ms - from_ms % step_ms, end_ms, step_ms)[: MAX_STEPS + 1])
    if len(starts) > MAX_STEPS:
        raise wrong_shape(
            f"from, to: more than {MAX_STEPS} steps of a {asked.step}; take longer steps"
        )
    return starts


def _months(first: datetime, end_ms: int) -> Iterable[int]:
    month = datetime(first.year, first.month, 1, tzinfo=UTC)
    while to_ms(month) < end_ms and month.year < 9000:  # noqa: PLR2004 - datetime ends at 9999
        yield to_ms(month)
        month = month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)


def _lines(rows: list[CountRow], starts: list[int], step: Step) -> list[Line]:
    """The greatest first; all others last, as one."""
    places = {start: place for place, start in enumerate(starts)}
    counts: dict[str, list[int]] = {}
    for row in rows:
        line = counts.setdefault(row.line, [0] * len(starts))
        line[_place(row.start_ms, places, step)] += row.happened
    lines = [Line(label, line, sum(line)) for label, line in counts.items()]
    return sorted(lines, key=lambda line: (line.label == OTHER, -line.total, line.label))


def _place(start_ms: int, places: dict[int, int], step: Step) -> int:
    return places[start_of(start_ms, MONTH_MS) if step == "month" else start_ms]
