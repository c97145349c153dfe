"""The outbox as a file: damaged, foreign, full, deleted, bounded; and its three durabilities."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import threading

import pytest
from sdk_run import app, run, wait_until

from onetrail import sender as sender_module
from onetrail.clock import Reading
from onetrail.outbox import store as store_module
from onetrail.outbox.bounds import Bounds, trim, trim_old
from onetrail.outbox.connections import Connections
from onetrail.outbox.rows import Event, Session
from onetrail.outbox.store import Store
from onetrail.parts import Wiring
from onetrail.testing import FakeClock, RecordingTransport


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@pytest.fixture
def store(folder):
    made = Store(Connections(str(folder / "outbox.db"), fsync_each=False))
    yield made
    made.close()


SESSION = Session("s-1", "h-1", "boot-1", "{}")


def event(number, wall_ms=1_800_000_000_000, mono_ms=0, text="{}"):
    return Event(f"id-{number}", "reading", wall_ms, mono_ms, 0, text)


@pytest.mark.parametrize(
    "content",
    [b"this is no database" * 100, b"\x00" * 5000, b"SQLite format 3\x00" + b"\xff" * 4000],
)
def test_a_damaged_file_is_set_aside(new_tracker, sink, folder, caplog, content):
    (folder / "outbox.db").write_bytes(content)
    tracker = new_tracker()
    tracker.track("one")
    assert tracker.flush() == 0
    assert sink.types[:1] == ["one"]
    (aside,) = folder.glob("outbox.db.damaged-*")
    assert aside.read_bytes() == content
    assert caplog.text.count("was damaged") == 1
    assert tracker.counts()["lost:damaged_outbox"] == 1


def test_a_file_damaged_in_the_middle_is_set_aside_while_running(new_tracker, sink, folder):
    tracker = new_tracker(url="http://127.0.0.1:9")
    for number in range(500):
        tracker.track("before", number=number)
    tracker.close(timeout_s=0)
    wait_until(lambda: not tracker._sender._thread.is_alive())
    path = folder / "outbox.db"
    whole = bytearray(path.read_bytes())
    whole[1024:-1024] = b"\xa5" * (len(whole) - 2048)
    path.write_bytes(whole)
    tracker = new_tracker()
    tracker.track("after")
    assert tracker.flush() == 0
    assert "after" in sink.types
    assert list(folder.glob("outbox.db.damaged-*"))


def test_somebody_elses_database_is_left_as_it_is(new_tracker, sink, folder):
    path = folder / "outbox.db"
    with sqlite3.connect(path) as foreign:
        foreign.execute("CREATE TABLE invoices(id)")
    foreign.close()
    tracker = new_tracker()
    tracker.track("one")
    assert tracker.flush() == 0
    (aside,) = folder.glob("outbox.db.damaged-*")
    with sqlite3.connect(aside) as kept:
        assert kept.execute("SELECT name FROM sqlite_master").fetchall() == [("invoices",)]
    kept.close()


def test_a_deleted_file_is_made_anew(new_tracker, sink, folder):
    tracker = new_tracker()
    tracker.track("one")
    assert tracker.flush() == 0
    for path in folder.iterdir():
        path.unlink()
    tracker.track("into the void")
    tracker.flush()
    tracker.track("two")
    assert tracker.flush() == 0
    assert sink.types[-1] == "two"
    assert (folder / "outbox.db").exists()


@pytest.mark.parametrize("where", ["/proc/onetrail", "/dev/null/onetrail"])
def test_without_a_folder_events_wait_in_memory(new_tracker, sink, caplog, where):
    """It says so once, and delivers all the same."""
    tracker = new_tracker(data_dir=where)
    for number in range(100):
        tracker.track("reading", number=number)
    assert tracker.flush() == 0
    assert sink.types == ["reading"] * 100
    assert caplog.text.count("outbox.db cannot be written") == 1
    assert tracker.profile_id is not None


def test_memory_is_bounded_too(new_tracker, sink, quick):
    sink.always = 503
    tracker = new_tracker(data_dir="/proc/onetrail", settings=quick._replace(max_events=500))
    for number in range(200):
        tracker.track("reading", number=number)
    sink.always = None
    assert tracker.flush() == 0
    kept = [e["properties"]["number"] for e in sink.events.values() if e["type"] == "reading"]
    assert kept[-50:] == list(range(150, 200))  # before them, what was on its way just then
    assert tracker.counts()["lost:outbox_full_events"] == 150


FILLED = """
    import resource, signal, sys
    from onetrail import Settings, Tracker
    url, folder, limit, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    if limit:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    settings = Settings(send_interval_s=0.05, backoff_cap_s=0.1, exit_timeout_s=0.1)
    tracker = Tracker(url, source="demo", data_dir=folder, settings=settings)
    for number in range(count):
        tracker.track("reading", number=number, text="x" * 200)
    print("tracked", flush=True)
    print(input(), flush=True)
    print("left", tracker.flush(timeout_s=20))
"""


def fill(sink, folder, limit, count):
    """Tracks until the disk takes no more, while the collector is down; then it comes back."""
    sink.always = 503
    process = app(FILLED, sink.url, folder, limit, count)
    with process:
        lines = [process.stdout.readline()]
        while lines[-1] not in {"tracked\n", ""}:
            lines.append(process.stdout.readline())
        sink.always = None
        out, _ = process.communicate("go\n", timeout=60)
    return "".join(lines) + out


def test_a_full_disk_costs_nothing_while_memory_lasts(sink, folder):
    """The file may not grow over 300 kB: EFBIG instead of ENOSPC, from the same place."""
    said = fill(sink, folder, 300_000, 3000)
    assert "left 0" in said, said
    assert said.count("cannot be written") == 1
    assert sorted(e["properties"]["number"] for e in sink.events.values()) == list(range(3000))


def test_a_full_file_system_costs_nothing_while_memory_lasts(sink, tmp_path):
    """A real one: a tmpfs of 400 kB."""
    mount = tmp_path / "small"
    mount.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", mount],
        check=False,
        capture_output=True,
    )
    if made.returncode:
        pytest.skip("no right to mount a tmpfs here")
    try:
        said = fill(sink, mount / "data", 0, 3000)
    finally:
        subprocess.run(["umount", mount], check=True)
    assert "left 0" in said, said
    assert sorted(e["properties"]["number"] for e in sink.events.values()) == list(range(3000))


def test_when_full_the_oldest_go_and_are_counted_and_reported(new_tracker, sink, quick):
    sink.always = 503
    tracker = new_tracker(settings=quick._replace(max_events=100))
    for number in range(250):
        tracker.track("reading", number=number)
    sink.always = None
    assert tracker.flush() == 0
    wait_until(lambda: "events-lost" in sink.types)
    kept = [e["properties"]["number"] for e in sink.events.values() if e["type"] == "reading"]
    assert kept[-100:] == list(range(150, 250))  # before them, what was on its way just then
    (told,) = [e["properties"] for e in sink.events.values() if e["type"] == "events-lost"]
    assert told == {"outbox_full_events": 150}
    assert tracker.counts()["lost:outbox_full_events"] == 150


def test_bytes_are_bounded(store):
    bounds = Bounds(events=100_000, bytes=200_000, age_s=1e9)
    for number in range(1000):
        store.append(SESSION, event(number, text='{"text":"' + "x" * 500 + '"}'))
        if number % 20 == 0:
            trim(store, bounds)
    trim(store, bounds)
    assert store.size()[1] <= 200_000
    assert store.peek(1000)[-1].id == "id-999"
    assert store.waiting(store.last_number()) + store.ledger.lost()["outbox_full_bytes"] == 1000


def test_age_is_bounded_by_the_clock_that_does_not_jump(store):
    bounds = Bounds(events=1000, bytes=10**9, age_s=3600)
    for number in range(10):
        store.append(SESSION, event(number, mono_ms=number * 600_000))
    now = Reading(10**15, 5 * 600_000 + 3_600_000, "boot-1")
    assert trim_old(store, bounds, now) == 5
    assert store.ledger.lost() == {"too_old": 5}


@pytest.mark.parametrize("wall_ms", [500_000_000_000, 1_800_000_000_000])
def test_a_clock_that_is_decades_off_never_makes_an_event_too_old(store, wall_ms):
    """Tracked in 1985 by a device without a battery, or looked at in 2066 by one gone mad."""
    bounds = Bounds(events=1000, bytes=10**9, age_s=3600)
    store.append(SESSION, event(1, wall_ms=wall_ms))
    assert trim_old(store, bounds, Reading(wall_ms + 40 * 365 * 86_400_000, 0, "boot-2")) == 0


def test_what_is_set_aside_is_bounded(store):
    for number in range(30):
        store.append(SESSION, event(number))
        store.set_aside(store.last_number(), "http_404")
    store.ledger.drop_aside(10, "aside_full")
    assert [aside.id for aside in store.ledger.aside()] == [
        f"id-{number}" for number in range(20, 30)
    ]
    assert store.ledger.lost() == {"aside_full": 20}


def test_sessions_that_nobody_needs_are_forgotten_and_may_come_back(store):
    for number in range(150):
        store.append(SESSION._replace(id=f"s-{number}"), event(number))
    store.acknowledge(store.last_number())
    other = Store(Connections(store.connections.path, fsync_each=False))
    other.tidy()
    store.append(SESSION._replace(id="s-7"), event(151))  # its key is gone, in another process
    (waiting,) = store.peek(10)
    assert store.session(waiting.session).id == "s-7"
    other.close()


def empty_by_sending(store):
    store.acknowledge(store.last_number())


def empty_by_setting_aside(store):
    store.set_aside(store.last_number(), "http_404")


def empty_by_dropping(store):
    store.drop_oldest(100, "too_old")


@pytest.mark.parametrize(
    "empty", [empty_by_sending, empty_by_setting_aside, empty_by_dropping, Store.purge]
)
def test_a_number_is_never_given_twice(store, empty):
    """Another process, which has sent up to 3, would take a second event 3 for done."""
    for number in range(3):
        store.append(SESSION, event(number))
    empty(store)
    other = Store(Connections(store.connections.path, fsync_each=False))
    other.append(SESSION, event(4))
    assert store.last_number() == 4
    assert [e.id for e in store.peek(10)] == ["id-4"]
    other.close()


def test_what_is_requeued_into_an_empty_outbox_is_numbered_on(store):
    for number in range(3):
        store.append(SESSION, event(number))
        store.set_aside(store.last_number(), "http_404")
    store._done = store.last_number()
    assert store.ledger.requeue() == 3
    assert [(e.seq, e.id) for e in store.peek(10)] == [(4, "id-0"), (5, "id-1"), (6, "id-2")]


def test_an_outbox_of_an_older_version_is_carried_on(store, folder):
    """Its events were numbered by AUTOINCREMENT, and all were sent."""
    for number in range(2):
        store.append(SESSION, event(number))
    store.close()
    with sqlite3.connect(folder / "outbox.db") as older:
        older.executescript("""
            DROP TABLE numbered; PRAGMA user_version = 0; ALTER TABLE event RENAME TO newer;
            CREATE TABLE event(seq INTEGER PRIMARY KEY AUTOINCREMENT, session INTEGER NOT NULL
                REFERENCES session(key), id TEXT NOT NULL, type TEXT NOT NULL,
                wall_ms INTEGER NOT NULL, mono_ms INTEGER NOT NULL, ago_ms INTEGER NOT NULL,
                properties TEXT NOT NULL);
            INSERT INTO event SELECT * FROM newer; DROP TABLE newer; DELETE FROM event;
        """)
    older.close()
    store.append(SESSION, event(2))
    assert [(e.seq, e.id) for e in store.peek(10)] == [(3, "id-2")]


def test_tracking_does_not_wait_for_the_thread_that_reads(new_tracker, quick):
    """That one may be moving the log into the file, which takes long on slow flash."""
    tracker = new_tracker(url="http://127.0.0.1:9", settings=quick._replace(max_events=64))
    tracker.track("one")
    with tracker._outbox.disk.connections.read_lock:
        tracking = threading.Thread(target=lambda: [tracker.track("more") for _ in range(200)])
        tracking.start()
        tracking.join(10)
        assert not tracking.is_alive()


def test_the_log_beside_the_file_is_bounded(store, folder):
    """Twenty thousand commits of a kilobyte or two, none acknowledged."""
    longest = 0
    for number in range(20_000):
        store.append(SESSION, event(number))
        if number % 1000 == 0:
            store.shorten_log()
            longest = max(longest, (folder / "outbox.db-wal").stat().st_size)
    assert longest < 12_000_000


def test_the_log_is_kept_short_while_the_collector_asks_to_wait(
    new_tracker, sink, folder, monkeypatch
):
    """On the sender's thread, though it has nothing to send for a minute."""
    monkeypatch.setattr(store_module, "_LOG_EVENTS", 500)
    monkeypatch.setattr(sender_module, "_LOOK_S", 0.02)
    sink.always = (429, {"Retry-After": "60"})
    tracker = new_tracker()
    tracker.track("one")
    wait_until(tracker._sender.told_to_wait.is_set)
    size = (folder / "outbox.db").stat().st_size
    for number in range(1000):
        tracker.track("reading", number=number, text="x" * 100)
    wait_until(lambda: (folder / "outbox.db").stat().st_size > size + 100_000)
    assert tracker._sender.told_to_wait.is_set()


@pytest.mark.parametrize(("durability", "fsyncs"), [("process", 1), ("power", 2), ("grouped", 2)])
def test_each_durability_asks_sqlite_for_its_fsyncs(new_tracker, durability, fsyncs):
    """1 is NORMAL: an fsync per checkpoint; 2 is FULL: one per commit."""
    tracker = new_tracker(durability=durability)
    tracker.track("one")
    connections = tracker._outbox.disk.connections
    with connections.write_lock:
        assert connections.writer().execute("PRAGMA synchronous").fetchone() == (fsyncs,)


GROUPED = """
    import sys, time
    from onetrail import Settings, Tracker
    settings = Settings(group_interval_s=0.2, connect_timeout_s=0.5)
    tracker = Tracker(sys.argv[1], source="demo", data_dir=sys.argv[2], settings=settings,
                      durability="grouped")
    for number in range(100):
        tracker.track("early", number=number)
    print("tracked", flush=True)
    input()
    tracker.track("late")
    print("late", flush=True)
    time.sleep(60)
"""


def test_grouped_commits_lose_at_most_an_interval(new_tracker, sink, folder):
    """Killed right after a call, the events of earlier intervals are there."""
    path = folder / "outbox.db"
    with app(GROUPED, "http://127.0.0.1:9", folder) as process:
        assert process.stdout.readline() == "tracked\n"
        wait_until(lambda: path.exists() and _count(path) == 100)
        process.stdin.write("go\n")
        process.stdin.flush()
        assert process.stdout.readline() == "late\n"
        process.send_signal(signal.SIGKILL)
    tracker = new_tracker()
    assert tracker.flush() == 0
    assert sink.types[:100] == ["early"] * 100
    assert len(sink.events) in {100, 101}


def _count(path):
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            count = connection.execute("SELECT count(*) FROM event").fetchone()[0]
        connection.close()
    except sqlite3.Error:
        return 0
    return count


def test_grouped_commits_are_all_there_after_a_normal_exit(new_tracker, sink, folder):
    code = """
        import sys
        from onetrail import Settings, Tracker
        tracker = Tracker("http://127.0.0.1:9", source="demo", data_dir=sys.argv[1],
                          durability="grouped", settings=Settings(group_interval_s=30))
        for number in range(1000):
            tracker.track("reading", number=number)
    """
    run(code, folder)
    assert new_tracker().flush() == 0
    assert len(sink.events) == 1000


def test_a_fake_day_offline_arrives_with_true_times(new_tracker, quick):
    """24 h without network, an event a minute; the clock is a fake."""
    clock, transport = FakeClock(), RecordingTransport()
    transport.down = True
    tracker = new_tracker(wiring=Wiring(clock=clock, transport=transport), settings=quick)
    for minute in range(1440):
        tracker.track("reading", minute=minute)
        clock.advance(60)
    transport.down = False
    assert tracker.flush(timeout_s=20) == 0
    events = transport.events()
    assert [e["properties"]["minute"] for e in events] == list(range(1440))
    assert events[0]["time"] == "2027-01-15T08:00:00.000Z"
    assert events[-1]["time"] == "2027-01-16T07:59:00.000Z"
