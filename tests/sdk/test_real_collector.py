"""The SDK against a real collector; events counted in its SQLite file."""

from __future__ import annotations

import pytest
from sdk_run import wait_until

from onetrail import Settings, Tracker

QUICK = Settings(send_interval_s=0.02, backoff_cap_s=0.2, connect_timeout_s=1.0)


@pytest.fixture
def tracker(collector, tmp_path):
    options = {"source": "demo", "data_dir": tmp_path / "sdk", "settings": QUICK}
    with Tracker(collector.url, **options) as made:
        yield made


def test_events_are_stored_with_their_session_and_profile(collector, tracker):
    tracker.track("page-view", url="https://shop.example/")
    tracker.identify(email="Ann@shop.test", user_id=17)
    assert tracker.flush() == 0
    assert collector.rows("SELECT type FROM events ORDER BY event_id") == [
        ("page-view",),
        ("identify",),
    ]
    assert collector.rows("SELECT public_id FROM profile_ids") == [(tracker.profile_id,)]
    assert collector.rows("SELECT public_id FROM sessions") == [(tracker.session_id,)]
    found = collector.get("/profiles", key="email:ann@shop.test")
    assert tracker.profile_id in str(found)


def test_the_collector_killed_under_load_loses_and_doubles_nothing(collector, tracker):
    for number in range(2000):
        tracker.track("reading", number=number)
        if number in {500, 1200}:
            collector.kill()
            collector.start()
    assert tracker.flush(timeout_s=30) == 0
    stored = collector.rows("SELECT json_extract(properties, '$.number') FROM events")
    assert sorted(number for (number,) in stored) == list(range(2000))


def test_an_unknown_source_keeps_its_events_until_it_is_added(collector, tmp_path, caplog):
    with Tracker(
        collector.url, source="new-app", data_dir=tmp_path / "new", settings=QUICK
    ) as tracker:
        tracker.track("one")
        wait_until(lambda: "sources add new-app" in caplog.text)
        collector.run("sources", "add", "new-app")
        assert tracker.flush(timeout_s=20) == 0
    assert collector.rows("SELECT count(*) FROM events") == [(1,)]


def test_reset_gives_the_next_person_another_profile(collector, tracker):
    tracker.identify(email="ann@shop.test")
    tracker.reset()
    tracker.identify(email="bob@shop.test")
    assert tracker.flush() == 0
    assert collector.get("/counts")["profiles"] == 2


def test_odd_values_are_taken_by_the_collector(collector, tracker):
    deep = "bottom"
    for _ in range(100):
        deep = {"in": deep}
    tracker.track("odd", nan=float("nan"), big=2**80, surrogate="\ud800", deep=deep, set={1})
    tracker.track("large", page="é" * 40_000)
    tracker.track("x" * 128)
    assert tracker.flush() == 0
    assert collector.rows("SELECT count(*) FROM events") == [(3,)]
    assert not [name for name in tracker.counts() if name.startswith("rejected")]
