"""The power goes while an app tracks: what its outbox holds when the device comes back."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap

import pytest
from tests.power_cut import recorder

from onetrail.outbox.connections import Connections
from onetrail.outbox.store import Store

EVENTS = 100
APP = f"""
    import gzip, json, os, sys
    from onetrail import Settings, Tracker
    from onetrail.outbox import store
    from onetrail.parts import Wiring
    from onetrail.transport import Answer, TransportError

    store._LOG_EVENTS = 15  # so that the log is moved into the file now and then

    def say(what, numbers):
        os.write(1, "".join(f"{{what}} {{number}}\\n" for number in numbers).encode())

    class Collector:
        taken = 0

        def send(self, body, *, gzipped):
            if self.taken > 60:
                raise TransportError("down")
            events = json.loads(gzip.decompress(body) if gzipped else body)["events"]
            self.taken += len(events)
            say("delivered", [event["properties"]["number"] for event in events])
            return Answer(200, b'{{"profile":{{"id":"p-1"}}}}', 0.0)

        def close(self):
            pass

    settings = Settings(batch_events=10, send_interval_s=0.01, group_interval_s=0.01)
    tracker = Tracker(
        "http://collector.invalid", source="demo", data_dir=sys.argv[1],
        durability=sys.argv[2], settings=settings, wiring=Wiring(transport=Collector()),
    )
    for number in range({EVENTS}):
        tracker.track("reading", number=number, text="x" * (number * 37 % 400))
        say("tracked", [number])
        if number in (20, 40, 60):
            tracker.flush()
    os._exit(0)
"""


def cuts(tmp_path, durability):
    """Runs the app once; for each cut what it had said, and the folder that is found."""
    recorded = recorder(tmp_path / "data", tmp_path / "trace")
    code = textwrap.dedent(APP)
    command = [*recorded.command, sys.executable, "-c", code, recorded.folder, durability]
    said = subprocess.run(command, check=True, capture_output=True).stdout
    assert said.count(b"tracked") == EVENTS
    assert said.count(b"delivered") >= 60
    for cut in recorded.cuts(seed=17, moments=100):
        yield (
            numbers(cut.said, "tracked"),
            numbers(cut.said, "delivered"),
            cut.restore(tmp_path / "found"),
        )


def numbers(said, what):
    lines = [line.split() for line in said.decode().splitlines()]
    return {int(number) for kind, number in lines if kind == what}


def waiting(folder):
    """The numbers of the events in a sound outbox."""
    store = Store(Connections(str(folder / "outbox.db"), fsync_each=False))
    try:
        assert store.is_sound()
        return {json.loads(event.properties)["number"] for event in store.peek(1000)}
    finally:
        store.close()


def test_with_durability_power_no_tracked_event_is_lost(tmp_path):
    """Each is in the outbox or was delivered, whichever part of the unsynced reached the disk."""
    for tracked, delivered, folder in cuts(tmp_path, "power"):
        assert tracked - delivered <= waiting(folder)
        state = folder / "state.json"
        assert not state.exists() or json.loads(state.read_text())["holder"]


def test_without_it_the_same_cuts_lose_events(tmp_path):
    """So they are cuts that could be seen above."""
    assert any(
        tracked - delivered - waiting(folder)
        for tracked, delivered, folder in cuts(tmp_path, "process")
    )


@pytest.mark.parametrize("durability", ["process", "grouped"])
def test_with_the_others_the_newest_may_be_lost_and_the_file_is_sound(tmp_path, durability):
    """What is there is there without gaps."""
    for _, _, folder in cuts(tmp_path, durability):
        found = waiting(folder)
        assert not found or found == set(range(min(found), max(found) + 1))
