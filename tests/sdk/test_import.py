"""What importing the SDK loads and costs."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from sdk_run import run

FORBIDDEN = ("httpx", "httpcore", "anyio", "platformdirs", "onetrail_collector", "starlette")


def test_importing_loads_neither_httpx_nor_the_collector():
    code = f"""
        import sys, onetrail
        from onetrail import Tracker, Settings
        print([name for name in {FORBIDDEN!r} if name in sys.modules])
    """
    assert run(code).strip() == "[]"


def test_importing_starts_no_thread_and_touches_no_file(tmp_path):
    code = """
        import threading
        from onetrail import Tracker
        print(threading.active_count())
    """
    assert run(code, HOME=str(tmp_path)).strip() == "1"
    assert list(tmp_path.iterdir()) == []


def test_import_onetrail_costs_at_most_25_ms():
    """The issue's limit, above a bare interpreter; medians, alternating, for a machine in use."""
    bare, ours = [], []
    for _ in range(9):
        bare.append(_seconds("pass"))
        ours.append(_seconds("import onetrail"))
    assert statistics.median(ours) - statistics.median(bare) < 0.025


def _seconds(code):
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - start
