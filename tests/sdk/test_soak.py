"""Everything at once: processes killed at random, and a collector that misbehaves."""

from __future__ import annotations

import random
import signal
import threading
import time

from sdk_run import app

TRACKS_UNTIL_KILLED = """
    import sys, time
    from onetrail import Settings, Tracker
    url, folder, name, count = *sys.argv[1:4], int(sys.argv[4])
    settings = Settings(send_interval_s=0.02, backoff_cap_s=0.2, batch_events=200,
                        connect_timeout_s=0.5, read_timeout_s=1.0)
    tracker = Tracker(url, source="demo", data_dir=folder, settings=settings)
    for number in range(count):
        tracker.track("reading", name=name, number=number, text="x" * (number * 37 % 400))
        print(number, flush=True)
        time.sleep(0.0005)
"""
FAULTS = ["commit_then_cut", "half_answer", "reset", 500, 503]


def test_what_was_tracked_is_stored_once_whoever_dies_and_whatever_fails(
    sink, tmp_path, new_tracker
):
    chance = random.Random(7)  # noqa: S311  the same run each time, as far as timing allows
    tracked, readers, living = {}, [], []
    end = time.monotonic() + 5
    while time.monotonic() < end:
        living = [process for process in living if process.poll() is None]
        while len(living) < 3:
            name = f"p{len(readers)}"
            count = chance.choice([50, 1000, 10**6])
            living.append(app(TRACKS_UNTIL_KILLED, sink.url, tmp_path / "data", name, count))
            readers.append(threading.Thread(target=_read, args=(living[-1], name, tracked)))
            readers[-1].start()
        sink.every = (chance.choice([2, 3, 5]), chance.choice(FAULTS))
        time.sleep(chance.uniform(0.05, 0.3))
        chance.choice(living).send_signal(signal.SIGKILL)
    for process in living:
        process.kill()
    for reader in readers:
        reader.join()
    sink.every = None
    assert new_tracker().flush(timeout_s=30) == 0
    stored = {name: [] for name in tracked}
    for event in sink.events.values():
        stored[event["properties"]["name"]].append(event["properties"]["number"])
    for name, last in tracked.items():
        assert sorted(stored[name]) == list(range(len(stored[name])))
        assert len(stored[name]) > last


def _read(process, name, tracked):
    """The last number that the app has said track() returned for."""
    tracked[name] = -1
    with process:
        for line in process.stdout:
            if line.endswith("\n"):
                tracked[name] = int(line)
