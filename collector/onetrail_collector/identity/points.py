"""Identification points: which property of which event is a merging key of what kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from onetrail_collector.identity.keys import (
    InvalidValue,
    Key,
    Kind,
    as_text,
    blocked_entry,
    normalise,
)


@dataclass(frozen=True, slots=True)
class IdentificationPoint:
    """A rule: in events of `event_type` the property at this dotted path is a key of `kind`.

    A number in the path names a place in a list, the first being 0.
    """

    event_type: str
    property: str
    kind: str


class Claim(NamedTuple):
    """A key that an event says to have, and the text as it was sent, which a signature is of."""

    key: Key
    sent: str


class Finding(NamedTuple):
    """What one event says of who somebody is: its keys, and why a value is none."""

    claims: tuple[Claim, ...] = ()
    warnings: tuple[tuple[str, str], ...] = ()  # (code, sentence); never the value of anybody else
    blocked: tuple[Key, ...] = ()  # the entries of the kinds' lists that values met

    @property
    def keys(self) -> tuple[Key, ...]:
        """The merging keys."""
        return tuple(claim.key for claim in self.claims)


BUILT_IN_POINTS = (
    *(IdentificationPoint("identify", kind, kind) for kind in ("user_id", "email", "phone")),
    IdentificationPoint("arrival", "profile_id", "arrival"),
)


def find_keys(
    points: Sequence[IdentificationPoint],
    properties: Mapping[str, Any],
    kinds: Mapping[str, Kind],
    *,
    phone_region: str | None = None,
) -> Finding:
    """The merging keys in one event's properties, by the points of its type."""
    claims: dict[Key, Claim] = {}
    warnings: list[tuple[str, str]] = []
    blocked: list[Key] = []
    for point in points:
        value = value_at(properties, point.property)
        if value is None or value == "":
            continue
        kind = kinds[point.kind]
        try:
            text = as_text(value)
            entry = blocked_entry(kind, text)
            if entry is None:
                normal = normalise(kind, text, phone_region=phone_region)
                entry = None if normal == text else blocked_entry(kind, normal)
        except InvalidValue as error:
            warnings.append(("invalid_value", _sentence(point, str(error))))
            continue
        if entry is None:
            key = Key(kind.name, normal)
            claims.setdefault(key, Claim(key, text))
        else:
            warnings.append(("blocked_value", _sentence(point, "is a value that many send")))
            blocked.append(Key(kind.name, entry))
    return Finding(tuple(claims.values()), tuple(warnings), tuple(blocked))


def value_at(properties: Mapping[str, Any], path: str) -> object:
    """What stands at a dotted path; None where nothing does."""
    if "." not in path:
        return properties.get(path)
    value: object = properties
    for name in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(name)
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return None
    return value


def _sentence(point: IdentificationPoint, reason: str) -> str:
    return f"properties.{point.property} {reason}; the event is stored, but links nobody"
