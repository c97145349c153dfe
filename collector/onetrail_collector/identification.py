"""What an event says of who somebody is: found before the commit, so that the commit is short."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from onetrail_collector.identity.keys import Key
from onetrail_collector.identity.points import find_keys
from onetrail_collector.identity.policy import Policy
from onetrail_collector.identity.traits import find_traits
from onetrail_collector.wire.envelope import Envelope

_properties = msgspec.json.Decoder(dict[str, Any])

UNREADABLE = (
    "properties holds a number out of range, or is nested too deep; "
    "the event is stored, but links nobody"
)


@dataclass(frozen=True, slots=True)
class Identification:
    """The merging keys and traits of one event; traits are JSON text by name."""

    keys: tuple[Key, ...]
    warnings: tuple[tuple[str, str], ...] = ()
    traits: Mapping[str, str] = field(default_factory=dict)


def identify(envelope: Envelope, policy: Policy) -> dict[int, Identification]:
    """By event index, the identifications in a request; most events have none."""
    return {
        event.index: _identification(event.type, event.properties, policy)
        for event in envelope.events
        if event.type in policy.points
    }


def _identification(event_type: str, properties: str, policy: Policy) -> Identification:
    try:
        values = _properties.decode(properties)
    except (msgspec.ValidationError, RecursionError):  # JSON, but with a number such as 1e400
        return Identification((), (("invalid_value", UNREADABLE),))
    finding = find_keys(
        policy.points[event_type], values, policy.kinds, phone_region=policy.phone_region
    )
    traits = find_traits(values) if event_type == "identify" else {}
    return Identification(
        finding.keys,
        finding.warnings,
        {name: msgspec.json.encode(value).decode() for name, value in traits.items()},
    )
