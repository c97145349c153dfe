"""What `onetrail-collector import` stores a second, for each format, beside a floor.

    python bench/imports.py [--events 100000] [--rounds 3]

The floor reads the same lines, parses them and inserts them with a unique id, 1,900 a commit, as a
script would that knows nothing of devices, sessions and people. Both sides include their start.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

FORMATS = ("segment", "posthog", "tracardi-events", "tracardi-profiles", "onetrail")
DEVICES = 5_000

FLOOR = """
import json, sqlite3, sys
connection = sqlite3.connect(sys.argv[2], isolation_level=None)
connection.execute("PRAGMA journal_mode = WAL")
connection.execute("PRAGMA synchronous = FULL")
connection.execute("CREATE TABLE events (id TEXT UNIQUE, type TEXT, body TEXT)")
rows = []
def commit():
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO events VALUES (?, ?, ?)", rows)
    connection.execute("COMMIT")
    rows.clear()
for line in open(sys.argv[1]):
    found = json.loads(line)
    id = found.get("messageId") or found.get("uuid") or found.get("event_id") or found["id"]
    rows.append((id, found.get("event") or found.get("type"), line))
    if len(rows) == 1900:
        commit()
commit()
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(f"{options.events:,} lines of {DEVICES:,} devices; median of {options.rounds} rounds\n")
    print("format               lines/s   floor's     ratio")
    with tempfile.TemporaryDirectory() as folder:
        for form in FORMATS:
            compare(form, Path(folder), options.events, options.rounds)


def compare(form: str, folder: Path, events: int, rounds: int) -> None:
    """One line of the table; both sides take turns."""
    file = folder / f"{form}.jsonl"
    with file.open("w") as lines:
        lines.writelines(json.dumps(document) + "\n" for document in documents(form, events))
    ours, floors = [], []
    for number in range(rounds):
        db = folder / f"{form}-{number}.db"
        run(*collector("sources", "add", "demo", "--db", db))
        said, seconds = timed(
            lambda db=db: run(
                *collector("import", file, "--format", form, "--source", "demo", "--db", db)
            )
        )
        if f"{events:,} events stored" not in said:
            sys.exit(f"not all was stored: {said}")
        ours.append(events / seconds)
        floor = folder / f"{form}-{number}-floor.db"
        _, seconds = timed(lambda floor=floor: run(sys.executable, "-c", FLOOR, file, floor))
        floors.append(events / seconds)
        for used in (db, floor):
            used.unlink()
    rate, least = statistics.median(ours), statistics.median(floors)
    print(f"{form:<18} {rate:>9,.0f} {least:>9,.0f} {rate / least:>9.2f}", flush=True)


class Visit(NamedTuple):
    """What an event is of: fifty visitors are there at once, and each does eight things."""

    number: int  # of the event
    device: int
    step: int  # of the visit
    at: str

    @property
    def is_known(self) -> bool:
        """One visitor of five signs in, first of all."""
        return self.device % 5 == 0


def documents(form: str, events: int) -> Iterator[dict[str, Any]]:
    """As an export has them, by time; each device comes back after the others."""
    for number in range(events):
        crowd, place = divmod(number, 400)
        device = (crowd * 50 + place % 50) % DEVICES
        minute, second = divmod(number // 50, 60)
        at = f"2026-03-{1 + minute // 1440:02}T{minute // 60 % 24:02}:{minute % 60:02}:{second:02}Z"
        yield MAKERS[form](Visit(number, device, place // 50, at))


def _segment(visit: Visit) -> dict[str, Any]:
    message: dict[str, Any] = {
        "messageId": f"m-{visit.number}",
        "anonymousId": f"a-{visit.device}",
        "timestamp": visit.at,
        "context": {"library": {"name": "analytics.js", "version": "4.1.0"}},
    }
    if visit.is_known:
        message["userId"] = f"u-{visit.device}"
    if visit.is_known and visit.step == 0:
        traits = {"email": f"user{visit.device}@shop.test", "plan": "pro"}
        return {**message, "type": "identify", "traits": traits}
    properties = {"url": f"https://shop.test/p/{visit.number}", "title": "A page"}
    return {**message, "type": "track", "event": "Product Viewed", "properties": properties}


def _posthog(visit: Visit) -> dict[str, Any]:
    device = f"d-{visit.device}"
    person = f"u-{visit.device}" if visit.is_known else device
    properties: dict[str, Any] = {"$device_id": device, "$lib": "web"}
    event = "$identify" if visit.is_known and visit.step == 0 else "$pageview"
    if event == "$identify":
        properties["$anon_distinct_id"] = device
        properties["$set"] = {"email": f"user{visit.device}@shop.test", "plan": "pro"}
    else:
        properties["$current_url"] = f"https://shop.test/p/{visit.number}"
        properties["$is_identified"] = visit.is_known
    return {
        "uuid": f"018e0000-0000-7000-8000-{visit.number:012x}",
        "event": event,
        "distinct_id": person,
        "timestamp": visit.at,
        "properties": properties,
    }


def _tracardi_event(visit: Visit) -> dict[str, Any]:
    url = f"https://shop.test/p/{visit.number}"
    return {
        "id": f"e-{visit.number}",
        "type": "page-view",
        "metadata": {"time": {"insert": visit.at}},
        "session": {"id": f"s-{visit.device}"},
        "profile": {"id": f"p-{visit.device}"},
        "properties": {"url": url},
        "context": {"page": {"url": url, "title": "A page"}},
    }


def _tracardi_profile(visit: Visit) -> dict[str, Any]:
    """Each line is another person, of two IDs."""
    number = visit.number
    return {
        "id": f"p-{number}",
        "ids": [f"p-{number}", f"old-{number}"],
        "metadata": {"time": {"insert": visit.at}},
        "traits": {"plan": "pro"},
        "data": {"contact": {"email": {"main": f"user{number}@shop.test"}}},
    }


def _onetrail(visit: Visit) -> dict[str, Any]:
    return {
        "event_id": f"e-{visit.number}",
        "profile_id": f"p-{visit.device}",
        "session": f"s-{visit.device}",
        "type": "page-view",
        "time": visit.at,
        "properties": {"url": f"https://shop.test/p/{visit.number}", "title": "A page"},
    }


MAKERS: dict[str, Callable[[Visit], dict[str, Any]]] = {
    "segment": _segment,
    "posthog": _posthog,
    "tracardi-events": _tracardi_event,
    "tracardi-profiles": _tracardi_profile,
    "onetrail": _onetrail,
}


def collector(*words: object) -> list[object]:
    return [sys.executable, "-m", "onetrail_collector", *words]


def run(*command: object) -> str:
    words = [str(word) for word in command]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


def timed(work: Callable[[], str]) -> tuple[str, float]:
    began = time.perf_counter()
    return work(), time.perf_counter() - began


if __name__ == "__main__":
    main()
