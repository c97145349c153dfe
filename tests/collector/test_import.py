"""`import`: what other systems have exported becomes what their clients would have sent."""

import gzip
import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

SEGMENT = [
    {
        "type": "page",
        "messageId": "ajs-1",
        "anonymousId": "a-1",
        "timestamp": "2026-03-01T10:00:00.000Z",
        "originalTimestamp": "2026-03-01T11:00:07.000Z",
        "receivedAt": "2026-03-01T10:00:00.100Z",
        "context": {"page": {"url": "https://shop.test/", "title": "Shop"}},
        "properties": {},
    },
    {
        "type": "identify",
        "messageId": "ajs-2",
        "anonymousId": "a-1",
        "userId": "17",
        "timestamp": "2026-03-01T10:01:00.000Z",
        "traits": {"email": "ann@shop.test", "plan": "pro"},
    },
    {
        "type": "track",
        "event": "Order Completed",
        "anonymousId": "a-2",
        "userId": "17",
        "timestamp": "2026-03-02T08:00:00.000Z",
        "properties": {"total": 12},
    },
]
POSTHOG = [
    {
        "uuid": "018e0000-0000-7000-8000-000000000001",
        "event": "$pageview",
        "distinct_id": "d-1",
        "timestamp": "2026-03-01 10:00:00.123000",
        "properties": json.dumps({"$current_url": "https://shop.test/", "$device_id": "d-1"}),
    },
    {
        "uuid": "018e0000-0000-7000-8000-000000000002",
        "event": "$identify",
        "distinct_id": "17",
        "timestamp": "2026-03-01T10:01:00Z",
        "properties": {
            "$device_id": "d-1",
            "$anon_distinct_id": "d-1",
            "$set": {"email": "ann@shop.test", "plan": "pro"},
        },
    },
]
OLD, OLDER = str(uuid4()), str(uuid4())
TRACARDI_EVENTS = [
    {
        "id": str(uuid4()),
        "type": "page-view",
        "name": "Page view",
        "metadata": {"time": {"insert": "2026-03-01T10:00:00.500000+00:00"}},
        "source": {"id": "theirs"},
        "session": {"id": "s-1"},
        "profile": {"id": OLD},
        "properties": {},
        "context": {"page": {"url": "https://shop.test/", "title": "Shop"}},
    },
    {
        "_index": "tracardi-event",
        "_source": {
            "id": str(uuid4()),
            "type": "purchase",
            "metadata": {"time": {"insert": "2026-03-02T10:00:00"}},
            "session": {"id": "s-2"},
            "profile": {"id": OLDER},
            "properties": {"total": 12},
            "traits": {"currency": "CHF"},
        },
    },
]
TRACARDI_PROFILES = [
    {
        "id": OLD,
        "ids": [OLD, OLDER],
        "metadata": {"time": {"insert": "2026-03-01T10:00:00Z", "update": "2026-03-03T10:00:00Z"}},
        "traits": {"plan": "pro"},
        "data": {
            "pii": {"firstname": "Ann", "lastname": None},
            "contact": {"email": {"business": "ann@work.test", "main": "Ann@Shop.test"}},
            "identifier": {"id": "17"},
        },
        "consents": {"mail": {"revoke": None}},
    }
]


def write(path: Path, *documents: object) -> Path:
    path.write_text("".join(f"{json.dumps(document)}\n" for document in documents))
    return path


def bring(collector: Any, file: Path | str, form: str, *more: str, **given: Any) -> Any:
    command = collector.command("import", str(file), "--format", form, "--source", "demo", *more)
    return subprocess.run(command, check=True, capture_output=True, timeout=60, **given)


def facts(collector: Any) -> dict[str, Any]:
    """The only profile, without what differs from one collector to the next."""
    [(public_id,)] = collector.rows("SELECT public_id FROM profile_ids ORDER BY id LIMIT 1")
    profile = collector.get(f"/profiles/{public_id}")
    traits = {name: found["value"] for name, found in profile["traits"].items()}
    keys = {(key["kind"], key["value"]) for key in profile["keys"]}
    return {"traits": traits, "keys": keys, "events": profile["events"]}


def stored(collector: Any) -> list[tuple[Any, ...]]:
    return collector.rows(
        "SELECT type, time_ms, properties, profile_id, session FROM events ORDER BY time_ms"
    )


@pytest.mark.parametrize(
    ("form", "path", "body", "documents"),
    [
        ("segment", "/v1/batch", {"writeKey": "demo"}, SEGMENT),
        ("posthog", "/batch", {"api_key": "demo"}, POSTHOG),
    ],
)
def test_it_is_the_same_profile_as_if_it_had_been_tracked(  # noqa: PLR0913, PLR0917
    collector: Any,
    new_collector: Callable[..., Any],
    tmp_path: Path,
    form: str,
    path: str,
    body: dict[str, Any],
    documents: list[dict[str, Any]],
) -> None:
    live = new_collector("--demo").start()
    sent = [{**document} for document in documents]
    for document in sent:
        document.pop("originalTimestamp", None)
        if isinstance(document.get("properties"), str):
            document["properties"] = json.loads(document["properties"])
    assert live.post({**body, "batch": sent}, path).status_code == 200
    bring(collector, write(tmp_path / "export.jsonl", *documents), form)
    assert facts(collector) == facts(live)
    assert facts(collector)["traits"]["plan"] == "pro"
    assert stored(collector) == stored(live)


@pytest.mark.parametrize("form", ["segment", "posthog", "tracardi-events", "tracardi-profiles"])
def test_a_second_run_adds_nothing(collector: Any, tmp_path: Path, form: str) -> None:
    """Also of lines without an id; compressed, and from stdin."""
    documents = {
        "segment": SEGMENT,
        "posthog": POSTHOG,
        "tracardi-events": TRACARDI_EVENTS,
        "tracardi-profiles": TRACARDI_PROFILES,
    }[form]
    file = write(tmp_path / "export.jsonl", *documents)
    assert b"stored, 0 stored already, 0 lines" in bring(collector, file, form).stdout
    before = [tuple(collector.rows(f"SELECT count(*) FROM {t}")) for t in ("events", "sessions")]  # noqa: S608
    packed = gzip.compress(file.read_bytes())
    (tmp_path / "export.jsonl.gz").write_bytes(packed)
    for again in (
        bring(collector, tmp_path / "export.jsonl.gz", form),
        bring(collector, "-", form, input=packed),
    ):
        assert again.stdout.splitlines()[-1].startswith(b"0 events stored, %d" % len(documents))
    after = [tuple(collector.rows(f"SELECT count(*) FROM {t}")) for t in ("events", "sessions")]  # noqa: S608
    assert after == before


def test_tracardis_ids_find_the_profile(collector: Any, tmp_path: Path) -> None:
    """In either order of the two files; a client in the field goes on under its ID."""
    bring(collector, write(tmp_path / "events.jsonl", *TRACARDI_EVENTS), "tracardi-events")
    bring(collector, write(tmp_path / "profiles.jsonl", *TRACARDI_PROFILES), "tracardi-profiles")
    found = [collector.get(f"/profiles/{public_id}") for public_id in (OLD, OLDER)]
    assert found[0] == found[1]
    assert found[0]["events"] == 3
    keys = {(key["kind"], key["value"]) for key in found[0]["keys"]}
    assert {("email", "ann@shop.test"), ("email", "ann@work.test"), ("user_id", "17")} <= keys
    traits = {name: trait["value"] for name, trait in found[0]["traits"].items()}
    assert traits == {"plan": "pro", "firstname": "Ann", "consent.mail": True}
    [page, _, _] = collector.rows("SELECT type, properties FROM events ORDER BY time_ms")
    assert page == ("page-view", '{"url":"https://shop.test/","title":"Shop"}')
    answer = collector.post(
        {"source": {"id": "demo"}, "profile": {"id": OLDER}, "events": [{"type": "a"}]}
    ).json()
    assert answer["profile"]["id"] == OLDER


def test_our_own_export_is_the_same_events_in_another_collector(
    collector: Any, new_collector: Callable[..., Any], tmp_path: Path
) -> None:
    """With its profile IDs, also where a session has changed hands."""
    for user in (1, 2):
        identify = {"type": "identify", "properties": {"user_id": user, "traits": {"n": user}}}
        body = {"source": {"id": "demo"}, "session": {"id": "s"}, "context": {"locale": "rm"}}
        assert collector.post({**body, "events": [identify, {"type": "a"}]}).status_code == 200
    file = tmp_path / "events.jsonl"
    collector.run("export", "events", "--format", "jsonl", "-o", str(file))
    other = new_collector("--demo").start()
    bring(other, file, "onetrail")
    copy = tmp_path / "copy.jsonl"
    other.run("export", "events", "--format", "jsonl", "-o", str(copy))

    def rows(path: Path) -> list[dict[str, Any]]:
        own = {"received", "sent_at", "client_time", "client"}
        lines = [json.loads(line) for line in path.read_text().splitlines()]
        return sorted(
            ({name: row[name] for name in row.keys() - own} for row in lines),
            key=lambda row: str(row["event_id"]),
        )

    assert rows(copy) == rows(file)
    assert len({row["profile"] for row in rows(copy)}) == 2


def test_wrong_lines_are_named_and_the_others_stored(collector: Any, tmp_path: Path) -> None:
    file = tmp_path / "export.jsonl"
    lines = [
        json.dumps(SEGMENT[0]),
        "",
        "{not json",
        json.dumps({"type": "track", "event": "x"}),
        json.dumps({**SEGMENT[0], "messageId": "m" * 200}),
        json.dumps({"type": "track", "event": 7, "anonymousId": "a"}),
        "x" * 2_000_000,
        json.dumps(SEGMENT[2]),
    ]
    file.write_text("\n".join(lines))
    rejects = tmp_path / "rejects.jsonl"
    done = bring(collector, file, "segment", "--rejects", str(rejects))
    assert done.stdout.splitlines()[-1].startswith(b"2 events stored, 0 stored already, 5 lines")
    told = [json.loads(line) for line in rejects.read_text().splitlines()]
    assert [(reject["line"], reject["error"]) for reject in told] == [
        (3, "not_json"),
        (4, "wrong_shape"),
        (5, "wrong_shape"),
        (6, "wrong_shape"),
        (7, "too_large"),
    ]
    assert told[0]["text"] == "{not json"
    assert "line 4: needs an anonymousId or a userId" in done.stderr.decode()
    assert "line 5: id has 200 characters" in done.stderr.decode()
    assert "line 6: event: expected str" in done.stderr.decode()


def test_a_file_that_ends_too_early_is_imported_as_far_as_it_goes(
    collector: Any, tmp_path: Path
) -> None:
    lines = "".join(f"{json.dumps({**SEGMENT[0], 'messageId': str(uuid4())})}\n" for _ in range(99))
    (tmp_path / "cut.gz").write_bytes(gzip.compress(lines.encode())[:-400])
    with pytest.raises(subprocess.CalledProcessError) as failed:
        bring(collector, tmp_path / "cut.gz", "segment")
    assert b"cannot be read to its end" in failed.value.stderr
    [(count,)] = collector.rows("SELECT count(*) FROM events")
    assert 0 < count < 99


def test_an_unknown_source_is_said_at_once(collector: Any, tmp_path: Path) -> None:
    command = collector.command("import", str(write(tmp_path / "a", *SEGMENT)))
    command += ["--format", "segment", "--source", "nowhere"]
    failed = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert failed.returncode == 1
    assert "onetrail-collector sources add nowhere" in failed.stderr


def test_erased_people_do_not_come_back_with_an_old_export(collector: Any, tmp_path: Path) -> None:
    file = write(tmp_path / "profiles.jsonl", *TRACARDI_PROFILES)
    bring(collector, file, "tracardi-profiles")
    collector.run("erase", OLDER, "--yes")
    other = {"id": str(uuid4()), "ids": [OLD], "traits": {}}
    file = write(tmp_path / "again.jsonl", *TRACARDI_PROFILES, other)
    again = bring(collector, file, "tracardi-profiles")
    assert again.stdout.splitlines()[-1].startswith(b"0 events stored, 0 stored already, 2 lines")
    late = write(tmp_path / "events.jsonl", *TRACARDI_EVENTS)
    assert b"2 lines left out" in bring(collector, late, "tracardi-events").stdout
    assert collector.rows("SELECT count(*) FROM profile_ids") == [(0,)]


def test_killed_in_the_middle_and_run_again_each_event_is_there_once(
    collector: Any, tmp_path: Path
) -> None:
    """While the collector runs, and stores what comes."""
    count = 30_000
    click = {"type": "track", "event": "click", "timestamp": "2026-03-01T10:00:00Z"}
    file = write(
        tmp_path / "many.jsonl",
        *({**click, "anonymousId": f"a-{n % 300}", "messageId": f"m-{n}"} for n in range(count)),
    )
    command = collector.command("import", str(file), "--format", "segment", "--source", "demo")
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 30
    while collector.rows("SELECT count(*) FROM events") < [(4_000,)] and time.monotonic() < end:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=20)
    [(before,)] = collector.rows("SELECT count(*) FROM events")
    assert 4_000 <= before < count, "it was killed too late or too early to say anything"
    live = {"type": "track", "event": "live", "anonymousId": "a-1"}
    assert collector.post({"writeKey": "demo", "batch": [live]}, "/v1/batch").status_code == 200
    again = bring(collector, file, "segment").stdout.decode().splitlines()[-1]
    assert again.startswith(f"{count - before:,} events stored, {before:,} stored already")
    assert collector.rows("SELECT count(*), count(DISTINCT event_id) FROM events") == [
        (count + 1, count + 1)
    ]
    assert collector.rows("SELECT count(*) FROM profile_ids") == [(300,)]
