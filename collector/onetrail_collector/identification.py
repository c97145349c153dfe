"""What an event says of who somebody is: found before the commit, so that the commit is short.

Where keys are hashed, what identifies somebody is taken out of the event here, before it is stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from onetrail_collector.identity.hiding import hide
from onetrail_collector.identity.keys import Key
from onetrail_collector.identity.points import Claim, find_keys
from onetrail_collector.identity.policy import Policy
from onetrail_collector.identity.signatures import is_signed
from onetrail_collector.identity.traits import find_traits
from onetrail_collector.wire.envelope import Envelope

_properties = msgspec.json.Decoder(dict[str, Any])

UNREADABLE = (
    "properties holds a number out of range, or is nested too deep; "
    "the event is stored, but links nobody"
)
UNREADABLE_AND_HIDDEN = (
    "properties holds a number out of range, or is nested too deep; the event is stored without "
    "them, because no key may be stored in the clear"
)
UNSIGNED = (
    "properties.signature does not prove the {kind}, as its source demands; "
    "it is kept as a trait, but links nobody"
)


@dataclass(frozen=True, slots=True)
class Identification:
    """The merging keys and traits of one event; traits are JSON text by name.

    claims: what a signature is of, in the order of `keys`.
    blocked: the entries of the kinds' lists of blocked values that this event met.
    """

    keys: tuple[Key, ...]
    warnings: tuple[tuple[str, str], ...] = ()
    traits: Mapping[str, str] = field(default_factory=dict)
    claims: tuple[Claim, ...] = ()
    signature: Any = None
    blocked: tuple[Key, ...] = ()

    def signed_with(self, secret: str) -> "Identification":
        """Only the keys that the signature proves; the others are traits, and a warning each."""
        proven = [
            is_signed(secret, claim.key.kind, claim.sent, self.signature) for claim in self.claims
        ]
        if all(proven):
            return self
        refused = [key for key, good in zip(self.keys, proven, strict=True) if not good]
        sent = dict(zip(self.keys, self.claims, strict=True))
        traits = {
            key.kind: _json(key.value if key != sent[key].key else sent[key].sent)
            for key in refused
        }
        warnings = tuple(("unsigned", UNSIGNED.format(kind=key.kind)) for key in refused)
        return replace(
            self,
            keys=tuple(key for key in self.keys if key not in refused),
            claims=tuple(claim for claim, good in zip(self.claims, proven, strict=True) if good),
            traits=traits | dict(self.traits),
            warnings=self.warnings + warnings,
        )


def identify(envelope: Envelope, policy: Policy) -> dict[int, Identification]:
    """By event index, the identifications in a request; most events have none.

    Where keys are hashed, this also hides them in the properties of these events.
    """
    found = {}
    for event in envelope.events:
        points = policy.points.get(event.type)
        if points is None:
            continue
        found[event.index], properties = _identification(event.type, event.properties, policy)
        if policy.hasher is not None:
            event.properties = properties
    return found


def _identification(event_type: str, properties: str, policy: Policy) -> tuple[Identification, str]:
    points = policy.points[event_type]
    try:
        values = _properties.decode(properties)
        finding = find_keys(points, values, policy.kinds, phone_region=policy.phone_region)
        signature = values.get("signature")
        if policy.hasher is not None:
            values = hide(values, event_type, finding.claims, policy, policy.hasher)
            properties = _json(values)
    except (msgspec.MsgspecError, RecursionError, OverflowError):  # a number such as 1e400
        sentence = UNREADABLE if policy.hasher is None else UNREADABLE_AND_HIDDEN
        return Identification((), (("invalid_value", sentence),)), "{}"
    traits = find_traits(values) if event_type == "identify" else {}
    identification = Identification(
        tuple(policy.stored(key) for key in finding.keys),
        finding.warnings,
        {name: _json(value) for name, value in traits.items()},
        finding.claims,
        signature,
        finding.blocked,
    )
    return identification, properties


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
