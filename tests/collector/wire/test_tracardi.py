"""What Tracardi's clients ask for beside their events; the golden exchanges hold the rest."""

import json
from typing import Any

from onetrail_collector.wire import track
from onetrail_collector.wire.envelope import Envelope


def decode(**more: Any) -> Envelope:
    body = {"source": {"id": "demo"}, "session": {"id": "s-1"}, "events": [{"type": "a"}], **more}
    return track.decode(json.dumps(body).encode())


def test_a_session_that_is_not_to_be_saved_is_not_remembered() -> None:
    assert decode().session == "s-1"
    assert decode(options={"saveSession": True}).session == "s-1"
    unsaved = decode(options={"saveSession": False})
    assert unsaved.session is None
    assert len(unsaved.events) == 1


def test_options_that_are_not_tracardis_change_nothing() -> None:
    for options in ({"saveSession": "no"}, {"other": 1}, [], "x", None):
        found = decode(options=options)
        assert (found.session, len(found.events), found.rejected) == ("s-1", 1, [])
