"""Any Python value becomes JSON; nothing raises; what was lost is counted."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import json
import math
import pathlib
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onetrail.values import LOSSY, MAX_BYTES, encode, quick


class Colour(enum.Enum):
    RED = "red"


class Size(enum.IntEnum):
    BIG = 3


@dataclasses.dataclass
class Point:
    x: int
    y: object


class Rude:
    def __str__(self):
        raise RuntimeError("no")


ODD = [
    (dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC), "2026-01-02T03:04:05+00:00"),
    (dt.date(2026, 1, 2), "2026-01-02"),
    (decimal.Decimal("12.50"), "12.50"),
    (uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007"),
    (pathlib.PurePosixPath("/a/b"), "/a/b"),
    (Colour.RED, "red"),
    (Size.BIG, 3),
    (b"\x00\xff", "AP8="),
    ({1}, [1]),
    ((1, 2), [1, 2]),
    (Point(1, {2}), {"x": 1, "y": [2]}),
    (math.nan, None),
    (-math.inf, None),
    (2**70, str(2**70)),
    ("\ud800", "?"),
    (True, True),
]


@pytest.mark.parametrize(("value", "expected"), ODD, ids=[str(type(v).__name__) for v, _ in ODD])
def test_odd_values_have_a_json_form(value, expected):
    assert json.loads(encode({"value": value, "set": {9}}).text) == {"value": expected, "set": [9]}


def test_keys_that_are_no_text_become_text():
    text = encode({"map": {1: "a", (1, 2): "b", Rude(): "c", b"x": {3}}}).text
    assert json.loads(text)["map"] == {"1": "a", "(1, 2)": "b", "<Rude>": "c", "eA==": [3]}


def test_a_cycle_is_cut_where_it_closes():
    loop = {"name": "a"}
    loop["self"] = [loop]
    encoded = encode({"loop": loop})
    assert json.loads(encoded.text) == {"loop": {"name": "a", "self": ["<cyclic>"]}}
    assert encoded.changes == {"cyclic": 1}


def test_the_same_value_twice_is_no_cycle():
    shared = [1]
    assert encode({"a": shared, "b": shared, "c": {1}}).changes == {}


def test_too_deep_is_cut_and_the_rest_kept():
    deep = "bottom"
    for _ in range(5000):
        deep = [deep]
    encoded = encode({"deep": deep, "beside": 1})
    assert json.loads(encoded.text)["beside"] == 1
    assert encoded.changes == {"too_deep": 1}


def test_the_largest_values_are_cut_and_the_rest_kept():
    encoded = encode({"small": 1, "page": "x" * 100_000, "note": "é" * 20_000})
    kept = json.loads(encoded.text)
    assert kept == {"small": 1, "page": "<cut: 100002 bytes>", "note": "<cut: 40002 bytes>"}
    assert encoded.changes == {"too_large": 2}


def test_a_thousand_small_values_that_are_too_much_together():
    encoded = encode({f"name-{number}": number for number in range(10_000)})
    assert len(encoded.text.encode()) <= MAX_BYTES
    assert encoded.changes["too_large"] > 1000


def test_an_object_that_cannot_even_print_itself():
    encoded = encode({"rude": Rude(), "kind": 1})
    assert json.loads(encoded.text) == {"rude": "<Rude>", "kind": 1}
    assert encoded.changes == {"unprintable": 1}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False,
    allow_infinity=False) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(
    st.characters(exclude_categories=["Cs"])), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip
anything = st.recursive(
    json_values
    | st.datetimes()
    | st.decimals()
    | st.uuids()
    | st.binary()
    | st.floats()
    | st.text()
    | st.complex_numbers()
    | st.builds(object),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.integers() | st.text(), inner) | st.tuples(inner)
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), anything, max_size=5))
def test_the_quick_way_and_the_careful_way_agree(properties):
    text = quick(properties)
    if text is not None:
        assert json.loads(text) == json.loads(encode(properties).text)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), json_values, max_size=5))
def test_plain_json_comes_back_as_it_was(properties):
    encoded = encode(properties)
    if not encoded.changes:
        assert json.loads(encoded.text) == properties


@given(st.dictionaries(st.text(), anything, max_size=5))
def test_whatever_it_is_the_result_is_sound_utf8_json_within_the_limit(properties):
    text = encode(properties).text
    assert isinstance(json.loads(text.encode("utf-8"), parse_constant=pytest.fail), dict)
    assert len(text.encode()) <= MAX_BYTES


def test_track_counts_what_it_changed(new_tracker, sink):
    tracker = new_tracker()
    tracker.track("odd", when=dt.date(2026, 1, 2), ratio=math.nan)
    assert tracker.flush() == 0
    assert tracker.counts() == {"changed:text": 1, "changed:not_finite": 1, "delivered": 1}


def test_strict_raises_for_what_would_be_lost_and_for_nothing_else(new_tracker):
    tracker = new_tracker(strict=True)
    tracker.track("fine", when=dt.date(2026, 1, 2), price=decimal.Decimal(1), tags={"a"})
    for value in (math.nan, object(), "x" * 50_000, "\ud800"):
        with pytest.raises(ValueError, match="'odd' cannot be kept"):
            tracker.track("odd", value=value)
    assert "text" not in LOSSY
