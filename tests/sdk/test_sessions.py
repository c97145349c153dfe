"""Sessions of programs that never end, and what the device says about itself."""

from __future__ import annotations

import getpass
import json
import socket

from onetrail._version import __version__
from onetrail.context import device_context
from onetrail.parts import Wiring
from onetrail.testing import FakeClock


def test_a_pause_longer_than_the_session_timeout_begins_a_new_session(new_tracker, sink, quick):
    clock = FakeClock()
    settings = quick._replace(session_timeout_s=1800)
    tracker = new_tracker(settings=settings, wiring=Wiring(clock=clock))
    first = tracker.session_id
    tracker.track("one")
    clock.advance(1700)
    tracker.track("two")
    assert tracker.session_id == first
    clock.advance(1801)
    tracker.track("three")
    assert tracker.session_id != first
    assert tracker.flush() == 0


def test_without_a_timeout_a_session_lasts_as_long_as_the_program(new_tracker):
    clock = FakeClock()
    tracker = new_tracker(wiring=Wiring(clock=clock))
    first = tracker.session_id
    clock.advance(10**8)
    tracker.track("one")
    assert tracker.session_id == first


def test_new_session_keeps_the_profile(new_tracker, sink):
    tracker = new_tracker()
    tracker.track("one")
    tracker.flush()
    profile = tracker.profile_id
    tracker.new_session()
    tracker.track("two")
    tracker.flush()
    assert tracker.profile_id == profile
    assert len(sink.profiles) == 2


def test_the_context_names_software_and_nobody():
    context = device_context("notes", "1.4")
    assert context["library"] == {"name": "onetrail-python", "version": __version__}
    assert context["app"] == {"name": "notes", "version": "1.4"}
    assert {"os", "arch", "python", "timezone"} <= set(context)
    text = json.dumps(context)
    assert socket.gethostname() not in text
    assert f'"{getpass.getuser()}"' not in text


def test_the_log_never_holds_a_payload(new_tracker, sink, caplog):
    caplog.set_level(1, "onetrail")
    sink.faults = [500, 401, "reset", 404]
    tracker = new_tracker()
    tracker.identify(email="ann@shop.test", traits={"name": "Annabel"})
    assert tracker.flush() == 0
    assert caplog.records
    assert "ann@shop.test" not in caplog.text
    assert "Annabel" not in caplog.text
