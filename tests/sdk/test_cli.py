"""The command `onetrail`, run as people run it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


def onetrail(*words, code=0):
    done = subprocess.run(
        [sys.executable, "-m", "onetrail.cli", *map(str, words)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout or done.stderr


@pytest.fixture
def waiting(new_tracker, tmp_path):
    """An outbox with three events that wait: nobody listens on port 9."""
    tracker = new_tracker(url="http://127.0.0.1:9")
    tracker.track("one", n=1)
    tracker.track("two", text="é")
    tracker.track("three")
    tracker.close(timeout_s=0)
    return tmp_path / "data"


def test_status_is_a_table_a_person_can_read(waiting):
    said = onetrail("status", "--data-dir", waiting)
    assert "waiting     3\n" in said
    assert "profile     -\n" in said


def test_status_for_programs(waiting):
    facts = json.loads(onetrail("status", "--data-dir", waiting, "--json"))
    assert (facts["waiting"], facts["aside"], facts["lost"]) == (3, {}, {})


def test_export_prints_one_event_a_line(waiting):
    lines = [json.loads(line) for line in onetrail("export", "--data-dir", waiting).splitlines()]
    assert [(line["type"], line["properties"]) for line in lines] == [
        ("one", {"n": 1}),
        ("two", {"text": "é"}),
        ("three", {}),
    ]


def test_flush_sends_what_waits(waiting, sink):
    said = onetrail("flush", "--data-dir", waiting, "--url", sink.url, "--source", "demo")
    assert said == "0 events left\n"
    assert sink.types == ["one", "two", "three"]


def test_flush_says_what_is_left(waiting):
    words = ["--url", "http://127.0.0.1:9", "--source", "demo", "--timeout-s", "0.3", "--json"]
    assert json.loads(onetrail("flush", "--data-dir", waiting, *words, code=1)) == {"left": 3}


def test_purge_forgets_everything(waiting):
    assert onetrail("purge", "--data-dir", waiting) == "3 events purged\n"
    assert json.loads(onetrail("status", "--data-dir", waiting, "--json"))["waiting"] == 0


def test_requeue_puts_back_what_was_set_aside(new_tracker, sink, tmp_path):
    sink.always = 404
    tracker = new_tracker()
    tracker.track("one")
    assert tracker.flush() == 0
    tracker.close(timeout_s=0)
    folder = tmp_path / "data"
    assert "http_404" in onetrail("status", "--data-dir", folder)
    aside = json.loads(onetrail("export", "--aside", "--data-dir", folder))
    assert (aside["type"], aside["reason"], aside["properties"]) == ("one", "http_404", {})
    assert onetrail("requeue", "--data-dir", folder) == "1 events wait again\n"
    assert json.loads(onetrail("status", "--data-dir", folder, "--json"))["waiting"] == 1


def test_send_tracks_one_event(sink, tmp_path):
    words = ["page-view", "url=https://shop.example/?a=b", "n=3", "ok=true"]
    onetrail("send", *words, "--url", sink.url, "--source", "demo", "--data-dir", tmp_path)
    (event,) = sink.events.values()
    assert event["type"] == "page-view"
    assert event["properties"] == {"url": "https://shop.example/?a=b", "n": 3, "ok": True}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["status"], "--app, --source or --data-dir"),
        (["status", "--data-dir", "/nowhere"], "no outbox in /nowhere"),
        (["send", "x", "novalue", "--data-dir", "/nowhere"], "'novalue' is no property"),
        (["flush", "--data-dir", "/nowhere"], "--url and --source"),
        ([], "COMMAND"),
    ],
)
def test_wrong_usage_says_what_is_wrong(words, said):
    assert said in onetrail(*words, code=2)
