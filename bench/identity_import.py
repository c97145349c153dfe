"""Rows a second of `identity import`: people with random addresses and numbers, three keys each.

    python bench/identity_import.py [--rows 300000]

Beside it what reading the table alone takes, and plain INSERTs of the same rows into the same
tables, as safely, 2,000 a commit, in the order of the file: nothing looked up, nothing resolved.
Seconds of the clock, and of CPU as reading and storing share it.
"""

import argparse
import csv
import random
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from onetrail_collector.identity.policy import Policy
from onetrail_collector.identity.table import Row, Table

A_COMMIT = 2_000
INSERTS = (
    "INSERT INTO profile_ids (id, public_id, source, issued_ms, profile) VALUES (?, ?, 1, 0, ?)",
    "INSERT INTO keys (id, kind, value, profile) VALUES (?, ?, ?, ?)",
    "INSERT INTO links (profile_id, key, event_id, source, time_ms) VALUES (?, ?, ?, 1, 0)",
)


def write_table(file: Path, rows: int) -> None:
    draw = random.Random(3)
    with file.open("w") as out:
        out.write("user_id,email,phone\n")
        for number in range(rows):
            address = f"{draw.getrandbits(40):x}@shop{draw.randrange(50)}.test"
            out.write(f"C{number},{address},+4179{draw.randrange(10**7):07d}\n")


def read_table(file: Path) -> list[Row]:
    with file.open(newline="") as text:
        lines = csv.reader(text)
        table = Table(next(lines), Policy())
        return [row for row in table.read(enumerate(lines, 2)) if isinstance(row, Row)]


def insert(db: Path, rows: list[Row]) -> None:
    """Each key as one of its own: a number that two rows share is left to the second."""
    connection = sqlite3.connect(db, isolation_level=None)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA cache_size = -262144")
    seen = set()
    waiting, number = iter(enumerate(rows, 1)), 0
    while some := list(islice(waiting, A_COMMIT)):
        tables: tuple[list[tuple[object, ...]], ...] = ([], [], [])
        for profile_id, row in some:
            tables[0].append((profile_id, f"{profile_id:032x}", profile_id))
            for key in row.keys:
                if key not in seen:
                    seen.add(key)
                    number += 1
                    tables[1].append((number, *key, profile_id))
                    tables[2].append((profile_id, number, f"import:people.csv:{row.line}"))
        connection.execute("BEGIN IMMEDIATE")
        for sql, values in zip(INSERTS, tables, strict=True):
            connection.executemany(sql, values)
        connection.execute("COMMIT")
    connection.close()


def report(what: str, rows: int, work: Callable[[], object], who: int) -> None:
    before = resource.getrusage(who)
    began = time.perf_counter()
    work()
    seconds = time.perf_counter() - began
    after = resource.getrusage(who)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"| {what} | {rows / seconds:,.0f} | {rows / cpu_s:,.0f} |", flush=True)


def collector(*words: object) -> None:
    command = [sys.executable, "-m", "onetrail_collector", *map(str, words)]
    subprocess.run(command, check=True, capture_output=True)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=300_000)
    rows = options.parse_args().rows
    with TemporaryDirectory() as folder:
        file, db, floor = (Path(folder) / name for name in ("people.csv", "a.db", "floor.db"))
        write_table(file, rows)
        for path in (db, floor):
            collector("sources", "add", "demo", "--db", path)
        print(f"{rows:,} rows\n\n| what | rows/s | for each second of CPU |\n|---|---:|---:|")
        read: list[Row] = []
        own, child = resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN
        report("reading alone", rows, lambda: read.extend(read_table(file)), own)
        report("plain INSERTs of what was read", rows, lambda: insert(floor, read), own)
        run = ("identity", "import", file, "--db", db)
        report("**identity import**", rows, lambda: collector(*run), child)


if __name__ == "__main__":
    main()
