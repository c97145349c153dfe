"""A refused event as a request of its own, as its protocol's client would send it alone."""

from typing import Any

import msgspec

from onetrail_collector.errors import wrong_shape
from onetrail_collector.wire.envelope import Envelope
from onetrail_collector.wire.exchange import Answer, Call, Sent
from onetrail_collector.wire.protocols import EXCHANGES

_WAYS = {
    exchange.again.protocol: (exchange, exchange.again)
    for exchange in EXCHANGES
    if exchange.again is not None
}


def again(protocol: str, sent: Sent) -> list[Envelope]:
    """The event's Envelopes, by the protocol in which it came. Raises Refused, as its request."""
    exchange, way = _WAYS[protocol]
    try:
        event: Any = msgspec.json.decode(sent.event)
    except (msgspec.DecodeError, RecursionError):
        raise wrong_shape("the event is not JSON") from None
    if isinstance(event, dict) and not event.get(way.id_name):
        event[way.id_name] = sent.id
    body = msgspec.json.encode(way.body(sent, event))
    envelopes = exchange.decode(Call("POST", "http", exchange.paths[0], {}, b"", {}, body))
    return [] if isinstance(envelopes, Answer) else envelopes
