"""Identification points: which property of which event is a merging key of what kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onetrail_collector.identity.keys import InvalidValue, Key, Kind, is_blocked, normalise


@dataclass(frozen=True, slots=True)
class IdentificationPoint:
    """A rule: in events of `event_type` the property at this dotted path is a key of `kind`."""

    event_type: str
    property: str
    kind: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What one event says of who somebody is: its keys, and why a value is none."""

    keys: tuple[Key, ...] = ()
    warnings: tuple[tuple[str, str], ...] = ()  # (code, sentence); never the value of anybody else


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
    keys: list[Key] = []
    warnings: list[tuple[str, str]] = []
    for point in points:
        value = _at(properties, point.property)
        if value is None or value == "":
            continue
        kind = kinds[point.kind]
        try:
            if is_blocked(kind, str(value)):
                warnings.append(("blocked_value", _sentence(point, "is a value that many send")))
                continue
            normal = normalise(kind, value, phone_region=phone_region)
        except InvalidValue as error:
            warnings.append(("invalid_value", _sentence(point, str(error))))
            continue
        key = Key(kind.name, normal)
        if key not in keys:
            keys.append(key)
    return Finding(tuple(keys), tuple(warnings))


def _at(properties: Mapping[str, Any], path: str) -> object:
    value: object = properties
    for name in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def _sentence(point: IdentificationPoint, reason: str) -> str:
    return f"properties.{point.property} {reason}; the event is stored, but links nobody"
