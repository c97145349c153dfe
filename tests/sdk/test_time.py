"""Times that are true relative to sent_at, whatever the device's clock did."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onetrail.boot import boot_id
from onetrail.clock import Reading, SystemClock, rfc3339, true_ms
from onetrail.parts import Wiring
from onetrail.testing import FakeClock, RecordingTransport

YEARS_40_S = 40 * 365.25 * 86_400


@pytest.fixture
def device(new_tracker):
    """A device that is offline: its clock, and a function that lets it send what it has."""
    clock, transport = FakeClock(), RecordingTransport()
    transport.down = True
    tracker = new_tracker(wiring=Wiring(clock=clock, transport=transport))

    def times():
        transport.down = False
        assert tracker.flush() == 0
        return {event["type"]: event["time"] for event in transport.events()}

    return clock, tracker, times


def test_a_clock_40_years_off_until_it_is_set(device):
    clock, tracker, times = device
    clock.jump(-YEARS_40_S)
    tracker.track("booted")
    clock.advance(90)
    clock.jump(YEARS_40_S)  # NTP
    tracker.track("set")
    clock.advance(10)
    assert times() == {"booted": "2027-01-15T08:00:00.000Z", "set": "2027-01-15T08:01:30.000Z"}


@pytest.mark.parametrize("jump_s", [-86_400, 3600, YEARS_40_S])
def test_a_clock_that_jumps_both_ways(device, jump_s):
    clock, tracker, times = device
    tracker.track("one")
    clock.advance(5)
    clock.jump(jump_s)
    tracker.track("two")
    clock.advance(5)
    clock.jump(-jump_s)
    tracker.track("three")
    assert list(times().values()) == [
        "2027-01-15T08:00:00.000Z",
        "2027-01-15T08:00:05.000Z",
        "2027-01-15T08:00:10.000Z",
    ]


def test_an_earlier_boots_events_keep_the_last_word_of_its_clock(new_tracker):
    """The clock was set after the event, in the same boot; then the power went."""
    clock, transport = FakeClock(), RecordingTransport()
    transport.down = True
    wiring = Wiring(clock=clock, transport=transport)
    tracker = new_tracker(wiring=wiring)
    clock.jump(-YEARS_40_S)
    tracker.track("booted")
    clock.advance(60)
    clock.jump(YEARS_40_S)
    tracker.flush(timeout_s=0.2)  # an attempt fails, and the sender notes what the clocks say
    tracker.close(timeout_s=0)
    clock.advance(3600)
    clock.reboot("boot-2")
    transport.down = False
    assert new_tracker(wiring=wiring).flush() == 0
    (event,) = transport.events()
    assert event["time"] == "2027-01-15T08:00:00.000Z"


@given(st.integers(0, 253_402_300_799_999))
def test_rfc3339_is_what_datetime_reads(ms):
    text = rfc3339(ms)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", text)
    moment = datetime.fromisoformat(text)
    assert moment == datetime.fromtimestamp(ms // 1000, UTC).replace(microsecond=ms % 1000 * 1000)


@given(st.integers(0, 10**13), st.integers(0, 10**10), st.integers(-(10**13), 10**13))
def test_within_a_boot_only_the_monotonic_distance_counts(wall_ms, passed_ms, jump_ms):
    event = Reading(wall_ms + jump_ms, 0, "b")
    assert true_ms(event, Reading(wall_ms + passed_ms, passed_ms, "b")) == wall_ms
    assert true_ms(event, Reading(wall_ms, passed_ms, "other")) == event.wall_ms


def test_the_system_clock_only_counts_up_and_knows_its_boot():
    clock = SystemClock()
    assert clock.mono_ms() <= clock.mono_ms()
    assert clock.wall_ms() > 1_700_000_000_000
    assert clock.boot == boot_id() != ""
