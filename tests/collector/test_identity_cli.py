"""`onetrail-collector identity`: the same on the file itself, also while the collector runs."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

ANN = "ann@trail.ch"


def identify(time: str, **properties: Any) -> dict[str, Any]:
    return {"id": str(uuid4()), "type": "identify", "time": time, "properties": properties}


def device(collector: Any, *events: dict[str, Any]) -> str:
    body = {"source": {"id": "demo"}, "session": {"id": str(uuid4())}, "events": events}
    profile_id: str = collector.post(body).json()["profile"]["id"]
    return profile_id


@pytest.fixture
def pair(collector: Any) -> tuple[str, str]:
    """Two devices of one e-mail address."""
    web = device(collector, identify("2026-01-01T00:00:00Z", email=ANN))
    return web, device(collector, identify("2026-02-01T00:00:00Z", email=ANN))


def fails(collector: Any, *words: str) -> str:
    done = subprocess.run(
        collector.command("identity", *words),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    return done.stderr


def test_the_collector_that_runs_sees_what_the_command_line_decides(
    collector: Any, pair: tuple[str, str]
) -> None:
    web, app = pair

    def run(*words: str) -> str:
        said: str = collector.run("identity", *words)
        return said

    assert f"both used email {ANN}" in run("why", web, app)
    split = ("split", web, "--part", app, "--reason", "two people")
    assert f"would be a profile: {app} with {app}" in run(*split, "--dry-run")
    assert collector.get(f"/profiles/{app}")["id"] == web
    assert "decision 1\n" in run(*split)
    assert collector.get(f"/profiles/{app}")["id"] == app
    assert "nothing changes" in run(*split)
    body = {"source": {"id": "demo"}, "profile": {"id": app}}
    phone = identify("2026-03-01T00:00:00Z", phone="+41446681801")
    collector.post({**body, "events": [phone]})
    collector.post({**body, "profile": {"id": web}, "events": [phone | {"id": str(uuid4())}]})
    assert collector.get(f"/profiles/{app}")["id"] == app
    assert "two people" in run("history", web)
    assert "holds" in run("decisions")
    run("undo", "1", "--reason", "they are one after all")
    assert collector.get(f"/profiles/{app}")["id"] == web
    assert "undone by" in run("decisions")
    [first] = collector.get("/identity/decisions")["decisions"]
    again = run("undo", "1", "--reason", "again")
    who = f"at {first['undone_at']}, by {first['undone_by']}: they are one after all"
    assert again == f"decision 1 was undone already, {who}\n"
    [decision] = collector.get("/identity/decisions")["decisions"]
    assert decision["made_by"].endswith("on the command line")
    run("refuse-key", f"email:{ANN}", "--reason", "a mailing list")
    run("refuse-key", "phone:+41446681801", "--reason", "the reception")
    assert collector.get(f"/profiles/{app}")["id"] == app
    assert f"a profile: {web} with {web}, {app}" in run("join", app, web, "--reason", "she says so")


def test_lists_are_tables_or_what_the_api_answers(collector: Any, pair: tuple[str, str]) -> None:
    for number in (17, 18):
        device(collector, identify("2026-01-01T00:00:00Z", user_id=number, email="f@a.ch"))
    assert "1 exclusive\n" in collector.run("identity", "conflicts")
    assert "email:f@a.ch" in collector.run("identity", "conflicts")
    assert collector.run("identity", "shared") == "nothing\n"
    collector.run("identity", "refuse-key", "email:f@a.ch", "--reason", "the office")
    refused = ("shared", "--reason", "key_refused")
    assert "f@a.ch  2 profile IDs" in collector.run("identity", *refused)
    device(collector, identify("2026-01-01T00:00:00Z", user_id="guest", email="null"))
    assert "user_id:guest  1 sent" in collector.run("identity", "blocked")
    answers = {
        ("conflicts",): collector.get("/identity/conflicts"),
        ("shared",): collector.get("/identity/shared"),
        refused: collector.get("/identity/shared", reason="key_refused"),
        ("blocked",): collector.get("/identity/blocked"),
        ("decisions",): collector.get("/identity/decisions"),
        ("history", pair[0]): collector.get(f"/profiles/{pair[0]}/history"),
        ("why", *pair): collector.get("/why", a=pair[0], b=pair[1]),
        ("show", pair[1]): collector.get(f"/profiles/{pair[1]}"),
        ("show", "email:Ann@TRAIL.ch"): collector.get("/profiles", key=f"email:{ANN}"),
        ("graph", pair[0]): collector.get(f"/profiles/{pair[0]}/graph"),
    }
    for command, answer in answers.items():
        assert json.loads(collector.run("identity", *command, "--json")) == answer


def test_a_person_is_shown_in_words_and_as_a_picture(collector: Any, pair: tuple[str, str]) -> None:
    web, app = pair
    plan = identify("2026-03-01T00:00:00Z", email=ANN, traits={"plan": "pro"})
    device(collector, identify("2026-02-01T00:00:00Z", email=ANN, traits={"plan": "free"}), plan)
    for who in (app, "email:Ann@TRAIL.ch"):
        shown = collector.run("identity", "show", who)
        assert shown.startswith(f"profile {web}: 3 devices, 3 sessions, 4 events, seen from 2026-")
        assert 'plan  "pro"  2026-03-01T00:00:00.000Z  before: "free"' in shown
        assert f"email:{ANN}  {app}" in shown
    assert collector.run("identity", "show", "email:nobody@trail.ch") == "nothing\n"
    picture = collector.run("identity", "graph", app)
    assert picture.startswith(f'graph "{web}" {{\n')
    assert f'\n  "{app}" -- "email:{ANN}"' in picture
    if shutil.which("dot"):
        drawn = subprocess.run(
            ["dot", "-Tsvg"], input=picture, capture_output=True, text=True, timeout=20, check=True
        )
        assert f"{app}&#45;&#45;email:{ANN}".replace("-", "&#45;") in drawn.stdout


def test_a_key_names_the_one_profile_that_has_it(collector: Any, pair: tuple[str, str]) -> None:
    web, app = pair
    typed = "email:Ann@TRAIL.ch"
    assert collector.run("identity", "show", f" {typed} ").startswith(f"profile {web}: 2 devices")
    assert collector.run("identity", "why", typed, app) == collector.run(
        "identity", "why", web, app
    )
    for command in ("graph", "history"):
        assert collector.run("identity", command, typed) == collector.run("identity", command, web)
    split = collector.run("identity", "split", typed, "--part", app, "--reason", "two people")
    assert f"a profile: {app} with {app}" in split
    for number in (17, 18):
        device(collector, identify("2026-01-01T00:00:00Z", user_id=number, email="f@a.ch"))
    joined = collector.run("identity", "join", "user_id:17", web, "--reason", "she says so")
    assert f"a profile: {web} with {web}," in joined
    said = fails(collector, "history", "email:f@a.ch")
    assert "name one by its profile ID" in said
    assert "no profile has the key" in fails(collector, "why", "email:nobody@trail.ch", app)
    assert "a kind of" in fails(collector, "why", "shoe:1", app)


@pytest.mark.parametrize(
    ("option", "stored", "now"),
    [
        ("ignore_plus_tags", "ann+shop@x.ch", "ann@x.ch"),
        ("ignore_gmail_dots", "a.nn@gmail.com", "ann@gmail.com"),
    ],
)
def test_a_key_stored_before_what_is_one_mailbox_changed_can_be_named(  # noqa: PLR0913, PLR0917
    collector: Any, new_collector: Any, tmp_path: Path, option: str, stored: str, now: str
) -> None:
    one, other = (
        device(collector, identify("2026-01-01T00:00:00Z", email=stored)) for _ in range(2)
    )
    stranger = device(collector, identify("2026-01-01T00:00:00Z", email=now))
    collector.stop()
    config = tmp_path / "onetrail.toml"
    config.write_text(f"[identity.kinds.email]\n{option} = true\n")
    started = new_collector("--config", str(config), db=collector.db).start()
    started.token = collector.token

    def run(*words: str) -> str:
        said: str = started.run("identity", *words, "--config", str(config))
        return said

    assert run("show", f"email:{stored}").startswith(f"profile {one}: 2 devices")
    assert run("show", f"email:{stored.upper()}").startswith(f"profile {one}: 2 devices")
    assert run("show", f"email:{now}").startswith(f"profile {stranger}: 1 device")
    split = ("split", one, "--link", other, f"email:{stored}", "--reason", "not hers", "--dry-run")
    assert f"would be a profile: {other} with {other}" in run(*split)
    refused = run("refuse-key", f"email:{stored}", "--reason", "the office")
    assert f"a profile: {other} with {other}" in refused
    keys = started.get("/identity/shared", reason="key_refused")["keys"]  # both are that mailbox
    assert {(row["key"]["value"], row["profile_ids"]) for row in keys} == {(stored, 2), (now, 1)}
    profiles = started.get("/profiles", key=f"email:{stored}")["profiles"]
    assert {profile["id"] for profile in profiles} == {one, other, stranger}
    unseen = "new" + stored
    assert "nothing changes" in run("refuse-key", f"email:{unseen}", "--reason", "as it is now")
    made = [row["key"]["value"] for row in started.get("/identity/decisions")["decisions"]]
    assert made == ["new" + now, stored]  # the first of each act


def test_what_cannot_be_done_is_said_in_words(
    collector: Any, pair: tuple[str, str], tmp_path: Path
) -> None:
    assert "nobody" in fails(collector, "why", pair[0], "nobody")
    assert "at least one must stay" in fails(
        collector, "split", pair[0], "--part", pair[0], "--part", pair[1], "--reason", "x"
    )
    assert "reason" in fails(collector, "join", *pair)
    for reason, shown in (("", "''"), ("x" * 600, "of 600 characters"), ("  ", "'  '")):
        said = fails(collector, "join", *pair, "--reason", reason)
        assert "reason: expected a text of 1 to 500 characters, not spaces alone" in said
        assert shown in said
    said = fails(collector, "undo", "9", "--reason", "x")
    assert "there is no decision 9; see onetrail-collector identity decisions" in said
    assert "--part" in fails(collector, "split", pair[0], "--reason", "x")
    assert "KIND:VALUE" in fails(collector, "refuse-key", "shoe:1", "--reason", "x")
    other = tmp_path / "other.toml"
    other.write_text("[identity.kinds.user_id]\nmax_profile_ids = 7\n")
    said = fails(collector, "join", *pair, "--reason", "x", "--config", str(other))
    assert "another policy" in said
    assert "--config" in said
    assert "onetrail-collector identity rebuild" in said
    hashed = tmp_path / "hashed.toml"
    hashed.write_text(f'[identity]\nhash_keys = true\nhash_secret = "{"5" * 64}"\n')
    refuse = ("refuse-key", f"email:{ANN}", "--reason", "x", "--config", str(hashed))
    assert "holds keys in the clear" in fails(collector, *refuse)
