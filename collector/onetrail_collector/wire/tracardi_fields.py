"""What Tracardi's clients say in a /track payload beside our own fields.

Its browser tracker gives times as objects, describes page, browser and screen in the context, and
passes on the profile ID of the site that a visitor came from; options say what may be kept.
"""

from datetime import datetime
from typing import Any

import msgspec

from onetrail_collector.wire.envelope import ARRIVAL, Claims, Envelope, Event, Rejection
from onetrail_collector.wire.json_text import MAX_JSON_BYTES

NOT_SAVED = "is not stored, as its sender asks: options.saveEvents is false"


class Times(msgspec.Struct):
    """The time of an event."""

    create: datetime | None = None
    insert: datetime | None = None


class Options(msgspec.Struct, rename="camel"):
    """What of a request may be kept."""

    save_events: bool | None = None
    save_session: bool | None = None
    save_profile: bool | None = None


_options = msgspec.json.Decoder(Options)
_object = msgspec.json.Decoder(dict[str, Any])


def adapt(envelope: Envelope, options: bytes) -> Envelope:
    """The envelope as Tracardi's fields would have it; `options` are JSON, or nothing."""
    context = _decoded(envelope.context)
    _add_pages(envelope, context)
    passed = _at(context, "tracardi", "pass", "profile")
    if isinstance(passed, str) and passed and envelope.events:
        first = envelope.events[0]
        first.claims = Claims(((ARRIVAL, passed),))
    if _at(context, "time", "tz") is not None or _at(context, "browser", "local") is not None:
        envelope.context = _described(context) or envelope.context
    _obey(envelope, _options_of(options))
    return envelope


def _options_of(options: bytes) -> Options:
    try:
        return _options.decode(options) if options[:1] == b"{" else Options()
    except msgspec.ValidationError:  # not Tracardi's: unknown fields are ignored
        return Options()


def _obey(envelope: Envelope, options: Options) -> None:
    if options.save_session is False:
        envelope.session = None
    if options.save_profile is False:
        envelope.anonymous = True
    if options.save_events is False:
        envelope.rejected += [
            Rejection(event.index, event.id, "not_saved", f"events[{event.index}] {NOT_SAVED}")
            for event in envelope.events
        ]
        envelope.rejected.sort(key=lambda rejection: rejection.index)
        envelope.events = []
        envelope.refused = {}


def _decoded(text: str | None) -> dict[str, Any]:
    try:
        return {} if text is None else _object.decode(text)
    except (msgspec.DecodeError, RecursionError):  # a number out of range: kept, but not read
        return {}


def _at(value: Any, *path: str) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _add_pages(envelope: Envelope, shared: dict[str, Any]) -> None:
    """A page view is of the page in its context."""
    for event in envelope.events:
        if event.type == "page-view" and '"url"' not in event.properties:
            page = _decoded(event.context).get("page") or shared.get("page")
            _add_page(event, page)


def _add_page(event: Event, page: Any) -> None:
    seen = {
        "url": _at(page, "url"),
        "title": _at(page, "title"),
        "referrer": _at(page, "referer", "host"),
    }
    properties = _decoded(event.properties)
    if seen["url"] is None or (not properties and event.properties != "{}"):
        return
    known = {name: value for name, value in seen.items() if value is not None}
    text = msgspec.json.encode({**known, **properties}).decode()
    if len(text) <= MAX_JSON_BYTES:
        event.properties = text


def _described(context: dict[str, Any]) -> str | None:
    """The surroundings in our own words, and Tracardi's as they were sent."""
    screen = _at(context, "screen", "local")
    browser = _at(context, "browser", "local", "browser")
    ours = {
        "library": {"name": "tracardi"},
        "timezone": _at(context, "time", "tz"),
        "locale": _at(browser, "language"),
        "user_agent": _at(browser, "userAgent"),
        "screen": _size(screen, "width", "height"),
        "viewport": _size(screen, "innerWidth", "innerHeight"),
        "utm": context.get("utm"),
        "tracardi": context,
    }
    known = {name: value for name, value in ours.items() if value is not None}
    text = msgspec.json.encode(known).decode()
    return text if len(text) <= MAX_JSON_BYTES else None


def _size(screen: Any, width: str, height: str) -> str | None:
    sides = _at(screen, width), _at(screen, height)
    return f"{sides[0]}x{sides[1]}" if all(isinstance(side, int) for side in sides) else None
