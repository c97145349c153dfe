"""Whatever arrives: never a 500, never an unhandled exception, in the decoder and over HTTP."""

import contextlib
import gzip
import json
import random
import socket
from typing import Any

import httpx
import pytest
import zstandard
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from onetrail_collector.errors import Refused
from onetrail_collector.wire.envelope import Receipt
from onetrail_collector.wire.track import decode, encode

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)
ODD = st.sampled_from(
    [
        *(b"\x00", b"\\u0000", b"\\ud800", b"\xff", b"1e400", b"-0", b"NaN", b"\xef\xbb\xbf"),
        *(
            b"[" * 2000,
            b'{"a":' * 2000,
            b"9" * 5000,
            b'"',
            b"}",
            b",",
            b"\n",
            b"null",
            b"2026-13-45",
        ),
    ]
)
VALID = {
    "source": {"id": "demo"},
    "session": {"id": "s"},
    "profile": {"id": "p"},
    "sent_at": "2026-11-23T14:05:06.789Z",
    "context": {"a": {"b": [1, 2]}},
    "events": [
        {"id": "e1", "type": "identify", "time": "2026-11-23T14:05:06Z", "properties": {"a": 1}},
        {"id": "e2", "type": "a", "context": {"c": None}, "session": {"id": "t"}},
    ],
}
over_http = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@st.composite
def shaped(draw: st.DrawFn) -> bytes:
    """A valid payload in which some fields, at any level, are something else or gone."""
    value: dict[str, Any] = json.loads(json.dumps(VALID))
    for _ in range(draw(st.integers(1, 4))):
        at: Any = value
        while isinstance(at, dict | list) and at:
            key = draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at))))
            if draw(st.booleans()) or not isinstance(at[key], dict | list):
                if draw(st.booleans()):
                    at[key] = draw(JSON)
                else:
                    del at[key]
                break
            at = at[key]
    return json.dumps(value).encode()


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A valid payload with some of its bytes cut, doubled or replaced."""
    body = json.dumps(VALID).encode()
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, len(body)))
        end = min(len(body), start + draw(st.integers(0, 30)))
        body = body[:start] + draw(ODD | st.binary(max_size=8) | st.just(body[:end])) + body[end:]
    return body


BODIES = st.binary() | JSON.map(lambda value: json.dumps(value).encode()) | shaped() | mutated()


@settings(max_examples=1000, deadline=None)
@given(BODIES)
@example(b'{"source":{"id":"a"},"events":[{"type":"a","time":"0001-01-01T00:00:00+23:59"}]}')
@example(b'{"source":{"id":"a"},"events":[{"type":"a","time":"9999-12-31T23:59:59-23:59"}]}')
@example(b'{"source":{"id":"a"},"events":[],"sent_at":"0001-01-01T00:00:00"}')
def test_the_decoder_takes_it_or_refuses_it_in_words(body: bytes) -> None:
    try:
        envelope = decode(body)
    except Refused as error:
        refused = error
    else:
        refused = None
    if refused is not None:
        assert 400 <= refused.status < 500
        assert refused.detail.encode()
        return
    events = [event.id for event in envelope.events]
    json.loads(encode(Receipt("p", "s", len(events), events=events, rejected=envelope.rejected)))
    for event in envelope.events:
        assert event.properties.startswith("{")


@over_http
@given(
    body=BODIES,
    encoding=st.sampled_from(["", "identity", "gzip", "zstd", "br", "gzip, gzip", "\x80", "GZIP"]),
    packed=st.sampled_from(["", "gzip", "zstd"]),
    cut=st.integers(0, 30),
    headers=st.dictionaries(
        st.sampled_from(
            ["origin", "authorization", "content-type", "user-agent", "x-forwarded-for", "cookie"]
        ),
        st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=40)
        | st.sampled_from(["Basic !!!", "Basic //8=", "Bearer", "null", "https://", "text/plain"]),
    ),
)
def test_the_collector_answers_whatever_it_is_sent(  # noqa: PLR0913, PLR0917 - drawn
    standing_collector: Any,
    body: bytes,
    encoding: str,
    packed: str,
    cut: int,
    headers: dict[str, str],
) -> None:
    if packed:
        body = (gzip.compress if packed == "gzip" else zstandard.compress)(body)
    body = body[: len(body) - cut] if packed and cut < 10 else body
    sent = {name: value.strip() for name, value in headers.items()}
    if encoding:
        sent["content-encoding"] = encoding
    answer = httpx.post(
        standing_collector.url + "/track",
        content=body,
        headers={name: value.encode("latin-1") for name, value in sent.items()},
    )
    assert answer.status_code < 500, answer.text
    assert "error" in answer.json() or answer.json()["accepted"] >= 0


@pytest.mark.parametrize("seed", range(20))
def test_bytes_on_the_line_leave_it_answering(standing_collector: Any, seed: int) -> None:
    """A request with some of its bytes changed, head and all; then an honest one."""
    dice = random.Random(seed)  # noqa: S311 - to be repeated
    body = json.dumps(VALID).encode()
    head = b"POST /track HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body)
    for _ in range(20):
        request = bytearray(head + body)
        for _ in range(dice.randint(1, 6)):
            request[dice.randrange(len(request))] = dice.randrange(256)
        with (
            socket.create_connection(("127.0.0.1", standing_collector.port)) as client,
            contextlib.suppress(ConnectionError, TimeoutError),
        ):
            client.settimeout(0.05)
            client.sendall(request)
            assert not client.recv(4096).startswith(b"HTTP/1.1 5")
    assert httpx.get(standing_collector.url + "/healthz").status_code == 200
    assert "Traceback" not in standing_collector.said()
