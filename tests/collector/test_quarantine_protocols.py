"""What other protocols' clients send and is refused: kept as sent, replayed by their own rules."""

import base64
import json
import re
import sqlite3
from typing import Any

import httpx
import pytest

ID = "2b1f3c0e-0000-4000-8000-000000000001"
GOOD = "2b1f3c0e-0000-4000-8000-000000000002"

# A request, what is wrong in it, what would be right, and the type under which it is stored then.
CASES: dict[str, tuple[str, dict[str, Any], str, str, str]] = {
    "segment": (
        "/v1/batch",
        {
            "writeKey": "demo",
            "batch": [
                {"type": "track", "event": "ok", "anonymousId": "a-1", "messageId": GOOD},
                {"type": "trakc", "event": "order", "anonymousId": "a-1", "messageId": ID},
            ],
        },
        '"trakc"',
        '"track"',
        "order",
    ),
    "segment, one": (
        "/v1/track",
        {"writeKey": "demo", "event": "order", "anonymousId": "a-1", "messageId": ID, "context": 7},
        '"context":7',
        '"context":{}',
        "order",
    ),
    "posthog": (
        "/batch",
        {
            "api_key": "demo",
            "batch": [{"event": "order", "uuid": ID, "properties": {"distinct_idd": "a-1"}}],
        },
        "distinct_idd",
        "distinct_id",
        "order",
    ),
    "snowplow": (
        "/com.snowplowanalytics.snowplow/tp2",
        {
            "schema": "iglu:com.snowplowanalytics.snowplow/payload_data/jsonschema/1-0-4",
            "data": [{"e": "sf", "se_ac": "order", "aid": "demo", "eid": ID, "duid": "a-1"}],
        },
        '"sf"',
        '"se"',
        "order",
    ),
    "tracardi": (
        "/collect/order/demo/s-1",
        {"x": {"levels": ["deep"]}},
        "",
        "",
        "order",
    ),
}


def replay(collector: Any) -> dict[str, int]:
    headers = {"authorization": f"Bearer {collector.token}"}
    answer = httpx.post(f"{collector.url}/quarantine/replay", headers=headers)
    found: dict[str, int] = answer.json()
    return found


def mend(collector: Any, wrong: str, right: str) -> None:
    with sqlite3.connect(collector.db) as connection:
        connection.execute("UPDATE quarantine SET event = replace(event, ?, ?)", (wrong, right))
    connection.close()


@pytest.mark.parametrize("case", CASES)
def test_a_refused_event_is_kept_and_replayed_by_its_protocols_rules(
    collector: Any, case: str
) -> None:
    path, body, wrong, right, stored_as = CASES[case]
    content = json.dumps(body, separators=(",", ":"))
    if case == "tracardi":
        wrong, right = "[" * 40 + "1" + "]" * 40, '["deep"]'
        content = content.replace(right, wrong)
    assert collector.post(content.encode(), path).status_code == 200
    [entry] = collector.get("/quarantine", source="demo")["events"]
    assert entry["protocol"] == {"tracardi": "track"}.get(case, case.split(",", maxsplit=1)[0])
    assert entry["id"] in {ID, None}
    assert entry["error"] in {"wrong_shape", "too_deep"}
    assert replay(collector) == {"stored": 0, "duplicates": 0, "left": 1}
    mend(collector, wrong, right)
    assert replay(collector) == {"stored": 1, "duplicates": 0, "left": 0}
    assert collector.get("/quarantine")["events"] == []
    [(kind, received, first_ms)] = collector.rows(
        "SELECT type, received_ms, (SELECT min(received_ms) FROM events) FROM events"
        " WHERE type = ?",
        stored_as,
    )
    assert (kind, received) == (stored_as, first_ms)
    assert collector.rows("SELECT count(*) FROM profile_ids") == [(1,)]


def test_a_pixel_that_was_refused_is_kept_too(collector: Any) -> None:
    answer = httpx.get(collector.url + "/i", params={"e": "sf", "aid": "demo", "eid": ID})
    assert answer.json()["rejected"][0]["error"] == "wrong_shape"
    message = {"anonymousId": "a-1", "messageId": GOOD, "event": ""}
    data = base64.b64encode(json.dumps(message).encode()).decode()
    httpx.get(collector.url + "/v1/pixel/track", params={"data": data, "writeKey": "demo"})
    kept = collector.get("/quarantine")["events"]
    assert [(entry["protocol"], entry["id"]) for entry in kept] == [
        ("segment", GOOD),
        ("snowplow", ID),
    ]


def test_an_event_without_an_id_is_never_replayed_twice(collector: Any) -> None:
    bad = {"type": "trakc", "event": "order", "anonymousId": "a-1"}
    collector.post({"writeKey": "demo", "batch": [bad]}, "/v1/batch")
    mend(collector, '"trakc"', '"track"')
    rows = collector.rows("SELECT * FROM quarantine")
    assert replay(collector)["stored"] == 1
    with sqlite3.connect(collector.db) as connection:  # as if it had ended before the clearing
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO quarantine VALUES ({marks})", rows)  # noqa: S608
    connection.close()
    assert replay(collector) == {"stored": 0, "duplicates": 1, "left": 0}


def test_a_source_with_a_secret_gets_its_own_back(collector: Any) -> None:
    secret = re.findall(r"ots_\S+", collector.run("sources", "secret", "demo"))[0]
    collector.post(
        {"source": {"id": "demo"}, "events": [{"type": 7}]}, authorization=f"Bearer {secret}"
    )
    mend(collector, "7", '"mended"')
    assert replay(collector) == {"stored": 1, "duplicates": 0, "left": 0}


def test_recordings_that_nobody_can_mend_are_not_kept(collector: Any) -> None:
    snapshot = {"event": "$snapshot", "properties": {"distinct_id": "a", "data": "x" * 1000}}
    answer = collector.post({"api_key": "demo", "batch": [snapshot]}, "/batch").json()
    assert answer["rejected"][0]["error"] == "not_supported"
    assert collector.get("/quarantine")["events"] == []


def test_what_is_refused_of_somebody_erased_goes_and_does_not_come_back(collector: Any) -> None:
    good = {"type": "track", "event": "ok", "anonymousId": "a-1", "messageId": GOOD}
    bad = {"type": "trakc", "event": "order", "anonymousId": "a-1"}
    other = bad | {"anonymousId": "a-2"}
    collector.post({"writeKey": "demo", "batch": [good, bad, other]}, "/v1/batch")
    [(profile_id,)] = collector.rows("SELECT public_id FROM profile_ids")
    collector.run("erase", profile_id, "--reason", "asked", "--yes")
    kept = collector.get("/quarantine")["events"]
    assert [entry["event"]["anonymousId"] for entry in kept] == ["a-2"]
    collector.post({"writeKey": "demo", "batch": [bad, other]}, "/v1/batch")
    kept = collector.get("/quarantine")["events"]
    assert [entry["event"]["anonymousId"] for entry in kept] == ["a-2", "a-2"]


def test_a_senders_wish_to_stay_anonymous_is_kept_with_its_event(collector: Any) -> None:
    identify = {"id": ID, "type": 7, "properties": {"email": "ann@shop.test"}}
    body = {"source": {"id": "demo"}, "events": [identify], "options": {"saveProfile": False}}
    collector.post(body)
    mend(collector, "7", '"identify"')
    assert replay(collector)["stored"] == 1
    assert collector.rows("SELECT count(*) FROM links") == [(0,)]
