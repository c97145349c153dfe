"""The profile IDs of a profile are found whole, whichever of them the index leaves out."""

import asyncio
import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onetrail_collector.identity.keys import Key
from onetrail_collector.identity.resolve import Link
from onetrail_collector.store.database import migrations
from onetrail_collector.store.members import PUBLIC_ID, of_profile, of_profiles, oldest
from onetrail_collector.store.rows import SourcedLink, Writes
from onetrail_collector.store.sqlite import SqliteStore

SCHEMA = "".join(step.sql for step in migrations())
ADD = "INSERT INTO profile_ids (id, public_id, source, issued_ms, profile) VALUES (?, ?, 1, 0, ?)"

# The number of a profile may be that of an ID that has left it, and none at all.
groupings = st.dictionaries(st.integers(1, 8), st.integers(-2, 8))


def file_with(grouping: Mapping[int, int], path: Path | str = ":memory:") -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    if path == ":memory:":
        connection.executescript(SCHEMA)
    connection.executemany(ADD, [(id_, f"id-{id_}", number) for id_, number in grouping.items()])
    return connection


@given(groupings)
def test_each_way_to_ask_finds_the_same_as_reading_all(grouping: dict[int, int]) -> None:
    whole: dict[int, list[int]] = {number: [] for number in range(-3, 10)}
    for id_ in sorted(grouping):
        whole[grouping[id_]].append(id_)
    connection = file_with(grouping)
    for number, ids in whole.items():
        one = f"SELECT id FROM {of_profile('?1')} ORDER BY id LIMIT 3"
        assert [row[0] for row in connection.execute(one, (number,))] == ids[:3]
        [(first,)] = connection.execute(f"SELECT {oldest('?1')}", (number,))
        assert first == (ids[0] if ids else None)
    asked = [number for number in whole if number % 2]
    rows = connection.execute(f"SELECT * FROM {of_profiles('?1')}", (json.dumps(asked),))
    assert sorted(rows) == sorted((id_, n) for id_, n in grouping.items() if n in asked)
    found = connection.execute(f"SELECT id, {PUBLIC_ID} FROM profile_ids ORDER BY id").fetchall()
    assert found == [(id_, f"id-{whole[grouping[id_]][0]}") for id_ in sorted(grouping)]
    connection.close()


@pytest.mark.parametrize("grouping", [{}, {1: 1, 2: 2}, {1: -1, 2: 1, 3: 1, 4: 4, 5: 4, 6: -2}])
def test_profiles_are_counted_once(tmp_path: Path, grouping: dict[int, int]) -> None:
    async def count() -> tuple[int, int]:
        store = await SqliteStore.open(tmp_path / "a.db")
        file_with(grouping, tmp_path / "a.db").close()
        counts = await store.counts()
        await store.close()
        return counts.profiles, counts.profile_ids

    assert asyncio.run(count()) == (len(set(grouping.values())), len(grouping))


def test_a_page_of_a_large_profile_reads_no_more_than_the_page(tmp_path: Path) -> None:
    """Its oldest IDs come in their order from the index, and nothing is sorted."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    async def read() -> tuple[list[int], list[int]]:
        store = await SqliteStore.open(tmp_path / "a.db")
        await store.add_source("demo", name="demo", origins=[], now_ms=0)
        file_with(dict.fromkeys(range(1, 20_001), 7), tmp_path / "a.db").close()
        links = [SourcedLink(Link(n, Key("email", f"{n}"), 0, "e"), 1) for n in range(1, 20_001)]
        async with store.transaction() as transaction:
            await transaction.write(Writes(links=links))
        await store._reader.set_progress_handler(count, 100)
        ids = [member.id for member in await store.identity.members_of(7, limit=10)]
        evidence = await store.identity.evidence_of(7, limit=10)
        await store.close()
        return ids, [link.place.profile_id for link in evidence]

    assert asyncio.run(read()) == (list(range(1, 11)), list(range(1, 11)))
    assert steps < 50  # each a hundred instructions of SQLite's; all rows would be thousands
