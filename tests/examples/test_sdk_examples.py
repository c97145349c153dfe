"""The SDK's examples, run as a user runs them against a real collector, which is then asked."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"

LOG = """user_id,event,timestamp,session_id,page
ann,visit,2024-03-13 10:21:14,s1,home
ann,order,2024-03-13 10:25:00,s1,cart
ann,visit,2024-03-15T08:00:00+01:00,s2,home
bob,visit,2024-03-13 10:21:14,s3,home
"""


def run(example, *arguments):
    command = [sys.executable, EXAMPLES / example, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_desktop_app_is_stored_as_one_session_of_one_profile(collector, tmp_path):
    said = run("desktop_app.py", collector.url, "--data-dir", tmp_path)
    counts = collector.get("/counts")
    assert (counts["events"], counts["sessions"], counts["profiles"]) == (4, 1, 1)
    assert "4 events, 0 not sent yet" in said
    (profile,) = [line.split()[1] for line in said.splitlines() if line.startswith("profile")]
    assert profile in str(collector.get("/profiles", key="email:ann@shop.test"))


def test_the_iot_loop_loses_no_reading_with_its_network(collector, tmp_path):
    said = run("iot_loop.py", collector.url, 150, "--data-dir", tmp_path)
    assert "network lost" in said
    assert "150 readings, 0 not sent yet" in said
    assert collector.get("/counts")["events"] == 150


def test_a_csv_log_is_replayed_with_its_own_sessions(collector, tmp_path):
    log = tmp_path / "log.csv"
    log.write_text(LOG)
    said = run("replay.py", collector.url, log, "--token", collector.token)
    assert said.splitlines()[-1] == "the same"
    assert collector.get("/counts")["sessions"] == 3


@pytest.mark.parametrize("users", [300])
def test_the_cdnow_log_from_pypi_is_replayed_to_the_same_counts(collector, users):
    said = run("replay.py", collector.url, "--token", collector.token, "--users", users)
    assert said.splitlines()[-1] == "the same", said
    assert collector.get("/counts")["profiles"] == users
