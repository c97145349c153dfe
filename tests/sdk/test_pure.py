"""The pure parts: ids, back-off, verdicts, receipts, settings."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

import onetrail
from onetrail import receipt
from onetrail.backoff import next_delay_s
from onetrail.ids import EventIds, new_id
from onetrail.settings import Settings
from onetrail.verdict import Verdict, verdict


@given(st.lists(st.integers(0, 2**47), min_size=2, max_size=50))
def test_event_ids_are_uuid7_and_only_rise_whatever_the_clock_does(clock_ms):
    ids = EventIds()
    made = [ids.next(ms) for ms in clock_ms]
    assert made == sorted(set(made))
    assert all(uuid.UUID(text).version == 7 for text in made)
    assert all(uuid.UUID(text).variant == uuid.RFC_4122 for text in made)
    assert uuid.UUID(made[0]).int >> 80 == clock_ms[0] or clock_ms[0] == 0


def test_a_hundred_thousand_ids_of_one_millisecond_differ():
    ids = EventIds()
    made = [ids.next(1_800_000_000_000) for _ in range(100_000)]
    assert made == sorted(set(made))


def test_session_ids_are_uuid4():
    made = uuid.UUID(new_id())
    assert (made.version, made.variant) == (4, uuid.RFC_4122)


@given(st.integers(1, 10**9), st.floats(0, 1, exclude_max=True))
def test_a_delay_is_never_over_the_cap(attempt, jitter):
    assert 0 <= next_delay_s(attempt, jitter=jitter) <= 60


def test_delays_double_up_to_the_cap():
    halves = [next_delay_s(attempt, jitter=0.5) for attempt in range(1, 10)]
    assert halves == [0.25, 0.5, 1, 2, 4, 8, 16, 30, 30]


@pytest.mark.parametrize(
    ("statuses", "meaning"),
    [
        ((200, 202, 204), Verdict.DELIVERED),
        ((401, 403), Verdict.REFUSED_SOURCE),
        ((408, 425, 429, 500, 502, 503, 504, 302, 304, 101), Verdict.RETRY),
        ((413,), Verdict.SPLIT),
        ((400, 404, 405, 410, 415, 422), Verdict.SET_ASIDE),
    ],
)
def test_the_status_alone_decides(statuses, meaning):
    assert {verdict(status) for status in statuses} == {meaning}


@given(st.binary())
def test_any_body_can_be_read(body):
    assert receipt.read(body).profile_id is None or b"profile" in body


def test_settings_come_from_the_environment():
    settings = Settings.from_env(
        {"ONETRAIL_BATCH_EVENTS": "7", "ONETRAIL_GZIP": "no", "ONETRAIL_READ_TIMEOUT_S": "2.5"}
    )
    assert settings == Settings(batch_events=7, gzip=False, read_timeout_s=2.5)


@pytest.mark.parametrize("name", ["BATCH_EVENTS", "GZIP", "READ_TIMEOUT_S"])
def test_a_variable_that_is_no_number_is_named(name):
    with pytest.raises(ValueError, match=f"ONETRAIL_{name} is 'x'"):
        Settings.from_env({f"ONETRAIL_{name}": "x"})


def test_settings_cannot_be_changed():
    with pytest.raises(AttributeError):
        Settings().batch_events = 1  # type: ignore[misc]


def test_the_public_names():
    assert onetrail.__all__ == ["AsyncTracker", "Settings", "Tracker", "__version__"]
    assert all(getattr(onetrail, name) for name in onetrail.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = onetrail.nothing
