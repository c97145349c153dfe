"""How much is arriving: all that the overview shows of a span of time, in one answer."""

from datetime import UTC, datetime, timedelta
from typing import Literal, get_args

import msgspec

from onetrail_collector.api.operation import Call, Nothing, Operation
from onetrail_collector.api.series import Line, Metric, Series, SeriesAsked, Step, read_series
from onetrail_collector.errors import wrong_shape

Span = Literal["hour", "day", "week", "month", "year", "years"]
Drawn = Literal["events", "sessions", "profile_ids", "merges", "rejected"]

LENGTHS: dict[Span, timedelta] = {
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(days=7),
    "month": timedelta(days=30),
    "year": timedelta(days=365),
    "years": timedelta(days=5 * 365),
}
# Some sixty to a few hundred points, by the finest step whose counts are kept that long.
STEPS: tuple[tuple[timedelta, Step], ...] = (
    (timedelta(hours=3), "minute"),
    (timedelta(days=8), "hour"),
    (timedelta(days=500), "day"),
    (timedelta.max, "month"),
)
BY_LABEL = ("events", "rejected")


class OverviewAsked(msgspec.Struct, rename={"from_": "from"}):
    """The last hour, day, week, month (30 days), year or five years; or [from, to), RFC 3339."""

    span: Span = "day"
    from_: datetime | None = None
    to: datetime | None = None
    source: str | None = None


class Lines(msgspec.Struct):
    """The counts of a metric: of events and rejected events by label, of others in all."""

    lines: list[Line]
    total: int


class Overview(msgspec.Struct):
    """Each metric drawn over time, a number for each of `starts`; and the longest lists, summed up.

    `pages`, `referrers` and `sources` (events of each) are of the same span in one step.
    """

    step: Step
    starts: list[str]
    drawn: dict[Drawn, Lines]
    pages: Lines
    referrers: Lines
    sources: Lines


async def overview(call: Call[OverviewAsked, Nothing]) -> Overview:
    """What the overview shows of a span of time: counts over time, top pages, sites and sources."""
    from_, to = _span(call.asked, call.clock())
    step = next(step for length, step in STEPS if to - from_ <= length)

    async def read(metric: Metric, by: Literal["", "source", "label"], step: Step) -> Series:
        asked = SeriesAsked(from_, to, metric, step, by, call.asked.source)
        return await read_series(call.store, asked)

    drawn = {
        metric: await read(metric, "label" if metric in BY_LABEL else "", step)
        for metric in get_args(Drawn)
    }
    return Overview(
        step=step,
        starts=drawn["events"].starts,
        drawn={metric: _without_starts(series) for metric, series in drawn.items()},
        pages=_without_starts(await read("pages", "label", "whole")),
        referrers=_without_starts(await read("referrers", "label", "whole")),
        sources=_without_starts(await read("events", "source", "whole")),
    )


OPERATIONS = (Operation("GET", "/counts/overview", overview, "read", Overview, OverviewAsked),)


def _span(asked: OverviewAsked, now_ms: int) -> tuple[datetime, datetime]:
    if asked.from_ is not None and asked.to is not None:
        from_, to = _in_utc(asked.from_), _in_utc(asked.to)
        return from_, to  # read_series refuses what is none
    if asked.from_ is not None or asked.to is not None:
        raise wrong_shape("from, to: expected both, or neither and `span`")
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    return now - LENGTHS[asked.span], now


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _without_starts(series: Series) -> Lines:
    return Lines(series.lines, series.total)
