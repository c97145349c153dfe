"""What an outbox holds, for people: read from its file, while the app runs or not."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from onetrail.clock import rfc3339
from onetrail.holder import StateFile
from onetrail.outbox.connections import Connections
from onetrail.outbox.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PAGE = 1000


def status(folder: Path) -> dict[str, Any]:
    """Counts and facts of one outbox.

    Raises:
        FileNotFoundError: there is none in the folder.
    """
    store = _open(folder)
    try:
        head = store.peek(1)
        state = StateFile(folder / "state.json")
        return {
            "outbox": str(folder / "outbox.db"),
            "profile": state.load().profile_id,
            "consent": state.load_consent(),
            "waiting": store.waiting(store.last_number()),
            "oldest": rfc3339(head[0].wall_ms - head[0].ago_ms) if head else None,
            "bytes": store.size()[1],
            "aside": dict(Counter(event.reason for event in store.ledger.aside())),
            "lost": store.ledger.lost(),
        }
    finally:
        store.close()


def export(folder: Path) -> Iterator[dict[str, Any]]:
    """Every event that waits, oldest first; the time is the device's own."""
    store = _open(folder)
    try:
        last = 0
        while page := store.peek(_PAGE, after=last):
            for event in page:
                yield {
                    "id": event.id,
                    "type": event.type,
                    "time": rfc3339(event.wall_ms - event.ago_ms),
                    "properties": json.loads(event.properties),
                    "session": {"id": store.session(event.session).id},
                }
            last = page[-1].seq
    finally:
        store.close()


def export_aside(folder: Path) -> list[dict[str, Any]]:
    """Every event that was set aside, and why."""
    store = _open(folder)
    try:
        return [
            event._asdict() | {"properties": json.loads(event.properties)}
            for event in store.ledger.aside()
        ]
    finally:
        store.close()


def purge(folder: Path) -> int:
    """Forgets all events; returns how many."""
    store = _open(folder)
    try:
        return store.purge()
    finally:
        store.close()


def requeue(folder: Path) -> int:
    """Puts what was set aside at the end of the queue; returns how many."""
    store = _open(folder)
    try:
        return store.ledger.requeue()
    finally:
        store.close()


def _open(folder: Path) -> Store:
    path = folder / "outbox.db"
    if not path.exists():
        raise FileNotFoundError(f"no outbox in {folder}")
    return Store(Connections(str(path), fsync_each=False))
