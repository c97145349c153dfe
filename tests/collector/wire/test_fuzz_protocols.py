"""Whatever is sent to any path of any protocol, the collector never fails: no answer is a 500."""

import asyncio
import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from onetrail_collector.app import create_app
from onetrail_collector.settings import Settings
from onetrail_collector.wire import posthog, segment, snowplow, tracardi, track
from onetrail_collector.wire.exchange import Answer, Call
from onetrail_collector.wire.exported import FORMATS, read

MODULES = {
    "track": track,
    "tracardi": tracardi,
    "segment": segment,
    "posthog": posthog,
    "snowplow": snowplow,
}

NAMES = {
    "track": "source id session profile events type time properties context sent_at traits "
    "user_id email left_at profile_id options saveEvents tracardi pass profile page browser local",
    "tracardi": "email url a b",
    "segment": "batch writeKey sentAt type messageId anonymousId userId event name category "
    "groupId previousId timestamp originalTimestamp properties traits context page url sessionId",
    "posthog": "api_key token batch event distinct_id uuid timestamp properties $set $set_once "
    "$device_id $user_id $session_id $is_identified $anon_distinct_id alias $current_url email",
    "snowplow": "data schema e eid aid duid nuid sid uid dtm stm ttm url page se_ac se_va ue_pr "
    "ue_px co cx tv p",
}
WORDS = (
    *("demo", "identify", "track", "page", "alias", "screen", "group", "arrival", "$identify"),
    *("$create_alias", "$set", "$pageview", "2026-11-23T14:05:06Z", "10000-01-01T00:00:00Z"),
    *(
        "a\0b",
        "\\ud83d",
        "null",
        "1e999",
        "2026",
        "pv",
        "se",
        "ue",
        "ann@example.com",
        "{}",
        "[]",
        "eyJ9",
        "%00",
    ),
)


class Application:
    """The collector in this process; what it fails with is raised here."""

    def __init__(self, db: Path) -> None:
        self._runner = asyncio.Runner()
        self._app = create_app(Settings(db, durability="normal"))
        self._lifespan = self._app.router.lifespan_context(self._app)
        self._state: Any = self._runner.run(self._start())

    async def _start(self) -> Any:
        state: Any = await self._lifespan.__aenter__()
        await state["store"].add_source("demo", name="demo", origins=[], now_ms=0)
        return state

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self._runner.run(self._request(method, path, **options))

    async def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        async def with_state(scope: Any, receive: Any, send: Any) -> None:
            await self._app({**scope, "state": dict(self._state)}, receive, send)

        transport = httpx.ASGITransport(with_state)
        async with httpx.AsyncClient(transport=transport, base_url="http://collector") as client:
            return await client.request(method, path, **options)

    def close(self) -> None:
        self._runner.run(self._lifespan.__aexit__(None, None, None))
        self._runner.close()


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    made = Application(tmp_path_factory.mktemp("fuzz") / "a.db")
    yield made
    made.close()


def values(module: str) -> st.SearchStrategy[Any]:
    """JSON that looks like the protocol's: its names, and what may stand for a value."""
    words = st.sampled_from(WORDS) | st.text(max_size=8)
    names = st.sampled_from(NAMES[module].split()) | words
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | words
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=8),
        max_leaves=25,
    )


def bodies(module: str) -> st.SearchStrategy[bytes]:
    messages = st.dictionaries(st.sampled_from(NAMES[module].split()), values(module), max_size=10)
    shaped = st.one_of(
        values(module),
        messages,
        st.lists(messages, max_size=4),
        st.fixed_dictionaries(
            {},
            optional={
                "source": st.just({"id": "demo"}),
                "events": st.lists(messages, max_size=4),
                "batch": st.lists(messages, max_size=4),
                "data": st.lists(messages, max_size=4),
            },
        ),
    ).map(lambda value: json.dumps(value).encode())
    return shaped | st.binary(max_size=60) | shaped.map(base64.b64encode)


def path_of(pattern: str) -> str:
    return "/".join("demo" if part.startswith("{") else part for part in pattern.split("/"))


CASES = [
    (name, exchange, path_of(pattern))
    for name, module in MODULES.items()
    for exchange in module.EXCHANGES
    for pattern in exchange.paths
]


@pytest.mark.parametrize("name", MODULES)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_request_makes_the_collector_fail(
    application: Application, name: str, data: st.DataObject
) -> None:
    _, exchange, path = data.draw(st.sampled_from([case for case in CASES if case[0] == name]))
    body = data.draw(bodies(name))
    query = data.draw(
        st.sampled_from([{}, {"writeKey": "demo"}, {"data": body.decode("latin-1")}])
        | st.dictionaries(st.sampled_from(NAMES[name].split()), st.sampled_from(WORDS))
    )
    headers = {"authorization": data.draw(st.sampled_from(["Basic ZGVtbzo=", "Basic 7", "x", ""]))}
    answer = application.request(
        exchange.methods[0],
        quote(path) + "?" + urlencode(query),
        content=body,
        headers=headers,
    )
    assert answer.status_code < 500, answer.text


BATCHES = {
    "track": ("/track", lambda listed: {"source": {"id": "demo"}, "events": listed}),
    "segment": ("/v1/batch", lambda listed: {"writeKey": "demo", "batch": listed}),
    "posthog": ("/batch", lambda listed: {"api_key": "demo", "batch": listed}),
    "snowplow": (
        "/com.snowplowanalytics.snowplow/tp2",
        lambda listed: {"data": [{"e": "pp", "aid": "demo", "duid": "d"}, *listed]},
    ),
}
GOOD: dict[str, Any] = {
    "track": {"type": "a"},
    "segment": {"type": "track", "event": "a", "anonymousId": "d"},
    "posthog": {"event": "a", "distinct_id": "d"},
    "snowplow": {"e": "pv", "duid": "d"},
}


@pytest.mark.parametrize("name", BATCHES)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_each_event_of_a_batch_is_stored_or_told_why_not(name: str, data: st.DataObject) -> None:
    """Never silence: whatever stands among good events, each is accounted for, exactly once."""
    messages = st.dictionaries(st.sampled_from(NAMES[name].split()), values(name), max_size=10)
    listed = data.draw(st.lists(st.just(GOOD[name]) | messages | values(name), max_size=5))
    path, to_body = BATCHES[name]
    body = to_body(listed)
    (batch,) = (value for value in body.values() if isinstance(value, list))
    (decode,) = (exchange.decode for exchange in MODULES[name].EXCHANGES if path in exchange.paths)
    content = json.dumps(body)
    assume("NaN" not in content and "Infinity" not in content)  # no JSON: refused as a whole
    found = decode(Call("POST", "http", path, {}, b"", {}, content.encode()))
    assert not isinstance(found, Answer)
    told = [rejection for envelope in found for rejection in envelope.rejected]
    stored = [event.index for envelope in found for event in envelope.events]
    assert sorted([*stored, *(rejection.index for rejection in told)]) == list(range(len(batch)))
    assert all(rejection.error and rejection.detail for rejection in told)
    good = {index for index, event in enumerate(batch) if event == GOOD[name]}
    assert good <= set(stored)


EXPORTED = {"segment": "segment", "posthog": "posthog"}  # the others are documents of their own
DOCUMENT = (
    "id ids type name metadata time insert create update profile session properties traits data "
    "context contact email main identifier pii consents revoke profile_id event_id _source"
)


@pytest.mark.parametrize("form", FORMATS)
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_each_line_of_an_export_is_brought_in_or_told_why_not(
    form: str, data: st.DataObject
) -> None:
    names = NAMES[EXPORTED[form]] if form in EXPORTED else DOCUMENT
    inner = values(EXPORTED.get(form, "track"))
    documents = st.dictionaries(st.sampled_from(names.split()), inner, max_size=10)
    lines = data.draw(
        st.lists(
            documents.map(lambda document: json.dumps(document).encode()) | st.binary(max_size=60),
            max_size=4,
        )
    )
    envelopes, rejected = read(form, "demo", list(enumerate(lines, start=1)))
    stored = [event.index for envelope in envelopes for event in envelope.events]
    told = [rejection.index for rejection in rejected]
    assert sorted([*stored, *told]) == list(range(1, len(lines) + 1))
