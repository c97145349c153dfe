"""Where keys are hashed, what identifies somebody is taken out of an event before it is stored.

Hidden are the values at identification points, whether they are keys or not, traits that are named
as a kind, and every text that is one of the event's own addresses or numbers. What else an app
writes into its events is stored as it is.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from onetrail_collector.identity.hashing import KeyHasher
from onetrail_collector.identity.keys import InvalidValue, as_text
from onetrail_collector.identity.points import Claim, value_at
from onetrail_collector.identity.policy import Policy

SEARCHED = frozenset({"email", "phone"})  # others are so short that they would stand anywhere


def hide(
    properties: Mapping[str, Any],
    event_type: str,
    claims: Iterable[Claim],
    policy: Policy,
    hasher: KeyHasher,
) -> dict[str, Any]:
    """An event's properties with hashes for what identifies somebody.

    A signature goes too: whoever knows the source's secret could try addresses against it.
    """
    where = [(point.property, point.kind) for point in policy.points.get(event_type, ())]
    where += [(f"traits.{kind}", kind) for kind in policy.kinds]
    places = {}
    for path, kind in where:
        value = value_at(properties, path)
        if value is not None and value != "":
            places[path] = _hash(value, kind, policy, hasher)
    texts = {
        text: hasher.hash(*claim.key)
        for claim in claims
        if policy.kinds[claim.key.kind].normaliser in SEARCHED
        for text in (claim.key.value.lower(), claim.sent.strip().lower())
    }
    hidden: dict[str, Any] = _replaced(properties, "", places, texts)
    hidden.pop("signature", None)
    return hidden


def _hash(value: Any, kind: str, policy: Policy, hasher: KeyHasher) -> str:
    """The hash that stands for a value, also for one that is no key of its kind."""
    try:
        return hasher.hash(kind, policy.normalise(kind, as_text(value)))
    except InvalidValue:
        return hasher.hash(kind, msgspec.json.encode(value).decode().strip().lower())


def _replaced(value: Any, path: str, places: Mapping[str, str], texts: Mapping[str, str]) -> Any:
    if path in places:
        return places[path]
    inner = f"{path}." if path else ""
    if isinstance(value, dict):
        return {
            name: _replaced(part, f"{inner}{name}", places, texts) for name, part in value.items()
        }
    if isinstance(value, list):
        return [
            _replaced(part, f"{inner}{place}", places, texts) for place, part in enumerate(value)
        ]
    if isinstance(value, str):
        return texts.get(value.strip().lower(), value)
    return value
