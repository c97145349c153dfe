"""The protocols that the collector speaks; another one is a module of wire/ and a line here."""

from onetrail_collector.wire import posthog, segment, snowplow, tracardi, track
from onetrail_collector.wire.exchange import Exchange

EXCHANGES: tuple[Exchange, ...] = (
    *track.EXCHANGES,
    *tracardi.EXCHANGES,
    *segment.EXCHANGES,
    *posthog.EXCHANGES,
    *snowplow.EXCHANGES,
)
