"""Tracardi's event and profile documents, one a line, as a dump of its storage has them.

A dump may wrap each in `_source`, as Elasticsearch answers it. A profile becomes an identify event;
its `ids`, under which Tracardi found it too, become profile IDs that are joined to it.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from onetrail_collector.clock import to_ms
from onetrail_collector.wire.envelope import ARRIVAL, Claims, Event
from onetrail_collector.wire.json_text import ABSENT, Unfit, json_object, parse
from onetrail_collector.wire.person import Fields

MAX_IDS = 1_000
NAMES = ("email", "phone")


class _Times(msgspec.Struct):
    insert: datetime | None = None
    create: datetime | None = None
    update: datetime | None = None


class _Metadata(msgspec.Struct):
    time: _Times | None = None


class _Ref(msgspec.Struct):
    id: str | None = None


class _Event(msgspec.Struct):
    id: str | None = None
    type: str | None = None
    name: str | None = None
    metadata: _Metadata | None = None
    profile: _Ref | None = None
    session: _Ref | None = None
    properties: msgspec.Raw = ABSENT
    traits: msgspec.Raw = ABSENT
    context: msgspec.Raw = ABSENT


class _Profile(msgspec.Struct):
    id: str
    ids: list[str] | None = None
    metadata: _Metadata | None = None
    traits: dict[str, Any] | None = None
    pii: dict[str, Any] | None = None  # before Tracardi 0.8.1
    data: dict[str, Any] | None = None  # since
    consents: dict[str, Any] | None = None
    segments: list[Any] | None = None
    interests: Any = None


class _Hit(msgspec.Struct):
    source: msgspec.Raw = msgspec.field(default=ABSENT, name="_source")


_hit = msgspec.json.Decoder(_Hit)
_event = msgspec.json.Decoder(_Event)
_profile = msgspec.json.Decoder(_Profile)
_fields = msgspec.json.Decoder(Fields)


def event(text: str, index: int, new_id: Callable[[], str]) -> Event:
    """The event of a document; its `device` is the profile ID."""
    found = parse(_event, _document(text))
    name = found.type or found.name
    if not name:
        raise Unfit("wrong_shape", "type: an event needs one")
    if found.profile is None or not found.profile.id:
        raise Unfit("wrong_shape", "profile.id: an event needs one")
    properties = _object(found.traits) | _object(found.properties)
    raw = msgspec.Raw(msgspec.json.encode(properties))
    return Event(
        index,
        found.id or new_id(),
        name,
        json_object(raw, None, "properties") or "{}",
        _time_ms(found.metadata, "create", "insert"),
        json_object(found.context, None, "context"),
        (found.session.id if found.session else None) or None,
        found.profile.id,
    )


def profile(text: str, index: int, new_id: Callable[[], str]) -> Event:
    """An identify event that says what the document of a profile does.

    Its id is the line's, so that a document that has changed since is another event.
    """
    found, event_id = parse(_profile, _document(text)), new_id()
    others = [other for other in dict.fromkeys(found.ids or ()) if other and other != found.id]
    if len(others) > MAX_IDS:
        raise Unfit("too_large", f"ids holds {len(others)} others; the limit is {MAX_IDS}")
    keys = dict(_keys(found))
    raw = msgspec.json.encode({**{n: v[0] for n, v in keys.items()}, "traits": _traits(found)})
    claims = [(name, value) for name, values in keys.items() for value in values[1:]]
    claims += [(ARRIVAL, other) for other in others]
    return Event(
        index,
        event_id,
        "identify",
        json_object(msgspec.Raw(raw), None, "the profile") or "{}",
        _time_ms(found.metadata, "update", "insert", "create"),
        None,
        f"import/{event_id}",
        found.id,
        Claims(tuple(claims)) if claims else None,
    )


def _document(text: str) -> str | msgspec.Raw:
    if '"_source"' not in text:
        return text
    return parse(_hit, text).source or text


def _object(raw: msgspec.Raw) -> Fields:
    return _fields.decode(raw) if bytes(raw)[:1] == b"{" else {}


def _time_ms(metadata: _Metadata | None, *names: str) -> int | None:
    times = metadata.time if metadata else None
    for name in names:
        time = getattr(times, name, None)
        if time is not None:
            return to_ms(time)
    return None


def _keys(found: _Profile) -> Iterable[tuple[str, list[str]]]:
    """`email`, `phone` and `user_id`, each with all its values, the main one first."""
    pii, contact = found.pii or {}, _at(found.data, "contact")
    stated = {
        "email": (pii.get("email"), *_values(_at(contact, "email"))),
        "phone": (pii.get("telephone"), *_values(_at(contact, "phone"))),
        "user_id": (_at(_at(found.data, "identifier"), "id"),),
    }
    for name, values in stated.items():
        texts = list(dict.fromkeys(str(value) for value in values if value))
        if texts:
            yield name, texts


def _values(contact: Any) -> list[Any]:
    """Tracardi has them by what they are for: main, business, private."""
    if not isinstance(contact, Mapping):
        return [contact]
    in_order = sorted(contact, key=lambda name: name != "main")
    return [contact[name] for name in in_order if isinstance(contact[name], str)]


def _traits(found: _Profile) -> dict[str, Any]:
    traits = dict(found.traits or {})
    for part in ("private", "public"):  # before Tracardi 0.8.1
        if isinstance(traits.get(part), dict):
            traits |= traits.pop(part)
    about = {**(found.pii or {}), **(_at(found.data, "pii") or {})}
    known = {name: value for name, value in about.items() if name not in {"email", "telephone"}}
    known |= {"segments": found.segments or None, "interests": found.interests or None}
    consents = {
        name: _at(consent, "revoke") is None for name, consent in (found.consents or {}).items()
    }
    known["consent"] = consents or None
    known = {name: value for name, value in known.items() if value not in (None, "", {}, [])}
    return {**known, **traits}


def _at(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else None
