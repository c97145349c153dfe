"""Links from a CRM's table: one person a row, once however often it runs."""

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from onetrail_collector.cli import identity_import as command
from onetrail_collector.cli import turns
from onetrail_collector.importing import Imported

CONFIG = """
[identity]
phone_region = "CH"
[identity.kinds.crm_id]
exclusive = true
priority = 5
"""


@pytest.fixture
def crm(new_collector: Callable[..., Any], tmp_path: Path) -> Any:
    (tmp_path / "onetrail.toml").write_text(CONFIG)
    return new_collector("--demo", "--config", str(tmp_path / "onetrail.toml"))


def run_import(
    crm: Any, text: str | bytes, *options: str, fails: bool = False, mtime: float = 1
) -> subprocess.CompletedProcess[str]:
    folder = crm.db.parent
    file = folder / "people.csv"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    os.utime(file, (mtime, mtime))  # the evidence is as old as the file
    command = crm.command("identity", "import", str(file))
    done = subprocess.run(
        [*command, "--config", str(folder / "onetrail.toml"), *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode != 0) == fails, done.stderr
    assert "Traceback" not in done.stderr
    return done


def test_the_keys_of_a_row_are_one_person_and_devices_join_it(crm: Any) -> None:
    run_import(crm, "crm_id,email,phone\nC1,Ann@SHOP.test,044 668 18 00\nC2,bob@shop.test,\n")
    crm.start()
    event = {"type": "identify", "properties": {"email": "ann@shop.test"}}
    answer = crm.post({"source": {"id": "demo"}, "events": [event]}).json()
    [profile] = crm.get("/profiles", key="phone:+41446681800")["profiles"]
    assert answer["profile"]["id"] in [device["id"] for device in profile["profile_ids"]]
    assert {(key["kind"], key["value"]) for key in profile["keys"]} == {
        ("crm_id", "C1"),
        ("email", "ann@shop.test"),
        ("phone", "+41446681800"),
    }
    evidence = {key["event_id"] for key in profile["keys"] if key["source"] == "import"}
    assert evidence == {"import:people.csv:0000000002"}
    [other] = crm.get("/profiles", key="crm_id:C2")["profiles"]
    assert other["id"] != profile["id"]


def test_what_two_rows_share_is_the_first_ones(crm: Any) -> None:
    rows = [f"C{line},+4144668180{0 if line > 8 else line}" for line in range(2, 13)]
    run_import(crm, "\n".join(["crm_id,phone", *rows]))
    joins = (
        "SELECT event_id FROM links JOIN keys ON keys.id = links.key"
        " WHERE value = '+41446681800' AND refused IS NULL"
    )
    assert crm.rows(joins) == [("import:people.csv:0000000009",)]


def table(rows: int) -> str:
    """People of whom some share an address or a number, and some rows come twice."""
    lines = [f"C{n % 900},p{n % 700}@shop.test,+4179{n % 800:07d}" for n in range(rows)]
    return "\n".join(["crm_id,email,phone", *lines])


def stored(crm: Any) -> list[list[tuple[Any, ...]]]:
    return [
        crm.rows("SELECT id, public_id FROM profile_ids ORDER BY id"),
        crm.rows("SELECT * FROM keys ORDER BY id"),
        crm.rows("SELECT * FROM links ORDER BY profile_id, key"),
        crm.rows("SELECT count(*) FROM history"),
    ]


def test_the_same_table_a_second_time_adds_nothing(crm: Any) -> None:
    assert "1,500 rows" in run_import(crm, table(1500)).stdout
    before = stored(crm)
    assert len(before[0]) == 900
    assert "1,500 rows, 0 new links" in run_import(crm, table(1500)).stdout
    assert stored(crm) == before


def test_a_new_address_of_a_known_customer_is_theirs(crm: Any) -> None:
    run_import(crm, "crm_id,email\nC1,ann@shop.test\nC2,bob@shop.test\n")
    done = run_import(crm, "crm_id,email\nC1,ann@home.test\nC3,bob@shop.test\n")
    assert "2 rows, 3 new links" in done.stdout
    assert crm.rows("SELECT count(*) FROM profile_ids") == [(3,)]
    crm.start()
    [profile] = crm.get("/profiles", key="email:ann@home.test")["profiles"]
    assert {key["value"] for key in profile["keys"]} == {"C1", "ann@shop.test", "ann@home.test"}
    [other] = crm.get("/profiles", key="crm_id:C3")["profiles"]
    held = [key["value"] for key in other["keys"] if key["refused"] is None]
    assert held == ["C3"]  # the address is that of another customer
    held_keys = "SELECT count(*) FROM keys WHERE profile NOT IN (SELECT profile FROM profile_ids)"
    assert crm.rows(held_keys) == [(0,)]


def test_half_a_table_first_ends_like_the_whole(crm: Any, new_collector: Any) -> None:
    """As after an interruption: what is stored is what one run would have stored."""
    run_import(crm, table(700))
    run_import(crm, table(1500))
    whole = new_collector(db=crm.db.with_name("whole.db"))
    run_import(whole, table(1500))

    def groups(collector: Any) -> list[tuple[Any, ...]]:
        sql = """SELECT group_concat(kind || value) FROM
                 (SELECT * FROM keys WHERE profile IS NOT NULL ORDER BY kind, value)
                 GROUP BY profile ORDER BY 1"""
        return collector.rows(sql)

    assert groups(crm) == groups(whole)


def test_each_bad_cell_is_named_with_its_line(crm: Any) -> None:
    rejects = crm.db.with_name("rejects.csv")
    text = (
        "crm_id;email;phone\n"
        "C1;not an address;+41446681800\n"
        "C2;ann@example.com;\n"
        ";bob@shop.test;\n"
        "C4;dan@shop.test\n"
        "\n"
        "null;eve@shop.test;\n"
        "C7;zoe@shop.test;12\n"
    )
    done = run_import(crm, text, "--rejects", str(rejects))
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == [
        "line 2",
        "line 3",
        "line 4",
        "line 5",
        "line 7",
        "line 8",
    ]
    assert "email is a value that many send" in done.stderr
    assert "the row has 2 cells; the header has 3" in done.stderr
    assert "shop.test" not in done.stderr
    assert "3 rows" in done.stdout
    assert "6 cells or rows left out" in done.stdout
    assert rejects.read_text().splitlines()[3] == (
        '4,"crm_id is empty, but tells rows apart",,bob@shop.test,'
    )
    kinds = crm.rows("SELECT kind, count(*) FROM keys GROUP BY kind ORDER BY kind")
    assert kinds == [("crm_id", 3), ("email", 1), ("phone", 1)]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("crm_id,mail\nC1,x", "did you mean 'email'? known: "),
        ("crm_id,E-Mail\nC1,x", "did you mean 'email'?"),
        ("CRM-ID,email\nC1,x", "did you mean 'crm_id'?"),
        ("crm_id,name,my city\nC1,x,y", "--ignore-column name --ignore-column 'my city'"),
        ("crm_id,Stra\xdfe\nC1,x".encode("cp1252"), "save the table as UTF-8 (in Excel as"),
        ("crm_id,email\nC1,x".encode("utf-16-le"), "save the table as UTF-8 (in Excel as"),
        ('crm_id,email\nC1,a@shop.test\nC2,"b@shop.test\nC3,\nC4,', "line 3: a quote is opened"),
        ("email,email\na,b", "stands twice"),
        ("", "names no kind of key"),
        ('crm_id,email\nC1,"' + "x" * 140_000, "is a quote not closed"),
    ],
)
def test_a_table_that_cannot_be_read_is_said(crm: Any, text: str | bytes, words: str) -> None:
    assert words in run_import(crm, text, fails=True).stderr


@pytest.mark.parametrize("beside", ["nobody", "a collector"])
def test_what_was_too_much_for_its_transactions_is_settled_at_the_end(
    crm: Any, beside: str
) -> None:
    """Older evidence, found later: each number is another customer's than it was."""
    phones = [f"+4179{n:07d}" for n in range(8_000)]
    for letter, age in (("D", 0), ("C", 1)):
        if beside == "a collector" and age:
            crm.start()
        rows = [f"{letter}{phone[-7:]},{phone}" for phone in phones]
        done = run_import(crm, "\n".join(["crm_id,phone", *rows]), mtime=2 - age)
    assert "settling conflicts" in done.stdout
    conflicts = "8,000 are in conflict and join nobody; they are listed by: onetrail-collector"
    assert f"{conflicts} identity conflicts --db {crm.db}" in done.stdout
    assert crm.rows("SELECT count(*) FROM unsettled") == [(0,)]
    assert crm.rows("SELECT refused, count(*) FROM links GROUP BY 1") == [
        (None, 24_000),
        ("exclusive", 8_000),
    ]
    crm.stop()
    config = str(crm.db.with_name("onetrail.toml"))
    assert "nothing to change" in crm.run("identity", "rebuild", "--dry-run", "--config", config)


def test_rows_that_share_a_number_wait_for_nobody(crm: Any) -> None:
    """Links that come last are refused at once, also in a transaction of thousands of them."""
    rows = [f"C{n},p{n}@shop.test,+4179{n % 1000:07d}" for n in range(30_000)]
    done = run_import(crm, "\n".join(["crm_id,email,phone", *rows]))
    assert "settling" not in done.stdout
    assert "29,000 are in conflict and join nobody" in done.stdout
    assert crm.rows("SELECT count(*) FROM unsettled") == [(0,)]


def test_a_cell_that_parts_records_elsewhere_ends_nothing(crm: Any) -> None:
    run_import(crm, "crm_id\nC1\n\x1e\nC3\nC4\x1e\nC5\n")
    assert crm.rows("SELECT value FROM keys ORDER BY 1") == [("C1",), ("C3",), ("C4",), ("C5",)]


def test_odd_encodings_and_marks_are_survived(crm: Any) -> None:
    text = b"\xef\xbb\xbfcrm_id,email\nC\xff,ann@shop.test\nC2,bob@shop.test\n"
    said = run_import(crm, text).stderr
    assert "line 2: crm_id is not UTF-8: save the table as UTF-8 (in Excel as 'CSV UTF-8')" in said
    assert crm.rows("SELECT value FROM keys WHERE kind = 'crm_id'") == [("C2",)]


def test_the_collector_goes_on_meanwhile(crm: Any) -> None:
    crm.start()
    importing = threading.Thread(target=run_import, args=(crm, table(4_000)))
    importing.start()
    sent = 0
    while importing.is_alive():
        answer = crm.post({"source": {"id": "demo"}, "events": [{"type": "click"}]})
        assert answer.status_code == 200, answer.text
        sent += 1
    importing.join()
    assert crm.get("/counts")["events"] == sent > 2


def test_no_transaction_begins_that_would_not_end_within_its_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a commit of the collector, which waits until the turn ends, waits for two."""
    times: list[tuple[float, float]] = []

    async def slow(*_: object, **__: object) -> Imported:
        began = time.monotonic()
        await asyncio.sleep(0.6 * turns.TURN_S)
        times.append((began, time.monotonic()))
        return Imported(0, [])

    monkeypatch.setattr(command, "import_rows", slow)
    monkeypatch.setattr(turns, "TURN_S", 0.2)
    monkeypatch.setattr(command, "SWITCH_S", sys.getswitchinterval())
    monkeypatch.setattr(command, "GC_THRESHOLD", gc.get_threshold()[0])
    file = tmp_path / "people.csv"
    file.write_text(table(3 * command.FIRST_ROWS))
    options = [str(file), "--db", str(tmp_path / "a.db"), "--set", 'identity.kinds={"crm_id": {}}']
    done = CliRunner().invoke(command.identity_import, options, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    pauses = [after[0] - before[1] for before, after in pairwise(times)]
    assert len(pauses) >= 1
    assert min(pauses) >= turns.PAUSE_S


def test_who_was_erased_does_not_come_back_in_a_table(crm: Any) -> None:
    header, people = "crm_id,email\n", "C1,ann@shop.test\nC2,bob@shop.test\n"
    run_import(crm, header + people)
    crm.start()
    [bob] = crm.get("/profiles", key="crm_id:C2")["profiles"]
    answer = httpx.post(
        f"{crm.url}/profiles/{bob['id']}/erase",
        json={"reason": "asked"},
        headers={"authorization": f"Bearer {crm.token}"},
        timeout=30,
    )
    assert answer.status_code == 200, answer.text
    done = run_import(crm, f"{header}C3,cat@shop.test\n{people}C9,BOB@shop.test\n")
    assert "2 rows, 2 new links, 2 cells or rows left out" in done.stdout
    said = [line.partition("data was erased")[0] for line in done.stderr.splitlines()]
    assert said == [f"line {line}: the row is of a person whose " for line in (4, 5)]
    assert crm.rows("SELECT value FROM keys WHERE value LIKE 'b%' OR value = 'C9'") == []
    [cat] = crm.get("/profiles", key="crm_id:C3")["profiles"]
    assert crm.get(f"/profiles/{cat['id']}/history")["history"] == []  # the number was Bob's


def test_imported_keys_are_hashed_as_others(new_collector: Any, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s" * 64)
    (tmp_path / "onetrail.toml").write_text(
        CONFIG.replace(
            "[identity]",
            f'[identity]\nhash_keys = true\nhash_secret_file = "{tmp_path}/secret"',
        )
    )
    hashing = new_collector("--config", str(tmp_path / "onetrail.toml"))
    run_import(hashing, "crm_id,email\nC1,ann.secret@shop.test\n")
    assert b"ann.secret" not in hashing.db.read_bytes()
    hashing.start()
    assert hashing.get("/profiles", key="email:Ann.Secret@shop.test")["profiles"]


def test_what_stands_before_a_quote_that_is_not_closed_is_imported(crm: Any) -> None:
    done = run_import(crm, 'crm_id\nC1\nC2\n"C3\nC4\n', fails=True)
    assert "2 rows, 2 new links" in done.stdout
    assert "line 4: a quote is opened and never closed" in done.stderr
    assert crm.rows("SELECT value FROM keys ORDER BY id") == [("C1",), ("C2",)]


def test_a_quote_that_takes_lines_is_named_with_its_first(crm: Any) -> None:
    done = run_import(crm, 'crm_id,email\nC1,"a@shop.test\nC2,b@shop.test\n"\nC3,c@shop.test\n')
    assert "it takes 3 lines: is a quote in it not closed?" in done.stderr
    assert done.stderr.startswith("line 2: email ")
    evidence = crm.rows("SELECT DISTINCT event_id FROM links ORDER BY 1")
    assert evidence == [(f"import:people.csv:000000000{line}",) for line in (2, 5)]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_with_its_mark_is_read(crm: Any, encoding: str) -> None:
    text = "\ufeffcrm_id\temail\r\nM\xfcller\tann@shop.test\r\n"
    assert "1 rows, 2 new links" in run_import(crm, text.encode(encoding)).stdout
    assert crm.rows("SELECT value FROM keys ORDER BY id") == [("M\xfcller",), ("ann@shop.test",)]
    cut = run_import(crm, (text + "C2\t").encode(encoding) + b"\0", fails=True)
    assert "it is not the UTF-16 that its first bytes say" in cut.stderr


def test_columns_that_are_no_keys_are_left_out(crm: Any) -> None:
    text = "name,crm_id,city,email\nAnn,C1,Bern,ann@shop.test\nBob,,Bern,bob@shop.test\n"
    done = run_import(crm, text, "--ignore-column", "name", "--ignore-column", "city")
    assert "1 rows, 2 new links, 1 cells or rows left out" in done.stdout
    assert crm.rows("SELECT value FROM keys ORDER BY id") == [("C1",), ("ann@shop.test",)]
    done = run_import(crm, text, "--ignore-column", "nam", fails=True)
    assert "there is no column 'nam' to ignore" in done.stderr
