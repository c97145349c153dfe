"""Why is an event missing? What was refused is kept, shown and brought again."""

import sqlite3
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from onetrail_collector import quarantine as kept
from onetrail_collector.store import quarantine as quarantine_store

BAD = {"id": "bad-1", "type": 7, "time": "2026-01-01T00:00:00Z", "properties": {"n": 1}}


def send(collector: Any, *events: Any, source: str = "demo", **fields: Any) -> dict[str, Any]:
    answer = collector.post({"source": {"id": source}, "events": list(events), **fields})
    assert answer.status_code == 200, answer.text
    return answer.json()


def mend(collector: Any, wrong: str, right: str) -> None:
    """What a mended collector would read: the cause is gone."""
    with sqlite3.connect(collector.db) as connection:
        connection.execute("UPDATE quarantine SET event = replace(event, ?, ?)", (wrong, right))
    connection.close()


def replay(collector: Any) -> dict[str, int]:
    answer = httpx.post(
        f"{collector.url}/quarantine/replay",
        headers={"authorization": f"Bearer {collector.token}"},
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_refused_event_is_kept_with_its_reason(collector: Any) -> None:
    answer = send(collector, {"type": "ok"}, BAD, session={"id": "s"})
    assert answer["results"] == ["stored", "rejected"]
    [entry] = collector.get("/quarantine", source="demo")["events"]
    assert entry["error"] == answer["rejected"][0]["error"] == "wrong_shape"
    assert entry["help"] == answer["rejected"][0]["help"] == "/errors#wrong_shape"
    assert (entry["id"], entry["event"], entry["session"]) == ("bad-1", BAD, "s")
    assert collector.get("/quarantine", source="web")["events"] == []
    assert "bad-1\twrong_shape\tevents[1].type" in collector.run("quarantine", "list")


def test_what_a_stranger_wrote_gives_the_operators_terminal_no_command(collector: Any) -> None:
    send(collector, {"id": "a\x1b]0;owned\x07", "type": 7})
    assert "\ta\\x1b]0;owned\\x07\t" in collector.run("quarantine", "list")


def test_a_request_with_nothing_but_refused_events_is_kept(collector: Any) -> None:
    assert send(collector, BAD, 7)["results"] == ["rejected", "rejected"]
    assert [e["event"] for e in collector.get("/quarantine")["events"]] == [7, BAD]


def test_the_same_event_again_is_kept_once(collector: Any) -> None:
    for _ in range(3):
        send(collector, BAD)
    assert len(collector.get("/quarantine")["events"]) == 1


def test_replayed_it_is_stored_as_of_its_arrival_and_never_twice(collector: Any) -> None:
    nameless = {"type": 7, "properties": {"n": 2}}
    answer = send(
        collector,
        BAD,
        nameless,
        session={"id": "s"},
        context={"locale": "de"},
        sent_at="2026-01-01T01:00:00Z",
    )
    assert replay(collector) == {"stored": 0, "duplicates": 0, "left": 2}
    [(arrived_ms,)] = collector.rows("SELECT DISTINCT received_ms FROM quarantine")
    mend(collector, '"type": 7', '"type": "mended"')
    before = collector.rows("SELECT * FROM quarantine")
    assert replay(collector) == {"stored": 2, "duplicates": 0, "left": 0}
    assert collector.rows("SELECT count(*) FROM quarantine") == [(0,)]
    events = collector.get(f"/profiles/{answer['profile']['id']}/events")["events"]
    assert {event["type"] for event in events} == {"mended"}
    bad = next(event for event in events if event["id"] == "bad-1")
    assert (bad["context"], bad["client_time"]) == ({"locale": "de"}, "2026-01-01T00:00:00.000Z")
    assert collector.rows("SELECT DISTINCT received_ms FROM events") == [(arrived_ms,)]
    assert collector.rows("SELECT received_ms - time_ms FROM events WHERE event_id = 'bad-1'") == [
        (3_600_000,)
    ]
    _put_back(collector, before)
    assert replay(collector) == {"stored": 0, "duplicates": 2, "left": 0}
    assert collector.rows("SELECT count(*) FROM events") == [(2,)]


def _put_back(collector: Any, rows: list[tuple[Any, ...]]) -> None:
    """As if the process had ended between the commit and the clearing."""
    with sqlite3.connect(collector.db) as connection:
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(
            f"INSERT INTO quarantine VALUES ({marks})",  # noqa: S608
            rows,
        )
    connection.close()


def test_the_command_replays_too(collector: Any) -> None:
    send(collector, BAD)
    mend(collector, '"type": 7', '"type": "mended"')
    assert "1 stored, 0 stored already, 0 refused" in collector.run("quarantine", "replay")
    assert collector.rows("SELECT type FROM events") == [("mended",)]


def test_one_that_is_far_too_large_is_cut(collector: Any) -> None:
    send(collector, {"id": "huge", "type": "x", "properties": {"a": "b" * 200_000}})
    [entry] = collector.get("/quarantine")["events"]
    assert (entry["error"], entry["cut"]) == ("too_large", True)
    assert len(entry["event"]) == kept.MAX_EVENT_CHARS
    assert replay(collector) == {"stored": 0, "duplicates": 0, "left": 1}


def test_each_source_has_its_bounds(collector: Any) -> None:
    send(collector, BAD, source="web")
    for part in range(3):
        send(collector, *({"id": f"{part}-{number}"} for number in range(900)))
    [(rows,)] = collector.rows("SELECT count(*) FROM quarantine")
    assert rows == quarantine_store.MAX_ROWS + 1
    newest = collector.get("/quarantine", source="demo", limit="1")["events"][0]
    assert newest["id"] == "2-899"
    for part in range(100):
        send(collector, *({"id": f"l{part}-{n}", "properties": "x" * 60_000} for n in range(4)))
    [(rows, size)] = collector.rows("SELECT count(*), sum(bytes) FROM quarantine")
    assert 100 < rows < 400
    assert size < 1.1 * quarantine_store.MAX_BYTES


def test_debug_shows_good_and_bad_and_what_was_refused_whole(collector: Any) -> None:
    send(collector, {"id": "good", "type": "ok"})
    send(collector, BAD)
    send(collector, {"type": "other"}, source="web")
    for _ in range(300):  # a stranger's push out nobody's
        assert collector.post({"source": {"id": "nobody"}, "events": []}).status_code == 401
    assert collector.post({"source": {"id": "demo"}, "events": 3}).status_code == 422
    events = collector.get("/debug/events", source="demo", limit="1000")["events"]
    verdicts = [event["verdict"] for event in events]
    assert verdicts[0] == "refused"
    assert verdicts.count("refused") == 50
    assert [event["id"] for event in events if event["verdict"] != "refused"] == ["bad-1", "good"]
    assert events[0]["error"] == "wrong_shape"
    good = events[-1]
    assert (good["event"]["type"], good["source"]) == ("ok", "demo")
    assert httpx.get(f"{collector.url}/debug/events").status_code == 401


@pytest.mark.parametrize(
    ("sent_at", "time", "expected_clamped"),
    [
        ("2026-01-01T00:00:10Z", "2026-01-01T00:00:00Z", False),
        ("2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z", True),
        (None, "2126-01-01T00:00:00Z", True),
    ],
)
def test_each_event_keeps_all_of_its_times(
    collector: Any, sent_at: str | None, time: str, *, expected_clamped: bool
) -> None:
    fields = {} if sent_at is None else {"sent_at": sent_at}
    answer = send(collector, {"id": "a", "type": "x", "time": time}, {"type": "y"}, **fields)
    events = collector.get(f"/profiles/{answer['profile']['id']}/events")["events"]
    event = next(event for event in events if event["id"] == "a")
    assert event["client_time"] == time.replace("Z", ".000Z")
    assert event["sent_at"] == (sent_at and sent_at.replace("Z", ".000Z"))
    assert event["clamped"] is expected_clamped
    assert (event["time"] == event["received"]) is expected_clamped
    timeless = next(event for event in events if event["id"] != "a")
    assert (timeless["client_time"], timeless["clamped"]) == (None, False)


def test_the_answer_has_a_word_for_each_event_in_their_order(collector: Any) -> None:
    send(collector, {"id": "b", "type": "x"}, session={"id": "s"})
    events = [{"id": "a", "type": "x"}, BAD, {"id": "b", "type": "x"}, {"id": "c", "type": "x"}]
    answer = send(collector, *events, session={"id": "s"})
    assert answer["results"] == ["stored", "rejected", "duplicate", "stored"]


def test_metrics_tell_wrong_clocks_and_crawlers(new_collector: Callable[..., Any]) -> None:
    collector = new_collector("--demo", "--set", "metrics.public=true").start()
    event = {"type": "x", "time": "2026-01-01T02:00:00Z"}
    send(collector, event, sent_at="2026-01-01T00:00:00Z")
    metrics = httpx.get(f"{collector.url}/metrics").text
    assert "onetrail_client_clock_skew_seconds_count 1.0" in metrics
    assert "onetrail_events_clamped_total 1.0" in metrics
    assert "onetrail_bots_marked 1.0" in metrics
