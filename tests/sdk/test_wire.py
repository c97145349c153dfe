"""The golden file: what the SDK sends for fixed calls, clocks and ids, value for value."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

from onetrail._version import __version__
from onetrail.parts import Wiring
from onetrail.transport import Answer, TransportError

GOLDEN = Path(__file__).parents[1] / "wire" / "sdk_batch.json"
SENT_AT_MS = 1_795_442_706_789  # the clocks below reach it when the request is made
PROFILE_ID = "5a8f1c9e-0d2b-4c47-9a3e-0b7f6d5e4c3b"


class SteppingClock:
    """Counts five seconds up to `sent_at`; its wall clock is wrong by a day until then."""

    boot = "boot-1"

    def __init__(self):
        self.now_ms = SENT_AT_MS - 5_000
        self.off_ms = -86_400_000

    def wall_ms(self):
        return self.now_ms + self.off_ms

    def mono_ms(self):
        return self.now_ms


class Line:
    """Carries only what holds `only`; each answer issues the same profile ID."""

    def __init__(self):
        self.bodies = []
        self.only = b""

    def send(self, body, *, gzipped):
        assert not gzipped
        if self.only not in body:
            raise TransportError("down")
        self.bodies.append(json.loads(body))
        return Answer(200, json.dumps({"profile": {"id": PROFILE_ID}}).encode(), 0.0)

    def close(self):
        pass


def test_the_request_is_the_golden_file(new_tracker):
    golden = json.loads(GOLDEN.read_text("utf-8"))
    clock, transport, numbers = SteppingClock(), Line(), itertools.count(1)
    event_ids = iter(["first", *(event["id"] for event in golden["request"]["events"])])
    tracker = new_tracker(
        wiring=Wiring(
            clock=clock,
            transport=transport,
            new_id=lambda: f"2f6f3c3e-9a57-4b0e-8a51-{next(numbers):012d}",
            event_id=lambda _: next(event_ids),
            context={
                "library": {"name": "onetrail-python", "version": __version__},
                "app": {"name": "till", "version": "2.1"},
            },
        )
    )
    tracker.track("hello")  # brings the profile ID
    assert tracker.flush() == 0
    transport.only = golden["request"]["sent_at"].encode()
    tracker.new_session()
    tracker.track(
        "page-view", url="https://shop.example/", price=12.5, tags=["a", "é"], member=False
    )
    tracker.new_session()
    clock.now_ms += 1000
    tracker.identify(
        email="Ann@shop.test", phone="+31 20 123 4567", user_id=17, traits={"plan": "pro"}
    )
    clock.now_ms += 1000
    tracker.track("order", {"order-id": 4711}, note=None)
    clock.now_ms, clock.off_ms = SENT_AT_MS, 0
    assert tracker.flush() == 0
    assert transport.bodies[-1] == golden["request"]
