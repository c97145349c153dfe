"""Junk links nobody, and is counted by the entry that it met."""

import time
from fnmatch import fnmatchcase

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onetrail_collector.identity.blocked import ZEROS, Blocked
from onetrail_collector.identity.keys import BUILT_IN_KINDS, blocked_entry, is_blocked

KINDS = {kind.name: kind for kind in BUILT_IN_KINDS}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "junk",
    [
        "null",
        "None",
        " UNDEFINED ",
        "nan",
        "NaN",
        "anonymous",
        "Guest",
        "test",
        "-1",
        "0",
        "000",
        "-",
        "----",
        "00000000-0000-0000-0000-000000000000",
        "[object Object]",
        "{00000000-0000-0000-0000-000000000000}",
    ],
)
def test_the_usual_junk_is_blocked_for_each_kind(kind: str, junk: str) -> None:
    assert is_blocked(KINDS[kind], junk)


@pytest.mark.parametrize(
    "address",
    ["test@test.com", "ann@example.com", "ann@Example.org", "a@mail.example.net", "a@shop.example"],
)
def test_addresses_of_examples_are_blocked(address: str) -> None:
    assert is_blocked(KINDS["email"], address)


@pytest.mark.parametrize(
    "address",
    ["ann@shop.test", "ann@myexample.com", "example@shop.test", "ann@test.com", "a@example.de"],
)
def test_other_addresses_are_not(address: str) -> None:
    assert not is_blocked(KINDS["email"], address)


@pytest.mark.parametrize("value", ["17", "10", "-10", "tester", "a-0", "0-0-1"])
def test_a_customer_number_is_not(value: str) -> None:
    assert not is_blocked(KINDS["user_id"], value)


def test_it_is_the_entry_that_is_named() -> None:
    assert blocked_entry(KINDS["email"], "ann@example.com") == "*@example.com"
    assert blocked_entry(KINDS["user_id"], "0000") == ZEROS
    assert blocked_entry(KINDS["user_id"], " NULL") == "null"


@given(
    entry=st.text("ab*", min_size=1, max_size=8),
    value=st.text("ab", min_size=1, max_size=10),
)
def test_a_star_stands_for_any_characters(entry: str, value: str) -> None:
    assert (Blocked([entry]).entry(value) is not None) == fnmatchcase(value, entry)


def test_no_entry_takes_for_ever() -> None:
    hostile = Blocked(["*".join("a" * 40) + "b"])
    began = time.perf_counter()
    assert hostile.entry("a" * 320) is None
    assert time.perf_counter() - began < 0.1
