"""opt_out, opt_in, DO_NOT_TRACK and the before_send hook."""

from __future__ import annotations

import pytest
from sdk_run import wait_until


def test_opt_out_forgets_what_waits_and_records_nothing_from_then_on(new_tracker, sink):
    sink.always = 503
    tracker = new_tracker()
    tracker.track("before")
    tracker.opt_out()
    tracker.track("after")
    sink.always = None
    assert tracker.flush() == 0
    assert sink.types == []
    assert not tracker.is_recording


def test_opt_out_is_kept_across_starts_until_opt_in(new_tracker, sink):
    first = new_tracker()
    first.opt_out()
    first.close()
    second = new_tracker()
    second.track("silent")
    second.opt_in()
    second.track("heard")
    assert second.flush() == 0
    assert sink.types == ["heard"]
    assert new_tracker().is_recording


def test_another_process_hears_of_it_after_its_next_round(new_tracker, sink):
    one, other = new_tracker(), new_tracker()
    other.track("before")
    assert other.flush() == 0
    one.opt_out()
    other.track("last")
    other.flush()
    wait_until(lambda: not other.is_recording)
    other.track("after")
    assert "after" not in sink.types


def test_opt_out_forgets_the_profile_id(new_tracker):
    tracker = new_tracker()
    tracker.track("one")
    tracker.flush()
    assert tracker.profile_id
    tracker.opt_out()
    assert tracker.profile_id is None


@pytest.mark.parametrize(("value", "recording"), [("1", False), ("true", False), ("0", True)])
def test_do_not_track_is_honoured(new_tracker, sink, monkeypatch, value, recording):
    monkeypatch.setenv("DO_NOT_TRACK", value)
    tracker = new_tracker()
    tracker.track("one")
    assert tracker.flush() == 0
    assert bool(sink.types) is recording
    assert tracker.is_recording is recording


def test_the_persons_own_opt_in_outweighs_do_not_track(new_tracker, monkeypatch):
    monkeypatch.setenv("DO_NOT_TRACK", "1")
    tracker = new_tracker()
    tracker.opt_in()
    assert tracker.is_recording


def test_before_send_can_change_and_drop(new_tracker, sink):
    def hook(event):
        if event["type"] == "drop":
            return None
        event["properties"].pop("password", None)
        return event | {"type": event["type"].upper()}

    tracker = new_tracker(before_send=hook)
    tracker.track("drop")
    tracker.track("keep", password="secret", n=1)  # noqa: S106
    assert tracker.flush() == 0
    assert [(e["type"], e["properties"]) for e in sink.events.values()] == [("KEEP", {"n": 1})]
    assert tracker.counts()["dropped:before_send"] == 1


@pytest.mark.parametrize("hook", [lambda _: 1 / 0, lambda _: "text", lambda _: {}])
def test_a_hook_that_fails_drops_the_event_and_never_raises(new_tracker, sink, hook, caplog):
    """It is there for privacy: what it could not look at does not go out."""
    tracker = new_tracker(before_send=hook)
    tracker.track("one")
    assert tracker.flush() == 0
    assert sink.types == []
    assert tracker.counts() == {"dropped:before_send_failed": 1}
    assert "before_send failed" in caplog.text


def test_a_hook_that_fails_raises_when_strict(new_tracker):
    with pytest.raises(ZeroDivisionError):
        new_tracker(before_send=lambda _: 1 / 0, strict=True).track("one")
