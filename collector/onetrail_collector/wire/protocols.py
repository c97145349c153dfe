"""The protocols that the collector speaks; another one is a module of wire/ and a line here."""

from onetrail_collector.wire import segment, track
from onetrail_collector.wire.exchange import Exchange

EXCHANGES: tuple[Exchange, ...] = (
    *track.EXCHANGES,
    *segment.EXCHANGES,
)
