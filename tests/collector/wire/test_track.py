"""The decoder of POST /track: what it takes, what it refuses, and in which words."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onetrail_collector.errors import Refused
from onetrail_collector.wire.json_text import MAX_JSON_BYTES
from onetrail_collector.wire.track import MAX_EVENTS, decode

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def envelope(*events: Any, **fields: Any) -> Any:
    return decode(json.dumps({"source": {"id": "demo"}, "events": events, **fields}).encode())


def refusal(body: bytes) -> Refused:
    with pytest.raises(Refused) as caught:
        decode(body)
    return caught.value


def test_only_source_and_type_are_required() -> None:
    [event] = envelope({"type": "page-view"}).events
    assert event.type == "page-view"
    assert event.properties == "{}"
    assert len(event.id) == 36


def test_times_are_read_in_any_offset() -> None:
    [event] = envelope({"type": "a", "time": "2026-11-23T15:05:06.789+01:00"}).events
    assert event.time_ms == 1795442706789


def test_null_is_absent() -> None:
    taken = envelope(
        {"type": "a", "properties": None, "context": None, "session": None, "time": None},
        profile=None,
        session={"id": None},
        context=None,
    )
    assert (taken.profile, taken.session, taken.context) == (None, None, None)


def test_properties_are_kept_as_sent() -> None:
    body = '{"source":{"id":"a"},"events":[{"type":"a","properties":{"n": 1.10, "n2":1e400}}]}'
    assert decode(body.encode()).events[0].properties == '{"n": 1.10, "n2":1e400}'


@pytest.mark.parametrize(
    ("body", "status", "code", "words"),
    [
        (b"", 400, "not_json", "not JSON"),
        (b"{", 400, "not_json", "not JSON"),
        (b"\xff", 400, "not_json", "UTF-8"),
        (b'{"source":{"id":"a"},"events":[NaN]}', 400, "not_json", "not JSON"),
        (b'{"x":' * 9_000 + b"1" + b"}" * 9_000, 400, "not_json", "deep"),
        (b"[]", 422, "wrong_shape", "the body: expected object, got array"),
        (b"{}", 422, "wrong_shape", "source"),
        (b'{"source":{"id":7},"events":[]}', 422, "wrong_shape", "source.id: expected str"),
        (b'{"source":{"id":""},"events":[]}', 422, "wrong_shape", "source.id"),
        (b'{"source":{"id":"a"}}', 422, "wrong_shape", "events"),
        (b'{"source":{"id":"a"},"events":{}}', 422, "wrong_shape", "events: expected array"),
        (b'{"source":{"id":"a"},"events":[],"context":[]}', 422, "wrong_shape", "context"),
        (b'{"source":{"id":"a"},"events":[],"sent_at":"now"}', 422, "wrong_shape", "sent_at"),
    ],
)
def test_an_unusable_body_is_refused_in_words(
    body: bytes, status: int, code: str, words: str
) -> None:
    refused = refusal(body)
    assert (refused.status, refused.code) == (status, code)
    assert words in refused.detail


def test_too_many_events_are_refused_whole() -> None:
    body = {"source": {"id": "demo"}, "events": [{"type": "a"}] * (MAX_EVENTS + 1)}
    refused = refusal(json.dumps(body).encode())
    assert refused.status == 413
    assert str(MAX_EVENTS + 1) in refused.detail


@pytest.mark.parametrize(
    ("event", "code", "words"),
    [
        (7, "wrong_shape", "events[1]: expected object, got int"),
        ({}, "wrong_shape", "type"),
        ({"type": ""}, "wrong_shape", "events[1].type"),
        ({"type": "x" * 129}, "wrong_shape", "events[1].type"),
        ({"type": "a\u0000b"}, "wrong_shape", "events[1].type"),
        ({"type": "a", "id": "x" * 129}, "wrong_shape", "events[1].id"),
        ({"type": "a", "properties": [1]}, "wrong_shape", "events[1].properties: expected an obj"),
        ({"type": "a", "context": 3}, "wrong_shape", "events[1].context"),
        ({"type": "a", "properties": {"x": "y" * MAX_JSON_BYTES}}, "too_large", "32768"),
    ],
)
def test_a_bad_event_is_named_and_its_neighbours_kept(event: Any, code: str, words: str) -> None:
    taken = envelope({"type": "before"}, event, {"type": "after"})
    assert [kept.type for kept in taken.events] == ["before", "after"]
    [rejection] = taken.rejected
    assert (rejection.index, rejection.error) == (1, code)
    assert words in rejection.detail


def test_half_an_emoji_is_mended_and_sinks_nothing() -> None:
    """Pages cut titles at a length; JSON.stringify then writes a lone surrogate (ECMA-404)."""
    body = (
        b'{"source":{"id":"a"},"events":[{"type":"a","properties":{"title":"caf\\u00e9 \\ud83d"}}]}'
    )
    [event] = decode(body).events
    assert json.loads(event.properties) == {"title": "café ?"}


@given(JSON)
def test_no_value_breaks_the_decoder(value: Any) -> None:
    for body in (value, {"source": {"id": "a"}, "events": value}):
        with contextlib.suppress(Refused):
            decode(json.dumps(body).encode())


@given(st.lists(JSON, max_size=5))
def test_every_event_is_either_taken_or_rejected(events: list[Any]) -> None:
    taken = envelope(*events, {"type": "last"})
    indexes = [event.index for event in taken.events] + [r.index for r in taken.rejected]
    assert sorted(indexes) == list(range(len(events) + 1))


@given(st.binary())
def test_no_bytes_break_the_decoder(body: bytes) -> None:
    assert 400 <= refusal(body).status < 500
