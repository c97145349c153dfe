"""The ways out: who is this, what did they do, and only with a token."""

from typing import Any
from uuid import uuid4

import httpx
import pytest


def post(collector: Any, session: str, *events: dict[str, Any], **fields: Any) -> str:
    """Answers the profile ID."""
    body = {"source": {"id": "demo"}, "session": {"id": session}, "events": events, **fields}
    answer = collector.post(body)
    assert answer.status_code == 200, answer.text
    profile_id: str = answer.json()["profile"]["id"]
    return profile_id


def identify(time: str = "2026-01-01T00:00:00Z", **properties: Any) -> dict[str, Any]:
    return {"id": str(uuid4()), "type": "identify", "time": time, "properties": properties}


def test_two_devices_become_one_profile_and_keep_their_events(collector: Any) -> None:
    web = post(collector, "w", {"type": "page-view"}, identify(email="Ann@shop.test"))
    app = post(collector, "a", {"type": "start"}, identify(email=" ann@shop.test"))
    for profile_id in (web, app):
        profile = collector.get(f"/profiles/{profile_id}")
        assert profile["id"] == web
        assert [row["id"] for row in profile["profile_ids"]] == [web, app]
        assert (profile["events"], profile["sessions"]) == (4, 2)
    [found] = collector.get("/profiles", key="email:ann@shop.test")["profiles"]
    assert found == profile
    page = collector.get(f"/profiles/{app}/events")["events"]
    assert {(event["type"], event["profile_id"]) for event in page} == {
        *(("page-view", web), ("identify", web), ("start", app), ("identify", app)),
    }


def test_a_key_says_which_event_is_its_evidence(collector: Any) -> None:
    later, earlier = identify(user_id=7), identify("2025-01-01T00:00:00Z", user_id="7")
    profile_id = post(collector, "s", later)
    post(collector, "s", earlier)
    [key] = collector.get(f"/profiles/{profile_id}")["keys"]
    assert (key["kind"], key["value"], key["event_id"]) == ("user_id", "7", earlier["id"])
    assert key["refused"] is None


def test_the_newest_trait_wins_whatever_arrives_last(collector: Any) -> None:
    post(collector, "a", identify("2026-02-01T00:00:00Z", email="a@b.ch", traits={"plan": "pro"}))
    profile_id = post(
        collector,
        "b",
        identify("2026-01-01T00:00:00Z", email="a@b.ch", traits={"plan": "free", "age": 30}),
        identify("2026-03-01T00:00:00Z", traits={"plan": "", "age": None, "name": {"x": [1]}}),
    )
    traits = collector.get(f"/profiles/{profile_id}")["traits"]
    values = {name: trait["value"] for name, trait in traits.items()}
    assert values == {"plan": "pro", "age": 30, "name": {"x": [1]}}


def test_odd_texts_come_back_as_they_were(collector: Any) -> None:
    odd = 'quote " backslash \\ emoji \U0001f600 tab \t nul \0 end'
    profile_id = post(
        collector, odd[:10], identify(user_id='o"dd\\', traits={odd: 1, odd[:30]: odd, "0": "01"})
    )
    profile = collector.get(f"/profiles/{profile_id}")
    values = {name: trait["value"] for name, trait in profile["traits"].items()}
    assert values == {odd[:30]: odd, "0": "01"}
    assert [key["value"] for key in profile["keys"]] == ['o"dd\\']


def test_pages_hold_every_event_once_newest_first(collector: Any) -> None:
    times = [f"2026-01-01T00:00:{second:02}Z" for second in (5, 3, 3, 9, 1, 3, 7)]
    events = [{"type": f"e{i}", "time": time} for i, time in enumerate(times)]
    post(collector, "a", *events[:4], identify(email="a@b.ch"))
    profile_id = post(collector, "b", *events[4:], identify(email="a@b.ch"))
    seen: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = collector.get(f"/profiles/{profile_id}/events", limit="2", **cursor)
        seen += page["events"]
        assert len(page["events"]) <= 2
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert len({event["id"] for event in seen}) == len(seen) == 9
    assert [event["time"] for event in seen] == sorted(
        (event["time"] for event in seen), reverse=True
    )


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/profiles/nobody", 404, "nobody"),
        ("/profiles/nobody/events", 404, "nobody"),
        ("/profiles", 422, "KIND:VALUE"),
        ("/profiles?key=shoe:42", 422, "email"),
        ("/profiles?key=email:nonsense", 422, "e-mail"),
        (
            "/profiles/{known}/events?limit=0",
            422,
            "limit: expected a whole number from 1 to 1000, got '0'",
        ),
        (
            "/profiles/{known}/events?limit=x",
            422,
            "limit: expected a whole number from 1 to 1000, got 'x'",
        ),
        ("/profiles/{known}/events?limit=1001", 422, "from 1 to 1000, got '1001'"),
        ("/profiles/{known}/events?limt=1", 422, "did you mean 'limit'?"),
        ("/profiles/{known}/events?cursor=x", 422, "next_cursor"),
        ("/profiles/{known}/events?cursor=bnVsbA==", 422, "next_cursor"),
    ],
)
def test_wrong_questions_are_answered_in_words(
    standing_collector: Any, path: str, status: int, words: str
) -> None:
    known = post(standing_collector, "s", {"type": "a"})
    headers = {"authorization": f"Bearer {standing_collector.token}"}
    answer = httpx.get(standing_collector.url + path.format(known=known), headers=headers)
    assert answer.status_code == status
    assert words in answer.json()["detail"]


def test_a_key_that_nobody_used_finds_nobody(collector: Any) -> None:
    assert collector.get("/profiles", key="email:a@b.ch")["profiles"] == []


@pytest.mark.parametrize(
    "path", ["/profiles?key=email:a@b.ch", "/profiles/x", "/profiles/x/events", "/counts"]
)
@pytest.mark.parametrize("header", [None, "Bearer", "Bearer wrong", "Basic {token}", "{token}"])
def test_nothing_is_told_without_a_token(
    standing_collector: Any, path: str, header: str | None
) -> None:
    headers = {"authorization": header.format(token=standing_collector.token)} if header else {}
    answer = httpx.get(standing_collector.url + path, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (401, "unauthorized")


def test_counts(collector: Any) -> None:
    post(collector, "a", {"type": "a"}, identify(email="a@b.ch"))
    post(collector, "b", {"type": "a"}, identify(email="a@b.ch"))
    post(collector, "c", {"type": "a"})
    assert collector.get("/counts") == {
        "events": 5,
        "sessions": 3,
        "profiles": 2,
        "profile_ids": 3,
    }


def test_health_needs_no_token(standing_collector: Any) -> None:
    assert httpx.get(standing_collector.url + "/healthz").json() == {"status": "ok"}


@pytest.mark.parametrize("name", ["t.js", "t-more.js", "t-vitals.js"])
def test_the_tracker_is_packed_cached_and_revalidated(standing_collector: Any, name: str) -> None:
    first = httpx.get(f"{standing_collector.url}/{name}")
    assert first.headers["content-type"].startswith("text/javascript")
    assert first.headers["cache-control"] == "public, max-age=86400"
    assert first.headers["content-encoding"] == "gzip"
    assert int(first.headers["content-length"]) < len(first.content) * 0.6
    known = {"if-none-match": first.headers["etag"]}
    again = httpx.get(f"{standing_collector.url}/{name}", headers=known)
    assert (again.status_code, again.content) == (304, b"")
    plain = httpx.get(f"{standing_collector.url}/{name}", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == first.content
    assert plain.headers["vary"] == first.headers["vary"] == "accept-encoding"


def test_no_version_leaks(standing_collector: Any) -> None:
    assert "server" not in httpx.get(standing_collector.url + "/healthz").headers
