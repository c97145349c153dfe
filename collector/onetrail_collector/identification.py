"""What an event says of who somebody is: found before the commit, so that the commit is short.

Where keys are hashed, what identifies somebody is taken out of the event here, before it is stored.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from onetrail_collector.clock import to_ms
from onetrail_collector.identity.hiding import hide
from onetrail_collector.identity.keys import InvalidValue, Key, blocked_entry
from onetrail_collector.identity.points import Claim, Finding, find_keys
from onetrail_collector.identity.policy import Policy
from onetrail_collector.identity.signatures import is_signed
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
ARRIVAL_MAX_AGE_MS = 300_000  # a link that is shared later brings somebody else

_properties = msgspec.json.Decoder(dict[str, Any])

UNREADABLE = (
    "properties holds a number out of range, or is nested too deep; "
    "the event is stored, but links nobody"
)
UNREADABLE_AND_HIDDEN = (
    "properties holds a number out of range, or is nested too deep; the event is stored without "
    "them, because no key may be stored in the clear"
)
STALE_ARRIVAL = (
    "properties.left_at is not a time in the five minutes before the event's; "
    "the event is stored, but joins no profile IDs"
)
UNSIGNED = (
    "properties.signature does not prove the {kind}, as its source demands; "
    "it is kept as a trait, but links nobody"
)


class Identification(msgspec.Struct, frozen=True):
    """The merging keys and traits of one event; traits are JSON text by name.

    first_traits hold only where nothing else is known of that name.
    claims: what a signature is of, in the order of `keys`.
    blocked: the entries of the kinds' lists of blocked values that this event met.
    """

    keys: tuple[Key, ...]
    warnings: tuple[tuple[str, str], ...] = ()
    traits: dict[str, str] = {}
    claims: tuple[Claim, ...] = ()
    signature: Any = None
    blocked: tuple[Key, ...] = ()
    first_traits: dict[str, str] = {}

    def signed_with(self, secret: str) -> "Identification":
        """Only the keys that the signature proves; the others are traits, and a warning each."""
        proven = [
            claim.key.kind == ARRIVAL  # nobody can guess a profile ID
            or is_signed(secret, claim.key.kind, claim.sent, self.signature)
            for claim in self.claims
        ]
        if all(proven):
            return self
        refused = [key for key, good in zip(self.keys, proven, strict=True) if not good]
        sent = dict(zip(self.keys, self.claims, strict=True))
        traits = {
            key.kind: _json(key.value if key != sent[key].key else sent[key].sent)
            for key in refused
            if key.kind not in {ANOTHER_DEVICE, DISTINCT_ID}
        }
        warnings = tuple(("unsigned", UNSIGNED.format(kind=key.kind)) for key in refused)
        return msgspec.structs.replace(
            self,
            keys=tuple(key for key in self.keys if key not in refused),
            claims=tuple(claim for claim, good in zip(self.claims, proven, strict=True) if good),
            traits=traits | self.traits,
            warnings=self.warnings + warnings,
        )


def identify(envelope: Envelope, policy: Policy) -> dict[int, Identification]:
    """By event index, the identifications in a request; most events have none.

    Where keys are hashed, this also hides them in the properties of these events.
    """
    found = {}
    for event in envelope.events:
        if event.claims is None and event.type not in policy.points:
            continue
        identification, properties = _identification(event, envelope.source, policy)
        if not envelope.anonymous:
            found[event.index] = identification
        if policy.hasher is not None:
            event.properties = properties
    return found


def _identification(event: Event, source: str, policy: Policy) -> tuple[Identification, str]:
    properties, claims = event.properties, event.claims or NO_CLAIMS
    try:
        values = _properties.decode(properties)
        traits, first_traits = _stated(claims.traits), _stated(claims.first_traits)
        finding = _finding(event, values, claims, source, policy)
        signature = values.get("signature")
        if policy.hasher is not None:
            values = hide(values, event.type, finding.claims, policy, policy.hasher)
            properties = _json(values)
    except (msgspec.MsgspecError, RecursionError, OverflowError):  # a number such as 1e400
        sentence = UNREADABLE if policy.hasher is None else UNREADABLE_AND_HIDDEN
        return Identification((), (("invalid_value", sentence),)), "{}"
    if event.type == "identify":
        traits |= _as_json(find_traits(values))
    identification = Identification(
        tuple(policy.stored(key) for key in finding.keys),
        finding.warnings,
        traits,
        finding.claims,
        signature,
        finding.blocked,
        first_traits,
    )
    return identification, properties


def _finding(
    event: Event, values: Mapping[str, Any], claims: Claims, source: str, policy: Policy
) -> Finding:
    """The keys at the points of the event's type, and those that its protocol states beside."""
    points = policy.points.get(event.type, ())
    found = find_keys(points, values, policy.kinds, phone_region=policy.phone_region)
    if event.type == ARRIVAL and not _is_fresh(event, values.get("left_at")):
        fresh = tuple(claim for claim in found.claims if claim.key.kind != ARRIVAL)
        found = found._replace(
            claims=fresh, warnings=(*found.warnings, ("stale_arrival", STALE_ARRIVAL))
        )
    for name, value in claims.keys:
        found = _with_stated(found, name, value, source, policy)
    return found


def _with_stated(found: Finding, name: str, value: str, source: str, policy: Policy) -> Finding:
    if name == ANOTHER_DEVICE:  # what it is called is no text of a person's
        claim = Claim(Key(name, f"{source}/{value}"), value)
        return found._replace(claims=(*found.claims, claim))
    kind = policy.kinds[name]
    try:
        entry = blocked_entry(kind, value)
        normal = value if entry is not None else policy.normalise(name, value)
        entry = entry or blocked_entry(kind, normal)
    except InvalidValue as error:
        warning = ("invalid_value", _sentence(name, str(error)))
        return found._replace(warnings=(*found.warnings, warning))
    if entry is not None:
        warning = ("blocked_value", _sentence(name, "is a value that many send"))
        return found._replace(
            warnings=(*found.warnings, warning),
            blocked=(*found.blocked, Key(name, entry)),
        )
    claim = Claim(Key(name, f"{source}/{normal}" if name == DISTINCT_ID else normal), value)
    if claim.key in found.keys:
        return found
    return found._replace(claims=(*found.claims, claim))


def _sentence(name: str, reason: str) -> str:
    return f"{name} {reason}; the event is stored, but links nobody"


def _stated(text: str | None) -> dict[str, str]:
    return {} if text is None else _as_json(find_traits({"traits": _properties.decode(text)}))


def _as_json(traits: Mapping[str, Any]) -> dict[str, str]:
    return {name: _json(value) for name, value in traits.items()}


def _is_fresh(event: Event, left_at: object) -> bool:
    """Whether the visitor left the other site just before; one browser's clock says both times."""
    try:
        left_ms = to_ms(msgspec.convert(left_at, datetime))
    except msgspec.ValidationError:
        return False
    return event.time_ms is not None and 0 <= event.time_ms - left_ms <= ARRIVAL_MAX_AGE_MS


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
