"""Tracardi's webhooks: one event whose type and source stand in the path, by GET or by POST.

Its `POST /track` is ours, a superset of it; tracardi_fields.py reads what only its clients say.
(https://docs.tracardi.com)
"""

from urllib.parse import parse_qsl

import msgspec

from onetrail_collector.errors import too_large, wrong_shape
from onetrail_collector.ids import uuid7
from onetrail_collector.wire.envelope import Envelope, Event, Receipt, Rejection
from onetrail_collector.wire.exchange import Call, Exchange
from onetrail_collector.wire.json_text import MAX_ID_CHARS, Unfit, decode_text, json_object, parse
from onetrail_collector.wire.write_key import write_key

MAX_FIELDS = 1_000  # of a form

_raw = msgspec.json.Decoder(msgspec.Raw)


def _decode(call: Call) -> list[Envelope]:
    """The event; without a session it is of a device of its own, as all that names none."""
    kind, session = call.params["event_type"], call.params.get("session_id")
    envelope = Envelope(
        write_key(call.params["source_id"]),
        [],
        session=_fitting(session, "session") if session else None,
        origin=call.origin,
        size_bytes=len(call.body),
    )
    _fitting(kind, "event type")
    sent = msgspec.Raw(_properties(call))
    try:
        properties = json_object(sent, 0, "properties") or "{}"
        envelope.events.append(Event(0, uuid7(), kind, properties))
    except Unfit as unfit:
        envelope.rejected = [Rejection(0, None, unfit.code, str(unfit))]
        refused = msgspec.json.encode({"type": kind, "properties": sent})
        envelope.refused = {0: refused.decode()}
    return [envelope]


def _fitting(text: str, what: str) -> str:
    if len(text) > MAX_ID_CHARS or "\0" in text:
        raise wrong_shape(
            f"the {what} has {len(text)} characters, or a NUL; at most {MAX_ID_CHARS}"
        )
    return text


def _properties(call: Call) -> bytes:
    """A JSON object, a form, or what the query says."""
    if call.method == "GET":
        return msgspec.json.encode(call.query)
    if (call.header(b"content-type") or "").startswith("application/x-www-form-urlencoded"):
        return msgspec.json.encode(_form(decode_text(call.body)))
    if not call.body.strip():
        return b"{}"
    return bytes(parse(_raw, decode_text(call.body)))


def _form(text: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError:
        raise too_large(f"the form has more than {MAX_FIELDS} fields") from None


def _encode(_: Call, receipt: Receipt) -> bytes:
    """Tracardi's answer."""
    return msgspec.json.encode(
        {
            "task": None,
            "ux": [],
            "response": {},
            "events": receipt.events,
            "profile": {"id": receipt.profile},
            "session": {"id": receipt.session},
            "errors": [rejection.detail for rejection in receipt.rejected],
            "warnings": [warning.detail for warning in receipt.warnings],
        }
    )


EXCHANGES = (
    Exchange(
        paths=(
            "/collect/{event_type}/{source_id}",
            "/collect/{event_type}/{source_id}/{session_id}",
        ),
        methods=("GET", "POST"),
        decode=_decode,
        encode=_encode,
    ),
)
