"""A blocked value is a warning to its sender, and a count for the operator."""

from typing import Any


def identify(collector: Any, *said: dict[str, Any]) -> list[str]:
    events = [{"type": "identify", "properties": properties} for properties in said]
    answer = collector.post({"source": {"id": "demo"}, "events": events})
    return [warning["warning"] for warning in answer.json()["warnings"]]


def test_blocked_values_are_counted_by_the_entry_that_they_met(collector: Any) -> None:
    assert identify(collector, {"user_id": "null"}, {"user_id": "NULL", "email": "a@shop.test"})
    assert identify(collector, {"email": "a@example.com"}, {"user_id": 0}) == ["blocked_value"] * 2
    assert identify(collector, {"email": "b@example.com"}) == ["blocked_value"]
    found = collector.get("/identity/blocked")["blocked_values"]
    assert [(row["kind"], row["entry"], row["count"]) for row in found] == [
        ("email", "*@example.com", 2),
        ("user_id", "null", 2),
        ("user_id", "zeros and dashes", 1),
    ]
    assert found[0]["first_seen"] <= found[0]["last_seen"]


def test_a_list_is_no_key_and_its_warning_says_what_to_do(collector: Any) -> None:
    event = {"type": "identify", "properties": {"email": ["a@shop.test", "b@shop.test"]}}
    [warning] = collector.post({"source": {"id": "demo"}, "events": [event]}).json()["warnings"]
    assert warning["warning"] == "invalid_value"
    assert "list.0" in warning["detail"]
