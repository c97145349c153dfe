"""Forks at the worst moments: what another thread holds just then must not be held for ever."""

from __future__ import annotations

import pytest
from sdk_run import run

START = """
    import os, sys, threading, time
    from onetrail import Settings, Tracker
    url, folder = sys.argv[1:3]
    quick = Settings(send_interval_s=0.01, exit_timeout_s=5.0)
    tracker = Tracker(url, source="demo", data_dir=folder, settings=quick)

    def ended(pid, limit_s=10.0):
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            if (done := os.waitpid(pid, os.WNOHANG))[0]:
                return done[1]
            time.sleep(0.01)
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        raise AssertionError("the child hangs")
"""
WHILE_THE_SENDER_IMPORTS = f"""{START}
    import importlib.abc

    class Slow(importlib.abc.MetaPathFinder):
        found = threading.Event()

        def find_spec(self, name, path, target=None):
            if name == sys.argv[3]:
                self.found.set()
                time.sleep(0.5)

    sys.meta_path.insert(0, Slow())
    tracker.track("parent")
    assert Slow.found.wait(10)
    if (pid := os.fork()) == 0:
        alone = Tracker(url, source="demo", data_dir=folder + "/child", settings=quick)
        alone.track("child")
        os._exit(alone.flush(timeout_s=5))
    assert ended(pid) == 0
    assert tracker.flush() == 0
"""
WHILE_ANOTHER_THREAD_COUNTS = f"""{START}
    def count():
        with tracker._tally._lock:
            held.set()
            time.sleep(0.3)
    held = threading.Event()
    threading.Thread(target=count).start()
    held.wait()
    if (pid := os.fork()) == 0:
        tracker.track("child", value=float("nan"))
        tracker.flush(timeout_s=5)
        os._exit(tracker.counts()["changed:not_finite"] - 1)
    assert ended(pid) == 0
"""
TWO_THREADS_FORK = f"""{START}
    def fork():
        for _ in range(25):
            if (pid := os.fork()) == 0:
                tracker.track("child")
                os._exit(0)
            assert ended(pid) == 0
        done.append(1)
    done = []
    threads = [threading.Thread(target=fork, daemon=True) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join(20) for thread in threads]
    if len(done) != 4:
        os._exit(1)  # a normal end would hang, too
    assert tracker.flush() == 0
"""


@pytest.mark.parametrize("module", ["httpx", "httpx._client", "httpcore"])
def test_while_the_sender_imports(sink, tmp_path, module):
    """A module half imported in the parent would lock up the child's sender, lease in hand."""
    run(WHILE_THE_SENDER_IMPORTS, sink.url, tmp_path, module)
    assert sorted(sink.types) == ["child", "parent"]


def test_while_another_thread_counts(sink, tmp_path):
    run(WHILE_ANOTHER_THREAD_COUNTS, sink.url, tmp_path)
    assert sink.types == ["child"]


def test_two_threads_fork_at_once(sink, tmp_path):
    """Each fork holds every lock: of two at once, one waits for the other."""
    run(TWO_THREADS_FORK, sink.url, tmp_path)
    assert sink.types == ["child"] * 100
