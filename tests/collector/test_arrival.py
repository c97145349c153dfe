"""A visitor comes from another site, which passed a profile ID on: joined only if that is true."""

from typing import Any
from uuid import uuid4

import pytest


def arrival(profile_id: object, left_at: object) -> dict[str, Any]:
    properties = {"profile_id": profile_id, "left_at": left_at}
    time = "2026-11-23T14:05:00Z"
    return {"id": str(uuid4()), "type": "arrival", "time": time, "properties": properties}


def send(collector: Any, *events: dict[str, Any], source: str = "demo") -> dict[str, Any]:
    body = {"source": {"id": source}, "session": {"id": str(uuid4())}, "events": events}
    found: dict[str, Any] = collector.post(body).json()
    return found


def profile_of(collector: Any, profile_id: str) -> str:
    found: str = collector.get(f"/profiles/{profile_id}")["id"]
    return found


@pytest.mark.parametrize("source", ["demo", "web"])
def test_a_fresh_arrival_joins_the_two_profile_ids(collector: Any, source: str) -> None:
    left = send(collector, {"type": "page-view"})["profile"]["id"]
    answer = send(collector, arrival(left, "2026-11-23T14:04:30Z"), source=source)
    assert answer["warnings"] == []
    arrived = answer["profile"]["id"]
    assert arrived != left
    assert profile_of(collector, arrived) == profile_of(collector, left) == left


@pytest.mark.parametrize(
    "left_at", ["2026-11-23T13:59:59Z", "2026-11-23T14:06:00Z", "soon", None, 7]
)
def test_an_arrival_by_a_link_that_was_kept_joins_nobody(collector: Any, left_at: object) -> None:
    left = send(collector, {"type": "page-view"})["profile"]["id"]
    answer = send(collector, arrival(left, left_at))
    assert [warning["warning"] for warning in answer["warnings"]] == ["stale_arrival"]
    assert profile_of(collector, answer["profile"]["id"]) != left


def test_an_arrival_with_an_id_that_was_not_issued_joins_nobody(collector: Any) -> None:
    forged = str(uuid4())
    answers = [send(collector, arrival(forged, "2026-11-23T14:04:30Z")) for _ in range(2)]
    assert [a["warnings"][0]["warning"] for a in answers] == ["unknown_arrival"] * 2
    assert collector.rows("SELECT count(*) FROM links") == [(0,)]
    assert collector.rows("SELECT count(DISTINCT profile) FROM profile_ids") == [(2,)]


def test_an_arrival_never_makes_two_users_one(collector: Any) -> None:
    who = [{"type": "identify", "properties": {"user_id": user}} for user in ("17", "18")]
    left = send(collector, who[0])["profile"]["id"]
    answer = send(collector, who[1], arrival(left, "2026-11-23T14:04:30Z"))
    assert profile_of(collector, answer["profile"]["id"]) != left


def test_a_profile_id_that_tracardis_tracker_passes_on_is_joined(collector: Any) -> None:
    """`__tr_pid` in a link becomes context.tracardi.pass; one that was not issued joins nobody."""
    left = send(collector, {"type": "page-view"})["profile"]["id"]

    def arrive(passed: str) -> dict[str, Any]:
        body = {
            "source": {"id": "demo"},
            "session": {"id": str(uuid4())},
            "context": {"tracardi": {"pass": {"profile": passed, "source": "web"}}},
            "events": [{"type": "page-view"}],
        }
        found: dict[str, Any] = collector.post(body).json()
        return found

    arrived = arrive(left)["profile"]["id"]
    assert arrived != left
    assert profile_of(collector, arrived) == left
    assert arrive(str(uuid4()))["warnings"][0]["warning"] == "unknown_arrival"
