"""What an event says of who somebody is: found before the commit, so that the commit is short."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from onetrail_collector.clock import to_ms
from onetrail_collector.identity.keys import InvalidValue, Key, is_blocked, normalise
from onetrail_collector.identity.points import find_keys
from onetrail_collector.identity.policy import Policy
from onetrail_collector.identity.traits import find_traits
from onetrail_collector.wire.envelope import (
    ANOTHER_DEVICE,
    ARRIVAL,
    DISTINCT_ID,
    Claims,
    Envelope,
    Event,
)

NO_CLAIMS = Claims()
_properties = msgspec.json.Decoder(dict[str, Any])

ARRIVAL_MAX_AGE_MS = 300_000  # a link that is shared later brings somebody else

UNREADABLE = (
    "properties holds a number out of range, or is nested too deep; "
    "the event is stored, but links nobody"
)
STALE_ARRIVAL = (
    "properties.left_at is not a time in the five minutes before the event's; "
    "the event is stored, but joins no profile IDs"
)


@dataclass(frozen=True, slots=True)
class Identification:
    """The merging keys and traits of one event; traits are JSON text by name.

    first_traits hold only where nothing else is known of that name.
    """

    keys: tuple[Key, ...]
    warnings: tuple[tuple[str, str], ...] = ()
    traits: Mapping[str, str] = field(default_factory=dict)
    first_traits: Mapping[str, str] = field(default_factory=dict)


def identify(envelope: Envelope, policy: Policy) -> dict[int, Identification]:
    """By event index, the identifications in a request; most events have none."""
    if envelope.anonymous:
        return {}
    return {
        event.index: _identification(event, envelope, policy)
        for event in envelope.events
        if event.claims is not None or event.type in policy.points
    }


def _identification(event: Event, envelope: Envelope, policy: Policy) -> Identification:
    claims = event.claims or NO_CLAIMS
    try:
        values = _properties.decode(event.properties)
        stated = _traits(claims.traits)
        first_traits = _traits(claims.first_traits)
    except (msgspec.ValidationError, RecursionError):  # JSON, but with a number such as 1e400
        return Identification((), (("invalid_value", UNREADABLE),))
    finding = find_keys(
        policy.points.get(event.type, ()), values, policy.kinds, phone_region=policy.phone_region
    )
    keys, warnings = list(finding.keys), list(finding.warnings)
    _add_stated(claims, envelope.source, policy, keys, warnings)
    if event.type == ARRIVAL and not _is_fresh(event, values.get("left_at")):
        keys = [key for key in keys if key.kind != ARRIVAL]
        warnings.append(("stale_arrival", STALE_ARRIVAL))
    traits = stated | (_as_json(find_traits(values)) if event.type == "identify" else {})
    return Identification(tuple(keys), tuple(warnings), traits, first_traits)


def _add_stated(
    claims: Claims, source: str, policy: Policy, keys: list[Key], warnings: list[tuple[str, str]]
) -> None:
    """The keys that a protocol states beside the properties."""
    for name, value in claims.keys:
        if name == ANOTHER_DEVICE:  # what it is called is no text of a person's
            keys.append(Key(name, f"{source}/{value}"))
            continue
        kind = policy.kinds[name]
        try:
            if is_blocked(kind, value):
                warnings.append(("blocked_value", _stated_sentence(name, BLOCKED)))
                continue
            normal = normalise(kind, value, phone_region=policy.phone_region)
        except InvalidValue as error:
            warnings.append(("invalid_value", _stated_sentence(name, str(error))))
            continue
        key = Key(name, f"{source}/{normal}" if name == DISTINCT_ID else normal)
        if key not in keys:
            keys.append(key)


BLOCKED = "is a value that many send"


def _stated_sentence(name: str, reason: str) -> str:
    return f"{name} {reason}; the event is stored, but links nobody"


def _traits(text: str | None) -> dict[str, str]:
    return {} if text is None else _as_json(find_traits({"traits": _properties.decode(text)}))


def _as_json(traits: Mapping[str, Any]) -> dict[str, str]:
    return {name: msgspec.json.encode(value).decode() for name, value in traits.items()}


def _is_fresh(event: Event, left_at: object) -> bool:
    """Whether the visitor left the other site just before; one browser's clock says both times."""
    try:
        left_ms = to_ms(msgspec.convert(left_at, datetime))
    except msgspec.ValidationError:
        return False
    return event.time_ms is not None and 0 <= event.time_ms - left_ms <= ARRIVAL_MAX_AGE_MS
