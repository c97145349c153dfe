"""Runs a piece of an app in a process of its own, and waits on conditions with a deadline."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time


def wait_until(condition, timeout_s=15.0):
    """Waits until the condition holds; fails after the deadline, never sleeps for luck."""
    end = time.monotonic() + timeout_s
    while not (result := condition()):
        assert time.monotonic() < end, f"not within {timeout_s} s"
        time.sleep(0.005)
    return result


def app(code, *arguments, **options):
    """Starts Python with this code; its stdout is a pipe of text."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **options},
    )


def run(code, *arguments, **options):
    """Runs the code to its end; returns what it printed. Fails if it failed."""
    with app(code, *arguments, **options) as process:
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, out
    return out
