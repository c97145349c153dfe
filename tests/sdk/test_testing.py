"""onetrail.testing, used as its docstring says."""

from __future__ import annotations

import math

import pytest

from onetrail.testing import recorded, recording  # noqa: F401  the fixture


def test_what_the_app_tracks_is_recorded_without_a_network(recorded):  # noqa: F811
    recorded.tracker.track("document-exported", format="pdf")
    recorded.clock.advance(60)
    recorded.tracker.identify(user_id=1)
    assert recorded.types() == ["document-exported", "identify"]
    assert [event["time"] for event in recorded.events()] == [
        "2027-01-15T08:00:00.000Z",
        "2027-01-15T08:01:00.000Z",
    ]


def test_it_is_strict():
    with recording() as made, pytest.raises(ValueError, match="not_finite"):
        made.tracker.track("odd", ratio=math.nan)
