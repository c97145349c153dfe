"""Litestream as docs/operations.md configures it: what it has copied can be restored."""

import re
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.collector.test_durability import Load
from tests.conftest import wait_until
from tests.test_deploy import needs

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"
ENOUGH = 2_000  # events


@pytest.fixture
def litestream() -> str:
    return needs("litestream")


def documented(db: Path, replica: Path) -> str:
    """The documented file, of another database and with a folder for the bucket."""
    [text] = re.findall(
        r"```yaml\n# /etc/litestream.yml.*?\n(.*?)```", OPERATIONS.read_text(), re.DOTALL
    )
    for written, ours in (
        ("/var/lib/onetrail/onetrail.db", str(db)),
        ("s3://bucket/onetrail", f"file://{replica}"),
    ):
        assert written in text
        text = text.replace(written, ours)
    return str(text)


@contextmanager
def replicating(litestream: str, config: Path) -> Iterator[subprocess.Popen[bytes]]:
    with config.with_suffix(".log").open("w") as log:
        words = [litestream, "replicate", "-config", config]
        process = subprocess.Popen(words, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def restored(litestream: str, config: Path, db: Path, into: Path) -> set[str]:
    """The ids of the events in a copy made of the replica; none where there is no replica yet."""
    into.unlink(missing_ok=True)
    words = [litestream, "restore", "-config", config, "-if-replica-exists", "-o", into, db]
    subprocess.run(words, check=True, capture_output=True)
    if not into.exists():
        return set()
    with closing(sqlite3.connect(into)) as copy:
        return {row[0] for row in copy.execute("SELECT event_id FROM events")}


def test_what_litestream_has_copied_is_there_after_both_are_killed(
    new_collector: Callable[..., Any], litestream: str, tmp_path: Path
) -> None:
    """Also across an erasure, whose checkpoint takes the log away under Litestream."""
    collector = new_collector("--demo").start()
    config, copy = tmp_path / "litestream.yml", tmp_path / "restored.db"
    config.write_text(documented(collector.db, tmp_path / "replica"))
    event = {"id": "of-somebody-erased", "type": "click"}
    answer = collector.post({"source": {"id": "demo"}, "events": [event]}).json()

    def copied(ids: set[str]) -> bool:
        return ids <= restored(litestream, config, collector.db, copy)

    with replicating(litestream, config) as litestream_process, Load(collector.url) as load:
        wait_until(lambda: copied({event["id"]}), "a first copy")
        collector.run("erase", answer["profile"]["id"], "--reason", "asked", "--yes")
        count = len(load.acknowledged)
        wait_until(lambda: len(load.acknowledged) > count + ENOUGH, "events after the erasure")
        acknowledged = set(load.acknowledged)
        wait_until(lambda: copied(acknowledged), "a copy of what was acknowledged")
        collector.kill()
        litestream_process.send_signal(signal.SIGKILL)
    found = restored(litestream, config, collector.db, copy)
    assert acknowledged <= found
    assert event["id"] not in found
    assert "sound" in new_collector(db=copy).run("check")
