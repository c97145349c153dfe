"""With hashed keys the database alone reveals no address, and everything works the same."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

SECRET = "s" * 64
ADDRESS = "ann.secret@shop.test"
PHONE = "+41446681800"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text(SECRET)
    path = tmp_path / "onetrail.toml"
    path.write_text(
        f"""
        [identity]
        phone_region = "CH"
        hash_keys = true
        hash_secret_file = "{tmp_path}/secret"
        [[identity.points]]
        event_type = "order"
        property = "customers.0.email"
        kind = "email"
        """
    )
    return path


@pytest.fixture
def hashing(new_collector: Callable[..., Any], config: Path) -> Any:
    return new_collector("--demo", "--config", str(config)).start()


def send(collector: Any, session: str, event_type: str, properties: dict[str, Any]) -> Any:
    event = {"type": event_type, "properties": properties}
    body = {"source": {"id": "demo"}, "session": {"id": session}, "events": [event]}
    answer = collector.post(body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def everything_stored(collector: Any) -> bytes:
    files = [collector.db.with_name(collector.db.name + end) for end in ("", "-wal", "-shm")]
    return b"".join(path.read_bytes() for path in files if path.exists())


def test_the_files_hold_no_address_while_it_runs_and_after(hashing: Any) -> None:
    said = [
        {"email": ADDRESS.upper(), "traits": {"email": ADDRESS, "plan": "pro", "n": 1.5}},
        {"phone": "044 668 18 00", "user_id": 98765432, "traits": {"phone": [PHONE]}},
        {"email": "ann.secret at shop.test"},
        {
            "email": ADDRESS,
            "seen": [ADDRESS.title(), {"again": f" {ADDRESS}"}],
            "signature": "ab" * 32,
        },
    ]
    for place, properties in enumerate(said):
        send(hashing, f"s{place}", "identify", properties)
    send(hashing, "s9", "order", {"customers": [{"email": ADDRESS, "name": "Ann"}], "total": 3})
    while_it_runs = everything_stored(hashing)
    hashing.stop()
    for stored in (while_it_runs, everything_stored(hashing)):
        for clear in ("ann.secret", "6681800", "668 18 00", "98765432", "ab" * 32, SECRET):
            assert clear.encode() not in stored.lower(), clear
        assert b'"plan":"pro"' in stored
        assert b'"name":"Ann"' in stored
    assert "ann.secret" not in hashing.said().lower()


def test_two_devices_meet_and_are_found_by_the_clear_value(hashing: Any) -> None:
    one = send(hashing, "a", "identify", {"email": ADDRESS})["profile"]["id"]
    send(hashing, "b", "order", {"customers": [{"email": ADDRESS.upper()}]})
    [profile] = hashing.get("/profiles", key=f"email: {ADDRESS}")["profiles"]
    assert (profile["id"], len(profile["profile_ids"])) == (one, 2)
    shown = profile["keys"][0]["value"]
    assert shown.startswith("hmac:")
    assert hashing.get("/profiles", key=f"email:{shown}")["profiles"] == [profile]


def test_what_cannot_be_read_is_not_stored_in_the_clear(hashing: Any) -> None:
    text = (
        '{"source": {"id": "demo"}, "events": [{"type": "identify",'
        f'"properties": {{"email": "{ADDRESS}", "n": 1e400}}}}]}}'
    )
    answer = hashing.post(text.encode()).json()
    assert [warning["warning"] for warning in answer["warnings"]] == ["invalid_value"]
    assert ADDRESS.encode() not in everything_stored(hashing)


def test_the_form_of_the_keys_cannot_change_under_them(
    hashing: Any, new_collector: Callable[..., Any], config: Path
) -> None:
    send(hashing, "a", "identify", {"email": ADDRESS})
    hashing.stop()
    clear = new_collector(db=hashing.db)
    assert "this database holds hashed keys" in refusal(clear)
    (config.parent / "secret").write_text("t" * 64)
    assert "not the one under which" in refusal(clear, "--config", str(config))
    other = new_collector("--demo").start()
    send(other, "a", "identify", {"email": ADDRESS})
    other.stop()
    assert "holds keys in the clear" in refusal(other, "--config", str(config))


@pytest.mark.parametrize(
    "words",
    [
        ("show", f"email:{ADDRESS}"),
        ("show", "PROFILE_ID"),
        ("why", "PROFILE_ID", "PROFILE_ID"),
        ("graph", "PROFILE_ID"),
        ("history", "PROFILE_ID"),
        ("shared",),
        ("conflicts",),
        ("decisions",),
        ("rebuild",),
    ],
    ids=" ".join,
)
def test_who_reads_under_another_secret_is_told_and_not_answered_nothing(
    hashing: Any, config: Path, words: tuple[str, ...]
) -> None:
    profile_id = send(hashing, "a", "identify", {"email": ADDRESS})["profile"]["id"]
    named = [profile_id if word == "PROFILE_ID" else word for word in words]
    hashing.stop()
    hashing.run("identity", *named, "--config", str(config))
    before = everything_stored(hashing)
    assert "this database holds hashed keys" in refusal_of(hashing, "identity", *named)
    (config.parent / "secret").write_text("t" * 64)
    said = refusal_of(hashing, "identity", *named, "--config", str(config))
    assert "not the one under which" in said
    assert everything_stored(hashing) == before


def test_an_unused_database_may_change_its_mind(
    new_collector: Callable[..., Any], config: Path
) -> None:
    db = config.parent / "fresh.db"
    clear = new_collector("--demo", db=db).start()
    httpx.get(clear.url + "/healthz")
    clear.stop()
    new_collector("--demo", "--config", str(config), db=db).start()


def refusal(collector: Any, *options: str) -> str:
    return refusal_of(collector, "serve", "--port", "0", *options)


def refusal_of(collector: Any, *words: str) -> str:
    done = subprocess.run(
        collector.command(*words),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    return done.stderr
