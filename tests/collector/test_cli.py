"""The command line, as an operator meets it."""

import base64
import hashlib
import re
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import httpx
import pytest

import onetrail_collector.cli
from onetrail_collector.cli import cli


def fails(collector: Any, *words: str) -> str:
    """What a command says that cannot be carried out."""
    done = subprocess.run(
        collector.command(*words), capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode != 0
    assert "Traceback" not in done.stderr
    return done.stderr


def test_the_first_start_prints_a_token_once_and_a_second_finds_the_data(
    new_collector: Callable[..., Any],
) -> None:
    collector = new_collector("--demo").start()
    token = collector.token
    collector.post({"source": {"id": "demo"}, "events": [{"type": "a"}]})
    assert collector.stop(signal.SIGINT) == 0
    assert collector.said().count(token) == 1
    assert "stopped" in collector.said()
    for words in ("/demo", "t.js", "from onetrail import Tracker", "curl"):
        assert words in collector.said()

    collector.start()
    assert collector.get("/counts")["events"] == 1
    collector.stop()
    assert "admin token:" not in collector.said()


def test_no_secret_is_in_the_file(collector: Any) -> None:
    collector.stop()
    assert collector.token.encode() not in collector.db.read_bytes()


def test_another_token_opens_the_api(collector: Any) -> None:
    made = collector.run("tokens", "add", "support")
    token = made.split("admin token: ")[1].split()[0]
    headers = {"authorization": f"Bearer {token}"}
    assert httpx.get(collector.url + "/counts", headers=headers).status_code == 200


def test_sources_are_listed(collector: Any) -> None:
    assert "updated" in collector.run("sources", "add", "web", "--origin", "https://a.example")
    collector.run("sources", "disable", "demo")
    web, demo = collector.run("sources", "list").splitlines()
    assert demo.split("\t")[:2] == ["demo", "disabled"]
    assert web.split("\t")[:4] == ["web", "enabled", "web", "https://a.example"]


def test_whether_a_source_demands_signatures_is_shown(collector: Any) -> None:
    headers = {"authorization": f"Bearer {collector.token}"}
    signs = {True: "signed keys alone", False: "signed or not", None: "not signed"}
    for options in ((), ("web",), ("web", "--require")):
        if options:
            collector.run("sources", "sign", *options)
        required = True if "--require" in options else False if options else None
        web = next(
            line.split("\t")
            for line in collector.run("sources", "list").splitlines()
            if line.startswith("web\t")
        )
        assert web[-1] == signs[required]
        assert f"keys     {signs[required]}" in collector.run("sources", "show", "web")
        answer = httpx.get(f"{collector.url}/sources/web", headers=headers).json()
        assert answer["needs_signature"] is bool(required)


def test_a_source_that_is_not_there_cannot_be_disabled(collector: Any) -> None:
    assert "there is no source ghost" in fails(collector, "sources", "disable", "ghost")


def test_a_taken_port_is_said(new_collector: Callable[..., Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = fails(new_collector(), "serve", "--port", str(port))
    assert f"port {port}" in said
    assert "--port" in said


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"not a database, but a text of some length", "not a database"), (None, "another program")],
)
def test_a_foreign_file_is_not_touched(
    new_collector: Callable[..., Any], tmp_path: Path, content: bytes | None, words: str
) -> None:
    db = tmp_path / "foreign.db"
    if content is None:
        with sqlite3.connect(db) as other:
            other.execute("CREATE TABLE recipes (id)")
        other.close()
    else:
        db.write_bytes(content)
    before = db.read_bytes()
    assert words in fails(new_collector(db=db), "serve", "--port", "0")
    assert db.read_bytes() == before


@pytest.mark.parametrize(
    "words",
    [
        ("identity", "show", "x"),
        ("identity", "why", "x", "y"),
        ("identity", "conflicts"),
        ("identity", "join", "x", "y", "--reason", "r"),
        ("identity", "rebuild"),
        ("identity", "rebuild", "--dry-run"),
        ("sources", "list"),
        ("sources", "disable", "web"),
        ("sources", "sign", "web"),
        ("tokens", "list"),
        ("tokens", "revoke", "x"),
        ("suppressions", "list"),
        ("erase", "x", "--yes"),
        ("quarantine", "list"),
        ("export", "profile", "x"),
        ("check",),
    ],
    ids=" ".join,
)
def test_a_mistyped_name_makes_no_file(tmp_path: Path, words: tuple[str, ...]) -> None:
    for db in (tmp_path / "typo.db", tmp_path / "nowhere" / "typo.db"):
        done = subprocess.run(
            [sys.executable, "-m", "onetrail_collector", *words, "--db", str(db)],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        assert done.returncode == 1
        assert f"there is no file {db}" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_who_begins_something_makes_the_file(tmp_path: Path, new_collector: Any) -> None:
    for number, words in enumerate((("sources", "add", "web"), ("tokens", "add", "me"))):
        db = tmp_path / f"new-{number}.db"
        new_collector(db=db).run(*words)
        assert db.exists()


def test_a_folder_that_is_not_there_is_said(
    new_collector: Callable[..., Any], tmp_path: Path
) -> None:
    said = fails(new_collector(db=tmp_path / "no" / "such.db"), "sources", "add", "web")
    assert "the folder must exist" in said


def test_a_file_of_a_newer_version_is_refused(collector: Any) -> None:
    collector.stop()
    with sqlite3.connect(collector.db) as newer:
        newer.execute("PRAGMA user_version = 9000")
    newer.close()
    assert "newer onetrail" in fails(collector, "serve", "--port", "0")


def test_identification_points_come_from_the_configuration(
    new_collector: Callable[..., Any], tmp_path: Path
) -> None:
    config = tmp_path / "onetrail.toml"
    config.write_text(
        """
        [identity]
        phone_region = "CH"
        [[identity.points]]
        event_type = "order"
        property = "customer.phone"
        kind = "phone"
        """
    )
    collector = new_collector("--demo", "--config", str(config)).start()
    order = {"type": "order", "properties": {"customer": {"phone": "044 668 18 00"}}}
    collector.post({"source": {"id": "demo"}, "events": [order]})
    [profile] = collector.get("/profiles", key="phone:+41446681800")["profiles"]
    assert profile["keys"][0]["kind"] == "phone"


def test_a_wrong_configuration_stops_the_start(
    new_collector: Callable[..., Any], tmp_path: Path
) -> None:
    config = tmp_path / "onetrail.toml"
    config.write_text("[identity]\nfone_region = 'CH'")
    said = fails(new_collector("--config"), "serve", "--port", "0", "--config", str(config))
    assert "did you mean 'phone_region'?" in said


def test_the_pinned_tag_names_a_file_that_is_served_for_ever(collector: Any) -> None:
    said = collector.run_plain("sources", "tag", "web", "--url", collector.url)
    name = re.findall(r"/(t\.[0-9a-f]{12}\.js)", said)[0]
    answer = httpx.get(f"{collector.url}/{name}")
    assert "immutable" in answer.headers["cache-control"]
    digest = base64.b64encode(hashlib.sha384(answer.content).digest()).decode()
    assert f'integrity="sha384-{digest}"' in said
    assert httpx.get(f"{collector.url}/t.000000000000.js").status_code == 404


def commands(group: click.Group, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        assert found is not None
        assert found.name == name
        yield (*words, name)
        if isinstance(found, click.Group):
            yield from commands(found, (*words, name))


def test_every_command_that_there_is_is_listed() -> None:
    """Those loaded when they are asked for stand in a table."""
    listed = set(commands(cli))
    assert {("identity", "why"), ("sources", "sign"), ("vacuum",)} <= listed
    folder = Path(onetrail_collector.cli.__file__).parent
    made = sum(
        len(re.findall(r"^@\w+\.(?:command|group)\(", file.read_text(), re.MULTILINE))
        for file in folder.glob("*.py")
    )
    assert len(listed) == made - 1  # the program itself
    assert not cli.get_command(click.Context(cli), "sourcs")


def test_a_small_command_loads_no_web_framework(collector: Any) -> None:
    checking = [sys.executable, "-X", "importtime", *collector.command("check")[1:]]
    done = subprocess.run(checking, capture_output=True, text=True, check=True)
    loaded = set(re.findall(r"\| +(\S+)$", done.stderr, re.MULTILINE))
    assert "sqlite3" in loaded
    assert loaded.isdisjoint({"starlette", "jinja2", "uvicorn"})
