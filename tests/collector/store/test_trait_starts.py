"""What traits say is found by the beginning of any word, and nothing that was taken back."""

import json
import sqlite3
from collections.abc import Iterator
from string import ascii_lowercase, ascii_uppercase
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onetrail_collector.store.database import migrations
from onetrail_collector.store.search import START_CHARS

LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)
MOST_WORDS = 12

words = st.sampled_from(["Ann", "ann", "Joann", "Ex", "", '"', "\\", "Élodie", "x" * 50, "\0", "%"])
values = st.one_of(
    st.lists(words, max_size=16).map(" ".join),
    st.text(max_size=60),
    st.integers(-(2**60), 2**60),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.lists(words, max_size=3),
    st.dictionaries(words, words, max_size=3),
)
traits = st.tuples(st.integers(1, 2), st.sampled_from(["name", "city"]), values)


@pytest.fixture(scope="module")
def file() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    for migration in migrations():
        connection.executescript(migration.sql)
    yield connection
    connection.close()


def starts(value: Any) -> set[str]:
    """Of a text, from each of its first words on; of a whole number, all of it."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return set()
    text = str(value).translate(LOWER)
    parts = text.split(" ")[:MOST_WORDS]
    places = [sum(len(part) + 1 for part in parts[:number]) for number in range(len(parts))]
    return {
        text[place : place + START_CHARS] for place, part in zip(places, parts, strict=True) if part
    }


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(traits, st.booleans()), max_size=12))
def test_the_search_holds_what_is_stated_and_nothing_else(
    file: sqlite3.Connection, steps: list[tuple[tuple[int, str, Any], bool]]
) -> None:
    """Whatever is added and removed in whatever order; of all erased nothing is left."""
    file.rollback()  # of the example before
    stated: dict[tuple[int, str, str], Any] = {}
    for (profile_id, name, value), goes in steps:
        text = json.dumps(value, ensure_ascii=False)
        stated[profile_id, name, text] = value
        file.execute(
            "INSERT OR IGNORE INTO traits VALUES (?, ?, ?, 0, '')", (profile_id, name, text)
        )
        if goes:
            gone = next(iter(stated))
            del stated[gone]
            file.execute("DELETE FROM traits WHERE (profile_id, name, value) = (?, ?, ?)", gone)
        found = set(file.execute("SELECT profile_id, name, start FROM trait_starts"))
        for (owner, trait, _), one in stated.items():
            if "\0" not in str(one):
                assert {(owner, trait, start) for start in starts(one)} <= found
        for owner, trait, start in found:
            same = [str(one) for (id_, of, _), one in stated.items() if (id_, of) == (owner, trait)]
            assert any(f" {start}" in f" {text.translate(LOWER)}" for text in same)
    file.execute("DELETE FROM traits")
    assert list(file.execute("SELECT * FROM trait_starts")) == []
