"""A refused event as a request of its own, as its protocol's client would send it alone."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from onetrail_collector.errors import wrong_shape
from onetrail_collector.wire.envelope import Envelope
from onetrail_collector.wire.exchange import Answer, Call
from onetrail_collector.wire.protocols import EXCHANGES


class Sent(NamedTuple):
    """What is known of how an event came; `event` is its JSON, as it was sent."""

    event: str
    id: str  # for an event that has none, so that bringing it twice stores it once
    source: str
    sent_at: str | None = None  # RFC 3339
    session: str | None = None
    profile: str | None = None
    context: str | None = None  # JSON


class _Protocol(NamedTuple):
    path: str
    id_name: str
    body: Callable[[Sent, Any], dict[str, Any]]


def _track(sent: Sent, event: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"source": {"id": sent.source}, "events": [event]}
    if sent.session is not None:
        body["session"] = {"id": sent.session}
    if sent.profile is not None:
        body["profile"] = {"id": sent.profile}
    if sent.context is not None:
        body["context"] = msgspec.Raw(sent.context.encode())
    return body | ({"sent_at": sent.sent_at} if sent.sent_at else {})


def _segment(sent: Sent, event: Any) -> dict[str, Any]:
    return {"writeKey": sent.source, "sentAt": sent.sent_at, "batch": [event]}


def _posthog(sent: Sent, event: Any) -> dict[str, Any]:
    return {"api_key": sent.source, "sent_at": sent.sent_at, "batch": [event]}


def _snowplow(sent: Sent, event: Any) -> dict[str, Any]:
    return {"data": [event | {"aid": sent.source} if isinstance(event, dict) else event]}


PROTOCOLS: Mapping[str, _Protocol] = {
    "track": _Protocol("/track", "id", _track),
    "segment": _Protocol("/v1/batch", "messageId", _segment),
    "posthog": _Protocol("/batch", "uuid", _posthog),
    "snowplow": _Protocol("/com.snowplowanalytics.snowplow/tp2", "eid", _snowplow),
}
_EXCHANGES = {path: exchange for exchange in EXCHANGES for path in exchange.paths}


def again(protocol: str, sent: Sent) -> list[Envelope]:
    """The event's Envelopes, by the protocol in which it came. Raises Refused, as its request."""
    path, id_name, body = PROTOCOLS[protocol]
    try:
        event: Any = msgspec.json.decode(sent.event)
    except (msgspec.DecodeError, RecursionError):
        raise wrong_shape("the event is not JSON") from None
    if isinstance(event, dict) and not event.get(id_name):
        event[id_name] = sent.id
    call = Call("POST", "http", path, {}, b"", {}, msgspec.json.encode(body(sent, event)))
    envelopes = _EXCHANGES[path].decode(call)
    return [] if isinstance(envelopes, Answer) else envelopes
