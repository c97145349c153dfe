"""Static profile IDs: a source may make its own, where its operator says so."""

from typing import Any

import pytest


def send(collector: Any, session: str, profile: str, source: str = "demo") -> Any:
    body = {
        "source": {"id": source},
        "session": {"id": session},
        "profile": {"id": profile},
        "events": [{"type": "a"}],
    }
    return collector.post(body).json()


@pytest.fixture
def static(collector: Any) -> Any:
    assert "its own" in collector.run("sources", "static-ids", "demo")
    return collector


def test_a_profile_id_that_was_not_issued_here_is_replaced(collector: Any) -> None:
    answered = send(collector, "s-1", "customer-17")["profile"]["id"]
    assert answered != "customer-17"
    assert len(answered) == 36


def test_with_the_option_it_is_taken_as_it_is(static: Any) -> None:
    """By one source, and found by it in any session."""
    for session in ("s-1", "s-2", "s-1"):
        assert send(static, session, "customer-17")["profile"]["id"] == "customer-17"
    assert static.get("/profiles/customer-17")["events"] == 3
    assert static.rows("SELECT public_id FROM profile_ids") == [("customer-17",)]
    assert send(static, "s-1", "customer-18", "web")["profile"]["id"] != "customer-18"


def test_the_session_comes_before_the_profile_id(static: Any) -> None:
    send(static, "s-1", "customer-17")
    assert send(static, "s-1", "customer-18")["profile"]["id"] == "customer-17"
    assert static.rows("SELECT public_id FROM profile_ids") == [("customer-17",)]


def test_a_static_id_that_was_erased_stays_erased(static: Any) -> None:
    send(static, "s-1", "customer-17")
    static.run("erase", "customer-17", "--yes")
    answer = send(static, "s-2", "customer-17")
    assert answer["rejected"][0]["error"] == "suppressed"
    assert static.rows("SELECT count(*) FROM events") == [(0,)]


def test_the_option_ends_and_the_ids_stay(static: Any) -> None:
    send(static, "s-1", "customer-17")
    assert "its own" in static.run("sources", "show", "demo")
    static.run("sources", "static-ids", "demo", "--remove")
    assert send(static, "s-2", "customer-17")["profile"]["id"] == "customer-17"
    assert send(static, "s-3", "customer-18")["profile"]["id"] != "customer-18"
