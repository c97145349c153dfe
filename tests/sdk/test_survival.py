"""Apps that are killed, that just end, that never flush: counted against what was stored."""

from __future__ import annotations

import signal
import socket
import time

import pytest
from sdk_run import app, run, wait_until

APP = """
    import sys
    from onetrail import Settings, Tracker
    url, folder, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    settings = Settings(send_interval_s=0.05, connect_timeout_s=1.0, read_timeout_s=1.0)
    tracker = Tracker(url, source="demo", data_dir=folder, settings=settings)
    for number in range(count):
        tracker.track("reading", number=number)
"""
KILLED = f"""{APP}
    print("tracked", flush=True)
    import time
    time.sleep(60)
"""


def numbers(sink):
    return sorted(event["properties"].get("number", -1) for event in sink.events.values())


def killed_after_tracking(url, folder, count):
    with app(KILLED, url, folder, count) as process:
        assert process.stdout.readline() == "tracked\n"
        process.send_signal(signal.SIGKILL)


@pytest.fixture
def dead_url():
    """Nobody listens there, and nobody else will."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{held.getsockname()[1]}"


def test_kill_9_with_the_collector_up(sink, new_tracker, tmp_path):
    """Whatever was on its way when the app died, each event is stored once in the end."""
    killed_after_tracking(sink.url, tmp_path / "data", 3000)
    assert new_tracker().flush(timeout_s=20) == 0
    assert numbers(sink) == list(range(3000))


def test_kill_9_with_the_collector_down(sink, new_tracker, tmp_path, dead_url):
    killed_after_tracking(dead_url, tmp_path / "data", 500)
    assert new_tracker().flush(timeout_s=20) == 0
    assert numbers(sink) == list(range(500))


def test_kill_9_with_the_collector_hanging(sink, new_tracker, tmp_path):
    sink.faults = ["hang"]
    with app(KILLED, sink.url, tmp_path / "data", 500) as process:
        assert process.stdout.readline() == "tracked\n"
        wait_until(lambda: sink.answered)
        process.send_signal(signal.SIGKILL)
    assert new_tracker().flush(timeout_s=20) == 0
    assert numbers(sink) == list(range(500))


def test_kill_9_in_the_middle_of_tracking(sink, new_tracker, tmp_path):
    """What track() has returned for is there: the app prints each number after its call."""
    code = f"""{APP.replace("range(count)", "range(0)")}
    for number in range(10**6):
        tracker.track("reading", number=number)
        print(number, flush=True)
    """
    with app(code, sink.url, tmp_path / "data", 0) as process:
        for _ in range(200):
            process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        said = process.stdout.read().split()
    whole = [int(line) for line in said[:-1]]
    last = max(whole, default=199)
    assert new_tracker().flush(timeout_s=20) == 0
    stored = numbers(sink)
    assert stored[: last + 1] == list(range(last + 1))
    assert stored == list(range(len(stored)))


@pytest.mark.parametrize("count", [1, 150, 5000])
def test_exit_without_flush_loses_nothing(sink, new_tracker, tmp_path, count):
    run(APP, sink.url, tmp_path / "data", count)
    assert new_tracker().flush(timeout_s=20) == 0
    assert numbers(sink) == list(range(count))


@pytest.mark.parametrize("count", [1, 150])
def test_exit_without_flush_has_sent_a_little_at_once(sink, tmp_path, count):
    """One second is enough for that, when the collector answers."""
    run(APP, sink.url, tmp_path / "data", count)
    assert numbers(sink) == list(range(count))


@pytest.mark.parametrize("count", [1, 150, 5000])
def test_exit_with_the_collector_down_takes_under_1500_ms(
    sink, new_tracker, tmp_path, dead_url, count
):
    assert _exits_in_time(dead_url, tmp_path, count)
    assert new_tracker().flush(timeout_s=20) == 0
    assert numbers(sink) == list(range(count))


def test_exit_with_the_collector_hanging_takes_under_1500_ms(sink, new_tracker, tmp_path):
    sink.always = "hang"
    assert _exits_in_time(sink.url, tmp_path, 150)
    sink.always = None
    assert new_tracker().flush(timeout_s=20) == 0
    assert numbers(sink) == list(range(150))


def _exits_in_time(url, folder, count):
    """A busy machine only adds to it: the quickest of up to three apps counts."""
    apps = ("data", "again", "once more")
    return any(_seconds_to_exit(url, folder / name, count) < 1.5 for name in apps)


def _seconds_to_exit(url, folder, count):
    """From the last line of the app to the end of its process."""
    with app(f"{APP}\n    print('end', flush=True)", url, folder, count) as process:
        assert process.stdout.readline() == "end\n"
        start = time.monotonic()
        assert process.wait(timeout=30) == 0
        return time.monotonic() - start


def test_down_for_20_seconds(new_tracker, sink, quick):
    """The issue's outage, in real time; the app tracks all through it."""
    sink.always = 503
    tracker = new_tracker(settings=quick._replace(backoff_cap_s=2.0, backoff_base_s=0.5))
    end = time.monotonic() + 20
    count = 0
    while time.monotonic() < end:
        tracker.track("reading", number=count)
        count += 1
        time.sleep(0.02)
    assert sink.answered < 100
    sink.always = None
    assert tracker.flush(timeout_s=20) == 0
    assert numbers(sink) == list(range(count))


def test_an_unhandled_exception_in_the_app_loses_nothing(sink, new_tracker, tmp_path):
    with app(f"{APP}\n    raise SystemExit(3)", sink.url, tmp_path / "data", 40) as process:
        assert process.wait(timeout=30) == 3
    assert new_tracker().flush() == 0
    assert numbers(sink) == list(range(40))


def test_events_tracked_after_close_wait_for_the_next_start(sink, new_tracker):
    first = new_tracker()
    first.close(timeout_s=5)
    first.track("late")
    assert new_tracker().flush() == 0
    assert sink.types == ["late"]
