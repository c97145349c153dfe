"""What goes out: events and profiles as files, a person as one JSON, views for people with SQL."""

import csv
import json
import subprocess
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pyarrow.parquet
import pytest
from tests.conftest import wait_until

VIEWS = {
    "profile_events": "number profile profile_id source session event_id type time received "
    "sent_at client_time clamped properties context client",
    "sessions_summary": "session source profile profile_id started last_event duration_s events "
    "page_views browser os device country city bot",
}


def send(collector: Any, session: str, *events: dict[str, Any], **fields: Any) -> str:
    body = {"source": {"id": "demo"}, "session": {"id": session}, "events": events, **fields}
    answer = collector.post(body)
    assert answer.status_code == 200, answer.text
    profile_id: str = answer.json()["profile"]["id"]
    return profile_id


@pytest.fixture
def people(collector: Any) -> tuple[str, str]:
    """Ann, on two devices, and somebody unknown; answers Ann's profile IDs."""
    identify = {"type": "identify", "time": "2026-01-02T00:00:00Z"}
    ann = send(
        collector,
        "a",
        {"type": "page-view", "time": "2026-01-01T00:00:00Z", "properties": {"url": "/ä,\n"}},
        {**identify, "properties": {"email": "a@shop.test", "traits": {"plan": "pro"}}},
        context={"locale": "de"},
        sent_at="2026-01-02T00:00:00Z",
    )
    app = send(collector, "b", {**identify, "properties": {"email": "A@shop.test"}})
    send(collector, "c", {"type": "page-view", "id": "newest"})
    return ann, app


def export(collector: Any, *words: str) -> str:
    return collector.run("export", *words)


def test_events_as_json_lines(collector: Any, people: tuple[str, str]) -> None:
    events = [json.loads(line) for line in export(collector, "events").splitlines()]
    assert [event["type"] for event in events] == ["page-view", "identify", "identify", "page-view"]
    assert {event["profile"] for event in events[:3]} == {people[0]}
    assert [event["profile_id"] for event in events[:3]] == [people[0], people[0], people[1]]
    assert events[0]["properties"] == {"url": "/ä,\n"}
    assert events[0]["context"] == {"locale": "de"}
    assert events[0]["client_time"] == "2026-01-01T00:00:00.000Z"
    assert list(events[0]) == VIEWS["profile_events"].split()[1:]


def test_events_of_a_time_a_source_and_a_type(collector: Any, people: tuple[str, str]) -> None:
    def types(*words: str) -> list[str]:
        return [
            json.loads(line)["type"] for line in export(collector, "events", *words).splitlines()
        ]

    assert types("--type", "identify") == ["identify"] * 2
    assert types("--since", "2026-01-02T00:00:00Z", "--until", "2026-01-03") == ["identify"]
    assert types("--source", "web") == []
    with pytest.raises(subprocess.CalledProcessError) as failed:
        export(collector, "events", "--since", "yesterday")
    assert "write 2026-11-23" in failed.value.stderr


def test_events_as_csv_and_parquet_are_the_same(
    collector: Any, people: tuple[str, str], tmp_path: Path
) -> None:
    lines = [json.loads(line) for line in export(collector, "events").splitlines()]
    csv_file, parquet_file = tmp_path / "e.csv", tmp_path / "e.parquet"
    export(collector, "events", "--format", "csv", "-o", str(csv_file))
    export(collector, "events", "--format", "parquet", "-o", str(parquet_file))
    with csv_file.open(newline="") as file:
        from_csv = list(csv.DictReader(file))
    from_parquet = pyarrow.parquet.read_table(parquet_file).to_pylist()
    for line, cells, row in zip(lines, from_csv, from_parquet, strict=True):
        assert json.loads(cells["properties"]) == json.loads(row["properties"])
        assert json.loads(row["properties"]) == line["properties"]
        assert cells["time"] == line["time"]
        assert row["time"].isoformat(timespec="milliseconds").replace("+00:00", "Z") == line["time"]
        assert (row["event_id"], row["clamped"]) == (line["event_id"], line["clamped"])
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_profiles_in_each_format(
    collector: Any, people: tuple[str, str], tmp_path: Path, form: str
) -> None:
    path = tmp_path / "profiles"
    export(collector, "profiles", "--format", form, "-o", str(path))
    if form == "jsonl":
        rows = [json.loads(line) for line in path.read_text().splitlines()]
    elif form == "csv":
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        for row in rows:
            for name in ("profile_ids", "keys", "traits", "events"):
                row[name] = json.loads(row[name])
    else:
        rows = pyarrow.parquet.read_table(path).to_pylist()
        for row in rows:
            row["traits"] = json.loads(row["traits"])
    ann, unknown = rows
    assert ann["profile_ids"] == list(people)
    assert ann["keys"] == [{"kind": "email", "value": "a@shop.test"}]
    assert ann["traits"] == {"plan": "pro"}
    assert (ann["events"], unknown["events"], unknown["traits"]) == (3, 1, {})


def test_a_profile_that_its_oldest_device_has_left_is_exported_too(
    collector: Any, people: tuple[str, str]
) -> None:
    web, app = people
    split = httpx.post(
        f"{collector.url}/profiles/{web}/split",
        json={"profile_ids": [web], "reason": "not Ann"},
        headers={"authorization": f"Bearer {collector.token}"},
    )
    assert split.status_code == 200, split.text
    rows = [json.loads(line) for line in export(collector, "profiles").splitlines()]
    assert len(rows) == 3
    assert {(web,), (app,)} < {tuple(row["profile_ids"]) for row in rows}
    sql = "SELECT DISTINCT profile FROM profile_events WHERE profile_id = ?"
    assert collector.rows(sql, app) == [(app,)]


def test_all_about_one_person(collector: Any, people: tuple[str, str]) -> None:
    """The same by API and command, and nothing of anybody else."""
    answer = httpx.get(
        f"{collector.url}/profiles/{people[1]}/export",
        headers={"authorization": f"Bearer {collector.token}"},
    )
    document = answer.json()
    from_command = json.loads(export(collector, "profile", people[0]))
    assert document | {"exported": ""} == from_command | {"exported": ""}
    assert document["format"] == "onetrail-profile-1"
    assert document["profile"] == collector.get(f"/profiles/{people[0]}", count_all="true")
    assert [session["id"] for session in document["sessions"]] == ["a", "b"]
    assert len(document["events"]) == 3
    assert "newest" not in answer.text
    [first] = [event for event in document["events"] if event["type"] == "page-view"]
    assert (first["client_time"], first["clamped"]) == ("2026-01-01T00:00:00.000Z", False)
    assert first["sent_at"] == "2026-01-02T00:00:00.000Z"


def test_each_export_of_a_person_is_in_their_history(
    collector: Any, people: tuple[str, str]
) -> None:
    """Who took it and when; whoever follows changes of profiles is not told, as nothing changed."""
    ann, _ = people
    before = collector.get("/profiles/changes")
    collector.run("export", "profile", ann)
    collector.get(f"/profiles/{ann}/export")
    over_api, command = collector.get(f"/profiles/{ann}/history")["history"][:2]
    assert (over_api["what"], over_api["made_by"]) == ("exported", "first start")
    assert over_api["profile"] == over_api["other"] == collector.get(f"/profiles/{ann}")["id"]
    assert command["made_by"].endswith("on the command line")
    assert command["time"] <= over_api["time"]
    assert collector.get("/profiles/changes")["changes"] == before["changes"]
    assert "first start" in collector.run("identity", "history", ann)
    collector.run("erase", ann, "--yes")  # what is left names nobody, and is told to nobody
    for path in ("export", "history"):
        answer = httpx.get(
            f"{collector.url}/profiles/{ann}/{path}",
            headers={"authorization": f"Bearer {collector.token}"},
        )
        assert answer.status_code == 404


def test_a_person_with_more_than_a_page_is_whole(collector: Any) -> None:
    profile_id = send(collector, "s0", {"type": "x"})
    for number in range(30):
        events = [{"type": "x"} for _ in range(40)]
        send(collector, f"s{number}", *events, profile={"id": profile_id})
    document = json.loads(export(collector, "profile", profile_id))
    assert len({event["id"] for event in document["events"]}) == 1201
    assert len(document["sessions"]) == 30


def test_an_unknown_person_cannot_be_exported(collector: Any) -> None:
    with pytest.raises(subprocess.CalledProcessError) as failed:
        export(collector, "profile", str(uuid4()))
    assert "no profile has the profile ID" in failed.value.stderr


@pytest.mark.parametrize("view", VIEWS)
def test_the_views_keep_their_columns(collector: Any, view: str) -> None:
    """They are documented, and other people's queries rely on them: new columns come at the end."""
    columns = [row[1] for row in collector.rows(f"PRAGMA table_info({view})")]
    assert columns[: len(VIEWS[view].split())] == VIEWS[view].split()
    documented = (Path(__file__).parents[2] / "docs" / "schema.md").read_text()
    for column in columns:
        assert f"| `{column}` |" in documented, (view, column)


def test_the_views_say_what_happened(collector: Any, people: tuple[str, str]) -> None:
    [row] = collector.rows("SELECT * FROM sessions_summary WHERE session = 'a'")
    summary = dict(zip(VIEWS["sessions_summary"].split(), row, strict=True))
    assert (summary["events"], summary["page_views"], summary["profile"]) == (2, 1, people[0])
    assert collector.rows(
        "SELECT properties ->> 'url', context ->> 'locale', clamped FROM profile_events"
        " WHERE session = 'a' AND type = 'page-view'"
    ) == [("/ä,\n", "de", 0)]


def test_an_export_that_is_killed_leaves_no_file_under_its_name(
    collector: Any, tmp_path: Path
) -> None:
    for part in range(20):
        send(collector, f"s-{part}", *({"type": "a", "id": f"{part}-{n}"} for n in range(1000)))
    target = tmp_path / "events.jsonl"
    command = collector.command("export", "events", "-o", str(target))
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: any(tmp_path.glob("events.jsonl*")), "the export to begin")
        process.kill()
    assert not target.exists() or len(target.read_bytes().splitlines()) == 20_000
