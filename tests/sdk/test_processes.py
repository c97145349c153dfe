"""Several processes on one outbox: forks of every kind, and one that dies while it sends."""

from __future__ import annotations

import os
import signal
import threading

import pytest
from sdk_run import app, run, wait_until

from onetrail.outbox import connections

START = """
    import os, sys, time
    from onetrail import Settings, Tracker
    url, folder = sys.argv[1:3]
    def new():
        quick = Settings(send_interval_s=0.05, exit_timeout_s=5.0)
        return Tracker(url, source="demo", data_dir=folder, settings=quick)
"""
FORK_BEFORE_USE = f"""{START}
    tracker = new()
    children = []
    for name in "abc":
        if (pid := os.fork()) == 0:
            for number in range(50):
                tracker.track(f"{{name}}-{{number}}")
            assert tracker.flush(timeout_s=10) == 0
            os._exit(0)
        children.append(pid)
    for number in range(50):
        tracker.track(f"parent-{{number}}")
    assert tracker.flush(timeout_s=10) == 0
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0, 0]
"""
FORK_AFTER_USE = FORK_BEFORE_USE.replace(
    "    children = []", "    tracker.track('early')\n    tracker.flush()\n    children = []"
)
MULTIPROCESSING = f"""{START}
    import multiprocessing
    def work(name, tracker=None):
        tracker = tracker or TRACKER
        for number in range(50):
            tracker.track(f"{{name}}-{{number}}")
        tracker.flush(timeout_s=10)
    if __name__ == "__main__":
        TRACKER = new()
        TRACKER.track("early")
        context = multiprocessing.get_context("fork")
        workers = [context.Process(target=work, args=(name,)) for name in "ab"]
        [worker.start() for worker in workers]
        [worker.join() for worker in workers]
        print([worker.exitcode for worker in workers])
"""
THREADS_AND_FORKS = f"""{START}
    import threading
    tracker = new()
    done = threading.Event()
    def busy():
        number = 0
        while not done.is_set():
            tracker.track(f"thread-{{number}}")
            number += 1
    threads = [threading.Thread(target=busy) for _ in range(3)]
    [thread.start() for thread in threads]
    for name in range(20):
        if (pid := os.fork()) == 0:
            tracker.track(f"child-{{name}}")
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0
    done.set()
    [thread.join() for thread in threads]
    assert tracker.flush(timeout_s=30) == 0
"""
SENDS_UNTIL_KILLED = f"""{START}
    tracker = new()
    for number in range(300):
        tracker.track(f"first-{{number}}")
    print("tracked", flush=True)
    time.sleep(60)
"""


def expected(*names, count=50):
    return sorted(f"{name}-{number}" for name in names for number in range(count))


def test_fork_before_first_use(sink, tmp_path):
    run(FORK_BEFORE_USE, sink.url, tmp_path)
    assert sorted(sink.types) == expected("a", "b", "c", "parent")


def test_fork_after_first_use(sink, tmp_path):
    """The child inherits a thread that is not there, a connection and a lease that are not its."""
    run(FORK_AFTER_USE, sink.url, tmp_path)
    assert sorted(sink.types) == sorted([*expected("a", "b", "c", "parent"), "early"])


def test_multiprocessing_by_fork(sink, tmp_path):
    assert run(MULTIPROCESSING, sink.url, tmp_path).strip() == "[0, 0]"
    assert sorted(sink.types) == sorted([*expected("a", "b"), "early"])


def test_multiprocessing_by_spawn(sink, tmp_path):
    """Each child starts anew and makes a tracker of its own on the same folder."""
    script = tmp_path / "spawned.py"
    script.write_text(SPAWN)
    run("import runpy, sys; runpy.run_path(sys.argv[3], run_name='__main__')",
        sink.url, tmp_path / "data", script)  # fmt: skip
    assert sorted(sink.types) == expected("a", "b", "c")


SPAWN = """
import multiprocessing, sys
from onetrail import Settings, Tracker

def work(name, url, folder):
    with Tracker(url, source="demo", data_dir=folder, settings=Settings(exit_timeout_s=10)) as t:
        for number in range(50):
            t.track(f"{name}-{number}")

if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=work, args=(name, *sys.argv[1:3])) for name in "abc"]
    [worker.start() for worker in workers]
    [worker.join() for worker in workers]
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
"""


def test_forks_while_threads_track(sink, tmp_path):
    """The worst moment for a fork is in the middle of another thread's commit."""
    run(THREADS_AND_FORKS, sink.url, tmp_path)
    assert {f"child-{number}" for number in range(20)} <= set(sink.types)


def test_a_fork_that_no_hook_saw_begins_anew(new_tracker, sink):
    """Only the pid tells; the tracker then leaves everything of the parent's alone."""
    tracker = new_tracker()
    tracker.track("parent")
    assert tracker.flush() == 0
    tracker._pid = 1
    tracker.track("child")
    assert tracker._pid == os.getpid()
    assert tracker.flush() == 0
    for inherited in connections._never_closed:  # here they are our own after all
        inherited.close()
    assert sink.types == ["parent", "child"]


def test_another_process_takes_over_when_the_sending_one_is_killed(sink, new_tracker, tmp_path):
    sink.faults = ["hang"]
    with app(SENDS_UNTIL_KILLED, sink.url, tmp_path / "data") as process:
        assert process.stdout.readline() == "tracked\n"
        wait_until(lambda: sink.answered)
        tracker = new_tracker()
        tracker.track("second")
        assert tracker.flush(timeout_s=0.2) == 301
        process.send_signal(signal.SIGKILL)
    assert tracker.flush(timeout_s=20) == 0
    assert sorted(sink.types) == sorted([*expected("first", count=300), "second"])


def test_only_one_process_sends_at_a_time(sink, new_tracker, quick):
    """Two trackers on one folder: every request finds the other one waiting."""
    first, second = new_tracker(), new_tracker(settings=quick._replace(batch_events=5))
    for number in range(100):
        first.track(f"a-{number}")
        second.track(f"b-{number}")
    assert first.flush() == second.flush() == 0
    assert sorted(sink.types) == expected("a", "b", count=100)
    assert sink.most_at_once == 1


def test_eight_processes_start_at_once_on_no_folder(sink, tmp_path):
    """They make one outbox and one holder among them: one installation gets one profile ID."""
    code = f"""{START}
    tracker = new()
    tracker.track("start")
    tracker.flush(timeout_s=20)
    """
    processes = [app(code, sink.url, tmp_path / "data") for _ in range(8)]
    for process in processes:
        with process:
            out, _ = process.communicate(timeout=60)
            assert process.returncode == 0, out
            assert out == ""
    assert sink.types == ["start"] * 8
    assert len(set(sink.profiles.values())) == 1


def test_the_prefork_pattern_of_gunicorn_and_celery(sink, tmp_path):
    """A master loads the app and tracks, then forks workers that live, serve and are replaced."""
    code = f"""{START}
    tracker = new()
    tracker.track("preloaded")
    tracker.flush(timeout_s=10)
    def worker(name):
        for number in range(20):
            tracker.track(f"{{name}}-{{number}}")
        sys.exit(0)
    for generation in range(2):
        pids = []
        for name in ("w1", "w2"):
            if (pid := os.fork()) == 0:
                worker(f"{{name}}.{{generation}}")
            pids.append(pid)
        assert [os.waitpid(pid, 0)[1] for pid in pids] == [0, 0]
    """
    run(code, sink.url, tmp_path)
    names = [f"{name}.{generation}" for name in ("w1", "w2") for generation in (0, 1)]
    assert sorted(sink.types) == sorted([*expected(*names, count=20), "preloaded"])


@pytest.mark.parametrize("threads", [8])
def test_threads_share_a_tracker(new_tracker, sink, threads):
    tracker = new_tracker()

    def work(name):
        for number in range(100):
            tracker.track(f"{name}-{number}")

    running = [threading.Thread(target=work, args=(name,)) for name in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert tracker.flush(timeout_s=20) == 0
    assert sorted(sink.types) == expected(*range(threads), count=100)
    ids = list(sink.events)
    assert ids == sorted(ids)
