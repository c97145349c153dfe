"""What a sender feels of the work that goes on beside it: retention, exports, backup.

    python bench/upkeep.py                        a file of 1,000,000 events
    python bench/upkeep.py --events 10000000

Requests of one event come at a steady rate, each counted from when it was due. Load comes from wrk.
"""

import argparse
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import uvloop
from processes import Server, free_port, running

from collector import fill, paced

RATE = 300  # a second
SECONDS = 10
NOTHING = ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        full = Path(folder) / "full.db"
        fill(full, options.events)
        size_gb = full.stat().st_size / 1e9
        print(f"{count(full):,} events ({size_gb:.1f} GB), {RATE} requests a second beside it\n")
        print(f"{'beside':<28}{'p50 ms':>8}{'p99 ms':>8}{'max ms':>8}   what it did in {SECONDS} s")
        for name, settings, command in works(Path(folder), options.events):
            db = Path(folder) / "work.db"
            shutil.copy(full, db)
            with serving(db, settings) as server:
                feel(name, server, db, [word.replace("DB", str(db)) for word in command])


def works(folder: Path, events: int) -> Iterator[tuple[str, str, list[str]]]:
    """A name, what is configured, and a command that goes on meanwhile."""
    yield "nothing", NOTHING, []
    yield "retention, half is too many", f"[retention]\nrows = {events // 2}\n", []
    yield "export events, JSON lines", NOTHING, export("jsonl", folder)
    yield "export events, Parquet", NOTHING, export("parquet", folder)
    yield (
        "export profiles",
        NOTHING,
        ["export", "profiles", "-o", str(folder / "out"), "--db", "DB"],
    )
    yield "backup", NOTHING, ["backup", str(folder / "backup.db"), "--db", "DB"]


def export(form: str, folder: Path) -> list[str]:
    to = str(folder / f"events.{form}")
    return ["export", "events", "--format", form, "-o", to, "--db", "DB"]


@contextmanager
def serving(db: Path, settings: str) -> Iterator[Server]:
    port = free_port()
    config = db.with_suffix(".toml")
    config.write_text(settings)
    command = [sys.executable, "-m", "onetrail_collector", "serve", "--db", str(db), "--demo"]
    with running(
        [*command, "--config", str(config), "--port", str(port)], port, env=dict(os.environ)
    ) as server:
        yield server


def feel(name: str, server: Server, db: Path, command: list[str]) -> None:
    before, began_s = count(db), time.perf_counter()
    work = None
    if command:
        program = [sys.executable, "-m", "onetrail_collector", *command]
        work = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    times_ms = uvloop.run(paced(server, RATE, seconds=SECONDS))
    did = f"{before + len(times_ms) - count(db):,} events went" if not command else ""
    if work is not None:
        ended = work.poll() is not None
        work.kill()
        work.wait()
        did = "ended" if ended else f"under way after {time.perf_counter() - began_s:.0f} s"
    p50, p99 = (statistics.quantiles(times_ms, n=100)[cut] for cut in (49, 98))
    print(f"{name:<28}{p50:8.1f}{p99:8.1f}{max(times_ms):8.0f}   {did}", flush=True)


def count(db: Path) -> int:
    with closing(sqlite3.connect(db)) as connection:
        return int(connection.execute("SELECT count(*) FROM events").fetchone()[0])


if __name__ == "__main__":
    main()
