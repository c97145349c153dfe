"""The tracker against a real HTTP server."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from datetime import UTC, datetime

import httpx
import pytest
from sdk_run import wait_until

from onetrail import Tracker
from onetrail.settings import Settings


def test_tracked_events_arrive_in_order_in_one_request(new_tracker, sink):
    tracker = new_tracker(settings=Settings(send_interval_s=60))  # until flush() they are together
    tracker.track("page-view", url="https://shop.example/")
    tracker.track("click", {"button-id": 7}, place="top")
    assert tracker.flush() == 0
    (request,) = sink.requests
    assert request["source"] == {"id": "demo"}
    assert request["session"] == {"id": tracker.session_id}
    assert [e["type"] for e in request["events"]] == ["page-view", "click"]
    assert request["events"][1]["properties"] == {"button-id": 7, "place": "top"}
    assert request["context"]["library"]["name"] == "onetrail-python"


def test_the_session_id_is_new_at_each_start_and_the_profile_id_stays(new_tracker):
    first = new_tracker()
    assert first.profile_id is None
    first.track("start")
    first.close(timeout_s=5)
    second = new_tracker()
    assert second.session_id != first.session_id
    assert uuid.UUID(second.session_id).version == 4
    assert second.profile_id == first.profile_id is not None


def test_the_latest_answer_decides_the_profile_id(new_tracker, sink):
    """A device may change hands: the collector then answers with a new profile ID."""
    tracker = new_tracker()
    tracker.track("one")
    tracker.flush()
    sink.profiles[tracker.session_id] = "changed-hands"
    tracker.track("two")
    tracker.flush()
    assert tracker.profile_id == "changed-hands"
    assert new_tracker().profile_id == "changed-hands"


def test_identify_is_an_event_with_only_what_was_given(new_tracker, sink):
    tracker = new_tracker()
    tracker.identify(email="ann@shop.test", user_id=17, traits={"plan": "pro"})
    tracker.identify(phone="+31 20 123 4567")
    tracker.flush()
    assert [(e["type"], e["properties"]) for e in sink.events.values()] == [
        ("identify", {"email": "ann@shop.test", "user_id": "17", "traits": {"plan": "pro"}}),
        ("identify", {"phone": "+31 20 123 4567"}),
    ]
    with pytest.raises(ValueError, match="at least one"):
        tracker.identify()


def test_reset_gives_the_next_person_a_new_session_and_profile(new_tracker, sink):
    """Nothing from before a reset shares a request with what comes after, even when all waited."""
    tracker = new_tracker()
    before = tracker.session_id
    tracker.track("ann-1")
    tracker.track("ann-2")
    tracker.reset()
    assert tracker.profile_id is None
    tracker.track("bob")
    tracker.flush()
    assert [[e["type"] for e in r["events"]] for r in sink.requests] == [
        ["ann-1", "ann-2"],
        ["bob"],
    ]
    assert [r["session"]["id"] for r in sink.requests] == [before, tracker.session_id]
    assert "profile" not in sink.requests[1]
    assert tracker.profile_id == sink.profiles[tracker.session_id]


def test_an_answer_for_the_former_holder_is_not_kept_for_the_next(new_tracker, sink):
    """Ann's answer is under way while she signs out: Bob must not get her profile ID."""
    sink.faults = ["hang"]
    tracker = new_tracker()
    tracker.track("ann")
    wait_until(lambda: sink.answered)
    tracker.reset()
    sink.release.set()
    tracker.flush()
    assert sink.types == ["ann"]
    assert tracker.profile_id is None


def test_sessions_of_an_offline_device_get_one_profile_id(new_tracker, sink):
    """Until there is an answer a request holds one session; later ones carry the profile ID."""
    for name in ("one", "two", "three"):
        tracker = new_tracker(url="http://127.0.0.1:9")
        tracker.track(name)
        tracker.close(timeout_s=0)
    tracker = new_tracker()
    assert tracker.flush() == 0
    first, second = sink.requests
    assert [e["type"] for e in first["events"]] == ["one"]
    assert [e["type"] for e in second["events"]] == ["two", "three"]
    assert second["profile"]["id"] == tracker.profile_id == sink.profiles[first["session"]["id"]]
    assert second["events"][0]["session"]["id"] != second["session"]["id"]


def test_an_event_of_another_time_carries_that_time(new_tracker, sink):
    tracker = new_tracker()
    tracker.track_at(datetime(1997, 1, 1, 12, tzinfo=UTC), "purchase", cds=1)
    tracker.flush()
    (event,) = sink.events.values()
    assert event["time"].startswith(("1997-01-01T12:00:00.00", "1997-01-01T11:59:59.99"))
    with pytest.raises(ValueError, match="time zone"):
        tracker.track_at(datetime(1997, 1, 1), "purchase")  # noqa: DTZ001


def test_an_unknown_source_keeps_events_and_says_once_how_to_add_it(new_tracker, sink, caplog):
    sink.always = 401
    tracker = new_tracker()
    with caplog.at_level(logging.ERROR, "onetrail"):
        tracker.track("kept")
        wait_until(lambda: sink.answered >= 3)
    assert [
        r.getMessage().count("onetrail-collector sources add demo") for r in caplog.records
    ] == [1]
    sink.always = None
    assert tracker.flush() == 0
    assert sink.types == ["kept"]


def test_rejected_events_are_named_by_code_and_never_by_content(new_tracker, sink, caplog):
    sink.faults = [(200, b'{"rejected": [{"index": 0, "error": "too_large", "detail": "secret"}]}')]
    tracker = new_tracker()
    tracker.track("big", secret="secret")  # noqa: S106
    assert tracker.flush() == 0
    assert "refused 1 of 1 events: too_large" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"profile": 7, "rejected": 3}', b"\xff"])
def test_a_2xx_forgets_events_whatever_its_body_says(new_tracker, sink, body):
    sink.faults = [(202, body)]
    tracker = new_tracker()
    tracker.track("one")
    assert tracker.flush() == 0
    assert len(sink.requests) == 1


@pytest.mark.parametrize("wrong", [None, 7, b"page-view"])
def test_a_type_that_is_no_text_is_a_type_error(new_tracker, wrong):
    with pytest.raises(TypeError, match="event type"):
        new_tracker().track(wrong)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [("", "empty"), ("x" * 129, "limit is 128"), ("a\nb", "printable"), ("\ud800", "printable")],
)
def test_a_type_that_the_collector_would_refuse_is_a_value_error(new_tracker, wrong, said):
    with pytest.raises(ValueError, match=said):
        new_tracker().track(wrong)


def test_properties_that_are_no_mapping_are_a_type_error(new_tracker):
    with pytest.raises(TypeError, match="must be a mapping"):
        new_tracker().track("page-view", ["url"])


def test_flush_returns_what_is_left_when_time_is_up(new_tracker, sink):
    sink.always = 503
    tracker = new_tracker()
    tracker.track("one")
    tracker.track("two")
    assert tracker.flush(timeout_s=0.05) == 2


def test_the_context_manager_sends_and_closes(sink, tmp_path, quick):
    with Tracker(sink.url, source="demo", data_dir=tmp_path, settings=quick) as tracker:
        tracker.track("one")
    assert sink.types == ["one"]


def test_an_import_of_old_events_is_not_dropped_for_its_age(new_tracker, sink, quick):
    """Age is how long an event has waited, not how long ago it happened."""
    tracker = new_tracker(settings=quick._replace(max_age_s=60, max_events=64))
    for _ in range(50):
        tracker.track_at(datetime(1997, 1, 1, tzinfo=UTC), "purchase")
    assert tracker.flush() == 0
    assert len(sink.events) == 50
    assert tracker.counts() == {"delivered": 50}


def test_a_durability_that_does_not_exist_is_a_value_error(new_tracker):
    with pytest.raises(ValueError, match="durability is 'eternal'"):
        new_tracker(durability="eternal")


def test_nothing_that_goes_wrong_inside_reaches_the_app(new_tracker, monkeypatch, caplog):
    tracker = new_tracker()
    monkeypatch.setattr(tracker._outbox, "append", lambda *_: 1 / 0)
    tracker.track("one")
    assert tracker.counts() == {"dropped:internal_error": 1}
    assert "could not be kept" in caplog.text


def test_a_log_handler_that_tracks_does_not_deadlock(new_tracker, sink):
    """The app's handler is called from within track(), when the disk fails for example."""
    tracker = new_tracker(data_dir="/proc/onetrail")

    class Tracking(logging.Handler):
        def emit(self, record):
            tracker.track("logged", level=record.levelname)

    handler = Tracking()
    logging.getLogger("onetrail").addHandler(handler)
    try:
        tracker.track("one")
        assert tracker.flush() == 0
    finally:
        logging.getLogger("onetrail").removeHandler(handler)
    assert "logged" in sink.types


def test_close_tries_once_more_though_the_last_attempt_failed(new_tracker, sink, quick):
    """The collector may be back; a wait of up to a minute is under way, and close() cuts it."""
    sink.faults = [503]
    settings = quick._replace(backoff_base_s=60.0, backoff_cap_s=60.0, exit_timeout_s=5.0)
    tracker = new_tracker(settings=settings)
    tracker.track("one")
    wait_until(tracker._sender.gave_up.is_set)
    assert tracker.close() == 0
    assert sink.types == ["one"]


def test_close_does_not_wait_where_the_collector_asked_for_patience(new_tracker, sink, quick):
    sink.faults = [(429, {"Retry-After": "30"})]
    tracker = new_tracker(settings=quick._replace(exit_timeout_s=20.0))
    tracker.track("one")
    wait_until(tracker._sender.told_to_wait.is_set)
    start = time.monotonic()
    assert tracker.close() == 1
    assert time.monotonic() - start < 5


def test_a_session_id_used_by_two_holders_stays_with_each(new_tracker, sink):
    tracker = new_tracker(url="http://127.0.0.1:9")
    tracker.new_session("shared")
    tracker.track("ann")
    tracker.reset()
    tracker.new_session("shared")
    tracker.track("bob")
    tracker.close(timeout_s=0)
    assert new_tracker().flush() == 0
    assert [[e["type"] for e in r["events"]] for r in sink.requests] == [["ann"], ["bob"]]


def test_the_folder_is_its_owners_alone(new_tracker, tmp_path):
    """It holds e-mail addresses until they are sent."""
    new_tracker().track("one")
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_flush_is_right_while_other_threads_track(new_tracker, sink):
    """It waits for what was tracked before it, and not for the outbox to be empty."""
    tracker, done = new_tracker(), threading.Event()

    def busy():
        while not done.is_set():
            tracker.track("noise")

    noise = threading.Thread(target=busy)
    noise.start()
    try:
        for number in range(5):
            tracker.track("mine", number=number)
            assert tracker.flush(timeout_s=10) == 0
            assert sink.types.count("mine") == number + 1
    finally:
        done.set()
        noise.join()


def test_requests_are_not_in_the_app_s_log(new_tracker, sink, caplog):
    """The client logs each request at INFO: the app reads its own there, and none of ours."""
    caplog.set_level(logging.INFO)
    tracker = new_tracker()
    tracker.track("a")
    assert tracker.flush() == 0
    httpx.post(sink.url, json={"session": {"id": "s"}, "events": []})
    assert [record.name for record in caplog.records] == ["httpx"]
