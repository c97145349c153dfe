"""A forked child must not speak on its parent's connection."""

from __future__ import annotations

from sdk_run import run


def test_parent_and_child_have_a_connection_each(sink, tmp_path):
    code = """
        import os, sys
        from onetrail import Settings, Tracker
        tracker = Tracker(sys.argv[1], source="demo", data_dir=sys.argv[2],
                          settings=Settings(send_interval_s=0.01))
        tracker.track("parent-1")
        assert tracker.flush() == 0
        if (pid := os.fork()) == 0:
            tracker.track("child")
            os._exit(tracker.flush())
        assert os.waitpid(pid, 0)[1] == 0
        tracker.track("parent-2")
        assert tracker.flush() == 0
    """
    run(code, sink.url, tmp_path)
    assert sink.types == ["parent-1", "child", "parent-2"]
    assert len(sink.connections) == 2
