"""What is too old or too many goes, oldest first; nothing else does, whatever happens meanwhile."""

import asyncio
import json
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onetrail_collector.retention import DAY_MS, ROWS_A_STEP, InUse, Limits, limits, plan
from onetrail_collector.settings import InvalidSettings, load
from onetrail_collector.settings.sections import Keep, Retention
from onetrail_collector.store.rows import EventAge, Referred
from onetrail_collector.store.sqlite import SqliteStore


def wait_until(condition: Callable[[], object], what: str, *, deadline_s: float = 30) -> None:
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, f"waited {deadline_s} s for {what}"
        time.sleep(0.05)


def test_a_sources_own_limits_stand_over_those_of_all() -> None:
    settings = Retention(days=30, rows=9, sources={"web": Keep(days=0), "app": Keep(rows=5)})
    assert limits(settings, "web") == Limits(0, 9)
    assert limits(settings, "app") == Limits(30, 5)
    assert limits(settings, "iot") == Limits(30, 9)


@given(
    sources=st.lists(st.integers(1, 2), max_size=60),
    older_than_ms=st.integers(0, 70),
    excess=st.integers(0, 40),
    look=st.integers(1, 20),
)
def test_a_plan_takes_the_oldest_of_one_source_and_no_other(
    sources: list[int], older_than_ms: int, excess: int, look: int
) -> None:
    """Walked in looks of any size: the same events go, and the position never passes a kept one."""
    events = [EventAge(index + 1, source, index) for index, source in enumerate(sources)]
    own = [event for event in events if event.source == 1]
    too_old = [event for event in own if event.received_ms < older_than_ms]
    expected = own[: max(len(too_old), excess)]
    position, gone, done = 0, [], False
    while not done:
        ahead = [event for event in events if event.id > position][:look]
        step = plan(
            ahead, 1, position, older_than_ms=older_than_ms, excess=max(0, excess - len(gone))
        )
        position, done = step.position, step.done or not ahead
        gone += step.doomed
        kept = {event.id for event in own} - set(gone)
        assert all(number > position for number in kept)
    assert gone == [event.id for event in expected]


def test_a_step_is_bounded() -> None:
    events = [EventAge(number, 1, 0) for number in range(1, 3 * ROWS_A_STEP)]
    step = plan(events, 1, 0, older_than_ms=1, excess=0)
    assert (len(step.doomed), step.done) == (ROWS_A_STEP, False)
    assert step.position == ROWS_A_STEP


def test_rows_in_use_are_those_that_were_seen() -> None:
    in_use = InUse()
    in_use.see(Referred(7, [3, 9], [1]))
    in_use.see(Referred(None, [], []))
    assert in_use.seen_to == 7
    assert in_use.missing("sessions", [1, 3, 9, 10]) == [1, 10]
    assert in_use.missing("contexts", [1, 2]) == [2]


def test_only_events_refer_to_sessions_and_contexts_and_nothing_to_events(tmp_path: Path) -> None:
    """Retention knows no other references: a new table that has one must be taught to it."""
    asyncio.run(open_and_close(tmp_path / "a.db"))
    connection = sqlite3.connect(tmp_path / "a.db")
    tables = [
        row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
    ]
    references = {
        (table, row[2])
        for table in tables
        for row in connection.execute(f"PRAGMA foreign_key_list({table})")
    }
    connection.close()
    wanted = {(table, to) for table, to in references if to in {"events", "sessions", "contexts"}}
    # An erasure under way looks at events itself before it takes a context away.
    wanted.discard(("erasing_contexts", "contexts"))
    # A device forgets its session with it, by a trigger.
    wanted.discard(("device_keys", "sessions"))
    assert wanted == {("events", "sessions"), ("events", "contexts")}


async def open_and_close(db: Path) -> None:
    await (await SqliteStore.open(db)).close()


def test_event_numbers_are_never_used_again(collector: Any) -> None:
    """All events go; whoever follows them by number must not take new ones for old ones."""
    post(collector, "web", 3, "s")
    collector.stop()
    with sqlite3.connect(collector.db) as emptied:
        emptied.execute("DELETE FROM events")
    emptied.close()
    collector.start()
    post(collector, "web", 1, "s")
    assert collector.rows("SELECT id FROM events") == [(4,)]


def post(collector: Any, source: str, count: int, session: str, **fields: Any) -> None:
    events = [{"id": str(uuid4()), "type": "a"} for _ in range(count)]
    body = {"source": {"id": source}, "session": {"id": session}, "events": events, **fields}
    answer = collector.post(body)
    assert answer.status_code == 200, answer.text


def of_source(collector: Any, source: str) -> int:
    [(count,)] = collector.rows(
        "SELECT count(*) FROM events JOIN sources ON sources.id = source WHERE public_id = ?",
        source,
    )
    return int(count)


def test_old_events_of_one_source_go_with_their_sessions_and_contexts(collector: Any) -> None:
    """Sixty days later: web's old events are gone, demo's stay, and who Ann is stays known."""
    identify = {"type": "identify", "id": "who", "properties": {"email": "ann@shop.test"}}
    post(collector, "web", 1, "old", context={"page": "old"})
    collector.post({"source": {"id": "web"}, "session": {"id": "old"}, "events": [identify]})
    for index in range(3):
        post(collector, "web", 900, f"old-{index}", context={"page": f"old {index}"})
        post(collector, "demo", 100, f"demo-{index}", context={"page": "demo"})
    collector.stop()
    with sqlite3.connect(collector.db) as aged:
        aged.execute("UPDATE events SET received_ms = received_ms - ?", (60 * DAY_MS,))
        aged.execute("UPDATE sessions SET started_ms = started_ms - ?", (60 * DAY_MS,))
    aged.close()
    keep = json.dumps({"web": {"days": 30}, "wbe": {"days": 1}})
    collector._options += ("--set", f"retention.sources={keep}", "--set", "retention.interval_s=1")
    collector.start()
    post(collector, "web", 5, "new", context={"page": "new"})

    wait_until(lambda: of_source(collector, "web") == 5, "web's old events to be gone")
    assert of_source(collector, "demo") == 300
    bodies = "SELECT body ->> 'page' FROM contexts ORDER BY 1"
    wait_until(lambda: collector.rows(bodies) == [("demo",), ("new",)], "unused contexts to go")
    sessions = [row[0] for row in collector.rows("SELECT public_id FROM sessions ORDER BY 1")]
    assert sessions == ["demo-0", "demo-1", "demo-2", "new"]
    assert collector.rows("PRAGMA foreign_key_check") == []
    [profile] = collector.get("/profiles", key="email:ann@shop.test")["profiles"]
    assert profile["keys"][0]["event_id"] == "who"  # the evidence is named, though it is gone
    metrics = httpx.get(
        f"{collector.url}/metrics", headers={"authorization": f"Bearer {collector.token}"}
    ).text
    assert 'onetrail_retention_deleted_total{table="events"} 2702.0' in metrics
    assert 'onetrail_retention_deleted_total{table="sessions"} 4.0' in metrics
    assert 'onetrail_retention_deleted_total{table="contexts"} 4.0' in metrics
    assert collector.said().count("retention.sources.wbe: there is no such source yet") == 1
    assert "retention: 2702 events of source web are gone" in collector.said()


class Load:
    """Clients that send without pause, note what was acknowledged, and how long they waited."""

    def __init__(self, url: str, clients: int = 3) -> None:
        self.acknowledged: list[str] = []
        self.waited_s: list[float] = []
        self._url = url
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send) for _ in range(clients)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send(self) -> None:
        session = str(uuid4())
        with httpx.Client(timeout=10) as client:
            while not self._stop.is_set():
                ids = [str(uuid4()) for _ in range(50)]
                body = {
                    "source": {"id": "demo"},
                    "session": {"id": session},
                    "context": {"session": session},
                    "events": [{"id": i, "type": "a"} for i in ids],
                }
                began_s = time.monotonic()
                try:
                    answer = client.post(f"{self._url}/track", json=body)
                except httpx.TransportError:
                    time.sleep(0.01)
                    continue
                if answer.status_code == 200:
                    self.waited_s.append(time.monotonic() - began_s)
                    self.acknowledged += ids


def test_under_load_and_kill_9_the_newest_rows_stay_whole(
    new_collector: Callable[..., Any],
) -> None:
    """Ingest goes on while rows go; a kill between two steps loses and repeats nothing."""
    rows = 3_000
    collector = new_collector(
        "--demo", "--set", f"retention.rows={rows}", "--set", "retention.interval_s=1"
    ).start()
    waited_s: list[float] = []
    acknowledged: list[str] = []
    for _ in range(4):
        with Load(collector.url) as load:
            time.sleep(1.6)  # a look or two, under load
            collector.kill()
        waited_s += load.waited_s
        acknowledged += load.acknowledged
        assert collector.rows("PRAGMA integrity_check") == [("ok",)]
        assert collector.rows("PRAGMA foreign_key_check") == []
        collector.start()
    assert len(acknowledged) > 2 * rows
    wait_until(lambda: of_source(collector, "demo") == rows, "the excess to be gone")
    [(first, last)] = collector.rows("SELECT min(id), max(id) FROM events")
    assert last - first + 1 == rows  # the newest, without a hole
    kept = {row[0] for row in collector.rows("SELECT event_id FROM events")}
    assert set(acknowledged[-50:]) <= kept
    assert max(waited_s) < 2, "a step has stalled ingest"
    assert collector.rows("PRAGMA foreign_key_check") == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[retention]\ndays = -1", "retention.days is -1"),
        ("[retention]\ndayz = 1", "did you mean 'days'?"),
        ("[retention.sources.web]\ndayz = 1", "did you mean 'days'?"),
        ("[retention.sources.web]\ndays = 'x'", "retention.sources is"),
    ],
)
def test_wrong_limits_are_named(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "onetrail.toml"
    path.write_text(text)
    with pytest.raises(InvalidSettings) as caught:
        load(path)
    assert words in str(caught.value)
