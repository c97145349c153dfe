"""POST /track on a real collector: what is promised about requests, retries and profile IDs."""

import gzip
import json
import re
import sqlite3
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import zstandard

WIRE = Path(__file__).parent.parent / "wire"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def matches(golden: Any, answer: Any) -> bool:
    """Whether an answer is the golden one; "<uuid>" and "<text>" stand for any."""
    if golden == "<uuid>":
        return isinstance(answer, str) and UUID.fullmatch(answer) is not None
    if golden == "<text>":
        return isinstance(answer, str) and answer != ""
    if isinstance(golden, dict):
        return isinstance(answer, dict) and all(
            name in answer and matches(value, answer[name]) for name, value in golden.items()
        )
    if isinstance(golden, list):
        return (
            isinstance(answer, list)
            and len(golden) == len(answer)
            and all(map(matches, golden, answer))
        )
    return bool(golden == answer)


def batch(*events: dict[str, Any], session: str | None = None, **fields: Any) -> dict[str, Any]:
    body: dict[str, Any] = {"source": {"id": "demo"}, "events": list(events), **fields}
    return body if session is None else {**body, "session": {"id": session}}


def event(**fields: Any) -> dict[str, Any]:
    return {"id": str(uuid4()), "type": "click", **fields}


def identify(**properties: Any) -> dict[str, Any]:
    return event(type="identify", properties=properties)


@pytest.mark.parametrize("path", sorted(WIRE.glob("*.json")), ids=lambda path: path.stem)
def test_golden_exchanges(collector: Any, path: Path) -> None:
    exchange = json.loads(path.read_text())
    answer = collector.post(exchange["request"])
    assert answer.status_code == exchange["status"]
    assert matches(exchange["response"], answer.json()), answer.json()


def test_a_retry_stores_nothing_twice_and_gets_the_same_ids(collector: Any) -> None:
    body = batch(event(), event(), session=str(uuid4()))
    first, second = collector.post(body).json(), collector.post(body).json()
    assert (first["accepted"], first["duplicates"]) == (2, 0)
    assert (second["accepted"], second["duplicates"]) == (0, 2)
    assert first["profile"] == second["profile"]
    assert collector.rows("SELECT count(*) FROM events") == [(2,)]


def test_a_retry_without_a_session_makes_no_second_device(collector: Any) -> None:
    body = batch(event())
    first, second = collector.post(body).json(), collector.post(body).json()
    assert first["profile"] == second["profile"]
    assert first["session"] == second["session"]
    assert collector.rows("SELECT count(*) FROM profile_ids") == [(1,)]


def test_one_event_id_twice_in_a_request_is_one_event(standing_collector: Any) -> None:
    same = event()
    answer = standing_collector.post(batch(same, same)).json()
    assert (answer["accepted"], answer["duplicates"]) == (1, 1)


def test_an_event_id_is_one_per_source(collector: Any) -> None:
    body = batch(event())
    collector.post(body)
    answer = collector.post({**body, "source": {"id": "web"}}).json()
    assert answer["accepted"] == 1


def test_concurrent_first_requests_of_a_session_get_one_profile_id(collector: Any) -> None:
    session = str(uuid4())
    with ThreadPoolExecutor(16) as pool:
        answers = list(
            pool.map(lambda _: collector.post(batch(event(), session=session)), range(32))
        )
    assert len({answer.json()["profile"]["id"] for answer in answers}) == 1


def test_the_session_is_asked_before_the_payload(collector: Any) -> None:
    session = str(uuid4())
    mine = collector.post(batch(event(), session=session)).json()["profile"]["id"]
    other = collector.post(batch(event())).json()["profile"]["id"]
    answer = collector.post(batch(event(), session=session, profile={"id": other})).json()
    assert answer["profile"]["id"] == mine


def test_an_issued_profile_id_is_kept_across_sessions(collector: Any) -> None:
    mine = collector.post(batch(event(), session=str(uuid4()))).json()["profile"]
    again = collector.post(batch(event(), session=str(uuid4()), profile=mine)).json()["profile"]
    assert again == mine


def test_a_made_up_profile_id_is_not_taken(collector: Any) -> None:
    made_up = str(uuid4())
    answer = collector.post(batch(event(), profile={"id": made_up})).json()
    assert answer["profile"]["id"] != made_up
    assert collector.rows("SELECT count(*) FROM profile_ids WHERE public_id = ?", made_up) == [(0,)]


def test_sessions_that_arrive_together_are_one_device(collector: Any) -> None:
    """What a device queued over three runs, before it ever reached the collector."""
    sessions = [str(uuid4()) for _ in range(3)]
    events = [event(session={"id": session}) for session in sessions]
    answer = collector.post(batch(*events, session=sessions[-1])).json()
    assert collector.rows("SELECT DISTINCT public_id FROM profile_ids") == [
        (answer["profile"]["id"],)
    ]
    stored = collector.rows(
        "SELECT sessions.public_id FROM events JOIN sessions ON sessions.id = events.session"
        " ORDER BY events.id"
    )
    assert [row[0] for row in stored] == sessions


def test_a_device_that_changes_hands_goes_on_under_a_new_profile_id(collector: Any) -> None:
    session = str(uuid4())
    ann = collector.post(batch(identify(user_id="ann"), session=session)).json()["profile"]["id"]
    again = collector.post(batch(identify(user_id="ann"), session=session)).json()["profile"]["id"]
    bob_signs_in = batch(identify(user_id="bob"), event(), session=session)
    bob = collector.post(bob_signs_in).json()["profile"]["id"]
    retried = collector.post(bob_signs_in).json()["profile"]["id"]
    assert again == ann
    assert bob not in {ann, ""}
    assert retried == bob
    assert collector.get(f"/profiles/{ann}")["events"] == 2
    assert collector.get(f"/profiles/{bob}")["events"] == 2


def test_hands_change_within_one_request(collector: Any) -> None:
    session = str(uuid4())
    answer = collector.post(
        batch(identify(user_id="ann"), event(), identify(user_id="bob"), event(), session=session)
    ).json()
    for user, newest in (("ann", False), ("bob", True)):
        [profile] = collector.get("/profiles", key=f"user_id:{user}")["profiles"]
        assert profile["events"] == 2
        assert (profile["id"] == answer["profile"]["id"]) is newest


def test_the_clock_is_corrected_and_nothing_is_later_than_its_arrival(collector: Any) -> None:
    answer = collector.post(
        batch(
            event(id="an hour ago", time="1986-01-01T00:00:00Z"),
            event(id="from the future", time="1986-01-02T00:00:00Z"),
            event(id="no time"),
            sent_at="1986-01-01T01:00:00Z",
        )
    )
    assert answer.status_code == 200
    ages = dict(collector.rows("SELECT event_id, received_ms - time_ms FROM events"))
    assert ages == {"an hour ago": 3_600_000, "from the future": 0, "no time": 0}


def test_what_a_batch_shares_is_stored_once(collector: Any) -> None:
    for _ in range(2):
        collector.post(batch(event(), event(context={"b": 2}), context={"a": 1}))
    assert collector.rows("SELECT body FROM contexts") == [('{"a": 1}',)]
    profile = collector.post(batch(event(context={"a": 3}), context={"a": 1, "c": 4})).json()
    [stored] = collector.get(f"/profiles/{profile['profile']['id']}/events")["events"]
    assert stored["context"] == {"a": 3, "c": 4}


def test_an_unknown_source_is_told_how_to_be_added(standing_collector: Any) -> None:
    answer = standing_collector.post({"source": {"id": "nobody"}, "events": [event()]})
    assert answer.status_code == 401
    assert answer.json()["error"] == "unknown_source"
    assert "onetrail-collector sources add nobody" in answer.json()["detail"]


def test_a_source_is_disabled_and_enabled_while_it_runs(collector: Any) -> None:
    collector.run("sources", "disable", "web")
    body = {"source": {"id": "web"}, "events": [event()]}
    assert collector.post(body).status_code == 401
    collector.run("sources", "add", "web")
    assert collector.post(body).status_code == 200


def test_a_source_takes_its_own_origins(collector: Any) -> None:
    collector.run("sources", "add", "shop", "--origin", "https://shop.example")
    body = {"source": {"id": "shop"}, "events": [event()]}
    assert collector.post(body, origin="https://shop.example").status_code == 200
    refused = collector.post(body, origin="https://evil.example")
    assert (refused.status_code, refused.json()["error"]) == (403, "origin_not_allowed")
    assert refused.headers["access-control-allow-origin"] == "*"
    assert collector.post(body).status_code == 200


def test_a_browser_may_read_the_answer_and_ask_before(standing_collector: Any) -> None:
    answer = standing_collector.post(
        batch(event()), origin="https://a.example", **{"content-type": "text/plain"}
    )
    assert answer.headers["access-control-allow-origin"] == "*"
    preflight = httpx.options(
        standing_collector.url + "/track",
        headers={
            "origin": "https://a.example",
            "access-control-request-method": "POST",
            "access-control-request-headers": "content-type",
        },
    )
    assert preflight.status_code == 200
    assert preflight.headers["access-control-max-age"] == "86400"


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("gzip", gzip.compress), ("zstd", zstandard.compress), ("identity", bytes)],
)
def test_packed_bodies(
    standing_collector: Any, encoding: str, pack: Callable[[bytes], bytes]
) -> None:
    body = pack(json.dumps(batch(event())).encode())
    assert standing_collector.post(body, **{"content-encoding": encoding}).json()["accepted"] == 1


@pytest.mark.parametrize(
    ("encoding", "body", "status", "error"),
    [
        ("gzip", gzip.compress(b" " * 50_000_000, mtime=0), 413, "too_large"),
        ("zstd", zstandard.compress(b" " * 50_000_000), 413, "too_large"),
        ("gzip", b"not gzip", 400, "not_json"),
        ("zstd", b"not zstd", 400, "not_json"),
        ("gzip", gzip.compress(b"{}" * 1000, mtime=0)[:-20], 400, "not_json"),
        ("br", b"x", 415, "unsupported_encoding"),
        ("deflate", zlib.compress(b"{}"), 415, "unsupported_encoding"),
        ("identity", b" " * 1_048_577, 413, "too_large"),
        ("identity", b"", 400, "not_json"),
    ],
)
def test_bad_bodies_get_the_one_error_shape(
    standing_collector: Any, encoding: str, body: bytes, status: int, error: str
) -> None:
    answer = standing_collector.post(body, **{"content-encoding": encoding})
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert set(answer.json()) == {"error", "detail"}


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("GET", "/track", 405, "method_not_allowed"),
        ("POST", "/healthz", 405, "method_not_allowed"),
    ],
)
def test_wrong_paths_get_the_one_error_shape(
    standing_collector: Any, method: str, path: str, status: int, error: str
) -> None:
    answer = httpx.request(method, standing_collector.url + path)
    assert (answer.status_code, answer.json()["error"]) == (status, error)


def test_an_address_given_with_a_slash_at_its_end_is_the_same(standing_collector: Any) -> None:
    """As data-host="https://c.example/", to which clients add "/track"."""
    answer = httpx.post(f"{standing_collector.url}//track", json=batch(event()))
    assert answer.json()["accepted"] == 1
    assert httpx.get(f"{standing_collector.url}//t.js").status_code == 200
    assert httpx.get(f"{standing_collector.url}//example.com/..//").status_code == 404


def test_numbers_that_python_cannot_hold_are_stored_as_sent(collector: Any) -> None:
    body = batch(identify(email="ann@shop.test", traits={"n": 0}), session="s")
    text = json.dumps(body).replace('"n": 0', f'"n": 1e400, "m": {"9" * 5000}')
    answer = collector.post(text.encode()).json()
    assert answer["accepted"] == 1
    assert answer["warnings"][0]["warning"] == "invalid_value"
    page = httpx.get(
        f"{collector.url}/profiles/{answer['profile']['id']}/events",
        headers={"authorization": f"Bearer {collector.token}"},
    )
    assert "1e400" in page.text


def test_a_locked_file_is_said_and_nothing_is_lost(collector: Any) -> None:
    """Another program holds the write lock: 503 with Retry-After, then it goes on."""
    other = sqlite3.connect(collector.db, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    body = batch(event())
    refused = collector.post(body)
    other.execute("ROLLBACK")
    other.close()
    assert (refused.status_code, refused.json()["error"]) == (503, "busy")
    assert int(refused.headers["retry-after"]) > 0
    assert collector.post(body).json()["accepted"] == 1


def test_the_answer_tells_nothing_about_others(collector: Any) -> None:
    """A stranger who types an address gets the same fields, whether it is known or not."""
    collector.post(batch(identify(email="ann@shop.test", traits={"plan": "pro"}), session="a"))
    known = collector.post(batch(identify(email="ann@shop.test"), session="b")).json()
    unknown = collector.post(batch(identify(email="bob@shop.test"), session="c")).json()
    for answer in (known, unknown):
        for varying in ("profile", "session", "events"):
            answer.pop(varying)
    assert known == unknown
