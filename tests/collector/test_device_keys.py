"""A client's own ID of its device: which profile ID and which session its events get."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx

from onetrail_collector.wire.segment import MAX_MESSAGES


def track(event: str = "click", **fields: Any) -> dict[str, Any]:
    return {"type": "track", "event": event, "messageId": str(uuid4()), **fields}


def identify(user: str, **fields: Any) -> dict[str, Any]:
    return {"type": "identify", "userId": user, "messageId": str(uuid4()), **fields}


def send(collector: Any, *messages: dict[str, Any], source: str = "demo") -> dict[str, Any]:
    answer = collector.post({"writeKey": source, "batch": messages}, "/v1/batch")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def profile_ids(collector: Any, event_type: str) -> list[int]:
    """The number of the profile ID of each such event, in the order of arrival."""
    rows = collector.rows("SELECT profile_id FROM events WHERE type = ? ORDER BY id", event_type)
    return [row[0] for row in rows]


def sessions(collector: Any) -> list[int]:
    return [row[0] for row in collector.rows("SELECT session FROM events ORDER BY time_ms, id")]


def profiles(collector: Any) -> list[int]:
    """The profile of each profile ID in the order of issue, by the place of its first one."""
    ids = [row[0] for row in collector.rows("SELECT public_id FROM profile_ids ORDER BY id")]
    return [ids.index(collector.get(f"/profiles/{id_}")["id"]) + 1 for id_ in ids]


def test_a_device_is_remembered_and_each_source_has_its_own(collector: Any) -> None:
    send(collector, track(anonymousId="a-1"))
    send(collector, track(anonymousId="a-1"), track(anonymousId="a-2"))
    send(collector, track(anonymousId="a-1"), source="web")
    assert profile_ids(collector, "click") == [1, 1, 2, 3]


def test_concurrent_first_requests_of_a_device_get_one_profile_id(collector: Any) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda _: send(collector, track(anonymousId="a-1")), range(32)))
    assert profile_ids(collector, "click") == [1] * 32
    assert collector.rows("SELECT count(*) FROM sessions") == [(1,)]


def test_a_request_of_more_devices_than_may_wait_is_stored_whole(collector: Any) -> None:
    """Each device is a group of its own in the queue, which holds 2,000."""
    send(collector, *(track(anonymousId=f"a-{number}") for number in range(MAX_MESSAGES)))
    assert collector.rows("SELECT count(*) FROM profile_ids") == [(MAX_MESSAGES,)]


def test_a_server_without_devices_has_one_profile_id_for_each_user(collector: Any) -> None:
    for _ in range(2):
        send(collector, track(userId=17), track(userId="18"), track(userId="17"))
    assert profile_ids(collector, "click") == [1, 1, 2] * 2
    keys = "SELECT value, profile_id FROM links JOIN keys ON keys.id = key ORDER BY value"
    assert collector.rows(keys) == [("17", 1), ("18", 2)]


def test_a_server_and_a_browser_meet_by_the_user(collector: Any) -> None:
    send(collector, track(anonymousId="a-1"), identify("17", anonymousId="a-1"))
    send(collector, track(userId="17"))
    assert profiles(collector) == [1, 1]


def test_a_device_that_changes_hands_goes_on_under_a_new_profile_id(collector: Any) -> None:
    """Also what it sends in the same batch in another session, and what comes later."""
    send(collector, identify("17", anonymousId="a-1"), track("of 17", anonymousId="a-1"))
    send(
        collector,
        identify("18", anonymousId="a-1"),
        track("of 18", anonymousId="a-1"),
        track("of 18", anonymousId="a-1", context={"sessionId": 7}),
    )
    send(collector, track("of 18", anonymousId="a-1", userId="18"))
    assert profile_ids(collector, "of 17") == [1]
    assert profile_ids(collector, "of 18") == [2, 2, 2]
    assert profiles(collector) == [1, 2]


def test_a_message_that_names_another_user_is_enough_to_change_hands(collector: Any) -> None:
    send(collector, *(track(anonymousId="a-1", userId=user) for user in ("17", "17", "18", "18")))
    assert profile_ids(collector, "click") == [1, 1, 2, 2]


def test_half_an_hour_without_an_event_ends_a_session(collector: Any) -> None:
    times = ("10:00:00", "10:29:59", "10:59:58", "11:29:59")
    for time in times:
        send(collector, track(anonymousId="a-1", timestamp=f"2026-11-20T{time}Z"))
    assert sessions(collector) == [1, 1, 1, 2]


def test_a_backlog_is_divided_as_if_it_had_come_at_once(collector: Any) -> None:
    """Also when it comes late: the device's present session goes on after it."""
    send(collector, track(anonymousId="a-1", timestamp="2026-11-21T10:00:00Z"))
    backlog = [
        track(anonymousId="a-1", timestamp=f"2026-11-20T{time}Z")
        for time in ("12:20:00", "10:00:00", "12:00:30", "10:10:00")
    ]
    send(collector, *backlog)
    send(collector, *backlog)
    send(collector, track(anonymousId="a-1", timestamp="2026-11-21T10:10:00Z"))
    assert sessions(collector) == [3, 3, 2, 2, 1, 1]
    assert collector.rows("SELECT count(*) FROM sessions") == [(3,)]
    assert profiles(collector) == [1]


def test_a_session_that_the_client_names_is_the_devices_own(collector: Any) -> None:
    """RudderStack numbers sessions by the clock: two devices may have the same number."""
    one, two = ({"anonymousId": name, "context": {"sessionId": 17}} for name in ("a-1", "a-2"))
    send(collector, track(**one), track(**two), track(**one))
    assert collector.rows("SELECT profile_id, session FROM events ORDER BY id") == [
        *[(1, 1)] * 2,
        (2, 2),
    ]


def test_a_retry_stores_nothing_twice(collector: Any) -> None:
    batch = [track(anonymousId="a-1"), identify("17", anonymousId="a-1"), track(userId="18")]
    for _ in range(2):
        assert send(collector, *batch) == {"success": True}
    assert collector.rows("SELECT count(*) FROM events") == [(3,)]
    assert collector.rows("SELECT count(*) FROM sessions") == [(2,)]


def test_one_message_id_twice_in_a_batch_is_one_event(collector: Any) -> None:
    twice = track(anonymousId="a-1", messageId="m-1", timestamp="2026-11-20T10:00:00Z")
    later = {**twice, "timestamp": "2026-11-21T10:00:00Z"}
    send(collector, twice, later)
    send(collector, track(anonymousId="a-1"))
    assert collector.rows("SELECT count(*) FROM events") == [(2,)]


def test_an_alias_joins_a_device_to_a_user_whichever_comes_first(collector: Any) -> None:
    alias = {"type": "alias", "previousId": "a-1", "userId": "17"}
    send(collector, alias)
    send(collector, track(anonymousId="a-1"))
    assert profiles(collector) == [1, 1]
    send(collector, track(anonymousId="a-2"))
    send(collector, {**alias, "previousId": "a-2"})
    assert profiles(collector) == [1, 1, 1]
    assert collector.rows("SELECT kind, value FROM keys ORDER BY value") == [
        ("user_id", "17"),
        ("anonymous_id", "demo/a-1"),
        ("anonymous_id", "demo/a-2"),
    ]


def test_an_alias_never_makes_two_users_one(collector: Any) -> None:
    send(collector, identify("17", anonymousId="a-1"))
    send(collector, {"type": "alias", "previousId": "a-1", "userId": "18"})
    assert profiles(collector) == [1, 2]
    refused = "SELECT kind, refused FROM links JOIN keys ON keys.id = key WHERE refused NOT NULL"
    assert collector.rows(refused) == [("anonymous_id", "exclusive")]


def test_junk_that_names_nobody_joins_nobody(collector: Any) -> None:
    answer = send(collector, *(track(anonymousId=name, userId="null") for name in ("a-1", "a-2")))
    assert [warning["warning"] for warning in answer["warnings"]] == ["blocked_value"] * 2
    assert profiles(collector) == [1, 2]


def test_an_erased_persons_device_is_not_stored_again(collector: Any) -> None:
    """Known again by what its client calls it, though it names no session and no user."""
    send(collector, identify("17", anonymousId="a-1"), track(anonymousId="a-1"))
    [(profile,)] = collector.rows("SELECT public_id FROM profile_ids")
    erased = httpx.post(
        f"{collector.url}/profiles/{profile}/erase",
        json={"reason": "asked"},
        headers={"authorization": f"Bearer {collector.token}"},
        timeout=20,
    )
    assert erased.status_code == 200, erased.text
    answer = send(collector, track(anonymousId="a-1"), track(anonymousId="a-2"))
    assert [rejection["error"] for rejection in answer["rejected"]] == ["suppressed"]
    assert collector.rows("SELECT value FROM device_keys") == [("a-2",)]
